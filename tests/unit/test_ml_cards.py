"""Cards: they show what was measured, need nothing else, and survive poor models."""

import re
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import registry
from ml.cards import page, shelf
from ml.cards.resampling import Interval
from ml.churn import card as churn_card
from ml.churn import contest as churn
from ml.churn import effects
from ml.churn import training as churn_training
from ml.churn.features import MEASURED, NAMED
from ml.churn.profit import Costs
from ml.lifetime_value import card as value_card
from ml.lifetime_value import contest as value
from ml.lifetime_value import training as value_training
from ml.lifetime_value.customers import Customers, Seen
from ml.lifetime_value.estimators import CANDIDATES, CORRECTED, TREES
from ml.lifetime_value.history import History
from ml.lifetime_value.subscription_share import RULE as OWN_SHARE
from ml.lifetime_value.subscription_share import SINGLE, SUBSCRIPTION, told_apart
from ml.spine import split
from warehouse.errors import BadInput
from warehouse.home import Home

AS_OF = date(2026, 6, 1)
DAYS = split([AS_OF - timedelta(days=28 * step) for step in (1, 2)], AS_OF)
VOID = {"meta", "br", "rect", "line", "circle", "polyline", "polygon"}


class Reader(HTMLParser):
    """Reads a page; knows which tags are open and which texts stand in cells."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open:
            self.cells[-1] += data if "small" not in self.open else ""


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def people(each_day: int = 300) -> pd.DataFrame:
    generator = np.random.default_rng(5)
    size = each_day * len(DAYS.complete)
    found = pd.DataFrame(
        {name: generator.poisson(3, size).astype(float) for name in MEASURED}
    )
    odds = found["days_since_last_active"] - found["sessions_28"]
    found["churned"] = (generator.random(size) < 1 / (1 + np.exp(-odds))).astype(float)
    found["day"] = np.repeat([day.isoformat() for day in DAYS.complete], each_day)
    found["person_id"] = [f"person-{n}" for n in range(size)]
    for name in NAMED:
        found[name] = "free"
    return found


@lru_cache
def churn_trial() -> churn.Trial:
    return churn.trial(people(), DAYS)


def churn_pages(trial: churn.Trial) -> dict[str, str]:
    kept = churn_training._cards(people(), DAYS, [churn_trial()], None)
    return churn_card.cards(kept, trial, people(), Costs())


SHOWN = [name for name in CANDIDATES if name not in {TREES, CORRECTED}]
"""Those that one day alone can teach."""


@lru_cache
def usual_pages() -> dict[str, str]:
    return churn_pages(churn_trial())


def value_trial(customers: int = 200, *, spend: float = 1.0) -> value.Trial:
    generator = np.random.default_rng(6)
    repeats = generator.poisson(1.5, customers).astype(float)
    age = generator.uniform(10, 40, customers)
    last = np.where(repeats > 0, age * generator.random(customers) ** 0.3, 0.0)
    bought = spend * generator.poisson(repeats / 8).astype(float)
    mean = generator.gamma(3, 400, customers)
    told = Customers(history=History.of(repeats, last, age), mean_value=mean)
    spent = np.round(bought * mean)
    people = np.array([f"p{one}" for one in range(customers)], dtype=object)
    seen = Seen(
        day=DAYS.judged,
        people=people,
        customers=told,
        spent=spent,
        subscribed=np.where(np.arange(customers) % 2, spent, 0.0),
        bought=bought,
    )
    return value.rolling([seen], horizon_days=28)[0]


def value_pages(trial: value.Trial) -> dict[str, str]:
    fitted = {name: CANDIDATES[name].fit(trial.customers, []) for name in SHOWN}
    backtest = value_training._Backtest(
        as_of=AS_OF,
        days=(DAYS.judged,),
        trials=[trial],
        share=OWN_SHARE,
        champion=None,
        data_hash="abc",
        trained_rows=len(trial.customers),
    )
    kept = value_training._cards(fitted, backtest)
    return value_card.cards(kept, [trial], fitted, currency="EUR", share=OWN_SHARE)


@lru_cache
def usual_value_trial() -> value.Trial:
    return value_trial()


@lru_cache
def usual_value_pages() -> dict[str, str]:
    return value_pages(usual_value_trial())


def test_a_card_is_one_file_that_asks_for_nothing_and_tells_its_pictures() -> None:
    for text in (
        *usual_pages().values(),
        *usual_value_pages().values(),
    ):
        tags = read(text).seen

        pictures = [attributes for tag, attributes in tags if tag == "svg"]
        assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
        assert not re.search(r"https?:|url\(|@import", text)
        assert len(pictures) >= 4
        assert all(picture["role"] == "img" for picture in pictures)
        ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
        assert len(ids) == len(set(ids)) == 2 * len(pictures)


@pytest.mark.parametrize("name", list(churn.CANDIDATES))
def test_the_figures_of_a_churn_card_are_those_in_the_registry(name: str) -> None:
    trial = churn_trial()
    measured = trial.metrics

    cells = read(churn_pages(trial)[name]).cells

    for figure, row in (
        ("average_precision", "average precision, higher is better"),
        ("auc", "AUC, higher is better"),
        ("brier", "Brier score, lower is better"),
        ("log_loss", "log loss, lower is better"),
        ("lift_at_10_percent", "lift in the top tenth, higher is better"),
        ("ece", "ECE, lower is better"),
    ):
        assert cells[cells.index(row) + 1] == page.number(measured[name][figure])


@pytest.mark.parametrize("name", SHOWN)
def test_the_figures_of_a_lifetime_value_card_are_those_in_the_registry(
    name: str,
) -> None:
    measured = usual_value_trial().metrics[name]

    cells = read(usual_value_pages()[name]).cells

    rmse = cells.index("RMSE, lower is better") + 1
    assert cells[rmse] == page.number(measured["rmse"], 0)
    rank = cells.index("rank correlation, higher is better") + 1
    assert cells[rank] == page.number(measured["spearman"], 3)


def test_a_lifetime_value_card_tells_the_two_sums_and_what_they_came_to() -> None:
    trial = usual_value_trial()
    told = told_apart([trial], "bg_nbd", OWN_SHARE)

    cells = read(usual_value_pages()["bg_nbd"]).cells

    for kind, words in (
        (SUBSCRIPTION, "for subscriptions"),
        (SINGLE, "for single things"),
    ):
        at = cells.index(words)
        assert cells[at + 1] == page.number(told[kind]["total_predicted"], 0)
        assert cells[at + 2] == page.number(told[kind]["total_actual"], 0)
    whole = trial.expected["bg_nbd"].value.sum()
    both = sum(told[kind]["total_predicted"] for kind in (SUBSCRIPTION, SINGLE))
    assert both == pytest.approx(whole)


def test_a_card_names_the_model_its_data_its_windows_and_its_baseline() -> None:
    kept = churn_training._cards(people(), DAYS, [churn_trial()], None)

    pages = usual_pages()

    for card in kept:
        text = pages[card.judgement.estimator]
        for said in (
            card.judgement.model_id,
            card.data_hash,
            registry.code_hash("churn"),
            registry.hash_of(card.parameters),
            *(str(day) for day in card.refitted_on),
            "recency rule",
            "flatters the winner",
        ):
            assert said in text


def test_the_parameters_of_a_fit_stand_beside_how_its_search_ended() -> None:
    fit = CANDIDATES["bg_nbd"].fit(usual_value_trial().customers, [])

    text = usual_value_pages()["bg_nbd"]

    assert f"r = {fit.figures['bg_nbd.r']:.5g}" in text
    assert f"q = {fit.figures['gamma_gamma.q']:.5g}" in text
    assert "converged" in text


def test_the_same_inputs_give_the_same_cards() -> None:
    assert usual_pages() == churn_pages(churn_trial())
    assert usual_value_pages() == value_pages(value_trial())


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_a_window_of_one_outcome_has_a_card_that_says_what_is_not_defined(
    outcome: float,
) -> None:
    trial = churn_trial()
    poor = replace(trial, happened=np.full(len(trial.happened), outcome))

    pages = churn_pages(poor)

    for name in churn.CANDIDATES:
        cells = read(pages[name]).cells
        assert cells[cells.index("AUC, higher is better") + 1] == "not defined"
        assert "nan" not in pages[name]


def test_a_model_that_says_the_same_of_everybody_has_a_card() -> None:
    trial = churn_trial()
    same = np.full(len(trial.happened), 0.5)
    flat = replace(trial, said=dict.fromkeys(trial.said, same))

    cells = read(churn_pages(flat)["lightgbm"]).cells

    assert cells[cells.index("AUC, higher is better") + 1] == "0.500"


def test_a_window_without_a_purchase_has_a_card() -> None:
    for text in value_pages(value_trial(spend=0.0)).values():
        read(text)
        assert "nan" not in text


def test_the_column_the_outcome_hangs_on_is_the_dearest() -> None:
    trial = churn_trial()

    dear = [loss.column for loss in effects.losses(trial, "lightgbm")[:3]]
    moving = {s.column: s.direction for s in effects.shares(trial, "lightgbm")}

    assert {"days_since_last_active", "sessions_28"} <= set(dear)
    assert moving["sessions_28"] == -1
    assert effects.shares(trial, churn.BASELINE) == []
    rule = effects.losses(trial, churn.BASELINE)
    assert [loss.column for loss in rule if loss.mean] == ["days_since_last_active"]


@pytest.mark.parametrize("name", ["lightgbm", "logistic_regression"])
def test_contributions_add_up_to_the_models_log_odds(name: str) -> None:
    trial = churn_trial()

    added = trial.fitted[name].contributions(trial.people)

    odds = np.log(trial.said[name] / (1 - trial.said[name]))
    rest = odds - sum(each for _, each in added.values())
    assert rest == pytest.approx(np.full(len(rest), rest[0]), abs=1e-6)


def test_cards_are_set_out_with_an_index_and_found_by_kind_or_id(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    pages = usual_pages()
    kept = churn_training._cards(people(), DAYS, [churn_trial()], None)
    for card in kept:
        text = pages[card.judgement.estimator]
        registry.save(home.registry, card, {shelf.FILE: text})

    index = shelf.arrange(home)

    links = [a["href"] for tag, a in read(index.read_text()).seen if tag == "a"]
    chosen = next(card.judgement for card in kept if card.judgement.is_chosen)
    assert links[0] == f"{chosen.model_id}.html"
    assert {home.cards / str(link) for link in links} == set(
        home.cards.glob("*-*.html")
    )
    assert shelf.find(home, "churn").parent.name == chosen.model_id
    assert shelf.find(home, kept[-1].judgement.model_id).is_file()
    with pytest.raises(BadInput, match="questlog train lifetime_value"):
        shelf.find(home, "lifetime-value")


def test_what_is_not_defined_is_told_in_words() -> None:
    assert page.between(Interval(1.0)) == "no interval"
    assert page.number(float("nan")) == "not defined"
    assert page.number(-1234.5, 1) == "−1,234.5"  # noqa: RUF001 -- a minus sign
