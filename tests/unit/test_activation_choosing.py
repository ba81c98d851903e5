"""Who of the candidates is withheld, and how many places a share has."""

from collections.abc import Iterable, Mapping

import pytest

from activation.choosing import Candidate, Member, judge
from activation.finding import places
from activation.people import Person


class Vault:
    """A vault that remembers whom it was asked about."""

    def __init__(self, **known: Mapping[str, str]) -> None:
        self.known = {f"user:{name}": values for name, values in known.items()}
        self.asked: list[str] = []

    def latest(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> dict[str, dict[str, str]]:
        wanted = set(names)
        self.asked += subjects
        return {
            subject: {k: v for k, v in self.known[subject].items() if k in wanted}
            for subject in self.asked
            if subject in self.known
        }


def a_candidate(name: str, *, consents: bool = True) -> Candidate:
    return Candidate(Person(name, "DE"), 1.0, consents=consents)


def test_consent_is_judged_first_and_the_vault_asked_about_no_one_else() -> None:
    vault = Vault(ann={"email": "ann@example.com"}, bob={"email": "bob@example.com"})

    members = judge([a_candidate("ann"), a_candidate("bob", consents=False)], vault)

    assert members == [Member("ann", 1.0, ""), Member("bob", 1.0, "no_consent")]
    assert vault.asked == ["user:ann"]


def test_an_identifier_that_no_platform_could_use_is_none() -> None:
    vault = Vault(ann={"email": "not an address"}, bob={"phone": "030 901820"})

    members = judge([a_candidate(name) for name in ("ann", "bob", "cat")], vault)

    assert [member.withheld_because for member in members] == [
        "no_identifier",
        "",
        "no_identifier",
    ]


@pytest.mark.parametrize(
    ("population", "share", "expected"),
    [(0, 0.1, 0), (1, 0.1, 1), (10, 0.1, 1), (11, 0.1, 2), (30, 0.1, 3), (7, 1, 7)],
)
def test_a_share_is_rounded_up_to_whole_people(
    population: int, share: float, expected: int
) -> None:
    assert places(population, share) == expected
