"""Whatever a tracker says, it is translated or refused, never a crash."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.bodies import split
from ingestion.dialects import segment, snowplow
from ingestion.dialects.aliases import Aliases
from ingestion.dialects.envelopes import Receipt, decoded, encoded
from ingestion.door import judged
from ingestion.judging import Source
from tests.unit.tracker_door import RULES, TAXONOMY
from warehouse.errors import BadInput
from warehouse.settings import REPOSITORY

CASES = Path(os.environ.get("QUESTLOG_CASES", REPOSITORY.parent / "shared" / "cases"))
BODIES = CASES / "bad_input" / "json_test_parsing"
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
RECEIPT = Receipt("web", NOW)
SEGMENT = Aliases.of("segment", TAXONOMY)
SNOWPLOW = Aliases.of("snowplow", TAXONOMY)

LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()
)
JUNK = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)
SEGMENT_KEYS = st.sampled_from(
    [
        *("event", "properties", "userId", "anonymousId", "messageId", "timestamp"),
        *("sentAt", "originalTimestamp", "context", "traits", "previousId", "groupId"),
        *("name", "category", "other"),
    ]
)
CONTEXTS = st.dictionaries(
    st.sampled_from(["page", "os", "device", "library", "campaign", "consent", "ip"]),
    JUNK,
)
NAMES = st.sampled_from(["Order Completed", "Segment Consent Preference", "Signed In"])
SNOWPLOW_KEYS = st.sampled_from(
    [
        *("eid", "dtm", "stm", "ttm", "uid", "duid", "tnuid", "sid", "ua", "page"),
        *("url", "refr", "ip", "lang", "tz", "tv", "p", "aid", "other"),
        *("ue_pr", "ue_px", "co", "cx", "se_ca", "se_ac", "tr_tt", "tr_cu"),
    ]
)


def verdicts(events: tuple[Any, ...]) -> int:
    body = split(encoded(events)) if events else None
    if body is None:
        return 0
    return len(judged(body, rules=RULES, source=Source("web"), received_at=NOW))


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from(segment.KINDS) | JUNK,
    said=st.dictionaries(SEGMENT_KEYS, JUNK),
    context=CONTEXTS,
    event=NAMES,
)
def test_whatever_segments_clients_say_is_judged(
    kind: Any, said: dict[str, Any], context: dict[str, Any], event: str
) -> None:
    batch = [
        {"type": kind, **said},
        {**said, "type": "track", "event": event, "context": context},
    ]

    found = segment.messages({"batch": batch, "sentAt": "x"}, "batch")
    made = segment.translated(found, SEGMENT, RECEIPT)

    assert verdicts(made.events) == len(made.events)
    assert verdicts(made.denied) == len(made.denied)


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from(["pv", "pp", "se", "ue", "tr", "ti"]) | JUNK,
    said=st.dictionaries(SNOWPLOW_KEYS, JUNK),
)
def test_whatever_snowplows_trackers_say_is_judged(
    kind: Any, said: dict[str, Any]
) -> None:
    payloads = [{**said, "e": kind}]

    snowplow.app_id(payloads)
    made = snowplow.translated(payloads, SNOWPLOW, RECEIPT, key="k")

    assert verdicts(made.events) == 1


@pytest.mark.skipif(not BODIES.is_dir(), reason=f"{BODIES} is absent")
def test_no_body_of_the_parsing_suite_is_taken_for_messages_or_breaks_us() -> None:
    read = set()
    for path in BODIES.glob("*.json"):
        for kind in (*segment.KINDS, "batch", "tp2"):
            with suppress(BadInput):
                body = decoded(path.read_bytes())
                of_snowplow = kind == "tp2"
                found = (
                    snowplow.messages(body)
                    if of_snowplow
                    else segment.messages(body, kind)
                )
                encoded(segment.translated(found, SEGMENT, RECEIPT).events)
                read.add(path.name)

    assert len(list(BODIES.glob("*.json"))) == 318
    assert read
    assert not {name for name in read if name.startswith("n")}
