"""Which surprises close a gate, and which only ask for a look.

What is missing is told and let pass: marts of what there is are right as far as they
go. What is there and must be wrong, such as money, consent or whose an event is, stops.
"""

from typing import TYPE_CHECKING

from expectations.suites import Severity

if TYPE_CHECKING:
    from expectations.detecting import Finding
    from expectations.past import Changed
    from expectations.series import Name

_GRAVE_SUBJECTS = frozenset({"payments", "consents", "identity", "sharing", "people"})
# how much people do, who was asked: what these miss is missing, not wrong; and prices
# that end otherwise may be new ones
_LIGHT = (
    *(("identity", "events of a person"), ("consents", "newcomers")),
    ("payments", "ending of"),
)
_DECISIONS = "consents"
_GRAVE_SURPRISE = 9.0
_GRAVE_EFFECT = 0.5
# a week's decisions may be skewed by a campaign; a mart's past by one late file
_GRAVE_CHANGED_SHARE = 0.2
_FEW = 3


def of_finding(name: "Name", finding: "Finding") -> Severity:
    """Stop where grave things moved by half of what they were, beyond any chance.

    Where people decided both ways about consent and now all decide one way, the chance
    of the finding is enough, however small the world: it is a matter of law.
    """
    subject, dimension, _ = name
    is_light = any(
        subject == light and dimension.startswith(words) for light, words in _LIGHT
    )
    if subject not in _GRAVE_SUBJECTS or is_light:
        return "warn"
    if subject == _DECISIONS and finding.judge == "share" and not finding.observed:
        return "stop"
    moved = abs(finding.observed - finding.expected)
    is_far = moved >= _GRAVE_EFFECT * finding.expected
    return "stop" if is_far and finding.surprise >= _GRAVE_SURPRISE else "warn"


def of_change(change: "Changed") -> Severity:
    """Stop where a fifth of what was published would read otherwise."""
    enough = min(_FEW, change.compared)
    is_wide = change.share >= _GRAVE_CHANGED_SHARE and change.changed >= enough
    return "stop" if is_wide else "warn"
