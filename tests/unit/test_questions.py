"""Cases, parameters and figures of questions, without an engine."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import yaml
from scipy.stats import binomtest, chi2_contingency
from typer.testing import CliRunner

from questlog.__main__ import app
from questlog.cases.comparison import compare
from questlog.cases.folder import read
from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.funnels import Parameters as Funnel
from warehouse.questions.intervals import holm, homogeneity, wilson
from warehouse.questions.registry import KINDS
from warehouse.questions.saved import load
from warehouse.questions.templates import render
from warehouse.settings import REPOSITORY

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NO_ENGINE = cast("Client", None)


def test_only_what_was_expected_is_compared() -> None:
    expected = {
        "counts": [3, None],
        "median_seconds": [60],
        "pct": 0.1234567,
        "users_at_step": [["b", "a"]],
        "reference_note": "to read",
    }
    answer = {
        "counts": [3, 7],
        "median_seconds": [60.9],
        "pct": 0.12345672,
        "users_at_step": [["a", "b"]],
        "more": 1,
    }

    made = compare(expected, answer)

    assert (made.compared > 0, made.differences) == (True, [])


@pytest.mark.parametrize(
    ("expected", "answer", "told"),
    [
        ({"counts": [3]}, {"counts": [4]}, "counts[0]: expected 3, found 4"),
        ({"counts": [3]}, {}, "counts: expected [3], found nothing"),
        ({"x_seconds": 5}, {"x_seconds": 6.5}, "x_seconds: expected 5, found 6.5"),
        ({"pct": 0.1}, {"pct": 0.10001}, "pct: expected 0.1, found 0.10001"),
        ({"a": {"b": True}}, {"a": {"b": 1}}, "a.b: expected true, found 1"),
        ({"a": [1]}, {"a": [1, 2]}, "a: expected 1 values, found 2: [1], [1,2]"),
    ],
)
def test_a_difference_says_where_and_what(
    expected: dict[str, object], answer: dict[str, object], told: str
) -> None:
    assert compare(expected, answer).differences == [told]


def _folder(path: Path, **files: object) -> Path:
    (path / "events.jsonl").write_text("")
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    return path


def test_an_alias_leads_to_the_end_of_its_chain(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        params={"kind": "funnel", "identity": {"a": "b", "b": "c", "r": "s", "s": "r"}},
    )

    assert dict(read(folder).identity) == {"a": "c", "b": "c", "r": "r", "s": "r"}


def test_people_are_chosen_by_any_of_their_ids(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        params={
            "kind": "retention",
            "identity": {"alias": "ann"},
            "person_filter": ["alias", "bob"],
        },
    )

    assert read(folder).parameters["person_filter"] == ["ann", "bob"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "params.json is missing"),
        ({"params": []}, "must hold one JSON object"),
        ({"params": {}}, "names no kind"),
        ({"params": {"kind": "funnel", "identity": [1]}}, "must map ids to persons"),
    ],
)
def test_a_case_that_cannot_be_read_says_why(
    tmp_path: Path, files: dict[str, object], told: str
) -> None:
    with pytest.raises(BadInput, match=told):
        read(_folder(tmp_path, **files))


def test_a_case_that_cannot_be_asked_ends_with_2(tmp_path: Path) -> None:
    folder = _folder(tmp_path, params={"kind": "horoscope"})

    ended = CliRunner().invoke(app, ["case", "run", str(folder), "--json"])

    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert "'horoscope'" in ended.stderr
    assert "funnel" in ended.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "missing required field `steps`"),
        ({"steps": ["a"], "window_seconds": "5"}, "parameter window_seconds: Expected"),
        ({"steps": ["a"], "order": "sideways"}, "parameter order"),
        ({"steps": [{"event": 7}]}, r"parameter steps\[0\].event"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(
    given: dict[str, object], told: str
) -> None:
    with pytest.raises(BadInput, match=told):
        parameters.read("funnel", Funnel, given)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"price": {"over": 3}}, "where.price: there is no comparison 'over'"),
        ({"price": {"above": "3"}}, "where.price: above needs a number"),
        ({"price": {"set": 1}}, "where.price: set needs true or false"),
        ({"price": [[1]]}, "where.price: a property is compared with"),
    ],
)
def test_a_filter_that_is_wrong_is_named(where: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        parameters.require_where(where, "where")


def test_a_mistyped_parameter_is_unknown() -> None:
    with pytest.raises(BadInput, match="has no parameter windw_seconds"):
        parameters.require_known("funnel", Funnel, {"steps": [], "windw_seconds": 1})


def test_every_text_is_a_literal_whatever_is_in_it() -> None:
    assert render("q_text", value="it's \\ '); drop table x; --") == (
        r"'it\'s \\ \'); drop table x; --'"
    )


def test_every_saved_question_can_be_asked() -> None:
    assert {saved.kind for saved in load().values()} <= set(KINDS)


FUNNEL = "kind: funnel, owner: us, meaning: m"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"a: {{{FUNNEL}, parameters: {{step: [x]}}}}", "a: .* no parameter step"),
        (f"a: {{{FUNNEL}, parameters: {{}}}}", "a: .*`steps`"),
        (f"a: {{{FUNNEL}, parameters: {{steps: []}}}}", "a: .*one step or more"),
        (
            f"a: {{{FUNNEL}, parameters: {{steps: [x], window_seconds: long}}}}",
            "a: .* window_seconds: Expected `float`",
        ),
        (
            f"a: {{{FUNNEL}, parameters: {{steps: [x], date_from: never}}}}",
            "a: .*date_from: 'never' is no moment",
        ),
        ("a: {kind: tunnel, owner: us, meaning: m, parameters: {}}", "a: 'tunnel'"),
        (f"a: {{{FUNNEL}}}", "a: .*`parameters`"),
        ("a: {kind: funnel, owner: 5}", "a: .*`owner`"),
        (f"a: {{{FUNNEL}, team: x, parameters: {{steps: [x]}}}}", "a: .*`team`"),
        (f"a: {{{FUNNEL}, owner: we, parameters: {{}}}}", "line 1: owner .* twice"),
        ("yes: {kind: funnel}", "True .* in quotes"),
        ("- a", "no saved questions"),
        ("", "no saved questions"),
        ("a: [", "no YAML"),
    ],
)
def test_a_saved_question_with_a_fault_is_named(
    tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "ours.yml").write_text(text)

    with pytest.raises(BadInput, match=rf"ours\.yml.*{told}"):
        load(tmp_path)


def test_a_day_of_a_saved_question_needs_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "ours.yml").write_text(
        "a: {kind: cohort_retention, owner: us, meaning: m,"
        " parameters: {first_day: 2026-03-02}}"
    )

    assert load(tmp_path)["a"].parameters == {"first_day": "2026-03-02"}


def test_a_name_is_saved_in_one_file_only(tmp_path: Path) -> None:
    for name in ("ours.yml", "theirs.yml"):
        (tmp_path / name).write_text(f"a: {{{FUNNEL}, parameters: {{steps: [x]}}}}")

    with pytest.raises(BadInput, match=r"theirs\.yml: a .* another file"):
        load(tmp_path)


def test_the_saved_activation_is_the_one_that_is_built() -> None:
    built = yaml.safe_load((REPOSITORY / "dbt_project/dbt_project.yml").read_text())
    asked = load()["activation"].parameters

    assert asked["steps"] == built["vars"]["activation_steps"]
    assert asked["window_seconds"] * 1000 == built["vars"]["funnel_window_ms"]


@pytest.mark.parametrize(("successes", "trials"), [(7, 20), (0, 10), (10, 10), (1, 9)])
def test_wilson_gives_the_interval_that_scipy_gives(
    successes: int, trials: int
) -> None:
    theirs = binomtest(successes, trials).proportion_ci(method="wilson")

    assert wilson(successes, trials) == pytest.approx((theirs.low, theirs.high))


def test_of_nobody_there_is_no_rate() -> None:
    assert wilson(0, 0) is None


def test_homogeneity_is_the_chi_square_of_the_table() -> None:
    returned, sizes = [20, 30, 45], [100, 120, 110]
    table = [[one, size - one] for one, size in zip(returned, sizes, strict=True)]

    found = homogeneity([*returned, 0], [*sizes, 0])

    theirs = chi2_contingency(table, correction=False)
    assert found == pytest.approx((theirs.statistic, theirs.dof, theirs.pvalue))
    assert homogeneity([0, 0], [5, 5]) is None
    assert homogeneity([3], [5]) is None


def test_holm_keeps_the_order_and_never_passes_one() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_bare_day_is_one_of_the_time_zone_and_ends_with_it() -> None:
    # the clocks of Berlin went forward on that day: it had 23 hours
    first = parameters.milliseconds("2026-03-29", "date_from", "Europe/Berlin")
    last = parameters.last_millisecond("2026-03-29", "date_to", "Europe/Berlin")

    assert first == parameters.milliseconds("2026-03-28T23:00:00Z", "date_from")
    assert last + 1 - first == 23 * 3_600_000


@pytest.mark.parametrize(
    ("kind", "asked", "told"),
    [
        (
            "attribution",
            {"conversion_event": "a", "touch_event": "b", "half_life_days": 0},
            "half_life_days: a half-life is longer",
        ),
        ("paths", {"max_length": 0}, "max_length: a path has one event or more"),
        (
            "funnel",
            {
                "steps": ["a", "b", "c"],
                "order": "unordered",
                "exclusions": [{"event": "x", "from_step": 0, "to_step": 1}],
            },
            "name the first and the last",
        ),
        (
            "window_funnel",
            {"steps": ["a"], "window_seconds": 1, "mode": "strictly"},
            "there is no 'strictly'",
        ),
    ],
)
def test_what_cannot_be_asked_is_told_before_the_engine_is(
    kind: str, asked: dict[str, object], told: str
) -> None:
    with pytest.raises(BadInput, match=told):
        KINDS[kind].answer(NO_ENGINE, "events", asked)


def test_the_last_day_there_is_has_an_end() -> None:
    assert parameters.last_millisecond("9999-12-31", "date_to") == 253402300799999
