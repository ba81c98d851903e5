"""Snowplow's tracker protocol: its pairs of short keys as events of our envelope."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ingestion.dialects.aliases import Aliases, Named
from ingestion.dialects.envelopes import (
    Receipt,
    Translated,
    decoded,
    event_id,
    from_milliseconds,
    identity,
    page_words,
    present,
)
from ingestion.moments import stored
from warehouse.errors import BadInput

DIALECT: Final = "snowplow"

_CLIENT_SESSION: Final = "com.snowplowanalytics.snowplow/client_session"
_BROWSERS: Final = "web"
_STRUCTURED: Final = {
    "se_ca": "category",
    "se_ac": "action",
    "se_la": "label",
    "se_pr": "property",
    "se_va": "value",
}
_TRANSACTION: Final = {
    "tr_id": "id",
    "tr_af": "affiliation",
    "tr_tt": "total",
    "tr_tx": "tax",
    "tr_sh": "shipping",
    "tr_ci": "city",
    "tr_st": "state",
    "tr_co": "country",
    "tr_cu": "currency",
}
_ITEM: Final = {
    "ti_id": "id",
    "ti_sk": "sku",
    "ti_nm": "name",
    "ti_ca": "category",
    "ti_pr": "price",
    "ti_qu": "quantity",
    "ti_cu": "currency",
}
_CONTEXT: Final = {
    "ip": "ip_address",
    "lang": "locale",
    "tz": "time_zone",
    "url": "page_url",
    "refr": "referrer",
    "tv": "tracker",
}
# what stands elsewhere in the event; the app id may be the write key
_READ: Final = frozenset(
    {
        *("e", "eid", "dtm", "stm", "ttm", "uid", "duid", "nuid", "tnuid", "sid"),
        *("ua", "page", "ue_pr", "ue_px", "co", "cx", *_CONTEXT),
        *_STRUCTURED,
        *_TRANSACTION,
        *_ITEM,
    }
)


def messages(body: Any) -> list[Any]:
    """The payloads of a POST: pairs of keys and texts, in a self-describing array.

    Raises BadInput when there is no such array.
    """
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        raise BadInput("The body is no payload_data: `data` is no array of events.")
    return data


def app_id(found: list[Any]) -> str:
    """The one app id of all payloads; empty where they have none, or several."""
    said = [one.get("aid") for one in found if isinstance(one, dict)]
    names = {name if isinstance(name, str) else "" for name in said}
    return names.pop() if len(names) == 1 else ""


def translated(
    found: list[Any], aliases: Aliases, receipt: Receipt, *, key: str
) -> Translated:
    """Payloads as events of ours; `key` is left out wherever it is the app id."""
    return Translated(
        tuple(
            _Payload(one, aliases, receipt, key, place).event()
            if isinstance(one, dict)
            else one
            for place, one in enumerate(found)
        )
    )


@dataclass(frozen=True, slots=True)
class _Payload:
    """One event's pairs, `place`th of its request."""

    said: dict[str, Any]
    aliases: Aliases
    receipt: Receipt
    key: str
    place: int

    def event(self) -> dict[str, Any]:
        contexts = self._entities()
        named, session = self._named(), contexts.get(_CLIENT_SESSION, {})
        device = (
            self.said.get("duid")
            or session.get("userId")
            or self.said.get("tnuid")
            or self.said.get("nuid")
        )
        return present(
            {
                "event_id": self._id(),
                "event_name": named.event_name,
                **self._clocks(),
                "user_id": identity(self.said.get("uid")),
                "anonymous_id": identity(device),
                "session_id": identity(
                    self.said.get("sid") or session.get("sessionId")
                ),
                "properties": named.properties,
                "context": self._context(named.rest, contexts),
            }
        )

    def _id(self) -> str:
        whole = {key: one for key, one in self.said.items() if key != "stm"}
        if "dtm" not in whole and "ttm" not in whole:
            whole["receipt"] = [stored(self.receipt.at), self.place]
        return event_id(DIALECT, self.said.get("eid"), whole, self.receipt)

    def _clocks(self) -> dict[str, Any]:
        """The device's clocks; a time said to be true is not corrected by them."""
        if self.said.get("ttm"):
            return {"timestamp": from_milliseconds(self.said["ttm"])}
        created, sent = self.said.get("dtm"), self.said.get("stm")
        claim = created or sent
        received = self.receipt.at.isoformat()
        return {
            "timestamp": from_milliseconds(claim) if claim else received,
            "sent_at": from_milliseconds(sent) if sent else None,
        }

    def _named(self) -> Named:
        kind = self.said.get("e")
        if kind in ("pv", "pp"):
            return self._page(str(kind))
        if kind == "se":
            found = self._renamed(_STRUCTURED)
            action, category = found.get("action"), found.get("category")
            return self.aliases.named(f"{category}/{action}", found, str(action))
        if kind == "ue":
            return self._self_describing()
        if kind == "tr":
            return self.aliases.named("tr", self._renamed(_TRANSACTION), "transaction")
        if kind == "ti":
            found = self._renamed(_ITEM)
            return self.aliases.named("ti", found, "transaction_item")
        return Named(str(kind or "unnamed"), {})

    def _page(self, kind: str) -> Named:
        url = self.said.get("url")
        words = {
            "url": url,
            **page_words(url),
            "title": self.said.get("page"),
            "referrer": self.said.get("refr"),
        }
        name = "page_viewed" if kind == "pv" else "page_pinged"
        return Named(name, present(words))

    def _self_describing(self) -> Named:
        outer = self._packed("ue_pr", "ue_px")
        inner = outer.get("data")
        found = inner if isinstance(inner, dict) else outer
        data = found.get("data")
        vendor, name = _schema(found.get("schema"))
        properties = data if isinstance(data, dict) else {}
        return self.aliases.named(f"{vendor}/{name}", properties, name or "unnamed")

    def _entities(self) -> dict[str, Any]:
        """The entities beside an event by vendor/name; of one kind the first as is."""
        listed = self._packed("co", "cx").get("data")
        found: dict[str, Any] = {}
        for one in listed if isinstance(listed, list) else ():
            if not isinstance(one, dict):
                continue
            key, number = "/".join(_schema(one.get("schema"))), 2
            name = key
            while name in found:
                name, number = f"{key}#{number}", number + 1
            data = one.get("data")
            found[name] = data if isinstance(data, dict) else {"data": data}
        return found

    def _context(
        self, rest: dict[str, Any], entities: dict[str, Any]
    ) -> dict[str, Any]:
        words = {ours: self.said.get(theirs) for theirs, ours in _CONTEXT.items()}
        beside = {
            key: one
            for key, one in self.said.items()
            if key not in _READ and not (key == "aid" and one == self.key)
        }
        # a server's tracker has its own user agent, which is nobody's browser
        agent = self.receipt.user_agent if self.said.get("p") == _BROWSERS else ""
        as_sent = {**beside, "entities": entities, "properties": rest}
        return present(
            {
                **words,
                "user_agent": self.said.get("ua") or agent,
                "as_sent": present(as_sent),
            }
        )

    def _renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        return present({ours: self.said.get(one) for one, ours in names.items()})

    def _packed(self, plain: str, in_base64: str) -> dict[str, Any]:
        """A JSON object that was sent as text, or as text in base64."""
        text = self.said.get(plain)
        try:
            if not text and isinstance(self.said.get(in_base64), str):
                packed = self.said[in_base64]
                text = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
            found = decoded(text.encode() if isinstance(text, str) else text or b"{}")
        except (BadInput, binascii.Error, ValueError, TypeError, AttributeError):
            return {}
        return found if isinstance(found, dict) else {}


def _schema(said: Any) -> tuple[str, str]:
    """Vendor and name of iglu:vendor/name/format/version; empty where it is none."""
    if not isinstance(said, str):
        return "", ""
    vendor, _, rest = said.removeprefix("iglu:").partition("/")
    return vendor, rest.partition("/")[0]
