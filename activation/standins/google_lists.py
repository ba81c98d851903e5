"""The stand-in's half of Google Ads v26: user lists are made, changed and found."""

import re
from collections.abc import Iterator
from typing import Any

from google.ads.googleads.v26.resources.types.user_list import UserList
from google.ads.googleads.v26.services.types.user_list_service import (
    MutateUserListsRequest,
    MutateUserListsResponse,
)

from activation.standins.google_refusal import Refused
from activation.standins.user_lists import (
    LONGEST_LIFE_SPAN,
    GoogleState,
    UserListHeld,
)

_COUNTRY = re.compile("[A-Z]{2}")


def mutate(state: GoogleState, request: MutateUserListsRequest) -> Any:
    """Create, change and remove user lists."""
    made = [_mutated(state, request.customer_id, one) for one in request.operations]
    return MutateUserListsResponse(
        results=[
            {"resource_name": f"customers/{request.customer_id}/userLists/{number}"}
            for number in made
        ]
    )


def _mutated(state: GoogleState, customer_id: str, operation: Any) -> int:
    """The id of the list that an operation made, changed or removed."""
    if "create" in operation:
        held = _made(state, operation.create)
        refused = state.create(customer_id, held)
        if refused:
            raise Refused("INVALID_ARGUMENT", refused)
        return held.id
    name = operation.remove or operation.update.resource_name
    number = int(name.rpartition("/")[2] or 0)
    lists = state.lists_of(customer_id)
    if number not in lists:
        raise Refused("INVALID_ARGUMENT", "RESOURCE_NOT_FOUND", field="mutate_error")
    if operation.remove:
        del lists[number]
        return number
    if list(operation.update_mask.paths) != ["membership_life_span"]:
        raise Refused("INVALID_ARGUMENT", "USER_LIST_MUTATE_NOT_SUPPORTED")
    lists[number].life_span_days = _life_span(operation.update)
    return number


def _life_span(wanted: UserList) -> int:
    if not 0 < wanted.membership_life_span <= LONGEST_LIFE_SPAN:
        # (?) which word Google has for it
        raise Refused("INVALID_ARGUMENT", "TOO_HIGH", field="range_error")
    return int(wanted.membership_life_span)


def _made(state: GoogleState, wanted: UserList) -> UserListHeld:
    """A list as wanted. Raises Refused."""
    if not wanted.name:
        raise Refused("INVALID_ARGUMENT", "INVALID_NAME")
    number = next(state.ids)
    if "lookalike_user_list" in wanted:
        lookalike = wanted.lookalike_user_list
        if not all(_COUNTRY.fullmatch(one) for one in lookalike.country_codes):
            raise Refused("INVALID_ARGUMENT", "INVALID_COUNTRY_CODES")
        return UserListHeld(
            id=number,
            name=wanted.name,
            kind="LOOKALIKE",
            seed_ids=tuple(lookalike.seed_user_list_ids),
        )
    if "crm_based_user_list" not in wanted:
        raise Refused("INVALID_ARGUMENT", "CONCRETE_TYPE_REQUIRED")
    return UserListHeld(
        id=number,
        name=wanted.name,
        kind="CRM_BASED",
        life_span_days=_life_span(wanted),
    )


def found(
    state: GoogleState, customer_id: str, kind: str
) -> Iterator[dict[str, object]]:
    """An account's lists of a kind, as a query tells of them."""
    for one in state.lists_of(customer_id).values():
        if one.kind == kind:
            told: dict[str, object] = {
                "id": one.id,
                "name": one.name,
                "membership_life_span": one.life_span_days,
                "resource_name": f"customers/{customer_id}/userLists/{one.id}",
            }
            if one.seed_ids:
                told["lookalike_user_list"] = {"seed_user_list_ids": one.seed_ids}
            yield {"user_list": told}
