"""When the loader leaves ClickHouse alone, and when it tries again."""

from hypothesis import given
from hypothesis import strategies as st

from ingestion.breaker import FIRST_WAIT_S, LONGEST_WAIT_S, Breaker


def test_three_failures_open_it_and_one_success_closes_it() -> None:
    one = Breaker(lambda: 1.0)
    states = []
    for _ in range(4):
        one.trying()
        states.append(one.state)
        one.failed()
        states.append(one.state)
    one.trying()
    one.succeeded()

    assert states == [*5 * ["closed"], "open", "half_open", "open"]
    assert one.state == "closed"
    assert one.failed() == FIRST_WAIT_S


@given(st.integers(1, 100), st.floats(0, 1))
def test_waits_grow_to_a_limit_and_differ_by_chance(
    failures: int, drawn: float
) -> None:
    one = Breaker(lambda: drawn)

    waits = [one.failed() for _ in range(failures)]

    assert waits == sorted(waits)
    assert FIRST_WAIT_S / 2 <= waits[0] <= FIRST_WAIT_S
    assert waits[-1] <= LONGEST_WAIT_S
