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

_GRAVE_SUBJECTS = frozenset({"payments", "consents", "identity", "people"})
_GRAVE_SURPRISE = 9.0
_GRAVE_EFFECT = 0.5
_DECISIONS = "consents"
# a week's decisions may be skewed by a campaign; a mart's past by one late file
_GRAVE_CHANGED_SHARE = 0.2
_FEW = 3


def of_finding(name: "Name", finding: "Finding") -> Severity:
    """Stop where grave things moved by half of what they were, beyond any chance.

    That nobody says any more what many used to say about consent needs no such number:
    people do not agree by themselves, and what follows from it is a matter of law.
    """
    if name[0] == _DECISIONS and finding.judge == "share" and not finding.observed:
        return "stop"
    if name[0] not in _GRAVE_SUBJECTS or finding.surprise < _GRAVE_SURPRISE:
        return "warn"
    moved = abs(finding.observed - finding.expected)
    return "stop" if moved >= _GRAVE_EFFECT * finding.expected else "warn"


def of_change(change: "Changed") -> Severity:
    """Stop where a fifth of what was published would read otherwise."""
    enough = min(_FEW, change.compared)
    is_wide = change.share >= _GRAVE_CHANGED_SHARE and change.changed >= enough
    return "stop" if is_wide else "warn"
