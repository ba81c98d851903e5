"""Meta as a destination of batches, against the stand-in of its Graph API."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from activation.destinations.kinds import opened
from activation.destinations.meta import Meta
from activation.destinations.protocol import LookalikeOrder, Member, Wanted
from activation.identifiers import Identifiers, external_key, meta_identity
from activation.patience import Patience
from activation.standins.serving import running
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

KEY = external_key(b"k" * 32)
TOKEN = "EAAsecret"


@dataclass
class World:
    """A stand-in, destinations that talk to it, and what they slept."""

    address: str
    clock: list[float]
    slept: list[float] = field(default_factory=list)

    def destination(self, **changed: object) -> Meta:
        patience = Patience(sleep=self.slept.append, **changed)  # type: ignore[arg-type]
        settings = Settings(
            meta_graph_url=self.address,
            meta_access_token=TOKEN,
            meta_ad_account_id="act_7",
        )
        found = opened("meta", settings, patience)
        assert isinstance(found, Meta)
        return found

    def fault(self, kind: str, **wanted: object) -> None:
        asked = requests.post(
            f"{self.address}/_standin/faults", json={"kind": kind, **wanted}, timeout=5
        )
        assert asked.text == "asked"

    def remote(self) -> dict[str, list[dict[str, str]]]:
        state = requests.get(f"{self.address}/_standin/state", timeout=60).json()
        return state.get("7", {})  # type: ignore[no-any-return]

    def emails(self, audience: str) -> list[str]:
        return sorted(one["EMAIL"] for one in self.remote()[f"Questlog {audience}"])


@pytest.fixture
def world() -> Iterator[World]:
    clock = [0.0]
    with running(lambda: clock[0]) as address:
        yield World(address, clock)


def wanted(**changed: object) -> Wanted:
    values: dict[str, object] = {"audience": "best", "meaning": "The best."}
    return Wanted(**values | changed)  # type: ignore[arg-type]


def members(*names: str, value: float | None = None) -> list[Member]:
    return [
        Member(
            identity=meta_identity(Identifiers(name, email=f"{name}@example.com"), KEY),
            value=value,
        )
        for name in names
    ]


def digests(*names: str) -> list[str]:
    return sorted(
        hashlib.sha256(f"{name}@example.com".encode()).hexdigest() for name in names
    )


def test_who_comes_and_who_goes_is_what_the_set_holds_however_often_told(
    world: World,
) -> None:
    meta = world.destination()
    remote_id = meta.make(wanted())

    for _ in range(2):
        added = meta.add(remote_id, members("ann", "bob", "cat"))
        gone = meta.remove(remote_id, [one.identity for one in members("bob", "zoe")])

    assert world.emails("best") == digests("ann", "cat")
    assert (added.received, added.invalid, added.request_id) == (3, 0, "")
    assert gone.received == 2


def test_a_removal_by_the_identity_of_last_year_takes_the_person_out(
    world: World,
) -> None:
    meta = world.destination()
    remote_id = meta.make(wanted())
    meta.add(remote_id, members("ann"))
    renamed = meta_identity(Identifiers("ann", email="new@example.com"), KEY)

    meta.remove(remote_id, [renamed])

    assert world.emails("best") == []


def test_an_audience_is_found_by_its_id_else_by_its_name(world: World) -> None:
    meta = world.destination()

    before = meta.find(wanted())
    made = meta.make(wanted())
    other = meta.make(wanted(audience="other"))

    assert before == ""
    assert meta.find(wanted(remote_id=made)) == meta.find(wanted()) == made
    assert meta.find(wanted(audience="best", remote_id=other)) == other


def test_a_making_whose_answer_is_lost_makes_one_audience(world: World) -> None:
    world.fault("lost_reply", edge="customaudiences", method="POST")

    made = world.destination().make(wanted())

    assert list(world.remote()) == ["Questlog best"]
    assert world.destination().find(wanted()) == made


@pytest.mark.parametrize("with_values", [True, False])
def test_values_go_where_the_set_was_made_with_them(
    world: World, *, with_values: bool
) -> None:
    made = world.destination().make(wanted(with_values=with_values))

    # another process, which has to look
    world.destination().add(made, members("ann", value=12.5) + members("bob"))

    told = [one.get("LOOKALIKE_VALUE") for one in world.remote()["Questlog best"]]
    assert sorted(told, key=str) == (["0.0", "12.5"] if with_values else [None, None])


def test_a_whole_set_is_exchanged_in_one_session(world: World) -> None:
    meta = world.destination()
    made = meta.make(wanted())
    meta.add(made, members("ann", "bob"))

    answer = meta.replace(made, [members("bob"), members("cat", "dan")], 3)

    assert world.emails("best") == digests("bob", "cat", "dan")
    assert (answer.received, answer.invalid) == (3, 0)


def test_a_last_batch_whose_answer_is_lost_counts_as_done(world: World) -> None:
    meta = world.destination()
    made = meta.make(wanted())
    world.fault("lost_reply", edge="usersreplace")

    answer = meta.replace(made, [members("ann", "bob")], 2)

    assert world.emails("best") == digests("ann", "bob")
    assert answer.received == 2


def test_an_error_page_is_no_success_and_is_tried_again(world: World) -> None:
    meta = world.destination()
    made = meta.make(wanted())
    world.fault("html_502", edge="users", times=2)
    world.fault("html_200", edge="users")

    meta.add(made, members("ann"))

    assert world.emails("best") == digests("ann")
    assert world.slept == [1.0, 2.0, 4.0]


def test_a_throttled_call_waits_as_long_as_the_platform_asks(world: World) -> None:
    meta = world.destination()
    made = meta.make(wanted())
    world.fault("throttle", edge="users", minutes=2)

    meta.add(made, members("ann"))

    assert world.emails("best") == digests("ann")
    assert world.slept == [120.0]


def test_a_wait_beyond_patience_is_told_to_who_may_wait(world: World) -> None:
    meta = world.destination()
    made = meta.make(wanted())
    world.fault("throttle", edge="users", minutes=90)

    with pytest.raises(Unavailable, match="90 minutes") as caught:
        meta.add(made, members("ann"))

    assert caught.value.wait_s == 90 * 60
    assert world.slept == []


def test_an_audience_that_is_gone_is_told_so(world: World) -> None:
    meta = world.destination()

    with pytest.raises(DestinationRefused, match="there is no such audience"):
        meta.remove("123", [one.identity for one in members("ann")])


def test_nobody_is_no_call(world: World) -> None:
    meta = world.destination()
    world.fault("html_502", times=99)

    told = [meta.add("123", []), meta.remove("123", [])]

    assert [one.received for one in told] == [0, 0]


def test_an_erased_person_leaves_every_audience_also_those_not_ours(
    world: World,
) -> None:
    meta = world.destination()
    for audience in ("best", "other"):
        made = meta.make(wanted(audience=audience))
        meta.add(made, members("ann", "bob"))

    meta.erase([one.identity for one in members("ann")])

    assert world.emails("best") == world.emails("other") == digests("bob")


def a_lookalike(seed_remote_id: str) -> LookalikeOrder:
    return LookalikeOrder(
        audience="like_best", seed_remote_id=seed_remote_id, ratio=0.01, country="DE"
    )


def test_a_lookalike_is_made_once_and_looked_at_until_it_is_ready(world: World) -> None:
    meta = world.destination()
    seed = meta.make(wanted())
    meta.add(seed, members(*(f"person{number}" for number in range(100))))

    first = meta.keep_lookalike(a_lookalike(seed))
    again = meta.keep_lookalike(a_lookalike(seed))

    assert first == again
    assert (first.is_ready, first.detail) == (True, "")
    assert list(world.remote()) == ["Questlog best", "Questlog like_best DE 1%"]
    assert world.slept == [5.0, 5.0]


def test_a_lookalike_of_too_few_is_refused_with_the_reason(world: World) -> None:
    meta = world.destination()
    seed = meta.make(wanted())
    meta.add(seed, members(*(f"person{number}" for number in range(99))))

    with pytest.raises(DestinationRefused, match="fewer than 100"):
        meta.keep_lookalike(a_lookalike(seed))


def test_without_an_account_nothing_starts_and_both_settings_are_named() -> None:
    with pytest.raises(BadSetting, match="META_ACCESS_TOKEN and META_AD_ACCOUNT_ID"):
        opened("meta", Settings())
