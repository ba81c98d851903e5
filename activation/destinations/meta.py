"""Meta as a destination: custom audiences and lookalikes by facebook-business.

The SDK is imported when it is first needed. Uploads go by its requests, not by its
methods: these copy a payload twice, and those that remove put it into the URL, where a
few hundred rows are too many.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from activation.destinations.kinds import Kind
from activation.destinations.protocol import (
    Answer,
    Limits,
    Lookalike,
    LookalikeOrder,
    Member,
    Outcome,
    Wanted,
)
from activation.identifiers import Identity, meta_identity
from activation.meta_rows import SCHEMA, counted, known_keys, named, payload
from activation.patience import Patience
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    from facebook_business.adobjects.adaccount import AdAccount
    from facebook_business.adobjects.customaudience import CustomAudience
    from facebook_business.api import FacebookAdsApi

ROWS_A_BATCH = 10_000
EXTERNAL_IDS_KEPT = timedelta(days=90)
_READY, _FLAGGED = 200, 471
_POLLS = 6
_POLL_WAIT_S = 5.0
_PAGE = 200
_FIELDS = [
    *("id", "name", "subtype", "is_value_based", "lookalike_spec"),
    *("operation_status", "delivery_status"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """One ad account; `KIND.open` builds it from settings."""

    api: "FacebookAdsApi"
    account_id: str
    patience: Patience
    new_session_id: Callable[[], int] = field(
        default=lambda: secrets.randbelow(2**53 - 1) + 1
    )
    takes_values: dict[str, bool] = field(default_factory=dict)
    """Remote id → whether the set was made with values, as far as looked up."""

    @property
    def platform(self) -> str:
        """Its name in the ledger and receipts."""
        return "meta"

    @property
    def limits(self) -> Limits:
        """Meta forgets external ids after 90 days; everything else it keeps."""
        return Limits(
            members_a_batch=ROWS_A_BATCH,
            refresh_after=EXTERNAL_IDS_KEPT - timedelta(days=10),
            works_at_once=True,
        )

    def find(self, wanted: Wanted) -> str:
        """The id of the audience last known, if it still lives, else by its name."""
        return self._find(
            remote_name(wanted.audience), wanted.remote_id, subtype="CUSTOM"
        )

    def make(self, wanted: Wanted) -> str:
        """Make the audience, with values where they are wanted."""
        made = self._create(
            remote_name(wanted.audience),
            {
                "subtype": "CUSTOM",
                "description": wanted.meaning,
                "customer_file_source": "USER_PROVIDED_ONLY",
                **({"is_value_based": True} if wanted.with_values else {}),
            },
        )
        self.takes_values[made] = wanted.with_values
        return made

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Put members in; those of value-based audiences with their values."""
        if not members:
            return Answer()
        schema = known_keys(member.identity for member in members)
        uploaded = payload(members, schema, with_values=self._has_values(remote_id))
        return counted(self._post(remote_id, "users", {"payload": uploaded}))

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Take out whoever is named by any of these."""
        if not identities:
            return Answer()
        params = {"method": "delete", "payload": named(identities)}
        return counted(self._post(remote_id, "users", params))

    def outcome(self, request_id: str) -> Outcome:
        """Meta carries out at once: there is nothing to ask after."""
        raise DestinationRefused(
            f"Meta knows of no request {request_id!r}: it carries batches out at once."
        )

    def replace(
        self, remote_id: str, batches: Iterable[Sequence[Member]], size: int
    ) -> Answer:
        """Make the set equal to the batches, by a replace session.

        A session has 90 minutes; what it wrote is in force with its last batch alone.
        """
        with_values = self._has_values(remote_id)
        session_id, told = self.new_session_id(), Answer()
        for sequence, (members, is_last) in enumerate(_with_last(batches), start=1):
            session = {
                "session_id": session_id,
                "batch_seq": sequence,
                "last_batch_flag": is_last,
                "estimated_num_total": size,
            }
            # one session has one schema: every key, known or not
            uploaded = payload(members, SCHEMA, with_values=with_values)
            params = {"payload": uploaded, "session": session}
            answer = self._post(remote_id, "usersreplace", params)
            if answer.get("carried_out_before"):
                return Answer(received=size, detail="its last answer was lost")
            told = counted(answer)
        return told

    def keep_lookalike(self, order: LookalikeOrder) -> Lookalike:
        """Create the lookalike unless it exists; Meta refreshes it by itself.

        Building one takes Meta hours: after a few looks we go on, and the next sync
        looks again.
        """
        name = remote_name(f"{order.audience} {order.country} {order.ratio * 100:g}%")
        found = self._find_lookalike(name, order.seed_remote_id)
        spec = {
            "type": "custom_ratio",
            "ratio": order.ratio,
            "country": order.country,
        }
        remote_id = found or self._create(
            name,
            {
                "subtype": "LOOKALIKE",
                "origin_audience_id": order.seed_remote_id,
                # the SDK wants it as text
                "lookalike_spec": json.dumps(spec),
            },
        )
        return self._looked_at(remote_id)

    def erase(self, identities: Sequence[Identity]) -> Answer:
        """Take these out of every audience of the account, also those not ours."""
        received = invalid = 0
        for first in range(0, len(identities), ROWS_A_BATCH):
            some = identities[first : first + ROWS_A_BATCH]
            # the SDK's delete_users_of_any_audience has the payload in the URL
            params = {"method": "delete", "payload": named(some)}
            node = f"act_{self.account_id}"
            told = counted(self._post(node, "usersofanyaudience", params))
            received, invalid = received + told.received, invalid + told.invalid
        return Answer(received=received, invalid=invalid)

    def listed(self, subtype: str = "") -> "list[CustomAudience]":
        """The account's audiences, or those of a kind, oldest first."""
        found = self._account().get_custom_audiences(
            fields=_FIELDS, params={"limit": _PAGE}
        )
        of_kind = [one for one in found if subtype in {"", one.get("subtype")}]
        for one in of_kind:
            self.takes_values[str(one["id"])] = one.get("is_value_based") is True
        return sorted(of_kind, key=lambda one: int(one["id"]))

    def _post(
        self, node: str, edge: str, params: Mapping[str, object]
    ) -> Mapping[str, Any]:
        from activation.graph import post

        return post(self.api, node, edge, params)

    def _account(self) -> "AdAccount":
        from facebook_business.adobjects.adaccount import AdAccount

        return AdAccount(f"act_{self.account_id}", api=self.api)

    def _audience(self, remote_id: str) -> "CustomAudience":
        from facebook_business.adobjects.customaudience import CustomAudience

        return CustomAudience(remote_id, api=self.api)

    def _has_values(self, remote_id: str) -> bool:
        """Whether the set was made with values; others refuse them."""
        if remote_id not in self.takes_values:
            told = self._audience(remote_id).api_get(fields=["is_value_based"])
            self.takes_values[remote_id] = told.get("is_value_based") is True
        return self.takes_values[remote_id]

    def _find(self, name: str, known_id: str, *, subtype: str) -> str:
        listed = self.listed(subtype)
        if known_id in {one["id"] for one in listed}:
            return known_id
        return next((str(one["id"]) for one in listed if one["name"] == name), "")

    def _find_lookalike(self, name: str, seed_remote_id: str) -> str:
        """The id of a lookalike of this name. Its seed can't be changed later."""
        for one in self.listed("LOOKALIKE"):
            if one["name"] == name:
                origins = (one.get("lookalike_spec") or {}).get("origin") or []
                if origins and seed_remote_id not in {o.get("id") for o in origins}:
                    raise DestinationRefused(
                        f"The lookalike {name!r} in the ad account starts from another"
                        " seed than ours. Delete it in Meta's Audience Manager; the"
                        " next sync makes it anew."
                    )
                return str(one["id"])
        return ""

    def _create(self, name: str, params: Mapping[str, object]) -> str:
        """Create an audience once, also when the answer to the creation is lost."""
        account = self._account()
        for _ in range(self.patience.attempts - 1):
            try:
                made = account.create_custom_audience(params={"name": name, **params})
                return str(made["id"])
            except Unavailable as error:
                if error.wait_s > self.patience.longest_wait_s:
                    raise
                self.patience.sleep(error.wait_s or self.patience.first_wait_s)
                found = self._find(name, "", subtype=str(params["subtype"]))
                if found:
                    return found
        made = account.create_custom_audience(params={"name": name, **params})
        return str(made["id"])

    def _looked_at(self, remote_id: str) -> Lookalike:
        """A lookalike as it stands after a few looks."""
        for poll in range(1, _POLLS + 1):
            told = self._audience(remote_id).api_get(
                fields=["delivery_status", "operation_status"]
            )
            delivery, operation = _code(told, "delivery"), _code(told, "operation")
            if operation == _FLAGGED:
                detail = (
                    "Meta has flagged it (operation status 471): its name hints at"
                    " health or income. Rename it, or appeal in Audience Manager."
                )
                return Lookalike(remote_id=remote_id, is_ready=False, detail=detail)
            if delivery == _READY:
                return Lookalike(remote_id=remote_id, is_ready=True)
            if poll < _POLLS:
                self.patience.sleep(_POLL_WAIT_S)
        detail = (
            f"Meta is still building it (delivery status {delivery}, operation status"
            f" {operation}); the next sync looks again"
        )
        return Lookalike(remote_id=remote_id, is_ready=False, detail=detail)


def require_account(settings: Settings) -> None:
    """Raise BadSetting naming the settings without which nothing can be sent."""
    missing = [
        name
        for name, value in (
            ("META_ACCESS_TOKEN", settings.meta_access_token),
            ("META_AD_ACCOUNT_ID", settings.meta_ad_account_id),
        )
        if not value
    ]
    if missing:
        raise BadSetting(
            f"{' and '.join(missing)}: not set, so there is no ad account to send to."
            " Take them from Meta's Business Manager, or point META_GRAPH_URL at the"
            " stand-in (`questlog serve graph-standin`) and use any token and act_1."
            " A dry run needs neither."
        )
    if not settings.meta_ad_account_id.removeprefix("act_").isdecimal():
        raise BadSetting("META_AD_ACCOUNT_ID: expected act_ and digits, like act_123.")


def remote_name(audience: str) -> str:
    """The name by which an audience is found again in the ad account."""
    return f"Questlog {audience}"


def _with_last(
    batches: Iterable[Sequence[Member]],
) -> Iterator[tuple[Sequence[Member], bool]]:
    """Each batch, and whether it is the last."""
    waiting: Sequence[Member] | None = None
    for batch in batches:
        if waiting is not None:
            yield waiting, False
        waiting = batch
    if waiting is not None:
        yield waiting, True


def _code(told: Mapping[str, Any], which: str) -> int:
    return int((told.get(f"{which}_status") or {}).get("code", 0))


def _open(settings: Settings, patience: Patience) -> Meta:
    from activation.graph import graph_api

    require_account(settings)
    return Meta(
        api=graph_api(
            address=settings.meta_graph_url,
            token=settings.meta_access_token,
            patience=patience,
        ),
        account_id=settings.meta_ad_account_id.removeprefix("act_"),
        patience=patience,
    )


KIND = Kind(
    name="meta",
    meaning="Custom audiences of a Meta ad account, and lookalikes of them.",
    wants=("META_ACCESS_TOKEN", "META_AD_ACCOUNT_ID"),
    identity=meta_identity,
    is_started=lambda settings: bool(
        settings.meta_access_token or settings.meta_ad_account_id
    ),
    open=_open,
)
