"""Google as a destination: user lists by google-ads, members by the Data Manager.

A set is made exact by removing all and sending all again. Google removes whoever was
added before the removal was asked for, so the order holds by Google's clock alone,
and every push renews the membership of those who stay.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.ads.datamanager_v1 import types as members
from google.ads.googleads.v26.enums.types.customer_match_upload_key_type import (
    CustomerMatchUploadKeyTypeEnum,
)
from google.ads.googleads.v26.enums.types.lookalike_expansion_level import (
    LookalikeExpansionLevelEnum,
)
from google.ads.googleads.v26.resources.types.user_list import UserList
from google.ads.googleads.v26.services.types.google_ads_service import (
    SearchGoogleAdsRequest,
)
from google.ads.googleads.v26.services.types.user_list_service import (
    MutateUserListsRequest,
    UserListOperation,
)

from activation.destination import Delivery, LookalikeOrder, Order
from activation.google_account import TIMEOUT_S, GoogleAccount, google_account
from activation.google_troubles import NAME_TAKEN
from activation.identifiers import Identity
from activation.patience import Patience
from warehouse.errors import DestinationRefused, Unavailable
from warehouse.settings import Settings

MEMBERS_A_REQUEST = 10_000
MEMBERSHIP_DAYS = 30
"""Google allows 540. Every push renews; without pushes nobody should stay for long."""

_LISTS = (
    "SELECT user_list.id, user_list.name,"
    " user_list.lookalike_user_list.seed_user_list_ids"
    " FROM user_list WHERE user_list.type = '{}'"
)
_CUSTOM, _LOOKALIKE = "CRM_BASED", "LOOKALIKE"
_Level = LookalikeExpansionLevelEnum.LookalikeExpansionLevel
_LEVELS = ((0.025, _Level.NARROW), (0.05, _Level.BALANCED), (1.0, _Level.BROAD))
_Status = members.RequestStatusPerDestination.RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """One Google Ads account; build it with `google_destination`."""

    account: GoogleAccount

    @property
    def platform(self) -> str:
        """Its name in receipts."""
        return "google"

    def replace(self, order: Order) -> Delivery:
        """Make the user list equal to the order: remove all, then send all."""
        self.account.sign_in()
        people = [
            one for one in order.people if any(digest.hex for digest in one.values())
        ]
        name = remote_name(order.audience)
        list_id = self._find(name, order.remote_id)
        if not people and not list_id:
            return Delivery(remote_id="")
        list_id = list_id or self._create(
            UserList(
                name=name,
                description=order.meaning,
                membership_life_span=MEMBERSHIP_DAYS,
                crm_based_user_list={
                    "upload_key_type": (
                        CustomerMatchUploadKeyTypeEnum.CustomerMatchUploadKeyType.CONTACT_INFO
                    )
                },
            ),
            _CUSTOM,
        )
        target = self._target(list_id)
        asked = [self._remove_all(target)]
        asked += [self._ingest(target, rows) for rows in batches(people)]
        return self._looked_at(asked, list_id=list_id, sent=len(people))

    def keep_lookalike(self, order: LookalikeOrder) -> Delivery:
        """Create the lookalike unless it exists; Google refreshes it by itself."""
        self.account.sign_in()
        level = next(level for most, level in _LEVELS if order.ratio <= most)
        name = remote_name(f"{order.audience} {order.country} {level.name.lower()}")
        seed = int(order.seed_remote_id)
        for one in self._listed(_LOOKALIKE):
            if one.name == name:
                if list(one.lookalike_user_list.seed_user_list_ids) != [seed]:
                    raise DestinationRefused(
                        f"The lookalike {name!r} in the Google Ads account starts from"
                        " another seed than ours, and Google lets none be changed."
                        " Delete it in Audience Manager; the next push makes it anew."
                    )
                return Delivery(remote_id=str(one.id))
        made = UserList(
            name=name,
            lookalike_user_list={
                "seed_user_list_ids": [seed],
                "expansion_level": level,
                "country_codes": [order.country],
            },
        )
        return Delivery(remote_id=self._create(made, _LOOKALIKE))

    def _listed(self, kind: str) -> list[UserList]:
        """The account's user lists of a kind, oldest first."""
        request = SearchGoogleAdsRequest(
            customer_id=self.account.customer_id, query=_LISTS.format(kind)
        )

        def search() -> list[UserList]:
            found = self.account.queries.search(
                request=request, retry=None, timeout=TIMEOUT_S
            )
            return [row.user_list for row in found]

        found = self.account.call_again("a search for user lists", search)
        return sorted(found, key=lambda one: one.id)

    def _find(self, name: str, known_id: str, kind: str = _CUSTOM) -> str:
        """The id of a list: the one we know if it still lives, else by name."""
        listed = self._listed(kind)
        if known_id in {str(one.id) for one in listed}:
            return known_id
        return next((str(one.id) for one in listed if one.name == name), "")

    def _create(self, made: UserList, kind: str) -> str:
        """Create a list once, also when the answer to the creation is lost."""
        patience = self.account.patience
        for _ in range(patience.attempts - 1):
            try:
                return self._created(made)
            except Unavailable:
                patience.sleep(patience.first_wait_s)
            except DestinationRefused as refused:
                if NAME_TAKEN not in str(refused):
                    raise
            # made by the call whose answer was lost, or by somebody meanwhile
            found = self._find(made.name, "", kind)
            if found:
                return found
        return self._created(made)

    def _created(self, made: UserList) -> str:
        request = MutateUserListsRequest(
            customer_id=self.account.customer_id,
            operations=[UserListOperation(create=made)],
        )
        answer = self.account.call(
            "the creation of a user list",
            lambda: self.account.user_lists.mutate_user_lists(
                request=request, retry=None, timeout=TIMEOUT_S
            ),
        )
        return str(answer.results[0].resource_name).rpartition("/")[2]

    def _target(self, list_id: str) -> members.Destination:
        """A user list in the words of the Data Manager."""
        google_ads = members.ProductAccount.AccountType.GOOGLE_ADS
        account = self.account
        return members.Destination(
            operating_account={
                "account_type": google_ads,
                "account_id": account.customer_id,
            },
            login_account={
                "account_type": google_ads,
                "account_id": account.login_customer_id or account.customer_id,
            },
            product_destination_id=list_id,
        )

    def _remove_all(self, target: members.Destination) -> str:
        """The id of the request; its time is when Google gets it."""
        request = members.RemoveAllAudienceMembersRequest(destinations=[target])
        return str(
            self.account.call(
                "the removal of all members",
                lambda: self.account.members.remove_all_audience_members(
                    request=request, retry=None, timeout=TIMEOUT_S
                ),
            ).request_id
        )

    def _ingest(self, target: members.Destination, people: Sequence[Identity]) -> str:
        """The id of the request. Sent twice, it adds nobody twice."""
        request = upload(target, people)
        return str(
            self.account.call_again(
                "an upload of members",
                lambda: self.account.members.ingest_audience_members(
                    request=request, retry=None, timeout=TIMEOUT_S
                ),
            ).request_id
        )

    def _looked_at(self, asked: Sequence[str], *, list_id: str, sent: int) -> Delivery:
        """Look once at what became of the requests; Google may take hours.

        Raises DestinationRefused when one of them failed as a whole.
        """
        received = 0
        pending = []
        wrong: Counter[str] = Counter()
        for request_id in asked:
            for status in self._status(request_id):
                counts = status.error_info.error_counts
                wrong.update({one.reason.name: one.record_count for one in counts})
                received += _records(status)
                if status.request_status == _Status.FAILED:
                    raise DestinationRefused(
                        f"Google did not carry out request {request_id}: "
                        f"{', '.join(wrong) or 'no reason was given'}."
                    )
                if status.request_status not in {
                    _Status.SUCCESS,
                    _Status.PARTIAL_SUCCESS,
                }:
                    pending.append(request_id)
        said = [f"{count} {reason.lower()}" for reason, count in sorted(wrong.items())]
        if pending:
            # what was accepted is sent; how it ended is not known yet
            said.append(f"Google is still working on {', '.join(pending)}")
        return Delivery(
            remote_id=list_id,
            sent=sent,
            received=sent if pending else received,
            invalid=sum(wrong.values()),
            detail="; ".join(said),
        )

    def _status(self, request_id: str) -> list[members.RequestStatusPerDestination]:
        request = members.RetrieveRequestStatusRequest(request_id=request_id)
        answer = self.account.call_again(
            "a look at a request",
            lambda: self.account.members.retrieve_request_status(
                request=request, retry=None, timeout=TIMEOUT_S
            ),
        )
        return list(answer.request_status_per_destination)


def google_destination(settings: Settings, patience: Patience | None = None) -> Google:
    """The Google Ads account of the settings.

    Raises BadSetting naming what is missing.
    """
    return Google(account=google_account(settings, patience))


def remote_name(audience: str) -> str:
    """The name by which a user list is found again."""
    return f"Questlog {audience}"


def batches(people: Sequence[Identity]) -> Iterator[Sequence[Identity]]:
    """As many as one request takes."""
    for first in range(0, len(people), MEMBERS_A_REQUEST):
        yield people[first : first + MEMBERS_A_REQUEST]


def upload(
    target: members.Destination, people: Sequence[Identity]
) -> members.IngestAudienceMembersRequest:
    """A request to add people who have consented: nobody else is ever in an order."""
    granted = members.ConsentStatus.CONSENT_GRANTED
    request = members.IngestAudienceMembersRequest(
        destinations=[target],
        encoding=members.Encoding.HEX,
        terms_of_service={
            "customer_match_terms_of_service_status": (
                members.TermsOfServiceStatus.ACCEPTED
            )
        },
    )
    # straight into the protobuf message: twenty times as fast as through its wrapper
    message = members.IngestAudienceMembersRequest.pb(request)
    for person in people:
        member = message.audience_members.add()
        member.consent.ad_user_data = granted
        member.consent.ad_personalization = granted
        for key, digest in person.items():
            if digest.hex:
                setattr(member.user_data.user_identifiers.add(), key, digest.hex)
    return request


def _records(status: members.RequestStatusPerDestination) -> int:
    """Rows that Google says it got; nothing for a removal."""
    ingested = status.audience_members_ingestion_status.user_data_ingestion_status
    return int(ingested.record_count)
