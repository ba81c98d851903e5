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


def a_page(number: int, at: str, **said: str) -> Line:
    return a_line(number, at, properties={"path": "/", **said})


def test_a_session_has_the_campaign_of_its_first_page_view_alone() -> None:
    found = truth(
        a_page(1, "10:00:00.000"),
        a_page(2, "10:01:00.000", utm_campaign="spring"),
        a_page(3, "11:00:00.000", utm_campaign="autumn"),
        a_page(4, "11:01:00.000", utm_campaign="spring"),
    )["campaigns"]

    assert found["sessions"] == {"autumn": 1, "none": 1}
    assert found["page_views"] == {"autumn": 1, "none": 1, "spring": 2}


def test_a_persons_first_campaign_is_the_first_that_any_page_view_names() -> None:
    found = truth(
        a_page(1, "10:00:00.000", referrer="https://forum.example.org/"),
        a_page(2, "10:01:00.000", utm_campaign="spring", utm_medium="email"),
        a_page(3, "10:02:00.000", utm_campaign="autumn", utm_medium="cpc"),
    )["campaigns"]

    assert found["people_by_first_campaign"] == {"spring": 1}
    assert found["people_by_first_channel"] == {"referral": 1}


def test_people_and_devices_are_counted_by_one_another() -> None:
    found = truth(
        a_line(1, anonymous_id="phone", context={"device_type": "mobile"}),
        a_line(2, anonymous_id="laptop"),
        a_line(3, anonymous_id="phone", user_id="bob"),
        a_line(4, anonymous_id="nobody", user_id=None),
    )["devices"]

    assert found["people_by_devices"] == {"1": 1, "2": 1}
    assert found["people_on_several_devices"] == 1
    assert found["devices_shared"] == 1
    assert found["devices_by_kind"] == {"mobile": 1, "unknown": 2}


def test_a_machine_says_so_or_keeps_time_to_the_millisecond() -> None:
    crawler = a_line(
        1, user_id=None, anonymous_id="c", context={"user_agent": "ExampleBot/1"}
    )
    steady = [
        a_line(100 + n, f"10:00:{n:02d}.000", user_id=None, anonymous_id="s")
        for n in range(20)
    ]
    person = [
        a_line(200 + n, f"10:00:{n:02d}.{n % 5:03d}", user_id=None, anonymous_id="p")
        for n in range(20)
    ]

    found = truth(crawler, *steady, *person)["bots"]

    assert (found["devices_by_agent"], found["events_by_agent"]) == (1, 1)
    assert (found["devices_by_rhythm"], found["events_by_rhythm"]) == (1, 20)
    assert (found["devices"], found["events"]) == (2, 21)


def test_a_clock_proven_ahead_is_corrected_and_five_seconds_are_let_pass() -> None:
    sent = {"14:00:05.000": "corrected", "14:00:05.001": "corrected"}
    posted_at = 1_772_373_600_000  # 2026-03-01 14:00 UTC
    corrected = {}
    for moment in sent:
        line = a_line(1, "14:00:01.000", received=None, sent_at=f"2026-03-01T{moment}Z")
        read = read_live([line], after=read_history([]), posted_at=posted_at)
        corrected[moment] = read.accepted[0].corrected

    assert corrected == {"14:00:05.000": 0, "14:00:05.001": -5_001}


def test_imported_claims_ahead_of_their_receipt_are_left_alone() -> None:
    ahead = a_line(1, "10:00:00.000", received="2026-03-01T09:00:00.000Z")

    found = truth(ahead, a_line(2))["clocks"]

    assert (found["corrected"], found["ahead_left_alone"]) == (0, 1)


def test_refunds_are_in_full_when_all_that_was_paid_goes_back() -> None:
    def back(number: int, cents: int, reason: str) -> Line:
        said = {"amount_cents": cents, "currency": "EUR", "payment_id": "p"}
        return a_line(
            number,
            event_name="billing.payment_refunded",
            properties=said | {"reason": reason},
        )

    paid = {"amount_cents": 500, "currency": "EUR", "payment_id": "p"}
    found = truth(
        a_payment(1, "10:00:00.000", 500, properties=paid),
        back(2, 500, "chargeback"),
        back(3, 499, "requested_by_customer"),
    )["refunds_by_kind"]

    assert found == {"in_full": 1, "in_part": 1, "chargebacks": 1}


def test_a_consent_is_withdrawn_after_it_was_given_and_may_be_given_again() -> None:
    def decides(number: int, user_id: str, *, granted: bool) -> Line:
        said = {"purpose": "advertising", "granted": granted, "policy_version": "1"}
        at = f"10:00:0{number}.000"
        name = "consent_decided"
        return a_line(number, at, user_id=user_id, event_name=name, properties=said)

    found = truth(
        decides(1, "ann", granted=True),
        decides(2, "ann", granted=False),
        decides(3, "ann", granted=True),
        decides(4, "bob", granted=False),
        decides(5, "bob", granted=True),
        decides(6, "eve", granted=True),
        decides(7, "eve", granted=False),
    )["consents"]["advertising"]

    assert found == {"granted": 2, "denied": 1, "withdrawn": 2, "given_again": 1}


def test_each_currency_adds_up_by_itself_and_all_in_one_by_the_days_rate() -> None:
    def pays(number: int, at: str, amount: int, currency: str) -> Line:
        said = {"amount_cents": amount, "currency": currency}
        return a_payment(number, at, 0, properties=said)

    found = truth(
        pays(1, "2026-02-28T23:59:59.999Z", 1_000, "JPY"),
        pays(2, "2026-03-01T00:00:00.000Z", 1_000, "JPY"),
        pays(3, "2026-03-01T00:00:00.000Z", 100, "GBP"),
        pays(4, "2026-03-01T00:00:00.000Z", 100, "EUR"),
    )

    assert found["money_by_currency"]["JPY"]["revenue_minor"] == 2_000
    assert found["revenue_minor"] == 500 + 625 + 125 + 100


def test_the_half_of_a_minor_unit_goes_away_from_zero() -> None:
    day = date(2026, 3, 1)

    assert RATES.told_in("EUR", 2, "GBP", day) == 3
    assert RATES.told_in("EUR", -2, "GBP", day) == -3
    assert RATES.told_in("EUR", 2, "GBP", date(2025, 12, 31)) is None
