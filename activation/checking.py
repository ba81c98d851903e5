"""What is missing before people can be sent: asked of each platform, sending nobody."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from activation.destinations.kinds import kinds, opened
from activation.patience import Patience
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    from activation.destinations.google import Google
    from activation.destinations.meta import Meta

FINE, WARNING, MISSING, UNSET = "fine", "warning", "missing", "unset"
MOST_AUDIENCES = 500
_NEARLY = 0.9
_FLAGGED = 471
_WANTED_SCOPE = "ads_management"
_ACTIVE = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `said` tells what is there, or what to do."""

    platform: str
    what: str
    state: str
    said: str


def check(settings: Settings, patience: Patience | None = None) -> list[Finding]:
    """Look at every destination that is set, and name those that are not.

    Nothing of any person leaves: accounts are asked about themselves alone.
    """
    found: list[Finding] = []
    for name, kind in kinds().items():
        if not kind.is_started(settings):
            said = f"not set: {', '.join(kind.wants)}"
            found.append(Finding(name, "credentials", UNSET, said))
            continue
        try:
            destination: Any = opened(name, settings, patience or Patience(attempts=2))
        except BadSetting as error:
            found.append(Finding(name, "credentials", MISSING, str(error)))
            continue
        look = _LOOKS.get(name, _nothing_to_ask)
        found += look(destination, settings)
    return found


def is_ready(findings: list[Finding]) -> bool:
    """Whether a destination is set, and nothing is missing from any that is."""
    states = {one.state for one in findings} - {UNSET}
    return bool(states) and MISSING not in states


def _nothing_to_ask(destination: Any, _: Settings) -> Iterator[Finding]:
    yield Finding(
        destination.platform, "credentials", FINE, "set; it can't be asked anything"
    )


def _asked(
    platform: str, what: str, ask: Callable[[], tuple[str, str]]
) -> Iterator[Finding]:
    """One question; what the platform refuses is the finding."""
    try:
        state, said = ask()
    except (DestinationRefused, Unavailable) as error:
        yield Finding(platform, what, MISSING, str(error))
    else:
        yield Finding(platform, what, state, said)


def _meta(destination: "Meta", settings: Settings) -> Iterator[Finding]:
    def ask(what: str, question: Callable[[], tuple[str, str]]) -> Iterator[Finding]:
        return _asked("meta", what, question)

    yield from ask("scopes", lambda: _meta_scopes(destination))
    yield from ask("account and terms", lambda: _meta_account(destination))
    yield from ask("audiences", lambda: _meta_audiences(destination))
    if settings.meta_pixel_id:
        yield from ask("pixel", lambda: _meta_pixel(destination, settings))
    else:
        said = "META_PIXEL_ID is not set: no conversions are told to Meta"
        yield Finding("meta", "pixel", WARNING, said)


def _meta_scopes(destination: "Meta") -> tuple[str, str]:
    from activation.graph import get

    told = get(destination.api, "me", "permissions", {})
    granted = {
        one.get("permission")
        for one in told.get("data", [])
        if one.get("status") == "granted"
    }
    if _WANTED_SCOPE in granted:
        return FINE, f"the access token has {_WANTED_SCOPE}"
    return MISSING, f"the access token lacks {_WANTED_SCOPE}. Make one that has it"


def _meta_account(destination: "Meta") -> tuple[str, str]:
    from activation.graph import VERSION, get

    told = get(
        destination.api,
        f"act_{destination.account_id}",
        "",
        {"fields": "account_status,tos_accepted"},
    )
    if told.get("account_status") != _ACTIVE:
        return (
            MISSING,
            f"the ad account's status is {told.get('account_status')}, not 1",
        )
    if not (told.get("tos_accepted") or {}).get("custom_audience_tos"):
        return MISSING, (
            "the terms for customer lists are not accepted. A person of the business"
            " accepts them once in Meta's Audience Manager"
        )
    return FINE, f"active, terms accepted, answers as {VERSION}"


def _meta_audiences(destination: "Meta") -> tuple[str, str]:
    listed = destination.listed()
    count = f"{len(listed)} of {MOST_AUDIENCES} audiences"
    flagged = [
        one["name"]
        for one in listed
        if (one.get("operation_status") or {}).get("code") == _FLAGGED
    ]
    if flagged:
        names = ", ".join(sorted(flagged))
        return WARNING, f"{count}; flagged for their names (471): {names}"
    if len(listed) >= MOST_AUDIENCES:
        return MISSING, f"{count}: no room for another. Delete some"
    if len(listed) >= MOST_AUDIENCES * _NEARLY:
        return WARNING, f"{count}: nearly full"
    return FINE, count


def _meta_pixel(destination: "Meta", settings: Settings) -> tuple[str, str]:
    from activation.graph import get

    get(destination.api, settings.meta_pixel_id, "", {"fields": "id"})
    return FINE, "the pixel is there and the access token reaches it"


def _google(destination: "Google", settings: Settings) -> Iterator[Finding]:
    from activation import google_checks as checks

    account = destination.account
    yield from _asked("google", "sign-in", lambda: checks.sign_in(account))
    yield from _asked("google", "account and terms", lambda: checks.account(account))
    yield from _asked("google", "user lists", lambda: checks.lists(account))
    if settings.google_members_by == "offline_jobs":
        yield from _asked("google", "offline jobs", lambda: checks.jobs(account))
    actions = {
        "GOOGLE_CONVERSION_ACTION": settings.google_conversion_action,
        "GOOGLE_AT_RISK_ACTION": settings.google_at_risk_action,
    }
    for name, number in actions.items():
        if number:
            yield from _asked("google", name, partial(checks.action, account, number))
        else:
            yield Finding("google", name, WARNING, "not set: nothing is told to it")


_LOOKS: dict[str, Callable[[Any, Settings], Iterator[Finding]]] = {
    "meta": _meta,
    "google": _google,
}
