"""The rim towards Google: channels, credentials, and every call judged.

The SDKs' own clients make the calls. A stand-in on this machine is reached over a
channel without encryption; Google over the SDK's own, with credentials that are
refreshed first, since a revoked refresh token looks like an outage in mid-call.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import google.auth.transport.requests
import grpc
from google.ads.datamanager_v1.services.ingestion_service import IngestionServiceClient
from google.ads.googleads.errors import GoogleAdsException
from google.ads.googleads.interceptors import ExceptionInterceptor, MetadataInterceptor
from google.ads.googleads.v26.services.services.conversion_adjustment_upload_service import (  # noqa: E501 Google's name
    ConversionAdjustmentUploadServiceClient,
)
from google.ads.googleads.v26.services.services.google_ads_service import (
    GoogleAdsServiceClient,
)
from google.ads.googleads.v26.services.services.offline_user_data_job_service import (
    OfflineUserDataJobServiceClient,
)
from google.ads.googleads.v26.services.services.user_list_service import (
    UserListServiceClient,
)
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.oauth2 import credentials as oauth
from google.oauth2 import service_account

from activation.google_troubles import REPEATABLE, Trouble, trouble_of
from activation.patience import Patience
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

VERSION = "v26"
TIMEOUT_S = 120.0
SCOPES = (
    "https://www.googleapis.com/auth/adwords",
    "https://www.googleapis.com/auth/datamanager",
)
_TOKENS = "https://oauth2.googleapis.com/token"
_HERE = ("127.0.0.1", "localhost", "[::1]")
_ADS = "google.ads.googleads.v26.services.services"
_TELL_ALL_AT_DEBUG = (
    "google.ads.datamanager_v1.services.ingestion_service.transports.grpc",
    f"{_ADS}.user_list_service.transports.grpc",
    f"{_ADS}.google_ads_service.transports.grpc",
    f"{_ADS}.offline_user_data_job_service.transports.grpc",
    f"{_ADS}.conversion_adjustment_upload_service.transports.grpc",
    "google.auth.transport.requests",
)
"""Loggers that print whole requests, digests included."""

Answer = TypeVar("Answer")


class MembersRefused(DestinationRefused):
    """A request in which Google could not read some rows; `members` says which."""

    def __init__(self, said: str, members: Mapping[int, str]) -> None:
        super().__init__(said)
        self.members = members


@dataclass(frozen=True, kw_only=True)
class GoogleAccount:
    """One Google Ads account; build it with `google_account`."""

    customer_id: str
    login_customer_id: str = ""
    endpoint: str = ""
    developer_token: str = field(repr=False)
    credentials: Any = field(default=None, repr=False)
    patience: Patience = field(default_factory=Patience)

    @cached_property
    def user_lists(self) -> UserListServiceClient:
        """The service that makes user lists."""
        return self._ads(UserListServiceClient)

    @cached_property
    def queries(self) -> GoogleAdsServiceClient:
        """The service that finds them."""
        return self._ads(GoogleAdsServiceClient)

    @cached_property
    def adjustments(self) -> ConversionAdjustmentUploadServiceClient:
        """The service that takes back or restates conversions."""
        return self._ads(ConversionAdjustmentUploadServiceClient)

    @cached_property
    def jobs(self) -> OfflineUserDataJobServiceClient:
        """The service that changes members by offline jobs, for accounts of old."""
        return self._ads(OfflineUserDataJobServiceClient)

    @cached_property
    def members(self) -> IngestionServiceClient:
        """The service that puts members into them and takes them out."""
        transport = IngestionServiceClient.get_transport_class("grpc")
        if self.endpoint:
            return IngestionServiceClient(transport=transport(channel=self._local))
        return IngestionServiceClient(transport=transport(credentials=self.credentials))

    def call(self, what: str, request: Callable[[], Answer]) -> Answer:
        """The answer of a call that must not be repeated by itself.

        Raises Unavailable or DestinationRefused, never with the request in it.
        """
        return self._carried_out(what, request, frozenset())

    def call_again(self, what: str, request: Callable[[], Answer]) -> Answer:
        """As `call`, repeated after an outage, as Google documents for it."""
        return self._carried_out(what, request, REPEATABLE)

    def sign_in(self) -> None:
        """Have valid credentials before anything else is asked.

        Raises DestinationRefused when Google no longer accepts them.
        """
        if self.credentials is None or self.credentials.valid:
            return
        failed = _refreshed(self.credentials, google.auth.transport.requests.Request())
        if failed == "no answer":
            raise Unavailable(
                "Google's sign-in gave no answer. Check the network; the same push may"
                " be made again."
            )
        if failed:
            raise DestinationRefused(
                "Google no longer accepts the credentials. Renew GOOGLE_REFRESH_TOKEN"
                " (or GOOGLE_SERVICE_ACCOUNT_FILE) of an account with access."
            )

    def _carried_out(
        self, what: str, request: Callable[[], Answer], repeat: frozenset[str]
    ) -> Answer:
        attempt = 1
        while True:
            outcome = _once(request)
            if not isinstance(outcome, Trouble):
                return outcome
            wait = outcome.wait_s or self.patience.first_wait_s * 2 ** (attempt - 1)
            may_be_repeated = (
                outcome.code in repeat or outcome.wait_s > 0 or outcome.is_passing
            )
            is_last = (
                attempt >= self.patience.attempts or wait > self.patience.longest_wait_s
            )
            if is_last or not may_be_repeated:
                raise _error_of(outcome, what)
            self.patience.sleep(wait)
            attempt += 1

    def _ads(self, client: Any) -> Any:
        """A client of the Google Ads API, with the headers that it wants."""
        transport = client.get_transport_class("grpc")
        channel = (
            self._local
            if self.endpoint
            else transport.create_channel(
                host=client.DEFAULT_ENDPOINT, credentials=self.credentials
            )
        )
        return client(
            transport=transport(
                channel=grpc.intercept_channel(
                    channel,
                    MetadataInterceptor(
                        self.developer_token, self.login_customer_id or None
                    ),
                    ExceptionInterceptor(VERSION, use_proto_plus=True),
                )
            )
        )

    @cached_property
    def _local(self) -> grpc.Channel:
        return grpc.insecure_channel(
            self.endpoint,
            # a proxy of the environment has no way to our own machine
            options=[("grpc.enable_http_proxy", 0)],
        )


def google_account(
    settings: Settings, patience: Patience | None = None
) -> GoogleAccount:
    """The Google Ads account of the settings.

    Raises BadSetting naming what is missing.
    """
    require_account(settings)
    for name in _TELL_ALL_AT_DEBUG:
        logging.getLogger(name).setLevel(logging.INFO)
    return GoogleAccount(
        customer_id=_digits(settings.google_customer_id),
        login_customer_id=_digits(settings.google_login_customer_id),
        endpoint=settings.google_endpoint,
        developer_token=settings.google_developer_token,
        credentials=None if settings.google_endpoint else _credentials(settings),
        patience=patience or Patience(),
    )


def require_account(settings: Settings) -> None:
    """Raise BadSetting naming the settings without which nothing can be sent."""
    wanted = {
        "GOOGLE_CUSTOMER_ID": settings.google_customer_id,
        "GOOGLE_DEVELOPER_TOKEN": settings.google_developer_token,
    }
    if not (settings.google_endpoint or settings.google_service_account_file):
        wanted |= {
            "GOOGLE_CLIENT_ID": settings.google_client_id,
            "GOOGLE_CLIENT_SECRET": settings.google_client_secret,
            "GOOGLE_REFRESH_TOKEN": settings.google_refresh_token,
        }
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise BadSetting(
            f"{' and '.join(missing)}: not set, so there is no Google Ads account to"
            " send to. Take them from Google Ads and the Google Cloud console, or point"
            " GOOGLE_ENDPOINT at the stand-in (`questlog serve google-standin`) and use"
            " any token and number. `questlog audiences push --dry-run` needs none."
        )
    for name, value in (
        ("GOOGLE_CUSTOMER_ID", settings.google_customer_id),
        ("GOOGLE_LOGIN_CUSTOMER_ID", settings.google_login_customer_id or "0"),
    ):
        if not _digits(value).isdecimal():
            raise BadSetting(f"{name}: expected digits, like 123-456-7890.")
    host, _, port = settings.google_endpoint.rpartition(":")
    if settings.google_endpoint and not (host in _HERE and port.isdecimal()):
        raise BadSetting(
            "GOOGLE_ENDPOINT: expected an address of this machine, like"
            " 127.0.0.1:18084. Nothing is sent elsewhere without encryption."
        )


def _credentials(settings: Settings) -> Any:
    path = settings.google_service_account_file
    if path is None:
        return oauth.Credentials(
            None,
            refresh_token=settings.google_refresh_token,
            client_id=settings.google_client_id,
            client_secret=settings.google_client_secret,
            token_uri=_TOKENS,
        )
    try:
        return service_account.Credentials.from_service_account_file(
            path, scopes=SCOPES
        )
    except (OSError, ValueError, GoogleAuthError):
        pass
    raise BadSetting(
        f"GOOGLE_SERVICE_ACCOUNT_FILE: {path} is no key file of a service account."
    )


def _refreshed(credentials: Any, request: Any) -> str:
    """What went wrong; the error itself may hold what was sent."""
    try:
        credentials.refresh(request)
    except TransportError:
        return "no answer"
    except GoogleAuthError:
        return "refused"
    return ""


def _once(request: Callable[[], Answer]) -> Answer | Trouble:
    """One try. The SDKs' errors are not passed on: they hold the request."""
    try:
        return request()
    except (GoogleAdsException, GoogleAPICallError, grpc.RpcError) as error:
        return trouble_of(error)


def _error_of(trouble: Trouble, what: str) -> Unavailable | DestinationRefused:
    text = f"Google did not carry out {what}: {trouble.explained}"
    if not trouble.is_final:
        return Unavailable(text, wait_s=trouble.wait_s)
    if trouble.rows:
        return MembersRefused(text, trouble.rows)
    return DestinationRefused(text)


def _digits(account_id: str) -> str:
    return account_id.replace("-", "")
