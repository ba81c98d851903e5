"""Whose events are withheld, by what people decided and when."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ingestion.consent import Decision, Standing, Timeline, Word

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Notebook:
    """Decisions kept in memory, and how often somebody asked for them."""

    def __init__(self) -> None:
        self.denied: dict[str, bool] = {}
        self.asked: list[str] = []
        self.erased: set[str] = set()

    def analytics_decisions(self, subjects: Iterable[str]) -> dict[str, bool]:
        wanted = sorted(subjects)
        self.asked += wanted
        return {one: self.denied[one] for one in wanted if one in self.denied}

    def buried(self, subjects: Iterable[str]) -> set[str]:
        return self.erased & set(subjects)

    def set_analytics_decisions(
        self, decisions: Iterable[tuple[str, bool, datetime]]
    ) -> None:
        self.denied |= {subject: denied for subject, denied, _ in decisions}


def test_until_a_person_decides_the_setting_counts() -> None:
    allowed = Standing(Notebook(), allowed_by_default=True)
    denied = Standing(Notebook(), allowed_by_default=False)

    assert allowed.of(["user:ann"], now=NOW) == {"user:ann": Word.ALLOWED}
    assert denied.of(["user:ann"], now=NOW) == {"user:ann": Word.DENIED}


def test_an_answer_is_remembered_for_a_second_unless_the_person_decides() -> None:
    notebook = Notebook()
    standing = Standing(notebook, allowed_by_default=True)

    standing.of(["user:ann"], now=NOW)
    standing.of(["user:ann"], now=NOW + timedelta(seconds=1))
    once = len(notebook.asked)
    standing.note([Decision("user:ann", denied=True, at=NOW)])
    after = standing.of(["user:ann"], now=NOW)
    standing.of(["user:ann"], now=NOW + timedelta(seconds=2))

    assert once == 1
    assert after == {"user:ann": Word.DENIED}
    assert len(notebook.asked) == 3


def test_who_was_erased_is_refused_whatever_they_decided() -> None:
    notebook = Notebook()
    notebook.denied["user:ann"] = False
    notebook.erased.add("user:ann")
    standing = Standing(notebook, allowed_by_default=True)

    assert standing.of(["user:ann"], now=NOW) == {"user:ann": Word.ERASED}
    assert standing.before_deciding(["user:ann", "user:bob"]) == {
        "user:ann": Word.ERASED,
        "user:bob": Word.ALLOWED,
    }


decisions = st.lists(
    st.builds(
        Decision,
        st.sampled_from(["user:ann", "user:bob"]),
        st.booleans(),
        st.integers(0, 5).map(lambda hours: NOW + timedelta(hours=hours)),
    )
)


@given(decisions, st.randoms())
def test_the_order_in_which_decisions_arrive_does_not_matter(
    made: list[Decision], chance: Random
) -> None:
    shuffled = list(made)
    chance.shuffle(shuffled)
    moments = [NOW + timedelta(hours=hours) for hours in range(-1, 7)]

    straight, mixed = Timeline.of(made), Timeline.of(shuffled)

    for subject in ("user:ann", "user:bob"):
        said = [straight.denied(subject, at) for at in moments]
        assert said == [mixed.denied(subject, at) for at in moments]
        assert said[0] is None
