"""Tell ad platforms which of their people paid: the doors.

Purchases, and purchases by those who had been at risk, go back to Meta's Conversions
API and Google's Data Manager: of people who consent, each once, refunds told or left
out.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from activation.conversions.sending import Run, count_due, planned, tell
from activation.conversions.values import PURCHASE, WON_BACK, Target, Told
from activation.patience import Patience
from warehouse.clickhouse import connect
from warehouse.errors import (
    BadInput,
    BadSetting,
    DestinationRefused,
    QuestlogError,
    Unavailable,
)
from warehouse.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable


def send(
    as_of: str,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: "Callable[[], datetime]" = lambda: datetime.now(UTC),
) -> list[Told]:
    """Tell every platform that is set of the payments before a day.

    One that fails keeps no other from being told. Raises at the end what failed, and
    NotEnoughData while no marts have been published.
    """
    return _each(as_of, environ, clock, tell)


def rehearse(
    as_of: str,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: "Callable[[], datetime]" = lambda: datetime.now(UTC),
) -> list[Told]:
    """What `send` would tell, told to nobody; `sent` is what would be."""

    def counted(run: Run, target: Target, kind: str) -> Told:
        sent = count_due(run, target, kind)
        return replace(planned(run, target, kind), sent=sent, detail="told to nobody")

    return _each(as_of, environ, clock, counted)


def targets(settings: Settings, patience: Patience) -> list[Target]:
    """Where conversions are told, by the settings.

    Raises BadSetting when nowhere.
    """
    found: list[Target] = []
    if settings.meta_pixel_id:
        from activation.conversions.meta import MetaPixel
        from activation.destinations.meta import require_account
        from activation.graph import graph_api

        require_account(settings)
        api = graph_api(
            address=settings.meta_graph_url,
            token=settings.meta_access_token,
            patience=patience,
        )
        found.append(MetaPixel(api=api, pixel_id=settings.meta_pixel_id))
    actions = {
        kind: number
        for kind, number in (
            (PURCHASE, settings.google_conversion_action),
            (WON_BACK, settings.google_at_risk_action),
        )
        if number
    }
    if actions:
        from activation.conversions.google import GoogleConversions
        from activation.google_account import google_account

        account = google_account(settings, patience)
        found.append(GoogleConversions(account=account, actions=actions))
    if not found:
        raise BadSetting(
            "META_PIXEL_ID, GOOGLE_CONVERSION_ACTION, GOOGLE_AT_RISK_ACTION: none is"
            " set, so there is nowhere to tell of conversions. See docs/ads.md."
        )
    return found


def _each(
    as_of: str,
    environ: Mapping[str, str],
    clock: "Callable[[], datetime]",
    do: "Callable[[Run, Target, str], Told]",
) -> list[Told]:
    from activation.choosing import require_people
    from activation.identifiers import external_key
    from warehouse.vault import open_vault

    settings = load(environ)
    told: list[Told] = []
    failures: dict[str, QuestlogError] = {}
    with connect(settings) as client, open_vault(settings) as vault:
        require_people(client)
        run = Run(
            client=client,
            vault=vault,
            key=external_key(vault.root),
            until=_midnight(as_of),
            clock=clock,
        )
        for target in targets(settings, Patience()):
            for kind in target.kinds:
                try:
                    told.append(do(run, target, kind))
                except (Unavailable, DestinationRefused) as error:
                    failures[f"{target.platform} {kind}"] = error
    if failures:
        raise _one_of(failures)
    return told


def _one_of(failures: Mapping[str, QuestlogError]) -> QuestlogError:
    said = " ".join(f"{what}: {error}" for what, error in failures.items())
    final = any(isinstance(one, DestinationRefused) for one in failures.values())
    return DestinationRefused(said) if final else Unavailable(said)


def _midnight(text: str) -> datetime:
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError as error:
        raise BadInput(f"{text!r} is no date; write it like 2026-03-01.") from error
    return datetime.combine(day, time.min, UTC)
