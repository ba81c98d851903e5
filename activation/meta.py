"""Meta as a destination: custom audiences and lookalikes by facebook-business."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi

from activation.destination import Delivery, LookalikeOrder, Order
from activation.graph import graph_api
from activation.identifiers import UNKNOWN, Identity, external_id
from activation.patience import Patience
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

SCHEMA = ("EXTERN_ID", "EMAIL", "PHONE", "FN", "LN", "COUNTRY")
ROWS_A_BATCH = 10_000
_READY = 200
_POLLS = 6
_POLL_WAIT_S = 5.0
_FIELDS = ["id", "name", "subtype", "lookalike_spec", "operation_status"]
_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """One ad account; build it with `meta_destination`."""

    api: FacebookAdsApi
    account_id: str
    patience: Patience
    new_session_id: Callable[[], int] = field(
        default=lambda: secrets.randbelow(2**53 - 1) + 1
    )

    @property
    def platform(self) -> str:
        """Its name in receipts."""
        return "meta"

    def replace(self, order: Order) -> Delivery:
        """Make the remote audience equal to the order, by a replace session."""
        name = remote_name(order.audience)
        remote_id = self._find(name, order.remote_id, subtype="CUSTOM")
        if not order.people:
            return self._emptied(remote_id) if remote_id else Delivery(remote_id="")
        remote_id = remote_id or self._create(
            name,
            {
                "subtype": "CUSTOM",
                "description": order.meaning,
                "customer_file_source": "USER_PROVIDED_ONLY",
            },
        )
        taken, invalid = self._replaced(remote_id, order.people)
        return Delivery(
            remote_id=remote_id,
            sent=len(order.people),
            received=taken,
            invalid=invalid,
        )

    def keep_lookalike(self, order: LookalikeOrder) -> Delivery:
        """Create the lookalike unless it exists; Meta refreshes it by itself.

        Building one takes Meta hours: after a few looks we go on, and the next
        push looks again.
        """
        percent = f"{order.ratio * 100:g}"
        name = remote_name(f"{order.audience} {order.country} {percent}%")
        remote_id = self._find_lookalike(name, order.seed_remote_id)
        remote_id = remote_id or self._create(
            name,
            {
                "subtype": "LOOKALIKE",
                "origin_audience_id": order.seed_remote_id,
                # the SDK wants it as text
                "lookalike_spec": json.dumps(
                    {
                        "type": "custom_ratio",
                        "ratio": order.ratio,
                        "country": order.country,
                    }
                ),
            },
        )
        code = self._delivery_code(remote_id)
        return Delivery(
            remote_id=remote_id,
            detail=""
            if code == _READY
            else f"Meta is still building it (delivery status {code});"
            " the next push looks again",
        )

    def _listed(self, subtype: str) -> list[CustomAudience]:
        """The account's audiences of a kind, oldest first."""
        account = AdAccount(f"act_{self.account_id}", api=self.api)
        listed = account.get_custom_audiences(fields=_FIELDS, params={"limit": _PAGE})
        return sorted(
            (one for one in listed if one.get("subtype") == subtype),
            key=lambda one: int(one["id"]),
        )

    def _find(self, name: str, known_id: str, *, subtype: str) -> str:
        """The id of an audience: the one we know if it still lives, else by name."""
        listed = self._listed(subtype)
        if known_id in {one["id"] for one in listed}:
            return known_id
        return next((str(one["id"]) for one in listed if one["name"] == name), "")

    def _find_lookalike(self, name: str, seed_remote_id: str) -> str:
        """The id of a lookalike of this name. Its seed can't be changed later."""
        for one in self._listed("LOOKALIKE"):
            if one["name"] == name:
                origins = (one.get("lookalike_spec") or {}).get("origin") or []
                if origins and seed_remote_id not in {o.get("id") for o in origins}:
                    raise DestinationRefused(
                        f"The lookalike {name!r} in the ad account starts from another"
                        " seed than ours. Delete it in Meta's Audience Manager; the"
                        " next push makes it anew."
                    )
                return str(one["id"])
        return ""

    def _create(self, name: str, params: Mapping[str, object]) -> str:
        """Create an audience once, also when the answer to the creation is lost."""
        account = AdAccount(f"act_{self.account_id}", api=self.api)
        for _ in range(self.patience.attempts - 1):
            try:
                made = account.create_custom_audience(params={"name": name, **params})
                return str(made["id"])
            except Unavailable:
                self.patience.sleep(self.patience.first_wait_s)
                found = self._find(name, "", subtype=str(params["subtype"]))
                if found:
                    return found
        made = account.create_custom_audience(params={"name": name, **params})
        return str(made["id"])

    def _replaced(self, remote_id: str, people: Sequence[Identity]) -> tuple[int, int]:
        """Rows that Meta says it took, and those it could not read."""
        audience = CustomAudience(remote_id, api=self.api)
        session_id = self.new_session_id()
        taken = invalid = 0
        for seq, rows, is_last in batches(people):
            answer = audience.create_users_replace(
                params={
                    "payload": payload(rows),
                    "session": {
                        "session_id": session_id,
                        "batch_seq": seq,
                        "last_batch_flag": is_last,
                        "estimated_num_total": len(people),
                    },
                }
            )
            if answer.get("carried_out_before"):
                taken = len(people)
            else:
                taken, invalid = _counts(answer)
        return taken, invalid

    def _emptied(self, remote_id: str) -> Delivery:
        """Leave an audience with nobody in it, and with its campaigns.

        A session can't replace a set with nothing. So it is replaced with one row
        that is nobody, and that row is then removed.
        """
        nobody = {"EXTERN_ID": external_id(secrets.token_bytes(32), "nobody")}
        self._replaced(remote_id, [nobody])
        answer = CustomAudience(remote_id, api=self.api).create_user(
            # the SDK's delete_users puts the payload into the URL
            params={"method": "delete", "payload": payload([nobody])}
        )
        _counts(answer)
        return Delivery(remote_id=remote_id)

    def _delivery_code(self, remote_id: str) -> int:
        for poll in range(1, _POLLS + 1):
            audience = CustomAudience(remote_id, api=self.api).api_get(
                fields=["delivery_status", "operation_status"]
            )
            status = audience.get("delivery_status") or {}
            code = int(status.get("code", 0))
            if code == _READY or poll == _POLLS:
                break
            self.patience.sleep(_POLL_WAIT_S)
        return code


def meta_destination(settings: Settings, patience: Patience | None = None) -> Meta:
    """The ad account of the settings.

    Raises BadSetting naming what is missing.
    """
    require_account(settings)
    patient = patience or Patience()
    return Meta(
        api=graph_api(
            address=settings.meta_graph_url,
            token=settings.meta_access_token,
            patience=patient,
        ),
        account_id=settings.meta_ad_account_id.removeprefix("act_"),
        patience=patient,
    )


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
            " `questlog audiences push --dry-run` needs neither."
        )
    if not settings.meta_ad_account_id.removeprefix("act_").isdecimal():
        raise BadSetting("META_AD_ACCOUNT_ID: expected act_ and digits, like act_123.")


def remote_name(audience: str) -> str:
    """The name by which an audience is found again in the ad account."""
    return f"Questlog {audience}"


def batches(
    people: Sequence[Identity],
) -> Iterator[tuple[int, Sequence[Identity], bool]]:
    """Batches as a session wants them: number from 1, rows, whether the last."""
    for first in range(0, len(people), ROWS_A_BATCH):
        past = first + ROWS_A_BATCH
        yield first // ROWS_A_BATCH + 1, people[first:past], past >= len(people)


def payload(people: Sequence[Identity]) -> dict[str, object]:
    """Rows in the order of the schema; an unknown key is empty."""
    return {
        "schema": list(SCHEMA),
        "is_raw": True,
        "data": [[person.get(key, UNKNOWN).hex for key in SCHEMA] for person in people],
    }


def _counts(answer: Mapping[str, Any]) -> tuple[int, int]:
    """What an upload's answer says. Raises Unavailable when it says nothing."""
    taken = answer.get("num_received")
    if not isinstance(taken, int):
        raise Unavailable(
            "Meta's answer to an upload does not say how many rows it took."
            " The same push may be made again."
        )
    return taken, int(answer.get("num_invalid_entries") or 0)
