"""The reference counts as docs/glossary.md says, on lines small enough to read."""

from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

import orjson

from questlog.world.rates import Rates
from questlog.world.reading import Line, read_history, read_live
from questlog.world.reference import observe

RATES = Rates(
    days={"JPY": [date(2026, 1, 1), date(2026, 3, 1)], "GBP": [date(2026, 1, 1)]},
    units={"JPY": [Fraction(200), Fraction(160)], "GBP": [Fraction("0.8")]},
    digits={"EUR": 2, "JPY": 0, "GBP": 2},
)


def a_line(
    number: int,
    at: str = "10:00:00.000",
    *,
    received: str = "2026-03-02T00:00:00.000Z",
    **changed: Any,
) -> Line:
    event: dict[str, Any] = {
        "event_id": str(UUID(int=number)),
        "timestamp": f"2026-03-01T{at}Z" if "T" not in at else at,
        "received_at": received,
        "event_name": "page_viewed",
        "user_id": "ann",
        "properties": {"path": "/"},
    }
    said = {key: value for key, value in (event | changed).items() if value is not None}
    return Line(orjson.dumps(said))


def truth(*lines: Line) -> dict[str, Any]:
    return observe(read_history(lines), RATES)


def a_payment(number: int, at: str, cents: int, **changed: Any) -> Line:
    paid = {"amount_cents": cents, "currency": "EUR"}
    name = "billing.payment_completed"
    return a_line(number, at, **({"event_name": name, "properties": paid} | changed))


def test_half_an_hour_of_silence_stays_and_a_millisecond_more_opens_a_session() -> None:
    stays = truth(a_line(1), a_line(2, "10:30:00.000"))
    opens = truth(a_line(1), a_line(2, "10:30:00.001"))

    assert (stays["sessions"], opens["sessions"]) == (1, 2)


def test_the_earliest_receipt_of_an_event_wins_wherever_it_stands_in_the_file() -> None:
    later = a_payment(1, "10:00:00.000", 900, received="2026-03-03T00:00:00.000Z")
    first = a_payment(1, "10:00:00.000", 500, received="2026-03-02T00:00:00.000Z")

    found = truth(later, first)

    assert found["revenue_minor"] == 500
    assert (found["conflicts"], found["conflicting_copies"]) == (1, 1)
    assert found["duplicates_removed"] == 0


def test_a_copy_with_the_same_content_is_a_duplicate_whenever_it_came() -> None:
    found = truth(a_line(1), a_line(1, received="2026-03-09T00:00:00.000Z"))

    assert (found["duplicates_removed"], found["conflicts"]) == (1, 0)
    assert found["events_once"] == 1


def test_refused_lines_are_counted_by_reason_and_nowhere_else() -> None:
    found = truth(a_line(1), Line(b"undefined", "not_json"))

    assert (found["lines"], found["accepted"]) == (2, 1)
    assert found["refused"] == {"not_json": 1}


def test_a_device_of_one_account_speaks_for_it_before_the_sign_up_too() -> None:
    found = truth(
        a_line(1, user_id=None, anonymous_id="phone"),
        a_line(2, anonymous_id="phone"),
    )

    assert (found["people"], found["people_known"]) == (1, 1)


def test_a_device_of_two_accounts_stays_a_person_of_its_own() -> None:
    found = truth(
        a_line(1, user_id=None, anonymous_id="shared"),
        a_line(2, user_id="ann", anonymous_id="shared"),
        a_line(3, user_id="bob", anonymous_id="shared"),
    )

    assert (found["people"], found["people_known"]) == (3, 2)


def test_the_funnel_window_includes_its_last_millisecond() -> None:
    steps = ("user_signed_up", "character_created", "game_session_started")
    taken = [
        a_line(number, f"10:00:00.00{number}", event_name=step)
        for number, step in enumerate(steps)
    ]
    in_time = a_payment(9, "2026-03-31T10:00:00.000Z", 5)
    too_late = a_payment(9, "2026-03-31T10:00:00.001Z", 5)

    last = [truth(*taken, paid)["funnel"][3]["people"] for paid in (in_time, too_late)]

    assert last == [1, 0]


def test_funnel_steps_count_in_order_only() -> None:
    found = truth(
        a_line(1, "10:00:00.000", event_name="character_created"),
        a_line(2, "10:00:01.000", event_name="user_signed_up"),
    )

    assert [step["people"] for step in found["funnel"]] == [1, 0, 0, 0]


def test_refunds_lower_the_revenue() -> None:
    back = a_payment(2, "11:00:00.000", 200, event_name="billing.payment_refunded")

    found = truth(a_payment(1, "10:00:00.000", 500), back)

    assert (found["paid_minor"], found["refunded_minor"]) == (500, 200)
    assert found["revenue_minor"] == 300


def test_the_latest_decision_on_advertising_counts() -> None:
    def decides(number: int, at: str, *, granted: bool) -> Line:
        said = {"purpose": "advertising", "granted": granted, "policy_version": "1"}
        return a_line(number, at, event_name="consent_decided", properties=said)

    yes = decides(1, "10:00:00.000", granted=True)
    no = decides(2, "11:00:00.000", granted=False)

    assert truth(yes)["consented_advertising"] == 1
    assert truth(no, yes)["consented_advertising"] == 0


def test_cohorts_are_weeks_from_monday() -> None:
    sunday, monday = "2026-03-01T23:59:59.999Z", "2026-03-02T00:00:00.000Z"
    found = truth(a_line(1, sunday), a_line(2, monday, user_id="bob"))

    assert found["cohorts"] == {"2026-02-23": 1, "2026-03-02": 1}


def test_live_events_are_received_after_all_history() -> None:
    history = read_history([a_payment(1, "10:00:00.000", 500)])
    live = read_live(
        [a_payment(1, "10:00:00.000", 900, received=None)], after=history, posted_at=0
    )

    found = observe(history.followed_by(live), RATES)

    assert (found["revenue_minor"], found["conflicts"]) == (500, 1)
