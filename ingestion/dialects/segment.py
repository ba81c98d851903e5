"""Segment's HTTP API: its six kinds of messages as events of our envelope."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ingestion.consent import DECISION
from ingestion.dialects.aliases import Aliases, Named, snake_case
from ingestion.dialects.envelopes import (
    Receipt,
    Translated,
    derived,
    event_id,
    identity,
    page_words,
    present,
)
from ingestion.moments import stored
from warehouse.errors import BadInput

DIALECT: Final = "segment"
KINDS: Final = ("track", "identify", "page", "screen", "group", "alias")
# what the wrappers of consent managers send when a person decides
_DECISIONS: Final = ("Segment Consent Preference Updated", "Segment Consent Preference")
_POLICY: Final = "unstated"
_CONTEXT: Final = {
    "ip": "ip_address",
    "userAgent": "user_agent",
    "locale": "locale",
    "timezone": "time_zone",
}
# what stands elsewhere in the event, and traits, which may be names of people
_READ: Final = frozenset(
    {
        *("type", "messageId", "userId", "anonymousId", "event", "properties"),
        *("originalTimestamp", "timestamp", "sentAt", "writeKey", "context", "traits"),
        *("previousId", "groupId", "name", "category", "integrations", "receivedAt"),
    }
)


def messages(body: Any, kind: str) -> list[Any]:
    """The messages of a body; `kind` is what the route says, or `batch`.

    A batch's moment of sending and context count for messages that have none.
    Raises BadInput when the body is no object, or its batch no list.
    """
    if not isinstance(body, dict):
        raise BadInput("The body is no JSON object.")
    if kind != "batch":
        return [{**body, "type": kind}]
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise BadInput("`batch` is no array of messages.")
    shared = {key: body[key] for key in ("sentAt", "context") if body.get(key)}
    return [_with(shared, one) if isinstance(one, dict) else one for one in batch]


def _with(shared: Mapping[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    whole = {**shared, **{key: one for key, one in message.items() if one is not None}}
    around, own = shared.get("context"), message.get("context")
    if isinstance(around, dict) and isinstance(own, dict):
        whole["context"] = {**around, **own}
    return whole


def write_key(body: Any) -> str:
    """The write key that a body itself carries, as browsers send it; empty if none."""
    if not isinstance(body, dict):
        return ""
    batch = body.get("batch")
    first = batch[0] if isinstance(batch, list) and batch else None
    for one in (body, first):
        key = one.get("writeKey") if isinstance(one, dict) else None
        if isinstance(key, str) and key:
            return key
    return ""


def translated(found: list[Any], aliases: Aliases, receipt: Receipt) -> Translated:
    """Messages as events of ours; what is no message stays one that is refused."""
    events: list[Any] = []
    denied: list[dict[str, Any]] = []
    for place, one in enumerate(found):
        if not isinstance(one, dict):
            events.append(one)
            continue
        reading = _Message(one, aliases, receipt, place)
        made = list(reading.events())
        (denied if reading.is_denied() else events).extend(made)
    return Translated(tuple(events), tuple(denied))


@dataclass(frozen=True, slots=True)
class _Message:
    """One message, `place`th of its request."""

    said: dict[str, Any]
    aliases: Aliases
    receipt: Receipt
    place: int

    def events(self) -> Iterator[dict[str, Any]]:
        kind = self.said.get("type")
        if self._is_decision():
            yield from self._decisions()
            return
        made = _MAKERS.get(str(kind))
        named = made(self) if made else Named(snake_case(str(kind or "unnamed")), {})
        yield self._envelope(named)

    def is_denied(self) -> bool:
        """Whether the message is stamped with a no to analytics, and decides nothing.

        Segment's rule: of several categories for a purpose all must be allowed.
        """
        if self._is_decision():
            return False
        return any(
            granted is False and self.aliases.purposes.get(category) == "analytics"
            for category, granted in self._preferences().items()
        )

    def track(self) -> Named:
        name = self.said.get("event")
        if not isinstance(name, str):
            return Named("", self._object("properties"))
        return self.aliases.named(name, self._object("properties"))

    def identify(self) -> Named:
        return Named("person_identified", {})

    def alias(self) -> Named:
        previous = identity(self.said.get("previousId"))
        return Named("person_identified", present({"previous_id": previous}))

    def group(self) -> Named:
        return self._known(
            "group_joined", {"group_id": identity(self.said.get("groupId"))}
        )

    def page(self) -> Named:
        page = self._inner("page")
        found = {**page, **self._object("properties")}
        words = {
            **page_words(found.get("url")),
            **self._campaign(),
            **present(found),
        }
        words.setdefault("title", self.said.get("name"))
        return self._known("page_viewed", words)

    def screen(self) -> Named:
        found = self._object("properties")
        name = self.said.get("name") or found.get("name")
        category = self.said.get("category") or found.get("category")
        words = {**found, "screen_name": name, "screen_category": category}
        return self._known("screen_viewed", words)

    def _known(self, event_name: str, found: dict[str, Any]) -> Named:
        """The properties that our event has; the others are told beside it."""
        event = self.aliases.taxonomy.events.get(event_name)
        known = event.properties if event is not None else {}
        return Named(
            event_name,
            present({key: one for key, one in found.items() if key in known}),
            {
                key: one
                for key, one in self._object("properties").items()
                if key not in known
            },
        )

    def _campaign(self) -> dict[str, Any]:
        renamed = {"utm_campaign": "name"}
        campaign = self._inner("campaign")
        return present(
            {
                f"utm_{word}": campaign.get(renamed.get(f"utm_{word}", word))
                for word in ("source", "medium", "campaign", "term", "content")
            }
        )

    def _envelope(self, named: Named) -> dict[str, Any]:
        said = self.said
        device = identity(said.get("anonymousId"))
        if self._is("alias"):
            device = device or identity(said.get("previousId"))
        return present(
            {
                "event_id": self._id(),
                "event_name": named.event_name,
                "timestamp": self._occurred_at(),
                "sent_at": said.get("sentAt"),
                "user_id": identity(said.get("userId")),
                "anonymous_id": device,
                "properties": named.properties,
                "context": self._context(named.rest),
                "user_properties": self._traits(),
            }
        )

    def _id(self) -> str:
        whole = {key: one for key, one in self.said.items() if key != "sentAt"}
        if not (self.said.get("originalTimestamp") or self.said.get("timestamp")):
            whole["receipt"] = [stored(self.receipt.at), self.place]
        return event_id(DIALECT, self.said.get("messageId"), whole, self.receipt)

    def _occurred_at(self) -> Any:
        """The sender's own claim: what Segment corrected comes second."""
        return (
            self.said.get("originalTimestamp")
            or self.said.get("timestamp")
            or self.said.get("sentAt")
            or self.receipt.at.isoformat()
        )

    def _context(self, rest: dict[str, Any]) -> dict[str, Any]:
        found, page = self._object("context"), self._inner("page")
        system, device = self._inner("os"), self._inner("device")
        words = {ours: found.get(theirs) for theirs, ours in _CONTEXT.items()}
        told = {"traits", "consent", "library", "page", *_CONTEXT}
        beside = {key: one for key, one in self.said.items() if key not in _READ}
        category = self.said.get("category")
        as_sent = {
            **beside,
            "category": category if self._is("page") else None,
            "context": {key: one for key, one in found.items() if key not in told},
            "properties": rest,
            "traits": self._object("traits") if self._is("group") else None,
        }
        return present(
            {
                **words,
                "page_url": page.get("url"),
                "referrer": page.get("referrer"),
                "os": _text(system.get("name")),
                "device_type": _text(device.get("type")),
                "tracker": _library(self._inner("library")),
                "as_sent": present(as_sent),
            }
        )

    def _traits(self) -> dict[str, Any]:
        """What is said of the person, by our names.

        With `identify` all of it, so that the door notes what it strips; beside other
        messages what the taxonomy knows, for a trait must not cost an event its place.
        """
        known = self.aliases.taxonomy.traits
        if self._is("identify"):
            return {snake_case(key): one for key, one in self._object("traits").items()}
        traits = self._inner("traits")
        named = {snake_case(key): one for key, one in traits.items()}
        return {key: one for key, one in named.items() if key in known}

    def _preferences(self) -> dict[str, Any]:
        preferences = self._inner("consent").get("categoryPreferences")
        return preferences if isinstance(preferences, dict) else {}

    def _is(self, kind: str) -> bool:
        return self.said.get("type") == kind

    def _is_decision(self) -> bool:
        return self._is("track") and self.said.get("event") in _DECISIONS

    def _decisions(self) -> Iterator[dict[str, Any]]:
        """A decision for each purpose: granted where all its categories are."""
        granted: dict[str, bool] = {}
        for category, allowed in self._preferences().items():
            purpose = self.aliases.purposes.get(category)
            if purpose is not None:
                granted[purpose] = granted.get(purpose, True) and allowed is True
        for purpose, allowed in granted.items():
            said = {"purpose": purpose, "granted": allowed, "policy_version": _POLICY}
            whole = self._envelope(Named(DECISION, said))
            yield whole | {"event_id": derived(whole["event_id"], purpose)}

    def _object(self, key: str) -> dict[str, Any]:
        found = self.said.get(key)
        return found if isinstance(found, dict) else {}

    def _inner(self, key: str) -> dict[str, Any]:
        found = self._object("context").get(key)
        return found if isinstance(found, dict) else {}


_MAKERS: Final[dict[str, Callable[[_Message], Named]]] = {
    kind: getattr(_Message, kind) for kind in KINDS
}


def _text(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _library(found: Mapping[str, Any]) -> str:
    name, version = found.get("name"), found.get("version")
    return f"{name}/{version}"[:128] if name and version else str(name or "")[:128]
