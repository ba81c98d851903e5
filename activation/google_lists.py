"""User lists and lookalike lists of a Google Ads account, by google-ads."""

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
from google.protobuf.field_mask_pb2 import FieldMask

from activation.destinations.protocol import Lookalike, LookalikeOrder, Wanted
from activation.google_account import TIMEOUT_S, GoogleAccount
from activation.google_troubles import NAME_TAKEN
from warehouse.errors import DestinationRefused, Unavailable

MEMBERSHIP_DAYS = 540
"""The longest that Google allows: who is not sent again in that time falls out."""

CUSTOM, LOOKALIKE = "CRM_BASED", "LOOKALIKE"
_LISTS = (
    "SELECT user_list.id, user_list.name, user_list.membership_life_span,"
    " user_list.lookalike_user_list.seed_user_list_ids"
    " FROM user_list WHERE user_list.type = '{}'"
)
_Level = LookalikeExpansionLevelEnum.LookalikeExpansionLevel
_LEVELS = ((0.025, _Level.NARROW), (0.05, _Level.BALANCED), (1.0, _Level.BROAD))
_CONTACT_INFO = CustomerMatchUploadKeyTypeEnum.CustomerMatchUploadKeyType.CONTACT_INFO


def find(account: GoogleAccount, wanted: Wanted) -> str:
    """The id of a list: the one last known if it still lives, else by its name.

    One whose members fall out sooner than ours do is set right.
    """
    found = _found(account, remote_name(wanted.audience), wanted.remote_id, CUSTOM)
    if found is None:
        return ""
    if found.membership_life_span < MEMBERSHIP_DAYS:
        _mutate(account, "a change of a user list", _prolonged(account, found.id))
    return str(found.id)


def make(account: GoogleAccount, wanted: Wanted) -> str:
    """Make a list that takes contact information."""
    made = UserList(
        name=remote_name(wanted.audience),
        description=wanted.meaning,
        membership_life_span=MEMBERSHIP_DAYS,
        crm_based_user_list={"upload_key_type": _CONTACT_INFO},
    )
    return _create(account, made, CUSTOM)


def keep_lookalike(account: GoogleAccount, order: LookalikeOrder) -> Lookalike:
    """Create the lookalike unless it exists; Google refreshes it by itself."""
    level = next(level for most, level in _LEVELS if order.ratio <= most)
    name = remote_name(f"{order.audience} {order.country} {level.name.lower()}")
    seed = int(order.seed_remote_id)
    for one in listed(account, LOOKALIKE):
        if one.name == name:
            if list(one.lookalike_user_list.seed_user_list_ids) != [seed]:
                raise DestinationRefused(
                    f"The lookalike {name!r} in the Google Ads account starts from"
                    " another seed than ours, and Google lets none be changed."
                    " Delete it in Audience Manager; the next sync makes it anew."
                )
            return Lookalike(remote_id=str(one.id), is_ready=True)
    made = UserList(
        name=name,
        lookalike_user_list={
            "seed_user_list_ids": [seed],
            "expansion_level": level,
            "country_codes": [order.country],
        },
    )
    return Lookalike(remote_id=_create(account, made, LOOKALIKE), is_ready=True)


def listed(account: GoogleAccount, kind: str) -> list[UserList]:
    """The account's user lists of a kind, oldest first."""
    request = SearchGoogleAdsRequest(
        customer_id=account.customer_id, query=_LISTS.format(kind)
    )

    def search() -> list[UserList]:
        found = account.queries.search(request=request, retry=None, timeout=TIMEOUT_S)
        return [row.user_list for row in found]

    found = account.call_again("a search for user lists", search)
    return sorted(found, key=lambda one: one.id)


def remote_name(audience: str) -> str:
    """The name by which a user list is found again."""
    return f"Questlog {audience}"


def _found(
    account: GoogleAccount, name: str, known_id: str, kind: str
) -> UserList | None:
    lists = listed(account, kind)
    known = next((one for one in lists if str(one.id) == known_id), None)
    return known or next((one for one in lists if one.name == name), None)


def _prolonged(account: GoogleAccount, list_id: int) -> UserListOperation:
    return UserListOperation(
        update=UserList(
            resource_name=f"customers/{account.customer_id}/userLists/{list_id}",
            membership_life_span=MEMBERSHIP_DAYS,
        ),
        update_mask=FieldMask(paths=["membership_life_span"]),
    )


def _create(account: GoogleAccount, made: UserList, kind: str) -> str:
    """Create a list once, also when the answer to the creation is lost."""
    creation, what = UserListOperation(create=made), "the creation of a user list"
    patience = account.patience
    for _ in range(patience.attempts - 1):
        try:
            return _mutate(account, what, creation)
        except Unavailable as error:
            if error.wait_s > patience.longest_wait_s:
                raise
            patience.sleep(error.wait_s or patience.first_wait_s)
        except DestinationRefused as refused:
            if NAME_TAKEN not in str(refused):
                raise
        # made by the call whose answer was lost, or by somebody meanwhile
        found = _found(account, made.name, "", kind)
        if found is not None:
            return str(found.id)
    return _mutate(account, what, creation)


def _mutate(account: GoogleAccount, what: str, operation: UserListOperation) -> str:
    """Carry out one change of a list; the list's id."""
    request = MutateUserListsRequest(
        customer_id=account.customer_id, operations=[operation]
    )
    answer = account.call(
        what,
        lambda: account.user_lists.mutate_user_lists(
            request=request, retry=None, timeout=TIMEOUT_S
        ),
    )
    return str(answer.results[0].resource_name).rpartition("/")[2]
