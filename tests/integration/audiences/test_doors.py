"""The commands of audiences, and what a preview tells."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from activation.previewing import Change, preview
from tests.integration.audiences.world import AS_OF, TOKEN, World, a_chosen_crowd
from warehouse.settings import REPOSITORY


def questlog(world: World, *words: str, **environment: str) -> Any:
    settings = world.settings
    return subprocess.run(
        [sys.executable, "-m", "questlog", *words],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "QUESTLOG_HOME": str(settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
            "COLUMNS": "300",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def by_audience(printed: str) -> dict[str, Any]:
    return {one["audience"]: one for one in json.loads(printed)}


def test_the_commands_choose_rehearse_push_and_list(world: World) -> None:
    a_chosen_crowd(world, *(f"p{number}" for number in range(25)))
    account = {
        "META_GRAPH_URL": world.settings.meta_graph_url,
        "META_ACCESS_TOKEN": TOKEN,
        "META_AD_ACCOUNT_ID": "act_7",
    }

    day = ("--as-of", str(AS_OF))
    chosen = questlog(world, "audiences", "choose", *day, "--json")
    rehearsed = questlog(world, "audiences", "push", *day, "--dry-run")
    alone = questlog(world, "audiences", "push", *day)
    pushed = questlog(world, "audiences", "push", *day, "--json", **account)
    listed = questlog(world, "audiences", "list", *day, "--json")
    shown = questlog(world, "audiences", "list", *day, COLUMNS="80")

    assert by_audience(chosen.stdout)["high_value"]["sendable"] == 25
    assert (
        "has not been published"
        in by_audience(chosen.stdout)["champions"]["skipped_because"]
    )
    assert "dry_run" in rehearsed.stdout
    assert alone.returncode == 1
    assert "META_ACCESS_TOKEN, META_AD_ACCOUNT_ID" in alone.stderr
    assert by_audience(pushed.stdout)["high_value"]["received"] == 25
    assert by_audience(pushed.stdout) == by_audience(listed.stdout)
    # a screen of the usual width cuts no name and no reason short
    assert "high_value  " in shown.stdout
    assert "delivered" in shown.stdout
    assert "champions at meta: 0 sendable" in shown.stdout
    assert len(world.remote("high_value")) == 25


def test_a_set_is_made_anew_by_command_and_a_name_that_is_none_is_refused(
    world: World,
) -> None:
    a_chosen_crowd(world, *(f"p{number}" for number in range(25)))
    account = {
        "META_GRAPH_URL": world.settings.meta_graph_url,
        "META_ACCESS_TOKEN": TOKEN,
        "META_AD_ACCOUNT_ID": "act_7",
    }
    push = ("audiences", "push", "--as-of", str(AS_OF), "--json")
    questlog(world, *push, **account)

    again = questlog(world, *push, "--exchange", "high_value", **account)
    misspelt = questlog(world, *push, "--exchange", "high_valeu", **account)

    assert by_audience(again.stdout)["high_value"]["sent"] == 25
    assert len(world.remote("high_value")) == 25
    assert misspelt.returncode == 1
    assert "named high_valeu; there are at_risk, champions" in misspelt.stderr


def test_before_any_marts_are_published_conversions_say_what_to_do(
    world: World,
) -> None:
    world.client.command("drop table marts.dim_people")
    account = {
        "META_GRAPH_URL": world.settings.meta_graph_url,
        "META_ACCESS_TOKEN": TOKEN,
        "META_AD_ACCOUNT_ID": "act_7",
        "META_PIXEL_ID": "1000",
    }

    told = questlog(world, "conversions", "send", "--as-of", str(AS_OF), **account)

    assert told.returncode == 1
    assert "questlog publish marts" in told.stderr


def test_a_preview_tells_sizes_coverage_overlap_and_change(world: World) -> None:
    for name in "ABCDEFGHIJ":
        world.person(name, consents=name != "A", **a_way_to(name))
    world.values(B=6.0, **dict.fromkeys("ACDE", 5.0), **dict.fromkeys("FGHIJ", 1.0))
    world.churn(A=0.9, J=0.8, **dict.fromkeys("BCDEFGHI", 0.1))
    definitions = world.definitions(minimum_size=1)
    high = next(one for one in definitions.custom if one.name == "high_value")
    half = replace(high, source=replace(high.source, top_share=0.5))
    definitions = replace(definitions, custom=(half, *definitions.custom[:1]))
    world.choose()
    world.push()

    seen = preview(world.rim, definitions, "high_value", AS_OF)

    assert (seen.size, seen.sendable) == (5, 3)
    assert (seen.consent_share, seen.identifier_share) == (0.8, 0.75)
    assert (seen.email_share, seen.phone_share) == (0.5, 0.25)
    assert seen.overlap == {"at_risk": 0.2}
    assert seen.changes["meta"] == Change(
        there=1,
        entering=2,
        leaving=0,
        entering_because={"new": 2},
        leaving_because={},
    )


def test_a_preview_tells_why_people_would_enter_and_leave(world: World) -> None:
    a_chosen_crowd(world, *"ABCDEF")
    world.push()
    world.decides("B", granted=False, at="2026-03-01 10:00:00")
    world.push()
    world.decides("B", granted=True, at="2026-03-01 11:00:00")
    world.decides("A", granted=False, at="2026-03-01 11:00:00")
    world.client.command("truncate table ml.lifetime_values")
    world.person("AA")
    world.values(**dict.fromkeys(["AA", *"BCEF"], 5.0), D=0.0)
    world.vault.forget("user:C")
    high = next(o for o in world.definitions().custom if o.name == "high_value")
    every = replace(high, cap=3, source=replace(high.source, top_share=1.0))
    few = replace(every, minimum_size=9)

    def seen(one: Any) -> Change:
        definitions = replace(world.definitions(), custom=(one,))
        return preview(world.rim, definitions, "high_value", AS_OF).changes["meta"]

    assert seen(every) == Change(
        there=5,
        entering=2,
        leaving=4,
        entering_because={"again": 1, "new": 1},
        leaving_because={"withdrew": 1, "left": 1, "unfindable": 1, "over_the_cap": 1},
    )
    assert seen(few).entering == 0
    assert seen(few).leaving_because["too_few"] == 2


def a_way_to(name: str) -> dict[str, str]:
    """Of B, C, D and E: two have an address, one a number, one neither."""
    return {
        "D": {"phone": "+49 30 23125 012"},
        "E": {"first_name": "Eve"},
    }.get(name, {})


def test_no_door_lets_a_junk_date_in(world: World, tmp_path: Path) -> None:
    home = {"QUESTLOG_HOME": str(tmp_path)}

    answer = questlog(world, "audiences", "choose", "--as-of", "soon", **home)

    assert answer.returncode == 1
    assert "'soon' is no date" in answer.stderr
