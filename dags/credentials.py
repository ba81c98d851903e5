"""Credentials of ad accounts from Airflow's connections, where there are any.

A connection's fields, and those of its extra, stand in for the settings of the same
account (docs/ads.md); what no connection holds comes from the environment, as always.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from warehouse.errors import BadSetting

CONNECTIONS: Mapping[str, Mapping[str, str]] = {
    "questlog_meta": {
        "password": "META_ACCESS_TOKEN",
        "ad_account_id": "META_AD_ACCOUNT_ID",
        "pixel_id": "META_PIXEL_ID",
    },
    "questlog_google": {
        "login": "GOOGLE_CLIENT_ID",
        "password": "GOOGLE_CLIENT_SECRET",
        "refresh_token": "GOOGLE_REFRESH_TOKEN",
        "developer_token": "GOOGLE_DEVELOPER_TOKEN",
        "customer_id": "GOOGLE_CUSTOMER_ID",
        "login_customer_id": "GOOGLE_LOGIN_CUSTOMER_ID",
        "conversion_action": "GOOGLE_CONVERSION_ACTION",
        "at_risk_action": "GOOGLE_AT_RISK_ACTION",
    },
    "questlog_webhook": {
        "host": "AUDIENCE_WEBHOOK_URL",
        "password": "AUDIENCE_WEBHOOK_SECRET",
    },
}
"""Connection → its field, or that of its extra → the setting it stands in for."""


SENDS = "activation"
"""The tag of DAGs whose tasks may need them."""


def give_credentials(context: Mapping[str, Any]) -> None:
    """Put what the connections hold into the environment of a task that may send.

    Each task is a process of its own, so that no other sees it.
    """
    if SENDS not in context["dag"].tags:
        return
    for connection, fields in CONNECTIONS.items():
        os.environ.update(held_by(connection, fields))


def held_by(connection: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The settings that a connection holds; none where there is no such connection."""
    from airflow.sdk import Connection

    try:
        found = Connection.get(connection)
    except AirflowNotFoundException:
        return {}
    held = {"login": found.login, "password": found.password, "host": found.host}
    held |= found.extra_dejson
    return {name: str(held[field]) for field, name in fields.items() if held.get(field)}


@contextlib.contextmanager
def skipped_where_unset() -> Iterator[None]:
    """Skip a task, with the reason, where no account is set: that is no failure."""
    try:
        yield
    except BadSetting as why:
        raise AirflowSkipException(str(why)) from why
