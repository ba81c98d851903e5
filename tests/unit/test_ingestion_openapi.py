"""The OpenAPI document is true: requests made from it are answered as it says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
)

from ingestion.app import application
from tests.unit.door import Door, a_door, an_event

DOCUMENTED = ["/", "/healthz", "/metrics", "/openapi.json", "/v1/events", "/v1/schemas"]
BRIEFLY = settings(
    max_examples=40,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
    database=None,
    derandomize=True,
)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with a_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


@pytest.fixture(scope="module")
def described(door: Door) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", application(door.service))


def test_every_route_is_described(door: Door, described: Any) -> None:
    # the protocols of others are theirs to describe: docs/trackers.md
    ours = [one for one in door.client.app.routes if one.include_in_schema]
    routes = {getattr(route, "path", "") for route in ours}

    assert sorted(described.raw_schema["paths"]) == sorted(routes) == DOCUMENTED


@pytest.mark.parametrize("path", [path for path in DOCUMENTED if path != "/v1/events"])
def test_what_is_asked_for_is_as_described(described: Any, path: str) -> None:
    described[path]["GET"].Case().call_and_validate()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_what_is_sent_is_answered_as_described(
    door: Door, described: Any, mode: GenerationMode
) -> None:
    operation = described["/v1/events"]["POST"]
    seen = set()

    @BRIEFLY
    @given(case=operation.as_strategy(generation_mode=mode))
    def sent(case: Case) -> None:
        # a bad event costs neither its neighbours nor the request: it is answered 200
        excluded = [negative_data_rejection, ignored_auth]
        if case.media_type != "application/json":
            # what a text must be cannot be said in a schema
            excluded.append(positive_data_acceptance)
        for invented in ("Authorization", "X-Write-Key"):
            case.headers.pop(invented, None)
        answer = case.call_and_validate(
            headers={"X-Write-Key": door.open}, excluded_checks=excluded
        )
        seen.add(answer.status_code)

    sent()

    assert 200 in seen


def test_the_schemas_are_those_that_events_are_judged_by(door: Door) -> None:
    answer = door.client.get("/v1/schemas")
    again = door.client.get(
        "/v1/schemas", headers={"If-None-Match": answer.headers["etag"]}
    )

    found = answer.json()
    assert set(found["events"]) == set(door.service.rules.schemas.taxonomy.events)
    assert found["events"]["rolled"]["properties"]["dice"]["type"] == "string"
    assert again.status_code == 304
    assert not again.content


def test_what_the_router_refuses_is_json_too(door: Door) -> None:
    absent = door.client.get("/v2/events")
    wrong = door.client.put("/v1/events", content=json.dumps(an_event()))

    assert (absent.status_code, wrong.status_code) == (404, 405)
    assert absent.json() == {"error": "Not Found"}
    assert set(wrong.headers["allow"].split(", ")) == {"OPTIONS", "POST"}
