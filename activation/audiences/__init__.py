"""The doors of the room: choose audiences, push them, or rehearse a push.

The definitions lie beside this file, one YAML file each.
"""

import os
from datetime import date
from typing import TYPE_CHECKING

from activation.choosing import Choice, choose_members
from activation.definitions import Definitions, load_definitions
from activation.receipts import Receipt
from warehouse.clickhouse import connect
from warehouse.errors import BadInput
from warehouse.settings import Settings, load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from activation.destination import Destination
    from activation.planning import Aim, Planned
    from warehouse.vault import Vault


def choose(as_of: str) -> list[Choice]:
    """Write the members of every audience as of a day such as 2026-03-01.

    Raises NotEnoughData when there are no scores or no published people.
    """
    settings, day = load(os.environ), _day(as_of)
    definitions = _definitions(settings)
    with connect(settings) as client, _vault(settings) as vault:
        return choose_members(client, vault, definitions, day)


def push(as_of: str) -> list[Receipt]:
    """Make every audience in every ad account equal to who may be sent now.

    Raises BadSetting when there is no ad account, Unavailable or
    DestinationRefused when an audience failed; receipts say which.
    """
    from activation.platforms import configured, destination_of
    from activation.pushing import carry_out, to_each

    settings, day = load(os.environ), _day(as_of)
    destinations = [destination_of(one, settings) for one in configured(settings)]
    definitions = _definitions(settings)
    with connect(settings) as client:

        def send_to(destination: "Destination") -> list[Receipt]:
            plan, aim = _plan(client, settings, definitions, day, destination.platform)
            return carry_out(client, destination, plan, definitions, aim)

        return to_each(destinations, send_to)


def rehearse(as_of: str) -> list[Receipt]:
    """Write the receipts that a push would, without calling anybody.

    Without any ad account it is done as for Meta.
    """
    from activation.platforms import META, chosen
    from activation.pushing import rehearse_plan

    settings, day = load(os.environ), _day(as_of)
    definitions = _definitions(settings)
    receipts: list[Receipt] = []
    with connect(settings) as client:
        for platform in chosen(settings) or (META,):
            plan, aim = _plan(client, settings, definitions, day, platform)
            receipts += rehearse_plan(client, plan, definitions, aim)
    return receipts


def _plan(
    client: "Client",
    settings: Settings,
    definitions: Definitions,
    as_of: date,
    platform: str,
) -> "tuple[list[Planned], Aim]":
    from activation.identifiers import external_key
    from activation.planning import Aim, plan_push

    with _vault(settings) as vault:
        key = external_key(vault.root)
        aim = Aim(as_of=as_of, platform=platform, key=key)
        return plan_push(client, vault, definitions, aim), aim


def _definitions(settings: Settings) -> Definitions:
    return load_definitions(country=settings.lookalike_country)


def _vault(settings: Settings) -> "Vault":
    from warehouse.vault import open_vault

    return open_vault(settings)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no date; write it like 2026-03-01.") from error
