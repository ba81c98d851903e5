"""Each runbook names only what is there: commands, targets, settings, files, alerts."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main
import yaml

from questlog.__main__ import app
from questlog.stack import services, watching
from tests.runbooks import FOLDER, PAGES, commands, typed
from warehouse.settings import REPOSITORY, Settings, table

RULES = REPOSITORY / "deploy" / "prometheus" / "rules.yml"
COMPOSED: dict[str, Any] = yaml.safe_load(
    (REPOSITORY / "docker-compose.yml").read_text()
)["services"]
# of typer's own copy of click: the command line's objections
USAGE = typer.BadParameter.__mro__[1]
OF_AIRFLOW = {"GateClosed", "TaskFailed", "DeadlineMissed"}
OURS = r"(?:taxonomy|warehouse|expectations|deploy|dags|activation|docs)"

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def alerts() -> set[str]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"]} | OF_AIRFLOW


def told_of(page: Path) -> set[str]:
    """The alerts that a page says it is about."""
    found = re.search(
        r"^Alerts?: .*?(?=\n\n|\Z)", page.read_text(), re.MULTILINE | re.DOTALL
    )
    return (
        set(re.findall(r"`([A-Z]\w+)`", found.group())) & alerts() if found else set()
    )


def test_there_is_something_to_type_on_most_pages() -> None:
    pages = [page for page in PAGES if page.stem != "README"]

    assert sum(any(True for _ in commands(page)) for page in pages) > 0.8 * len(pages)


def objection(words: list[str], *, is_whole: bool) -> str:
    """What the command line has to say against these words; empty if nothing."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="questlog")
    try:
        while words and isinstance(command, typer.core.TyperGroup):
            name, command, words = command.resolve_command(context, words)
            context = command.context_class(
                command, context, info_name=name, **command.context_settings
            )
        # a sentence may name a command; what is begun with its words is to be whole
        if is_whole or words:
            command.make_context(context.info_name, words, parent=context.parent)
        else:
            command.make_parser(context).parse_args(words)
    except USAGE as error:
        return str(error.format_message())  # type: ignore[attr-defined]  # it has it
    return ""


@each_page
def test_every_command_of_a_page_is_one_with_these_options(page: Path) -> None:
    objections = {
        str(one): objection([w for w in words if w != "--help"], is_whole=one.is_whole)
        for one, words in commands(page)
    }

    assert {one: said for one, said in objections.items() if said} == {}


@pytest.mark.parametrize(
    ("typed_words", "said"),
    [
        ("docter", "No such command 'docter'."),
        ("keys ad web", "No such command 'ad'."),
        ("gate marts --asof DAY", "No such option: --asof"),
        ("audiences push", "Missing option '--as-of'."),
    ],
)
def test_what_is_typed_wrong_is_objected_to(typed_words: str, said: str) -> None:
    assert said in objection(typed_words.split(), is_whole=True)


@each_page
def test_every_target_of_make_is_in_the_makefile(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    named = {
        match[1]
        for one in typed(page)
        if (match := re.fullmatch(r"make ([\w-]+).*", one.text))
    }

    assert named <= targets


@each_page
def test_every_setting_that_a_page_names_is_one(page: Path) -> None:
    known = {row.metadata["name"] for row in table()}
    prefixes = tuple(f"{name.split('_')[0]}_" for name in known)
    named = {
        name
        for one in typed(page)
        for name in re.findall(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b", one.text)
        if name.startswith(prefixes)
    }

    assert named <= known


@each_page
def test_every_file_of_ours_that_a_page_names_is_there(page: Path) -> None:
    for one in typed(page):
        for name in re.findall(rf"(?<![\w./]){OURS}/[\w./-]*\w", one.text):
            # made by deploy/prepare, or quoted from a message
            if name.startswith(("deploy/env", "deploy/secrets")) or one.is_whole:
                continue
            assert (REPOSITORY / name).exists(), one


@each_page
def test_every_log_and_service_that_a_page_names_is_one(
    page: Path, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    local = {
        one.name
        for one in (
            *services.engine(settings),
            *services.around_the_engine(settings, write_key=""),
            watching.metrics(settings),
            *services.scheduling(settings),
        )
    }
    text = page.read_text()

    named = re.findall(r"\.questlog/run/([\w-]+)\.log", text)
    assert set(named) <= local | {"SERVICE"}
    composed = re.findall(
        r"docker compose (?:restart|up --detach|logs --tail \d+|exec -T) ([\w-]+)", text
    )
    assert set(composed) <= COMPOSED.keys() | {"SERVICE"}


@each_page
def test_every_port_of_this_machine_is_a_service_of_ours(page: Path) -> None:
    ports = {str(row.default) for row in table() if row.name.endswith("_port")}

    assert (
        set(re.findall(r"(?:localhost|127\.0\.0\.1):(\d+)", page.read_text())) <= ports
    )


@each_page
def test_every_dag_that_a_page_names_is_one(page: Path) -> None:
    dags = {path.stem for path in (REPOSITORY / "dags").glob("*.py")}

    assert set(re.findall(r"DAG `(\w+)`", page.read_text())) <= dags


def test_every_alert_has_a_page_that_begins_with_it() -> None:
    told = {alert for page in PAGES for alert in told_of(page)}

    assert told == alerts()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if told_of(page)], ids=lambda page: page.stem
)
def test_a_page_of_an_alert_says_when_it_is_over(page: Path) -> None:
    assert "**Is it over?**" in page.read_text()


def test_the_index_sends_each_alert_to_its_page() -> None:
    index = (FOLDER / "README.md").read_text()
    rows = [line for line in index.splitlines() if line.startswith("|")]

    for page in PAGES:
        for alert in told_of(page):
            (row,) = [line for line in rows if f"`{alert}`" in line]
            assert f"({page.name})" in row
