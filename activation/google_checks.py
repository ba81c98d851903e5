"""What a Google Ads account says of itself, without anybody being sent."""

from typing import Any

from google.ads.googleads.v26.services.types.google_ads_service import (
    SearchGoogleAdsRequest,
)
from google.ads.googleads.v26.services.types.offline_user_data_job_service import (
    CreateOfflineUserDataJobRequest,
)

from activation import google_lists
from activation.google_account import TIMEOUT_S, VERSION, GoogleAccount

_FINE, _MISSING = "fine", "missing"
_CUSTOMER = (
    "SELECT customer.id, customer.descriptive_name,"
    " customer.conversion_tracking_setting.accepted_customer_data_terms FROM customer"
)
_ACTION = (
    "SELECT conversion_action.id, conversion_action.status"
    " FROM conversion_action WHERE conversion_action.id = {}"
)


def sign_in(account: GoogleAccount) -> tuple[str, str]:
    """Whether Google takes the credentials."""
    account.sign_in()
    return _FINE, "the stand-in takes any" if account.endpoint else "accepted"


def account(held: GoogleAccount) -> tuple[str, str]:
    """Whether the account is reached, and its customer data terms are accepted."""
    found = _searched(held, _CUSTOMER)
    if not found:
        return _MISSING, "no such account. Check GOOGLE_CUSTOMER_ID"
    terms = found[0].customer.conversion_tracking_setting
    if not terms.accepted_customer_data_terms:
        return _MISSING, (
            "the customer data terms are not accepted. A person of the business accepts"
            " them once in Google Ads, under Goals, Settings"
        )
    return _FINE, f"reached, terms accepted, answers as {VERSION}"


def lists(held: GoogleAccount) -> tuple[str, str]:
    """How many lists there are."""
    count = len(google_lists.listed(held, google_lists.CUSTOM))
    return _FINE, f"{count} Customer Match lists"


def jobs(held: GoogleAccount) -> tuple[str, str]:
    """Whether Google lets the account use offline jobs; none is made."""
    request = CreateOfflineUserDataJobRequest(
        customer_id=held.customer_id,
        validate_only=True,
        job={"type_": "CUSTOMER_MATCH_USER_LIST"},
    )
    held.call(
        "a look at offline jobs",
        lambda: held.jobs.create_offline_user_data_job(
            request=request, retry=None, timeout=TIMEOUT_S
        ),
    )
    return _FINE, "allowed"


def action(held: GoogleAccount, number: str) -> tuple[str, str]:
    """Whether a conversion action is there."""
    if not number.isdecimal():
        return _MISSING, "expected the number of a conversion action"
    if not _searched(held, _ACTION.format(number)):
        return _MISSING, f"the account has no conversion action {number}"
    return _FINE, f"conversion action {number} is there"


def _searched(held: GoogleAccount, query: str) -> list[Any]:
    request = SearchGoogleAdsRequest(customer_id=held.customer_id, query=query)

    def search() -> list[Any]:
        found = held.queries.search(request=request, retry=None, timeout=TIMEOUT_S)
        return list(found)

    return held.call_again("a look at the account", search)
