"""What history is made of: a day's profile, the settled past, what is shared out."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from expectations import past, profiles, summaries
from tests.integration.gates.warehouse import PAID, STAGED, insert
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

YESTERDAY, TODAY, AS_OF = "2026-02-20 10:00:00", "2026-02-24 10:00:00", "2026-02-25"


def arrived(at: str, **changed: Any) -> dict[str, Any]:
    return {"known_at": at, "received_at": at, "occurred_at": at} | changed


def profile(client: "Client", subject: str, dimension: str) -> dict[str, int]:
    """Events by category, as profiled for the day."""
    profiles.keep(client, date.fromisoformat(AS_OF))
    found = rows(
        client,
        "select category, sum(events) as events from ops.profiles where"
        " day = '2026-02-24' and subject = {subject:String}"
        " and dimension = {dimension:String} group by category",
        {"subject": subject, "dimension": dimension},
    )
    return {row["category"]: row["events"] for row in found}


@pytest.fixture
def empty(sound: "Client") -> "Client":
    for table in (STAGED, PAID):
        sound.command(f"truncate table {table}")
    return sound


def test_a_newcomer_who_was_there_before_is_told_from_a_new_one(
    empty: "Client",
) -> None:
    insert(
        empty,
        STAGED,
        arrived(YESTERDAY, user_id="ann"),
        arrived(TODAY, event_name="user_signed_up", user_id="ann"),
        arrived(TODAY, event_name="user_signed_up", user_id="bob"),
    )

    found = profile(empty, "identity", "newcomers")

    assert found == {"known before": 1, "new": 1}


def test_a_device_that_is_another_users_is_told(empty: "Client") -> None:
    insert(
        empty,
        STAGED,
        *(
            arrived(at, user_id=user, anonymous_id=device)
            for at, user, device in (
                (YESTERDAY, "ann", "hers"),
                (TODAY, "ann", "hers"),
                (YESTERDAY, "bob", "his"),
                (TODAY, "eve", "his"),
                (TODAY, "eve", "new"),
            )
        ),
    )

    found = profile(empty, "identity", "user of a known device")

    assert found == {"the same": 1, "another": 1}


def test_a_payment_that_was_told_before_comes_again(empty: "Client") -> None:
    insert(empty, STAGED, arrived(TODAY))
    insert(
        empty,
        PAID,
        {"event_id": "a", "payment_id": "p1", "known_at": YESTERDAY},
        {"event_id": "b", "payment_id": "p1", "known_at": TODAY},
        {"event_id": "c", "payment_id": "p2", "known_at": TODAY},
        {"event_id": "d", "payment_id": "", "known_at": TODAY},
    )

    found = profile(empty, "payments", "ids of a payment")

    assert found == {"again": 1, "first": 1, "unnamed": 1}


def test_an_id_that_several_people_say_is_told(empty: "Client") -> None:
    touched = {"event_name": "ad_touched"}
    insert(
        empty,
        STAGED,
        *(
            arrived(TODAY, user_id=user, properties=f'{{"click_id": "{click}"}}')
            | touched
            for user, click in (("ann", "x"), ("bob", "x"), ("eve", "y"), ("joe", "z"))
        ),
    )

    found = profile(empty, "ad_touched", "repeats of click_id")

    assert found == {"by several": 2, "once": 2}


def test_what_people_say_always_sometimes_and_never_is_told_apart(
    empty: "Client",
) -> None:
    said, unsaid = '{"dice": "d6", "result": 3}', '{"dice": "d6"}'
    insert(
        empty,
        STAGED,
        *(
            arrived(TODAY, event_name="rolled", user_id=user, properties=properties)
            for user, properties in (
                *(("ann", said), ("ann", said), ("bob", said), ("bob", unsaid)),
                ("eve", unsaid),
            )
        ),
    )

    found = profile(empty, "rolled", "given result")

    assert found == {"always": 2, "sometimes": 2, "never": 1}


def test_the_same_said_a_moment_later_is_told_more_than_once(
    empty: "Client",
) -> None:
    insert(
        empty,
        STAGED,
        *(
            arrived(TODAY, occurred_at=f"2026-02-24 10:00:{second}")
            for second in ("00", "01", "10")
        ),
    )

    found = profile(empty, "twins", "event page_viewed")

    assert found == {"told once": 2, "told more than once": 1}


def test_people_are_counted_by_the_hour_in_which_they_came(empty: "Client") -> None:
    insert(
        empty,
        STAGED,
        *(
            arrived(f"2026-02-24 {hour}:20:00", user_id=user, os=system)
            for hour, user, system in (
                *(("09", "ann", "ios"), ("09", "bob", "linux")),
                *(("09", "bob", "linux"), ("21", "ann", "ios")),
            )
        ),
    )

    assert profile(empty, "hours", "all") == {"09": 3, "21": 1}
    assert profile(empty, "hours", "os ios") == {"09": 1, "21": 1}


def test_of_a_large_day_half_of_the_people_tell_what_properties_say(
    empty: "Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "_EVENTS_LOOKED_AT", 60)
    insert(
        empty, STAGED, *(arrived(TODAY, own_key=key, user_id="x") for key in range(100))
    )

    assert profile(empty, "page_viewed", "properties") == {"path": 50}
    assert profile(empty, "events", "event_name") == {"page_viewed": 100}


def test_the_last_digit_of_money_is_told_by_currency(empty: "Client") -> None:
    insert(empty, STAGED, arrived(TODAY))
    insert(
        empty,
        PAID,
        *(
            {"event_id": str(number), "amount_minor": amount, "known_at": TODAY}
            for number, amount in enumerate((499, 1_299, -499, 594, None))
        ),
    )

    found = profile(empty, "payments", "ending of an amount in EUR")

    assert found == {"on 9": 3, "on 4": 1, "on nothing": 1}


def test_who_granted_all_they_were_asked_for_is_told_from_who_denied_some(
    empty: "Client",
) -> None:
    insert(empty, STAGED, arrived(TODAY))
    insert(
        empty,
        "staging.stg_consents",
        *(
            {"own_key": person, "purpose": purpose, "granted": granted}
            | {"known_at": TODAY}
            for person, purpose, granted in (
                *((7, "analytics", True), (7, "advertising", True)),
                *((8, "analytics", True), (8, "advertising", False)),
            )
        ),
    )

    found = profile(empty, "consents", "choices of unknown")

    assert found == {"all granted": 2, "some denied": 2}


def test_a_number_that_a_device_gives_twice_is_told(empty: "Client") -> None:
    insert(
        empty,
        STAGED,
        *(
            arrived(TODAY, anonymous_id="hers", sequence=number)
            for number in (1, 1, 1, 4)
        ),
    )

    found = profile(empty, "completeness", "all")

    assert found == {"there": 2, "again": 2, "missing": 2}


def test_money_that_the_door_refused_is_told(empty: "Client") -> None:
    insert(empty, STAGED, arrived(TODAY))
    for table, names in (
        ("raw.events", ("payment_completed", "payment_refunded", "page_viewed")),
        ("raw.refused_events", ("billing.payment_completed", "page_viewed")),
    ):
        empty.command(f"truncate table {table}")
        reason = {"reason": "out_of_range"} if "refused" in table else {}
        told = [{"event_name": name, "received_at": TODAY} for name in names]
        insert(empty, table, *(one | reason for one in told))

    found = profile(empty, "money", "at the door")

    for table in ("raw.events", "raw.refused_events"):
        empty.command(f"truncate table {table}")
    assert found == {"accepted": 2, "out_of_range": 1}


def test_a_profile_by_older_queries_is_made_anew(empty: "Client") -> None:
    insert(empty, STAGED, arrived(TODAY, user_id="ann"))
    before = profile(empty, "events", "event_name")
    empty.command(
        "alter table ops.profiles delete where dimension in ('by', 'source')"
        " settings mutations_sync = 1"
    )

    assert profile(empty, "events", "source") == {"web": 1}
    assert profile(empty, "events", "event_name") == before == {"page_viewed": 1}


VISITS = past.Kept("marts", "fct_visits", day="day", key="id", moving=("whose",))


@contextmanager
def visits(client: "Client", built: str) -> Iterator[list[past.Changed]]:
    """What is told of a thousand visits of ten settled days, built as the SQL says."""
    shown = (
        "select number as id, toDate('2026-02-01') + intDiv(number, 100) as day,"
        " number % 7 as minutes, 'ann' as whose from numbers(1000)"
    )
    for database, query in (("marts", shown), ("marts_build", built)):
        client.command(
            f"create table {database}.fct_visits engine = MergeTree order by id as"
            f" {query.replace('{shown}', f'({shown})')}"
        )
    try:
        yield list(past.changes(client, [VISITS], date(2026, 3, 1), settled=14))
    finally:
        for database in ("marts", "marts_build"):
            client.command(f"drop table {database}.fct_visits sync")


@pytest.mark.parametrize(
    "built",
    [
        "select * from {shown}",
        # one late event a day, and a person that all visits turned out to be of
        (
            "select * replace(if(id % 200 = 0, 9, minutes) as minutes, 'bob' as whose)"
            " from {shown}"
        ),
        "select * from {shown} where id % 20 != 0",
        "select * from {shown} union all select 5000, toDate('2026-02-03'), 1, 'eve'",
    ],
)
def test_what_late_events_change_is_no_other_past(sound: "Client", built: str) -> None:
    with visits(sound, built) as told:
        assert told == []


def test_rows_that_read_otherwise_are_told_by_their_column(sound: "Client") -> None:
    built = "select id, day, if(id % 4 = 0, 9, minutes) as minutes, whose from {shown}"

    with visits(sound, built) as told:
        assert told == [past.Changed("fct_visits", "minutes", 250, 1000)]


def test_days_whose_rows_are_gone_are_told(sound: "Client") -> None:
    with visits(sound, "select * from {shown} where day > '2026-02-03'") as told:
        assert told == [past.Changed("fct_visits", "rows", 3, 10)]


def test_a_mart_without_days_that_shares_out_otherwise_is_told(
    sound: "Client",
) -> None:
    sound.command("truncate table marts_build.fct_attribution")
    sound.command("create table marts.fct_attribution as marts_build.fct_attribution")
    for database, channel in (("marts", "number"), ("marts_build", "3 - number")):
        sound.command(
            f"insert into {database}.fct_attribution (model, channel, conversions,"
            f" revenue_minor) select 'first', toString({channel}), exp10(number),"
            " exp10(number) from numbers(4)"
        )

    told = list(summaries.reshaped(sound))

    sound.command("drop table marts.fct_attribution sync")
    assert {(one.segment, one.column, one.severity) for one in told} == {
        ("first", "conversions", "stop"),
        ("first", "revenue_minor", "stop"),
    }
