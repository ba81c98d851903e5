"""Google as a destination, against the stand-in of its ad APIs."""

import hashlib
import itertools
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from google.ads.datamanager_v1 import types as members
from google.api_core.exceptions import GoogleAPICallError
from google.oauth2.credentials import Credentials

from activation.destination import LookalikeOrder, Order
from activation.google import Google, google_destination, upload
from activation.google_account import google_account
from activation.identifiers import Hashed, Identifiers, Identity, google_identity
from activation.patience import Patience
from activation.standins.google import GoogleFault, GoogleStandin, running
from warehouse.errors import BadSetting, DestinationRefused, StackFailed, Unavailable
from warehouse.settings import Settings

TOKEN = "developer-secret"
CUSTOMER = "1234567890"
DAY_S = 86_400.0


@dataclass
class World:
    """A stand-in, a destination that talks to it, and what it slept."""

    address: str
    standin: GoogleStandin
    clock: list[float]
    slept: list[float] = field(default_factory=list)

    def destination(self, **changed: object) -> Google:
        patience = Patience(sleep=self.slept.append, **changed)  # type: ignore[arg-type]
        return google_destination(an_account(self.address), patience)

    def fault(self, method: str, **wanted: object) -> None:
        self.standin.faults.append(GoogleFault(method=method, **wanted))  # type: ignore[arg-type]

    def names(self) -> list[str]:
        return [one.name for one in self.standin.state.lists_of(CUSTOMER).values()]

    def emails(self, audience: str) -> list[str]:
        held = self.standin.state.members(CUSTOMER, f"Questlog {audience}")
        return sorted(member["email_address"] for member in held)


def an_account(address: str) -> Settings:
    return Settings(
        google_endpoint=address,
        google_developer_token=TOKEN,
        google_customer_id="123-456-7890",
        google_login_customer_id="999-000-1111",
    )


@pytest.fixture
def world() -> Iterator[World]:
    clock = [1_700_000_000.0]
    ticks = itertools.count()

    def now() -> float:
        """No two moments are the same, as at Google."""
        return clock[0] + next(ticks) / 1000

    with running(now) as (address, standin):
        yield World(address, standin, clock)


def people(*names: str) -> list[Identity]:
    return [
        google_identity(Identifiers(name, email=f"{name}@example.com"), b"")
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
    google = world.destination()

    first = google.replace(an_order("ann", "bob"))
    second = google.replace(an_order("bob", "cat", "dan", remote_id=first.remote_id))

    assert world.emails("best") == digests("bob", "cat", "dan")
    assert second.remote_id == first.remote_id
    assert (second.sent, second.received, second.invalid) == (3, 3, 0)
    assert second.detail == ""


def test_the_set_is_exact_even_when_google_works_in_another_order(world: World) -> None:
    google = world.destination()
    google.replace(an_order("ann", "bob"))
    world.standin.state.is_slow = True

    delivery = google.replace(an_order("bob", "cat"))
    world.standin.state.finish(last_first=True)

    assert world.emails("best") == digests("bob", "cat")
    assert delivery.received == 2
    assert delivery.detail.startswith("Google is still working on request-")


def test_a_list_is_found_by_name_when_its_id_is_not_known(world: World) -> None:
    first = world.destination().replace(an_order("ann"))

    again = world.destination().replace(an_order("ann"))

    assert again.remote_id == first.remote_id
    assert world.names() == ["Questlog best"]


def test_a_list_deleted_by_somebody_is_made_anew(world: World) -> None:
    google = world.destination()
    first = google.replace(an_order("ann"))
    world.standin.state.lists.clear()

    again = google.replace(an_order("ann", remote_id=first.remote_id))

    assert again.remote_id not in {"", first.remote_id}
    assert world.emails("best") == digests("ann")


def test_an_order_for_nobody_empties_what_exists_and_creates_nothing(
    world: World,
) -> None:
    google = world.destination()

    nothing = google.replace(an_order())
    nothing_made = world.names()
    made = google.replace(an_order("ann"))
    emptied = google.replace(an_order())

    assert (nothing.remote_id, nothing_made) == ("", [])
    assert emptied.remote_id == made.remote_id
    assert world.emails("best") == []


def test_more_people_than_one_request_takes_still_end_as_one_set(world: World) -> None:
    crowd = a_crowd(10_001)

    delivery = world.destination().replace(an_order(*crowd))

    assert (delivery.sent, delivery.received) == (10_001, 10_001)
    assert world.emails("best") == digests(*crowd)


def test_who_has_nothing_that_google_knows_is_not_sent(world: World) -> None:
    nobody = google_identity(Identifiers("x", email="+tag@gmail.com"), b"")
    order = replace(an_order("ann"), people=[*people("ann"), nobody])

    delivery = world.destination().replace(order)

    assert (delivery.sent, delivery.received) == (1, 1)


def test_a_push_renews_the_membership_of_those_who_stay(world: World) -> None:
    google = world.destination()
    google.replace(an_order("ann"))
    world.clock[0] += 29 * DAY_S
    google.replace(an_order("ann"))
    world.clock[0] += 29 * DAY_S
    kept = world.emails("best")
    world.clock[0] += 2 * DAY_S

    assert kept == digests("ann")
    assert world.emails("best") == []


def test_an_upload_is_tried_again_after_an_outage(world: World) -> None:
    world.fault("IngestAudienceMembers", times=2)

    world.destination().replace(an_order("ann"))

    assert world.emails("best") == digests("ann")
    assert world.slept == [1.0, 2.0]


def test_a_removal_of_all_is_left_to_the_next_push(world: World) -> None:
    google = world.destination()
    google.replace(an_order("ann"))
    world.fault("RemoveAllAudienceMembers")

    with pytest.raises(Unavailable, match="the removal of all members"):
        google.replace(an_order("bob"))

    assert world.slept == []
    assert world.emails("best") == digests("ann")


def test_an_outage_is_tried_until_patience_ends(world: World) -> None:
    world.fault("IngestAudienceMembers", times=99)

    with pytest.raises(Unavailable, match="error UNAVAILABLE"):
        world.destination(attempts=3).replace(an_order("ann"))

    assert world.slept == [1.0, 2.0]


@pytest.mark.parametrize("method", ["IngestAudienceMembers", "Search"])
def test_a_used_up_quota_waits_as_long_as_google_asks(
    world: World, method: str
) -> None:
    reason = "RESOURCE_EXHAUSTED"
    world.fault(method, code="RESOURCE_EXHAUSTED", reason=reason, wait_s=30)

    world.destination().replace(an_order("ann"))

    assert world.emails("best") == digests("ann")
    assert world.slept == [30.0]


def test_a_wait_beyond_patience_is_left_to_a_later_run(world: World) -> None:
    world.fault(
        "Search",
        code="RESOURCE_EXHAUSTED",
        reason="RESOURCE_TEMPORARILY_EXHAUSTED",
        wait_s=3600,
    )

    with pytest.raises(Unavailable, match="3600 s of quiet"):
        world.destination().replace(an_order("ann"))

    assert world.slept == []


def test_a_quota_without_a_word_of_when_is_left_to_a_later_run(world: World) -> None:
    world.fault("IngestAudienceMembers", code="RESOURCE_EXHAUSTED")

    with pytest.raises(Unavailable, match="a quota is used up"):
        world.destination().replace(an_order("ann"))

    assert world.slept == []


def test_a_creation_whose_answer_is_lost_makes_one_list(world: World) -> None:
    world.fault("MutateUserLists", answer_is_lost=True)

    world.destination().replace(an_order("ann"))

    assert world.names() == ["Questlog best"]
    assert world.emails("best") == digests("ann")


def test_an_upload_whose_answer_is_lost_adds_nobody_twice(world: World) -> None:
    world.fault("IngestAudienceMembers", answer_is_lost=True)

    delivery = world.destination().replace(an_order("ann", "bob"))

    assert world.emails("best") == digests("ann", "bob")
    assert delivery.received == 2


def test_a_request_that_fails_later_is_told_with_its_reason(world: World) -> None:
    reason = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"
    world.standin.state.fails_because = reason

    with pytest.raises(DestinationRefused, match=reason):
        world.destination().replace(an_order("ann"))


def test_terms_that_nobody_accepted_are_told_with_what_to_do(world: World) -> None:
    world.fault(
        "IngestAudienceMembers",
        code="FAILED_PRECONDITION",
        reason="TERMS_AND_CONDITIONS_NOT_SIGNED",
    )

    with pytest.raises(DestinationRefused, match="accepts them once in Google Ads"):
        world.destination().replace(an_order("ann"))


def test_a_revoked_token_is_final_and_the_error_holds_no_secret(world: World) -> None:
    google = world.destination()
    google.replace(an_order("ann"))
    world.standin.token_is_revoked = True

    with pytest.raises(DestinationRefused, match="GOOGLE_DEVELOPER_TOKEN") as caught:
        google.replace(an_order("ann", "bob"))

    told = _all_text(caught.value)
    assert [s for s in (TOKEN, *digests("ann", "bob")) if s in told] == []
    assert world.slept == []


def test_a_refused_upload_names_no_digest(world: World) -> None:
    world.fault("IngestAudienceMembers", code="INVALID_ARGUMENT")

    with pytest.raises(DestinationRefused) as caught:
        world.destination().replace(an_order("ann"))

    told = _all_text(caught.value)
    assert [s for s in (TOKEN, "quoting", *digests("ann")) if s in told] == []


def test_a_network_without_an_answer_is_unavailable() -> None:
    slept: list[float] = []
    google = google_destination(
        an_account("127.0.0.1:1"), Patience(attempts=2, sleep=slept.append)
    )

    with pytest.raises(Unavailable, match="Check GOOGLE_ENDPOINT") as caught:
        google.replace(an_order("ann"))

    assert TOKEN not in _all_text(caught.value)
    assert slept == [1.0]


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
    world.fault("IngestAudienceMembers")

    google = world.destination()
    google.replace(an_order("ann"))

    told = caplog.text + "".join(capfd.readouterr()) + repr(google)
    secrets = [TOKEN, "ann@example.com", *digests("ann")]
    assert [secret for secret in secrets if secret in told] == []


def test_google_ads_is_told_the_token_and_the_manager(world: World) -> None:
    world.destination().replace(an_order("ann"))

    first = world.standin.headers[0]
    assert first["developer-token"] == TOKEN
    assert first["login-customer-id"] == "9990001111"


def test_an_upload_says_consent_terms_and_encoding() -> None:
    target = members.Destination(product_destination_id="1")
    known = {"email_address": Hashed("a" * 64), "phone_number": Hashed("")}

    request = upload(target, [known])

    granted = members.ConsentStatus.CONSENT_GRANTED
    member = request.audience_members[0]
    assert member.consent.ad_user_data == granted
    assert member.consent.ad_personalization == granted
    assert [one.email_address for one in member.user_data.user_identifiers] == [
        "a" * 64
    ]
    assert request.encoding == members.Encoding.HEX
    assert (
        request.terms_of_service.customer_match_terms_of_service_status
        == members.TermsOfServiceStatus.ACCEPTED
    )


def test_nothing_but_digests_can_be_put_into_an_upload() -> None:
    target = members.Destination(product_destination_id="1")

    with pytest.raises(AttributeError):
        upload(target, [{"email_address": "ann@example.com"}])  # type: ignore[dict-item]


def a_lookalike(seed_remote_id: str, **changed: object) -> LookalikeOrder:
    values = {
        "audience": "like_best",
        "seed_remote_id": seed_remote_id,
        "ratio": 0.01,
        "country": "DE",
    }
    return LookalikeOrder(**values | changed)  # type: ignore[arg-type]


def test_a_lookalike_is_made_once(world: World) -> None:
    google = world.destination()
    seed = google.replace(an_order("ann"))

    first = google.keep_lookalike(a_lookalike(seed.remote_id))
    again = google.keep_lookalike(a_lookalike(seed.remote_id))
    google.keep_lookalike(a_lookalike(seed.remote_id, ratio=0.1))

    assert first.remote_id == again.remote_id
    assert world.names() == [
        "Questlog best",
        "Questlog like_best DE narrow",
        "Questlog like_best DE broad",
    ]


def test_a_lookalike_of_another_seed_is_not_taken_for_ours(world: World) -> None:
    google = world.destination()
    seed = google.replace(an_order("ann"))
    other = google.replace(an_order("ann", audience="other"))
    google.keep_lookalike(a_lookalike(seed.remote_id))

    with pytest.raises(DestinationRefused, match="another seed"):
        google.keep_lookalike(a_lookalike(other.remote_id))


def test_a_lookalike_of_a_seed_that_is_gone_is_refused(world: World) -> None:
    with pytest.raises(DestinationRefused, match="SEED_LIST_DOES_NOT_EXIST"):
        world.destination().keep_lookalike(a_lookalike("1"))


def a_request(world: World, **changed: object) -> members.IngestAudienceMembersRequest:
    google = world.destination()
    list_id = google.replace(an_order("ann")).remote_id
    request = upload(google._target(list_id), people("bob"))
    for name, value in changed.items():
        setattr(request, name, value)
    return request


def sent(world: World, request: members.IngestAudienceMembersRequest) -> str:
    """What the official client hears of a request: a reason, or nothing."""
    client = google_account(an_account(world.address)).members
    try:
        client.ingest_audience_members(request=request, retry=None)
    except GoogleAPICallError as error:
        return error.reason or ""
    return ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"encoding": 0}, "REQUIRED_FIELD_MISSING"),
        ({"terms_of_service": {}}, "TERMS_AND_CONDITIONS_NOT_SIGNED"),
        ({"audience_members": [{"user_data": {}}]}, "NO_IDENTIFIERS_PROVIDED"),
        (
            {
                "audience_members": [
                    {"user_data": {"user_identifiers": [{"email_address": "a@b.c"}]}}
                ]
            },
            "INVALID_SHA256_FORMAT",
        ),
        ({"destinations": []}, "TOO_MANY_DESTINATIONS"),
    ],
)
def test_the_stand_in_refuses_what_google_refuses(
    world: World, changed: dict[str, object], reason: str
) -> None:
    assert sent(world, a_request(world, **changed)) == reason


def test_the_stand_in_takes_no_more_than_ten_thousand_at_once(world: World) -> None:
    request = a_request(world)
    google = world.destination()
    target = request.destinations[0]

    told = sent(world, upload(target, people(*a_crowd(10_001))))

    assert told == "TOO_MANY_AUDIENCE_MEMBERS"
    assert google.account.customer_id == CUSTOMER


def test_the_stand_in_adds_nobody_without_consent(world: World) -> None:
    request = a_request(world)
    denied = members.ConsentStatus.CONSENT_DENIED
    request.audience_members[0].consent.ad_personalization = denied

    sent(world, request)

    asked = list(world.standin.state.requests.values())[-1]
    assert world.emails("best") == digests("ann")
    assert asked.refused == {"PROCESSING_ERROR_REASON_DENIED_CONSENT": 1}


def test_a_port_that_is_taken_is_told_with_its_setting(world: World) -> None:
    from activation.standins.google import serve

    with pytest.raises(StackFailed, match="QUESTLOG_GOOGLE_STANDIN_PORT"):
        serve(int(world.address.rpartition(":")[2]), 0)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"google_customer_id": ""}, "GOOGLE_CUSTOMER_ID: not set"),
        ({"google_endpoint": ""}, "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET and"),
        ({"google_customer_id": "me"}, "GOOGLE_CUSTOMER_ID: expected digits"),
        ({"google_endpoint": "ads.example.com:443"}, "an address of this machine"),
    ],
)
def test_without_an_account_nothing_starts_and_the_settings_are_named(
    changed: dict[str, str], named: str
) -> None:
    with pytest.raises(BadSetting, match=named):
        google_destination(replace(an_account("127.0.0.1:1"), **changed))  # type: ignore[arg-type]


def test_a_key_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text('{"private_key": "secret"}')
    settings = replace(an_account(""), google_service_account_file=path)

    with pytest.raises(BadSetting, match="GOOGLE_SERVICE_ACCOUNT_FILE") as caught:
        google_destination(settings)

    assert "secret" not in _all_text(caught.value)


class Revoking(BaseHTTPRequestHandler):
    """A sign-in that refuses every refresh token."""

    def do_POST(self) -> None:
        body = json.dumps({"error": "invalid_grant"}).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def signing_in_at(world: World, token_uri: str) -> Google:
    credentials = Credentials(  # type: ignore[no-untyped-call]
        None,
        refresh_token="refresh-secret",
        client_id="id",
        client_secret="client-secret",
        token_uri=token_uri,
    )
    account = google_account(an_account(world.address))
    return Google(account=replace(account, credentials=credentials))


def test_a_revoked_refresh_token_is_no_outage(world: World) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Revoking) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        google = signing_in_at(world, f"http://127.0.0.1:{server.server_address[1]}/")
        try:
            with pytest.raises(
                DestinationRefused, match="GOOGLE_REFRESH_TOKEN"
            ) as caught:
                google.replace(an_order("ann"))
        finally:
            server.shutdown()
            thread.join()

    told = _all_text(caught.value)
    assert [s for s in ("refresh-secret", "client-secret") if s in told] == []


def test_with_google_s_own_address_the_sdks_clients_are_built_for_it() -> None:
    settings = replace(
        an_account(""),
        google_client_id="id",
        google_client_secret="client-secret",
        google_refresh_token="refresh-secret",
    )

    account = google_account(settings)

    assert account.members.transport.host == "datamanager.googleapis.com:443"
    assert account.queries.transport.host == "googleads.googleapis.com:443"
    assert "secret" not in repr(account)
