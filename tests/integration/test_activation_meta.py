"""Meta as a destination, against the stand-in of its Graph API."""

import hashlib
import logging
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from activation.destination import LookalikeOrder, Order
from activation.graph import GraphSession
from activation.identifiers import Identifiers, Identity, external_key, meta_identity
from activation.meta import Meta, meta_destination, payload
from activation.patience import Patience
from activation.standins.serving import running
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

KEY = external_key(b"k" * 32)
TOKEN = "EAAsecret"


@dataclass
class World:
    """A stand-in, a destination that talks to it, and what it slept."""

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
        return meta_destination(settings, patience)

    def fault(self, kind: str, **wanted: object) -> None:
        asked = requests.post(
            f"{self.address}/_standin/faults", json={"kind": kind, **wanted}, timeout=5
        )
        assert asked.text == "asked"

    def post(self, what: str) -> None:
        requests.post(f"{self.address}/_standin/{what}", timeout=5)

    def remote(self) -> dict[str, list[dict[str, str]]]:
        state = requests.get(f"{self.address}/_standin/state", timeout=5).json()
        return state.get("7", {})  # type: ignore[no-any-return]

    def emails(self, audience: str) -> list[str]:
        members = self.remote()[f"Questlog {audience}"]
        return sorted(member["EMAIL"] for member in members)


@pytest.fixture
def world() -> Iterator[World]:
    clock = [0.0]
    with running(lambda: clock[0]) as address:
        yield World(address, clock)


def people(*names: str) -> list[Identity]:
    return [
        meta_identity(Identifiers(name, email=f"{name}@example.com"), KEY)
        for name in names
    ]


def an_order(*names: str, remote_id: str = "", audience: str = "best") -> Order:
    return Order(
        audience=audience,
        meaning="The best.",
        remote_id=remote_id,
        people=people(*names),
    )


def digests(*names: str) -> list[str]:
    return sorted(
        hashlib.sha256(f"{name}@example.com".encode()).hexdigest() for name in names
    )


def a_crowd(count: int) -> list[str]:
    return [f"person{number}" for number in range(count)]


def test_the_remote_set_equals_the_order_after_adds_and_removals(world: World) -> None:
    meta = world.destination()

    first = meta.replace(an_order("ann", "bob"))
    second = meta.replace(an_order("bob", "cat", "dan", remote_id=first.remote_id))

    assert world.emails("best") == digests("bob", "cat", "dan")
    assert second.remote_id == first.remote_id
    assert (second.sent, second.received, second.invalid) == (3, 3, 0)


def test_an_audience_is_found_by_name_when_its_id_is_not_known(world: World) -> None:
    first = world.destination().replace(an_order("ann"))

    again = world.destination().replace(an_order("ann"))

    assert again.remote_id == first.remote_id


def test_an_audience_deleted_by_somebody_is_made_anew(world: World) -> None:
    meta = world.destination()
    first = meta.replace(an_order("ann"))
    world.post("reset")
    meta.replace(an_order("zoe", audience="other"))

    again = meta.replace(an_order("ann", remote_id=first.remote_id))

    assert again.remote_id != ""
    assert world.emails("best") == digests("ann")


def test_an_order_for_nobody_empties_what_exists_and_creates_nothing(
    world: World,
) -> None:
    meta = world.destination()

    nothing = meta.replace(an_order())
    made = meta.replace(an_order("ann"))
    emptied = meta.replace(an_order())

    assert nothing.remote_id == ""
    assert emptied.remote_id == made.remote_id
    assert world.remote() == {"Questlog best": []}


def test_more_people_than_one_batch_takes_still_end_as_one_set(world: World) -> None:
    crowd = a_crowd(10_001)

    delivery = world.destination().replace(an_order(*crowd))

    assert delivery.received == 10_001
    assert world.emails("best") == digests(*crowd)


def test_an_error_page_is_no_success_and_is_tried_again(world: World) -> None:
    world.fault("html_502", edge="usersreplace", times=2)
    world.fault("html_200", edge="usersreplace", after=0)

    world.destination().replace(an_order("ann"))

    assert world.emails("best") == digests("ann")
    assert world.slept == [1.0, 2.0, 4.0]


def test_a_throttled_call_waits_as_long_as_the_platform_asks(world: World) -> None:
    world.fault("throttle", edge="usersreplace", minutes=2)

    world.destination().replace(an_order("ann"))

    assert world.emails("best") == digests("ann")
    assert world.slept == [120.0]


def test_a_wait_beyond_patience_is_left_to_a_later_run(world: World) -> None:
    world.fault("throttle", edge="customaudiences", minutes=90)

    with pytest.raises(Unavailable, match="90 minutes"):
        world.destination().replace(an_order("ann"))

    assert world.slept == []


def test_trouble_of_the_platform_is_tried_until_patience_ends(world: World) -> None:
    world.fault("transient", times=99)

    with pytest.raises(Unavailable, match="error 2,"):
        world.destination(attempts=3).replace(an_order("ann"))

    assert world.slept == [1.0, 2.0]


def test_a_creation_whose_answer_is_lost_makes_one_audience(world: World) -> None:
    world.fault("lost_reply", edge="customaudiences", method="POST")

    world.destination().replace(an_order("ann"))

    assert list(world.remote()) == ["Questlog best"]
    page = requests.get(world.address, timeout=5).text
    assert page.count("<td>Questlog best</td>") == 1


def test_a_last_batch_whose_answer_is_lost_counts_as_done(world: World) -> None:
    world.fault("lost_reply", edge="usersreplace")

    delivery = world.destination().replace(an_order("ann", "bob"))

    assert world.emails("best") == digests("ann", "bob")
    assert delivery.received == 2


def test_a_session_left_open_by_a_crash_makes_the_next_push_wait(world: World) -> None:
    meta = world.destination()
    meta.replace(an_order("ann"))
    crowd = a_crowd(10_001)
    world.fault("transient", edge="usersreplace", after=1, times=99)
    with pytest.raises(Unavailable):
        meta.replace(an_order(*crowd))
    requests.delete(f"{world.address}/_standin/faults", timeout=5)

    with pytest.raises(Unavailable, match="another replace session is open"):
        meta.replace(an_order("bob"))
    world.clock[0] += 90 * 60 + 1
    meta.replace(an_order("bob"))

    assert world.emails("best") == digests("bob")


def test_a_revoked_token_is_final_and_the_error_holds_no_secret(world: World) -> None:
    meta = world.destination()
    meta.replace(an_order("ann"))
    world.post("revoke")

    with pytest.raises(DestinationRefused, match="META_ACCESS_TOKEN") as caught:
        meta.replace(an_order("ann", "bob"))

    assert TOKEN not in _all_text(caught.value)
    assert not any(digest in _all_text(caught.value) for digest in digests("ann"))
    assert world.slept == []


def test_a_network_without_an_answer_names_neither_token_nor_payload() -> None:
    slept: list[float] = []
    settings = Settings(
        meta_graph_url="http://127.0.0.1:1",
        meta_access_token=TOKEN,
        meta_ad_account_id="act_7",
    )
    meta = meta_destination(settings, Patience(attempts=2, sleep=slept.append))

    with pytest.raises(Unavailable, match="no answer came") as caught:
        meta.replace(an_order("ann"))

    assert TOKEN not in _all_text(caught.value)
    assert slept == [1.0]


class BreakingOff(socketserver.BaseRequestHandler):
    """Announces more than it sends, then hangs up."""

    def handle(self) -> None:
        self.request.recv(65_536)
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{")


def test_an_answer_that_breaks_off_is_a_network_without_an_answer() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), BreakingOff) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        settings = Settings(
            meta_graph_url=f"http://127.0.0.1:{server.server_address[1]}",
            meta_access_token=TOKEN,
            meta_ad_account_id="act_7",
        )
        meta = meta_destination(settings, Patience(attempts=2, sleep=lambda _: None))
        try:
            with pytest.raises(Unavailable, match="no answer came") as caught:
                meta.replace(an_order("ann"))
        finally:
            server.shutdown()
            thread.join()

    assert TOKEN not in _all_text(caught.value)


def _all_text(error: BaseException | None) -> str:
    """The error with everything a traceback could show of it."""
    told = []
    while error is not None:
        told.append(repr(error))
        error = error.__cause__ or error.__context__
    return " ".join(told)


def test_no_log_holds_a_token_or_an_identifier_even_at_debug(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    world.fault("html_502", edge="usersreplace")

    world.destination().replace(an_order("ann"))

    told = caplog.text + "".join(capfd.readouterr())
    secrets = [TOKEN, "ann@example.com", *digests("ann")]
    assert [secret for secret in secrets if secret in told] == []


def a_lookalike(seed_remote_id: str, **changed: object) -> LookalikeOrder:
    values = {
        "audience": "like_best",
        "seed_remote_id": seed_remote_id,
        "ratio": 0.01,
        "country": "DE",
    }
    return LookalikeOrder(**values | changed)  # type: ignore[arg-type]


def test_a_lookalike_is_made_once_and_looked_at_until_it_is_ready(world: World) -> None:
    meta = world.destination()
    seed = meta.replace(an_order(*a_crowd(100)))

    first = meta.keep_lookalike(a_lookalike(seed.remote_id))
    again = meta.keep_lookalike(a_lookalike(seed.remote_id))

    assert first.remote_id == again.remote_id
    assert first.detail == again.detail == ""
    assert list(world.remote()) == ["Questlog best", "Questlog like_best DE 1%"]
    assert world.slept == [5.0, 5.0]


def test_a_lookalike_of_too_few_is_refused_with_the_reason(world: World) -> None:
    meta = world.destination()
    seed = meta.replace(an_order(*a_crowd(99)))

    with pytest.raises(DestinationRefused, match="fewer than 100"):
        meta.keep_lookalike(a_lookalike(seed.remote_id))


def test_a_lookalike_of_another_seed_is_not_taken_for_ours(world: World) -> None:
    meta = world.destination()
    seed = meta.replace(an_order(*a_crowd(100)))
    other = meta.replace(an_order(*a_crowd(100), audience="other"))
    meta.keep_lookalike(a_lookalike(seed.remote_id))

    with pytest.raises(DestinationRefused, match="another seed"):
        meta.keep_lookalike(a_lookalike(other.remote_id))


def test_without_an_account_nothing_starts_and_both_settings_are_named() -> None:
    with pytest.raises(BadSetting, match="META_ACCESS_TOKEN and META_AD_ACCOUNT_ID"):
        meta_destination(Settings())


def test_without_an_address_it_is_meta_that_is_called() -> None:
    session = GraphSession(address="", token=TOKEN, patience=Patience())

    assert session.GRAPH == "https://graph.facebook.com"
    assert session.requests.trust_env


def test_nothing_but_digests_can_be_put_into_an_upload() -> None:
    with pytest.raises(AttributeError):
        payload([{"EMAIL": "ann@example.com"}])  # type: ignore[dict-item]


def test_an_address_that_is_not_the_graph_api_is_refused_at_once(world: World) -> None:
    settings = Settings(
        meta_graph_url=f"{world.address}/nowhere",
        meta_access_token=TOKEN,
        meta_ad_account_id="act_7",
    )

    with pytest.raises(DestinationRefused, match="2635"):
        meta_destination(settings).replace(an_order("ann"))
