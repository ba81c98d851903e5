"""Each concern of a richer world is there, and the truth finds it."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise

import orjson
import pytest

from ingestion.judging import Accepted, Arrival, Rules, Source, judge
from ingestion.moments import moment
from questlog.world.machines import machines
from questlog.world.parameters import Parameters, milliseconds
from questlog.world.reading import Seen, read_history, read_live
from questlog.world.scene import stage
from questlog.world.simulate import World, create, truth_of
from warehouse.errors import BadInput
from warehouse.taxonomy import load

NOW = datetime(2026, 3, 2, 9, 15, 30, tzinfo=UTC)
USUAL = Parameters(people=700, days=40, end=date(2026, 3, 2), seed=4, now=NOW)


@cache
def a_world() -> World:
    return create(USUAL)


def accepted(world: World) -> list[Seen]:
    history = read_history(world.history)
    live = read_live(world.live, after=history, posted_at=milliseconds(NOW))
    return history.followed_by(live).accepted


def test_the_truth_of_a_usual_world_counts_something_of_every_concern() -> None:
    truth = truth_of(a_world())["all"]

    assert {"none", "find_a_table", "come_back"} < set(truth["campaigns"]["sessions"])
    assert truth["campaigns"]["ad_touches"].keys() == {"click", "view"}
    assert truth["devices"]["people_on_several_devices"] > 20
    assert truth["devices"]["devices_shared"] > 0
    assert truth["devices"]["devices_by_kind"].keys() == {"desktop", "mobile", "tablet"}
    assert {"EUR", "GBP", "USD"} < set(truth["money_by_currency"])
    assert {"JPY", "KRW"} & set(truth["money_by_currency"])
    assert truth["refunds_by_kind"]["in_full"] > 0
    assert truth["refunds_by_kind"]["in_part"] > 0
    assert all(said["withdrawn"] for said in truth["consents"].values())
    assert truth["consents"]["analytics"]["given_again"] > 0
    for count in ("corrected", "ahead_left_alone", "behind_left_alone"):
        assert truth["clocks"][count] > 0


def test_the_truth_finds_all_machines_that_were_planted_and_nobody_else() -> None:
    planted = {
        happening.visit.device.anonymous_id
        for happening in machines(stage(USUAL))
        if happening.visit
    }

    found = truth_of(a_world())["all"]["bots"]

    assert found["devices"] == len(planted)
    assert found["devices_by_agent"] == found["devices_by_rhythm"] == len(planted) / 2


def test_the_door_corrects_the_clocks_that_the_truth_says_it_corrects() -> None:
    rules = Rules.of(load())
    arrival = Arrival(moment(NOW))
    offsets: list[int] = []
    for line in a_world().live:
        said = judge(line.raw, rules=rules, source=Source("world"), arrival=arrival)
        if isinstance(said, Accepted) and said.clock_offset_ms:
            offsets.append(-said.clock_offset_ms)
    told = truth_of(a_world())["all"]["clocks"]

    assert len(offsets) == told["corrected"]
    assert max(offsets) // 1000 == told["corrected_by_seconds"]["most"]
    assert min(offsets) > timedelta(hours=1) // timedelta(milliseconds=1)


def test_a_click_on_an_advertisement_comes_seconds_before_its_page() -> None:
    by_device: dict[str, list[Seen]] = {}
    for seen in sorted(accepted(a_world())):
        by_device.setdefault(seen.anonymous_id, []).append(seen)
    waits = [
        page.at - click.at
        for events in by_device.values()
        for click, page in pairwise(events)
        if click.properties.get("touch") == "click"
        and page.properties.get("utm_medium") in {"cpc", "paid_social"}
    ]

    assert len(waits) > 50
    assert max(waits) <= 3_000


def test_no_two_concerns_share_a_stream() -> None:
    first = Parameters(people=1, days=7, end=date(2026, 3, 2), seed=1)

    assert first.stream("machines").random() != first.stream("campaigns").random()


def test_a_denial_taken_back_lets_events_in_again() -> None:
    scene = a_world().scene
    back = {scene.people[i].user_id: at for i, at in scene.back_at.items()}
    seen_after = {
        s.user_id for s in accepted(a_world()) if s.at > back.get(s.user_id, s.at)
    }

    assert back
    assert seen_after == set(back)


def test_history_is_the_same_whatever_currency_the_truth_adds_up_in() -> None:
    in_pounds = Parameters(
        people=60, days=30, end=date(2026, 3, 2), seed=4, currency="GBP"
    )
    in_euros = Parameters(people=60, days=30, end=date(2026, 3, 2), seed=4)
    one, other = create(in_pounds), create(in_euros)

    assert one.history == other.history
    pounds, euros = truth_of(one)["all"], truth_of(other)["all"]
    assert pounds["money_by_currency"] == euros["money_by_currency"]
    assert 0 < pounds["revenue_minor"] < euros["revenue_minor"]


def test_a_currency_that_is_no_code_is_refused() -> None:
    with pytest.raises(BadInput, match="code of three capital letters"):
        Parameters(people=1, days=7, end=date(2026, 3, 2), seed=1, currency="euro")


def test_every_device_says_what_kind_it_is() -> None:
    kinds = {
        orjson.loads(seen.raw)["context"]["device_type"]
        for seen in accepted(a_world())
        if seen.anonymous_id
    }

    assert kinds == {"desktop", "mobile", "tablet"}
