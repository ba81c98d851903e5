"""Links and cuts of ids, as words that stay."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from warehouse import audit, identity
from warehouse.clickhouse import rows
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DONE = audit.act(by="ops", because="case 1", at=datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def client(warehouse_client: "Client") -> "Client":
    warehouse_client.command("truncate table raw.identity_links")
    warehouse_client.command("truncate table ops.audit")
    return warehouse_client


def kinds(client: "Client", own_id: str) -> list[tuple[str, bool]]:
    edges = identity.graph(client, own_id).edges
    return [(edge.kind, edge.valid_to is None) for edge in edges]


def test_the_latest_word_counts_though_all_were_said_in_one_moment(
    client: "Client",
) -> None:
    identity.link(client, "ann2", "ann", DONE)
    identity.unlink(client, "ann2", "", DONE)
    identity.link(client, "ann2", "ann", DONE)

    assert kinds(client, "ann") == [
        ("declared", False),
        ("cut", False),
        ("declared", True),
    ]


def test_each_word_has_its_row_in_the_audit(client: "Client") -> None:
    identity.link(client, "ann2", "ann", DONE)
    identity.unlink(client, "ann2", "ann", DONE)

    found = rows(
        client,
        "select action, subject, detail, done_by, because from ops.audit"
        " order by action",
    )

    assert [tuple(row.values()) for row in found] == [
        (action, "ann2", '{"person_id": "ann"}', "ops", "case 1")
        for action in ("identity.link", "identity.unlink")
    ]


def test_a_circle_is_told(client: "Client") -> None:
    for one, other in (("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")):
        identity.link(client, one, other, DONE)

    assert identity.circle(identity.graph(client, "a").edges) == ["b", "c"]


REFUSED: dict[str, Callable[["Client"], object]] = {
    "is itself already": lambda client: identity.link(client, "ann", "ann", DONE),
    "is a device": lambda client: identity.link(client, "ann", "anon:phone", DONE),
    "An id is empty": lambda client: identity.link(client, "anon:", "ann", DONE),
    "No edge from ann": lambda client: identity.unlink(client, "ann", "", DONE),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_makes_no_sense_is_refused_and_leaves_no_word(
    client: "Client", why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        REFUSED[why](client)

    assert rows(client, "select id from raw.identity_links") == []


def test_of_several_edges_the_one_to_cut_has_to_be_named(client: "Client") -> None:
    identity.link(client, "anon:phone", "ann", DONE)
    identity.link(client, "anon:phone", "ben", DONE)

    with pytest.raises(BadInput, match="2 edges, to ann, ben"):
        identity.unlink(client, "anon:phone", "", DONE)


@pytest.mark.parametrize("because", [" ", "ann@example.com asked"])
def test_a_reason_is_needed_and_holds_no_address(because: str) -> None:
    with pytest.raises(BadInput, match="because"):
        audit.act(by="ops", because=because, at=DONE.at)
