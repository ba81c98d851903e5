"""Who may be sent at this moment, in SQL: consent, denials, suppression.

The marts say who consents to advertising; a denial that the door has taken since they
were published counts too, for a closed gate must not keep somebody in.
"""

from activation.suppressing import SUPPRESSED

_DENIED = """
select if(user_id != '', user_id, concat('anon:', anonymous_id)) as person_id
from raw.events
where event_name = 'consent_decided'
    and JSONExtractString(properties, 'purpose') = 'advertising'
    {since}
group by person_id
having argMax(
    JSONExtractBool(properties, 'granted') = 0,
    (occurred_at, JSONExtractBool(properties, 'granted') = 0)
)
"""

DENIED = _DENIED.format(since="")
"""People whose latest decision on advertising is a denial."""

DENIED_SINCE = _DENIED.format(
    since="and loaded_at >= fromUnixTimestamp64Micro({since:Int64})"
)
"""Those whose latest one since a plan is; `since` is its turn, less a margin."""

ALLOWED = f"""
select person_id from marts.dim_people
where advertising_consent
    and person_id not in ({DENIED})
    and person_id not in ({SUPPRESSED})
"""
"""People who consent to advertising and are not suppressed."""

NOT_WITHDRAWN = f"""
person_id not in ({DENIED_SINCE}) and person_id not in ({SUPPRESSED})
"""
"""On rows of any table: who was allowed as of a plan and has not said no since."""

STILL_ALLOWED = f"advertising_consent and {NOT_WITHDRAWN}"
"""On rows of marts.dim_people: who was allowed as of a plan and still is."""
