"""Google as a destination of batches, against the stand-in of its ad APIs."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from activation.destinations.google import Google
from activation.destinations.kinds import opened
from activation.destinations.protocol import LookalikeOrder, Member, Wanted
from activation.identifiers import Identifiers, google_identity
from activation.patience import Patience
from activation.standins.google import GoogleFault, GoogleStandin, running
from warehouse.errors import DestinationRefused, Unavailable
from warehouse.settings import Settings

CUSTOMER = "1234567890"


@dataclass
class World:
    """A stand-in, destinations that talk to it, and what they slept."""

    address: str
    standin: GoogleStandin
    slept: list[float] = field(default_factory=list)

    def destination(self, **changed: object) -> Google:
        settings = Settings(
            google_endpoint=self.address,
            google_developer_token="developer-secret",
            google_customer_id="123-456-7890",
            **changed,  # type: ignore[arg-type]
        )
        found = opened("google", settings, Patience(sleep=self.slept.append))
        assert isinstance(found, Google)
        return found

    def fault(self, method: str, **wanted: object) -> None:
        self.standin.faults.append(GoogleFault(method=method, **wanted))  # type: ignore[arg-type]

    def emails(self, audience: str) -> list[str]:
        held = self.standin.state.members(CUSTOMER, f"Questlog {audience}")
        return sorted(member["email_address"] for member in held)

    def names(self) -> list[str]:
        return [one.name for one in self.standin.state.lists_of(CUSTOMER).values()]


@pytest.fixture
def world() -> Iterator[World]:
    ticks = itertools.count()

    def now() -> float:
        """No two moments are the same, as at Google."""
        return 1_700_000_000.0 + next(ticks) / 1000

    with running(now) as (address, standin):
        yield World(address, standin)


def wanted(**changed: object) -> Wanted:
    values: dict[str, object] = {"audience": "best", "meaning": "The best."}
    return Wanted(**values | changed)  # type: ignore[arg-type]


def members(*names: str) -> list[Member]:
    return [
        Member(
            identity=google_identity(
                Identifiers(name, email=f"{name}@example.com"), b""
            )
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
    google = world.destination()
    remote_id = google.make(wanted())

    for _ in range(2):
        added = google.add(remote_id, members("ann", "bob", "cat"))
        gone = google.remove(remote_id, [one.identity for one in members("bob", "zoe")])

    assert world.emails("best") == digests("ann", "cat")
    assert google.outcome(added.request_id).state == "done"
    assert google.outcome(gone.request_id).received == 2


def test_what_is_taken_is_pending_until_it_is_carried_out(world: World) -> None:
    google = world.destination()
    remote_id = google.make(wanted())
    world.standin.state.is_slow = True

    asked = google.add(remote_id, members("ann"))
    before = google.outcome(asked.request_id)
    world.standin.state.finish()
    after = google.outcome(asked.request_id)

    assert (before.state, after.state, after.received) == ("pending", "done", 1)


def test_a_request_that_fails_as_a_whole_says_why(world: World) -> None:
    google = world.destination()
    remote_id = google.make(wanted())
    world.standin.state.fails_because = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"

    asked = google.add(remote_id, members("ann"))
    found = google.outcome(asked.request_id)

    assert (found.state, found.reasons) == ("failed", {"internal_error": 1})


def test_who_has_nothing_that_google_knows_is_named_and_the_others_are_sent(
    world: World,
) -> None:
    google = world.destination()
    remote_id = google.make(wanted())

    told = google.add(remote_id, [Member(identity={}), *members("ann")])
    nobody = google.add(remote_id, [Member(identity={})])

    assert world.emails("best") == digests("ann")
    assert told.refused == {0: "no e-mail address or phone number"}
    assert (nobody.request_id, nobody.invalid) == ("", 1)


def test_a_whole_set_is_exchanged_in_any_order_of_work(world: World) -> None:
    google = world.destination()
    remote_id = google.make(wanted())
    google.add(remote_id, members("ann", "bob"))
    world.standin.state.is_slow = True

    asked = google.replace(remote_id, [members("bob"), members("cat")], 2)
    before = google.outcome(asked.request_id)
    world.standin.state.finish(last_first=True)

    assert world.emails("best") == digests("bob", "cat")
    assert before.state == "pending"
    assert google.outcome(asked.request_id).state == "done"


def test_a_list_whose_members_fall_out_too_soon_is_set_right(world: World) -> None:
    google = world.destination()
    remote_id = google.make(wanted())
    held = world.standin.state.lists_of(CUSTOMER)[int(remote_id)]
    held.life_span_days = 30

    found = google.find(wanted())

    assert found == remote_id
    assert held.life_span_days == 540


def test_a_list_is_found_by_its_id_else_by_its_name(world: World) -> None:
    google = world.destination()

    before = google.find(wanted())
    made = google.make(wanted())

    assert before == ""
    assert google.find(wanted()) == google.find(wanted(remote_id="17")) == made


def test_a_making_whose_answer_is_lost_makes_one_list(world: World) -> None:
    world.fault("MutateUserLists", answer_is_lost=True)

    made = world.destination().make(wanted())

    assert world.names() == ["Questlog best"]
    assert world.destination().find(wanted()) == made


def test_a_list_that_somebody_changes_at_the_same_moment_is_tried_again(
    world: World,
) -> None:
    world.fault(
        "MutateUserLists", code="INVALID_ARGUMENT", reason="CONCURRENT_MODIFICATION"
    )

    world.destination().make(wanted())

    assert world.names() == ["Questlog best"]
    assert world.slept == [1.0]


def test_a_wait_beyond_patience_is_told_to_who_may_wait(world: World) -> None:
    google = world.destination()
    remote_id = google.make(wanted())
    world.fault("IngestAudienceMembers", code="RESOURCE_EXHAUSTED", wait_s=900)

    with pytest.raises(Unavailable, match="900 s of quiet") as caught:
        google.add(remote_id, members("ann"))

    assert caught.value.wait_s == 900


def test_an_erased_person_leaves_every_list_also_those_not_ours(world: World) -> None:
    google = world.destination()
    for number in range(12):
        made = google.make(wanted(audience=f"set_{number}"))
        google.add(made, members("ann", "bob"))

    asked = google.erase([one.identity for one in members("ann")])

    assert {tuple(world.emails(f"set_{number}")) for number in range(12)} == {
        tuple(digests("bob"))
    }
    # ten lists a request
    assert len(asked.request_id.split()) == 2
    assert google.outcome(asked.request_id).state == "done"


def test_a_lookalike_is_made_once_and_never_of_another_seed(world: World) -> None:
    google = world.destination()
    seed, other = google.make(wanted()), google.make(wanted(audience="other"))
    order = LookalikeOrder(
        audience="like_best", seed_remote_id=seed, ratio=0.01, country="DE"
    )

    first, again = google.keep_lookalike(order), google.keep_lookalike(order)

    assert first == again
    assert first.is_ready
    with pytest.raises(DestinationRefused, match="another seed"):
        google.keep_lookalike(
            LookalikeOrder(
                audience="like_best", seed_remote_id=other, ratio=0.01, country="DE"
            )
        )
