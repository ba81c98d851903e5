"""The stand-in's half of Google Ads' queries: the few that are asked, told by table."""

import re
from collections.abc import Iterator
from typing import Any

from google.ads.googleads.v26.services.types.google_ads_service import (
    SearchGoogleAdsRequest,
    SearchGoogleAdsResponse,
)

from activation.standins import google_lists, google_offline
from activation.standins.google_refusal import Refused
from activation.standins.user_lists import GoogleState

_QUERY = re.compile(
    r"SELECT [a-z_., ]+ FROM ([a-z_]+)(?: WHERE [a-z_]+\.[a-z_]+ = '?([^']+?)'?)?"
)


def search(state: GoogleState, request: SearchGoogleAdsRequest) -> Any:
    """What a query finds."""
    query = _QUERY.fullmatch(request.query)
    if query is None:
        raise Refused("INVALID_ARGUMENT", "UNEXPECTED_INPUT", field="query_error")
    table, sought = query.group(1), query.group(2) or ""
    rows = _rows(state, request.customer_id, table, sought)
    return SearchGoogleAdsResponse(results=list(rows))


def _rows(
    state: GoogleState, customer_id: str, table: str, sought: str
) -> Iterator[dict[str, object]]:
    match table:
        case "user_list":
            return google_lists.found(state, customer_id, sought)
        case "offline_user_data_job":
            return google_offline.found(state, sought)
        case "customer":
            return iter([_customer(state, customer_id)])
        case "conversion_action":
            return iter([_action(customer_id, sought)] if sought.isdecimal() else [])
    raise Refused("INVALID_ARGUMENT", "BAD_RESOURCE_TYPE_IN_FROM", field="query_error")


def _customer(state: GoogleState, customer_id: str) -> dict[str, object]:
    return {
        "customer": {
            "id": int(customer_id),
            "descriptive_name": "Account of the stand-in",
            "conversion_tracking_setting": {
                "accepted_customer_data_terms": state.terms_are_accepted
            },
        }
    }


def _action(customer_id: str, number: str) -> dict[str, object]:
    name = f"customers/{customer_id}/conversionActions/{number}"
    told = {"id": int(number), "name": "Conversion", "resource_name": name}
    return {"conversion_action": told | {"status": "ENABLED"}}
