"""The stand-in of the Graph API keeps the rules that Meta's documents state."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from activation.standins.serving import running
from warehouse.ports import free_port
from warehouse.settings import REPOSITORY

TOKEN = {"access_token": "any"}


class Graph:
    """A stand-in's account, spoken to without the SDK."""

    def __init__(self, address: str, clock: list[float]) -> None:
        self.address, self.clock = address, clock

    def post(self, path: str, body: Any = None, **form: object) -> Any:
        import json

        fields = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in (body or form).items()
        }
        return requests.post(self._url(path), params=TOKEN, data=fields, timeout=30)

    def get(self, path: str, **params: str) -> Any:
        return requests.get(self._url(path), params={**TOKEN, **params}, timeout=30)

    def _url(self, path: str) -> str:
        return f"{self.address}/v26.0/{path}"

    def audience(self, name: str = "best", **changed: object) -> str:
        form = {
            "name": name,
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
        }
        made = self.post("act_7/customaudiences", form | changed)
        return str(made.json()["id"])

    def members(self, name: str = "best") -> list[dict[str, str]]:
        state = requests.get(f"{self.address}/_standin/state", timeout=60).json()
        return state["7"][name]  # type: ignore[no-any-return]


@pytest.fixture
def graph() -> Iterator[Graph]:
    clock = [0.0]
    with running(lambda: clock[0]) as address:
        yield Graph(address, clock)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows(*names: str) -> dict[str, object]:
    return {"schema": ["EMAIL"], "is_raw": True, "data": [[digest(n)] for n in names]}


def session(session_id: int, seq: int, **changed: object) -> dict[str, object]:
    values = {"session_id": session_id, "batch_seq": seq, "last_batch_flag": False}
    return values | changed


def codes(answer: Any) -> tuple[int, int]:
    error = answer.json()["error"]
    assert set(error) >= {"message", "type", "code", "is_transient", "fbtrace_id"}
    return error["code"], error.get("error_subcode", 0)


def test_people_are_added_and_removed_by_any_identifying_key(graph: Graph) -> None:
    audience = graph.audience()

    added = graph.post(f"{audience}/users", payload=rows("ann", "bob"))
    removed = graph.post(f"{audience}/users", method="delete", payload=rows("ann"))

    assert added.json()["num_received"] == 2
    assert removed.json()["num_received"] == 1
    assert graph.members() == [{"EMAIL": digest("bob")}]


@pytest.mark.parametrize(
    "row",
    [["ann@example.com"], [digest("")], [""], [digest("a"), digest("b")], [7], "raw"],
)
def test_what_is_no_digest_is_counted_as_invalid_and_never_kept(
    graph: Graph, row: object
) -> None:
    audience = graph.audience()
    payload = rows("ann") | {"data": [[digest("ann")], row]}

    answer = graph.post(f"{audience}/users", payload=payload).json()

    assert (answer["num_received"], answer["num_invalid_entries"]) == (2, 1)
    assert graph.members() == [{"EMAIL": digest("ann")}]


def test_an_external_id_is_free_text_and_an_unknown_key_is_empty(graph: Graph) -> None:
    audience = graph.audience()
    payload = {"schema": ["EXTERN_ID", "EMAIL"], "data": [["x1", ""]]}

    answer = graph.post(f"{audience}/users", payload=payload).json()

    assert answer["num_invalid_entries"] == 0
    assert graph.members() == [{"EXTERN_ID": "x1"}]


def test_a_value_is_for_value_based_audiences_alone(graph: Graph) -> None:
    plain, valued = graph.audience(), graph.audience("valued", is_value_based=True)
    payload = {
        "schema": ["EMAIL", "LOOKALIKE_VALUE"],
        "data": [[digest("ann"), 44.5], [digest("bob"), -1]],
    }

    refused = graph.post(f"{plain}/users", payload=payload)
    taken = graph.post(f"{valued}/users", payload=payload).json()

    assert codes(refused) == (100, 0)
    assert (taken["num_received"], taken["num_invalid_entries"]) == (2, 1)


@pytest.mark.parametrize(
    "payload",
    [
        "nothing",
        {"schema": ["SHOE_SIZE"], "data": [["9"]]},
        {"schema": ["EMAIL"], "data": []},
        {"schema": ["EMAIL"], "data": [[digest("a")]] * 10_001},
    ],
)
def test_an_upload_that_cannot_be_read_is_refused_whole(
    graph: Graph, payload: object
) -> None:
    answer = graph.post(f"{graph.audience()}/users", payload=payload)

    assert codes(answer) == (100, 0)


def test_a_replace_session_puts_its_set_in_force_with_its_last_batch(
    graph: Graph,
) -> None:
    audience = graph.audience()
    graph.post(f"{audience}/users", payload=rows("old"))
    path = f"{audience}/usersreplace"

    first = graph.post(path, payload=rows("ann"), session=session(1, 1))
    between = graph.members()
    again = graph.post(path, payload=rows("ann"), session=session(1, 1))
    last = graph.post(
        path, payload=rows("bob"), session=session(1, 2, last_batch_flag=True)
    )

    assert between == [{"EMAIL": digest("old")}]
    # cumulative, and inflated by what was sent twice
    counts = [answer.json()["num_received"] for answer in (first, again, last)]
    assert counts == [1, 2, 3]
    assert sorted(one["EMAIL"] for one in graph.members()) == sorted(
        [digest("ann"), digest("bob")]
    )


def test_a_session_refuses_what_does_not_belong_to_it(graph: Graph) -> None:
    audience = graph.audience()
    path, one = f"{audience}/usersreplace", rows("ann")
    last = {"last_batch_flag": True}
    other = {"schema": ["PHONE"], "data": [[digest("1")]]}

    no_first = graph.post(path, payload=one, session=session(1, 2))
    too_big = graph.post(
        path, payload=one, session=session(1, 1, estimated_num_total=100_000_000)
    )
    graph.post(path, payload=one, session=session(1, 1))
    second_session = graph.post(path, payload=one, session=session(2, 1))
    added = graph.post(f"{audience}/users", payload=one)
    other_schema = graph.post(path, payload=other, session=session(1, 2))
    gap = graph.post(path, payload=one, session=session(1, 3, **last))
    graph.clock[0] += 90 * 60 + 1
    too_late = graph.post(path, payload=one, session=session(1, 2))
    graph.post(path, payload=one, session=session(3, 1, **last))
    finished = graph.post(path, payload=one, session=session(3, 1, **last))

    assert codes(no_first) == (2650, 1870147)
    assert codes(too_big) == (2650, 1870144)
    assert codes(second_session) == codes(added) == (2650, 1870145)
    assert codes(other_schema) == (100, 0)
    assert codes(gap) == (2650, 1870148)
    assert codes(too_late) == (2650, 1870158)
    assert codes(finished) == (2650, 1870159)


def a_lookalike(seed: str, **changed: object) -> dict[str, object]:
    spec = {"type": "custom_ratio", "ratio": 0.01, "country": "DE"}
    return {
        "name": "like",
        "subtype": "LOOKALIKE",
        "origin_audience_id": seed,
        "lookalike_spec": spec | changed,
    }


def test_a_lookalike_needs_a_seed_and_becomes_ready_by_being_looked_at(
    graph: Graph,
) -> None:
    seed, path = graph.audience(), "act_7/customaudiences"
    crowd = [f"p{number}" for number in range(100)]
    graph.post(f"{seed}/users", payload=rows(*crowd[1:]))
    too_small = graph.post(path, a_lookalike(seed))
    graph.post(f"{seed}/users", payload=rows(*crowd))
    too_wide = graph.post(path, a_lookalike(seed, ratio=0.5))
    made = graph.post(path, a_lookalike(seed)).json()["id"]
    twice = graph.post(path, a_lookalike(seed))

    looks = [graph.get(made, fields="delivery_status").json() for _ in range(3)]

    assert codes(too_small) == (100, 1713007)
    assert codes(too_wide) == (100, 0)
    assert codes(twice) == (2654, 0)
    assert [look["delivery_status"]["code"] for look in looks] == [300, 300, 200]


def test_an_account_takes_five_hundred_audiences_and_lists_them_by_page(
    graph: Graph,
) -> None:
    for number in range(500):
        graph.audience(f"a{number}")

    refused = graph.post(
        "act_7/customaudiences",
        name="more",
        subtype="CUSTOM",
        customer_file_source="USER_PROVIDED_ONLY",
    )
    pages = [
        graph.get("act_7/customaudiences", limit="200", after=after, fields="name")
        for after in ("0", "200", "400")
    ]

    assert "500" in refused.json()["error"]["message"]
    assert [len(page.json()["data"]) for page in pages] == [200, 200, 100]
    assert ["next" in page.json()["paging"] for page in pages] == [True, True, False]


def test_a_token_a_version_and_an_id_are_looked_at(graph: Graph) -> None:
    url = f"{graph.address}/v26.0/act_7/customaudiences"
    old = f"{graph.address}/v19.0/act_7/customaudiences"

    no_token = requests.get(url, timeout=60)
    no_version = requests.get(old, params=TOKEN, timeout=60)
    no_object = graph.get("12345")
    requests.post(f"{graph.address}/_standin/revoke", timeout=60)
    revoked = graph.get("act_7/customaudiences")

    assert codes(no_token) == codes(revoked) == (190, 460)
    assert codes(no_version) == (2635, 0)
    assert codes(no_object) == (100, 33)


def test_every_answer_tells_the_use_of_the_account(graph: Graph) -> None:
    fault = {"kind": "throttle", "minutes": 19}
    requests.post(f"{graph.address}/_standin/faults", json=fault, timeout=60)

    throttled = graph.get("act_7/customaudiences")
    fine = graph.get("act_7/customaudiences")

    header = "X-Business-Use-Case-Usage"
    assert '"estimated_time_to_regain_access": 19' in throttled.headers[header]
    assert '"estimated_time_to_regain_access": 0' in fine.headers[header]
    assert codes(throttled) == (80003, 0)


def test_a_fault_that_is_not_known_is_refused_with_the_known_ones(graph: Graph) -> None:
    asked = requests.post(
        f"{graph.address}/_standin/faults", json={"kind": "rain"}, timeout=5
    )

    assert asked.status_code == 400
    assert "html_502" in asked.text


def test_the_page_says_that_it_is_not_meta_and_lists_what_came(graph: Graph) -> None:
    audience = graph.audience("<b>best</b>")
    graph.post(f"{audience}/users", payload=rows("ann", "bob"))

    page = requests.get(graph.address, timeout=60).text

    assert "not Meta" in page
    assert "&lt;b&gt;best&lt;/b&gt;" in page
    assert '<td class="number">2<span class="bar"' in page
    assert digest("ann") not in page


def start(home: Path, port: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "questlog", "serve", "graph-standin"],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "QUESTLOG_HOME": str(home),
            "QUESTLOG_GRAPH_STANDIN_PORT": str(port),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_health(port: int) -> None:
    patience_ends = time.monotonic() + 60
    while time.monotonic() < patience_ends:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the stand-in did not start")


def test_the_process_serves_until_it_is_asked_to_stop(tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, port)
    try:
        await_health(port)
        second = start(tmp_path, port)
        told = second.communicate(timeout=60)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        printed = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()

    assert time.monotonic() - asked < 2
    assert printed[0] == ""
    assert second.returncode == 1
    assert told[1].count("\n") == 1
    assert f"Port {port}" in told[1]
