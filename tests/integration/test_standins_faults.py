"""What the stand-ins do when they are asked to go wrong, or to be stingy."""

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from activation.destinations.kinds import opened
from activation.destinations.protocol import Destination, LookalikeOrder, Member, Wanted
from activation.identifiers import Hashed
from activation.patience import Patience
from activation.standins.google import GoogleStandin
from activation.standins.google import running as google_running
from activation.standins.google_page import create_app
from activation.standins.serving import running as graph_running
from activation.standins.serving import serving_beside
from warehouse.errors import DestinationRefused, Unavailable
from warehouse.settings import Settings

CUSTOMER = "1234567890"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def people(key: str, *names: str, value: float | None = None) -> list[Member]:
    return [Member(identity={key: Hashed(digest(n))}, value=value) for n in names]


WANTED = Wanted(audience="best", meaning="The best.")


class Graph:
    """The stand-in of Meta's, and what a destination slept."""

    def __init__(self, address: str, clock: list[float]) -> None:
        self.address, self.clock = address, clock
        self.slept: list[float] = []

    def destination(self) -> Destination:
        settings = Settings(
            meta_graph_url=self.address, meta_access_token="t", meta_ad_account_id="1"
        )
        return opened("meta", settings, Patience(sleep=self._sleep))

    def ask(self, what: str, body: Any) -> requests.Response:
        return requests.post(f"{self.address}/_standin/{what}", json=body, timeout=60)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock[0] += seconds


@pytest.fixture
def graph() -> Iterator[Graph]:
    clock = [0.0]
    with graph_running(lambda: clock[0]) as address:
        yield Graph(address, clock)


def test_calls_beyond_the_budget_wait_for_the_next_window(graph: Graph) -> None:
    meta = graph.destination()
    remote_id = meta.make(WANTED)
    meta.add(remote_id, people("EMAIL", "ann"))
    graph.ask("limits", {"calls": 2, "window_s": 60})

    for name in ("bob", "cat", "dan"):
        meta.add(remote_id, people("EMAIL", name))

    state = requests.get(f"{graph.address}/_standin/state", timeout=60).json()
    assert len(state["1"]["Questlog best"]) == 4
    # after the second call, whose answer says so, and not after a refusal
    assert graph.slept == [60.0]


def test_a_seed_draws_faults_that_can_be_drawn_again(graph: Graph) -> None:
    seen = []
    for _ in range(2):
        graph.ask("faults", {"seed": 7, "share": 0.5})
        url = f"{graph.address}/v26.0/act_1?access_token=t"
        seen.append([requests.get(url, timeout=60).status_code for _ in range(20)])

    assert seen[0] == seen[1]
    assert {200, 502} <= set(seen[0])


@pytest.mark.parametrize(
    ("code", "subcode", "said"),
    [
        (190, 463, "META_ACCESS_TOKEN"),
        (200, 1870090, "terms"),
        (368, 0, "blocked"),
        (2635, 0, "facebook-business"),
        (2655, 0, "terms"),
    ],
)
def test_an_error_that_stops_is_explained_and_not_repeated(
    graph: Graph, code: int, subcode: int, said: str
) -> None:
    meta = graph.destination()
    remote_id = meta.make(WANTED)
    graph.ask("faults", {"kind": "refuse", "code": code, "subcode": subcode})

    with pytest.raises(DestinationRefused, match=said):
        meta.remove(remote_id, [people("EMAIL", "ann")[0].identity])

    assert graph.slept == []


def test_a_flagged_name_is_explained_at_every_write_and_to_its_lookalike(
    graph: Graph,
) -> None:
    meta = graph.destination()
    flagged = meta.make(Wanted(audience="high_income", meaning="x"))
    order = LookalikeOrder(
        audience="like", seed_remote_id=flagged, ratio=0.01, country="DE"
    )

    for attempt in (
        lambda: meta.add(flagged, people("EMAIL", "ann")),
        lambda: meta.remove(flagged, [people("EMAIL", "ann")[0].identity]),
        lambda: meta.replace(flagged, [people("EMAIL", "ann")], 1),  # type: ignore[attr-defined]
        lambda: meta.keep_lookalike(order),  # type: ignore[attr-defined]
    ):
        with pytest.raises(DestinationRefused, match="hints at health or income"):
            attempt()


def test_terms_that_nobody_accepted_stop_uploads(graph: Graph) -> None:
    meta = graph.destination()
    remote_id = meta.make(WANTED)
    graph.ask("terms", body=False)

    with pytest.raises(DestinationRefused, match="Audience Manager"):
        meta.add(remote_id, people("EMAIL", "ann"))


def test_the_rows_of_a_session_of_uploads_are_counted_with_resends(
    graph: Graph,
) -> None:
    remote_id = graph.destination().make(WANTED)
    form = {
        "payload": json.dumps({"schema": ["EMAIL"], "data": [[digest("ann")]]}),
        "session": json.dumps({"session_id": 5, "batch_seq": 1}),
    }

    told = [
        requests.post(
            f"{graph.address}/v26.0/{remote_id}/users?access_token=t",
            data=form,
            timeout=60,
        ).json()["num_received"]
        for _ in range(3)
    ]

    assert told == [1, 2, 3]


def an_event(**changed: object) -> dict[str, object]:
    event: dict[str, object] = {
        "event_name": "Purchase",
        "event_id": "e1",
        "event_time": int(time.time()),
        "action_source": "system_generated",
        "user_data": {"em": [digest("ann")]},
        "custom_data": {"value": 12.5, "currency": "EUR"},
    }
    return event | changed


@pytest.mark.parametrize(
    ("event", "subcode"),
    [
        (an_event(event_time=int(time.time()) - 8 * 86_400), 2804003),
        (an_event(event_time=int(time.time()) + 3600), 2804004),
        (an_event(event_time=None), 2804001),
        (an_event(action_source="mind"), 2804007),
        (an_event(user_data={"em": ["ann@example.com"]}), 2804019),
        (an_event(user_data={"country": digest("de")}), 2804050),
        (an_event(custom_data={"value": 1}), 2804009),
        (an_event(custom_data={"currency": "EUR"}), 2804008),
    ],
)
def test_one_bad_event_refuses_its_request(
    graph: Graph, event: dict[str, object], subcode: int
) -> None:
    form = {"data": json.dumps([an_event(), event])}

    answer = requests.post(
        f"{graph.address}/v26.0/1000/events?access_token=t", data=form, timeout=5
    )
    kept = requests.get(f"{graph.address}/_standin/events", timeout=60).json()

    assert answer.json()["error"]["error_subcode"] == subcode
    assert kept.get("1000", []) == []


@pytest.fixture
def google() -> Iterator[tuple[str, GoogleStandin]]:
    with google_running() as running:
        yield running


def a_destination(address: str, by: str = "data_manager") -> Destination:
    settings = Settings(
        google_endpoint=address,
        google_developer_token="t",
        google_customer_id=CUSTOMER,
        google_members_by=by,
    )
    return opened("google", settings, Patience(sleep=lambda _: None))


def held(standin: GoogleStandin) -> list[str]:
    found = standin.state.members(CUSTOMER, "Questlog best")
    return sorted(one["email_address"] for one in found)


def a_list_that_leaves_out(
    google: tuple[str, GoogleStandin], method: str
) -> tuple[Destination, str]:
    """A destination and a list of it; the next call leaves out the last member."""
    from activation.standins.google import GoogleFault

    address, standin = google
    destination = a_destination(address)
    remote_id = destination.make(WANTED)
    standin.faults.append(GoogleFault(method=method, leaves_out=1))
    return destination, remote_id


def test_a_part_that_was_not_carried_out_is_counted_with_its_reason(
    google: tuple[str, GoogleStandin],
) -> None:
    _, standin = google
    destination, remote_id = a_list_that_leaves_out(google, "IngestAudienceMembers")

    asked = destination.add(remote_id, people("email_address", "ann", "bob"))
    found = destination.outcome(asked.request_id)

    assert (found.state, found.reasons) == ("partly", {"internal_error": 1})
    assert found.left_out_may_pass
    assert held(standin) == [digest("ann")]


def test_a_removal_may_be_carried_out_in_part_too(
    google: tuple[str, GoogleStandin],
) -> None:
    _, standin = google
    destination, remote_id = a_list_that_leaves_out(google, "RemoveAudienceMembers")
    both = people("email_address", "ann", "bob")
    destination.add(remote_id, both)

    asked = destination.remove(remote_id, [one.identity for one in both])
    found = destination.outcome(asked.request_id)

    assert (found.state, found.received) == ("partly", 2)
    assert found.left_out_may_pass
    assert held(standin) == [digest("bob")]


def test_a_slow_request_is_carried_out_after_enough_looks(
    google: tuple[str, GoogleStandin],
) -> None:
    address, standin = google
    destination = a_destination(address)
    remote_id = destination.make(WANTED)
    standin.state.looks_until_done = 2

    asked = destination.add(remote_id, people("email_address", "ann"))
    looks = [destination.outcome(asked.request_id).state for _ in range(2)]

    assert looks == ["pending", "done"]


def test_a_large_upload_has_a_match_rate_and_a_small_one_has_none(
    google: tuple[str, GoogleStandin],
) -> None:
    destination = a_destination(google[0])
    remote_id = destination.make(WANTED)
    crowd = people("email_address", *(f"p{number}" for number in range(1_000)))

    large = destination.add(remote_id, crowd)
    small = destination.add(remote_id, crowd[:1])

    assert destination.outcome(large.request_id).match_rate == "61 to 70 %"
    assert destination.outcome(small.request_id).match_rate == ""


def test_offline_jobs_carry_values_and_end_in_the_same_set(
    google: tuple[str, GoogleStandin],
) -> None:
    address, standin = google
    standin.state.takes_jobs = True
    destination = a_destination(address, "offline_jobs")
    remote_id = destination.make(WANTED)
    added = [*people("email_address", "ann", "bob", value=12.5), Member(identity={})]

    first = destination.add(remote_id, added)
    gone = destination.remove(remote_id, [people("email_address", "bob")[0].identity])

    assert first.refused == {2: "no e-mail address or phone number"}
    assert destination.outcome(first.request_id).state == "done"
    assert destination.outcome(gone.request_id).state == "done"
    assert standin.state.members(CUSTOMER, "Questlog best") == [
        {"email_address": digest("ann"), "value": "12.5"}
    ]

    exchanged = destination.replace(  # type: ignore[attr-defined]
        remote_id, [people("email_address", "cat")], 1
    )

    assert destination.outcome(exchanged.request_id).state == "done"
    assert held(standin) == [digest("cat")]


def test_an_account_that_google_does_not_let_is_told_what_to_set(
    google: tuple[str, GoogleStandin],
) -> None:
    destination = a_destination(google[0], "offline_jobs")
    remote_id = destination.make(WANTED)

    with pytest.raises(DestinationRefused, match="GOOGLE_MEMBERS_BY=data_manager"):
        destination.add(remote_id, people("email_address", "ann"))


def test_google_s_faults_are_drawn_by_a_seed_and_asked_for_by_http(
    google: tuple[str, GoogleStandin],
) -> None:
    address, standin = google
    destination = a_destination(address)
    with serving_beside(create_app(standin), 0) as page:
        requests.post(
            f"{page}/_standin/faults", json={"seed": 1, "share": 1.0}, timeout=5
        )
        with pytest.raises((Unavailable, DestinationRefused)):
            destination.make(WANTED)
        requests.delete(f"{page}/_standin/faults", timeout=60)
        remote_id = destination.make(WANTED)
        destination.add(remote_id, people("email_address", "ann"))

        shown = requests.get(page, timeout=60).text
        state = requests.get(f"{page}/_standin/state", timeout=60).json()

    assert "not Google" in shown
    assert digest("ann") not in shown
    assert state == {CUSTOMER: {"Questlog best": [{"email_address": digest("ann")}]}}
