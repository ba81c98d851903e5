"""What a user agent and an address say, beside what was sent."""

from functools import lru_cache
from typing import Any, Final

from ingestion.rows import json_bytes

_READ: Final = ("browser", "os", "device_type")
_IS_READ: Final = frozenset(_READ)
# what the taxonomy allows; a longer text is no browser's
_LONGEST: Final = 2048
_AGENTS_REMEMBERED: Final = 20_000
_NOTHING_TOLD: Final = "other"

_TELEVISIONS: Final = ("smart-tv", "smarttv", "appletv", "hbbtv", "crkey", "roku/")
_DESKTOPS: Final = frozenset(
    {
        *("windows", "mac os x", "linux", "ubuntu", "debian", "fedora", "chrome os"),
        *("freebsd", "openbsd", "netbsd", "solaris", "red hat", "suse", "arch linux"),
    }
)


def with_additions(context: dict[str, Any], written: bytes, country: str = "") -> bytes:
    """A context, written as JSON, with what the door adds to it.

    That is no part of an event's content: so a copy that comes after better rules
    for user agents, or another database of countries, is a duplicate as ever.
    """
    if country:
        return json_bytes({**enriched(context), "country": country})
    agent = context.get("user_agent")
    if agent.__class__ is str and agent and _IS_READ.isdisjoint(context):
        more = _told_in_json(agent[:_LONGEST])
        return b"%b,%b" % (written[:-1], more) if more else written
    full = enriched(context)
    return written if full is context else json_bytes(full)


def enriched(context: dict[str, Any]) -> dict[str, Any]:
    """A context with what its user agent tells; what the sender said stays.

    Returns the same object where there is nothing to add.
    """
    agent = context.get("user_agent")
    if not isinstance(agent, str) or not agent:
        return context
    if all(context.get(word) for word in _READ):
        return context
    told = _told(agent[:_LONGEST])
    found = {word: one for word, one in told.items() if not context.get(word)}
    return {**context, **found} if found else context


@lru_cache(maxsize=_AGENTS_REMEMBERED)
def _told_in_json(agent: str) -> bytes:
    """What is told, as the last words of an object; nothing where nothing is."""
    told = _told(agent)
    return json_bytes(told)[1:] if told else b""


@lru_cache(maxsize=_AGENTS_REMEMBERED)
def _told(agent: str) -> dict[str, str]:
    """Browser, system and kind of device, as far as they are known."""
    from ua_parser import parse

    found = parse(agent)
    browser = found.user_agent.family.lower() if found.user_agent else _NOTHING_TOLD
    system = found.os.family.lower() if found.os else _NOTHING_TOLD
    is_machine = found.device is not None and found.device.family == "Spider"
    words = {
        "browser": browser,
        "os": system,
        "device_type": _NOTHING_TOLD if is_machine else _device_type(agent, system),
    }
    return {word: one for word, one in words.items() if one != _NOTHING_TOLD}


def _device_type(agent: str, system: str) -> str:
    text = agent.lower()
    if any(mark in text for mark in _TELEVISIONS):
        return "tv"
    is_phone = "mobi" in text or "iphone" in text or "ipod" in text
    if "ipad" in text or "tablet" in text or (system == "android" and not is_phone):
        return "tablet"
    if is_phone:
        return "mobile"
    # a program of a server names a system too, but never Mozilla
    is_browser = text.startswith(("mozilla/", "opera/"))
    return "desktop" if is_browser and system in _DESKTOPS else _NOTHING_TOLD
