"""Who fits an audience, and who of them may be sent."""

from datetime import timedelta

import pytest

from activation.finding import nobody_has
from activation.sources import Condition, Mart
from tests.integration.audiences.world import AS_OF, NEXT_DAY, World
from warehouse.clickhouse import rows
from warehouse.errors import NotEnoughData


def test_the_best_tenth_of_all_known_people_fits_and_the_withheld_are_told_apart(
    world: World,
) -> None:
    names = [f"p{number:02}" for number in range(20, 30)]
    for number in range(27):
        world.person(f"p{number:02}")
    world.person("anon:visitor")
    world.person("p29")
    world.person("p28", consents=False)
    world.person("p27", first_name="Pia")
    world.values(**{name: float(n) for n, name in enumerate(names)})
    world.churn(p29=0.5)

    choices = world.choose()

    assert world.members("high_value") == {
        "p27": "no_identifier",
        "p28": "no_consent",
        "p29": "",
    }
    assert choices["high_value"].withheld == {"no_consent": 1, "no_identifier": 1}
    assert choices["high_value"].sendable == 1


def test_nobody_without_expected_value_is_of_high_value(world: World) -> None:
    world.values(ann=0.0, bob=0.0)
    world.churn(ann=0.1)

    world.choose()

    assert world.members("high_value") == {}


def test_a_text_that_no_row_of_a_mart_has_is_told_with_those_that_there_are(
    world: World,
) -> None:
    world.person("ann")

    def by_country(country: str) -> Mart:
        condition = Condition(column="country", operator="is", value=country)
        return Mart(mart="dim_people", where=(condition,))

    assert nobody_has(world.client, by_country("DE")) == ""
    assert nobody_has(world.client, by_country("Germany")) == (
        "marts.dim_people.country is 'Germany' for nobody; it is one of DE"
    )


def test_only_who_has_paid_before_is_at_risk(world: World) -> None:
    for name in "abcde":
        world.person(name, payments=int(name != "e"))
    world.churn(a=0.1, b=0.2, c=0.3, d=0.4, e=0.99)
    world.values(a=1.0)

    world.choose()

    assert world.members("at_risk") == {"d": ""}


def test_choosing_twice_replaces_the_day_and_leaves_other_days_alone(
    world: World,
) -> None:
    world.person("ann")
    world.person("bob")
    world.values(ann=2.0, bob=1.0)
    world.churn(ann=0.1)
    world.choose(AS_OF)
    world.choose(NEXT_DAY)
    world.client.command("truncate table ml.lifetime_values")
    world.values(ann=1.0, bob=2.0)

    world.choose(AS_OF)

    assert world.members("high_value", AS_OF) == {"bob": ""}
    assert world.members("high_value", NEXT_DAY) == {"ann": ""}


def test_scores_count_for_a_week_and_then_no_longer(world: World) -> None:
    world.person("ann")
    world.values(ann=1.0)
    world.churn(ann=0.1)

    world.choose(AS_OF + timedelta(days=6))

    with pytest.raises(NotEnoughData) as caught:
        world.choose(AS_OF + timedelta(days=7))

    told = str(caught.value)
    assert "`questlog lifetime-value train --as-of 2026-03-08`" in told
    assert "`questlog churn train --as-of 2026-03-08`" in told


def test_a_model_that_has_not_scored_is_told_with_the_command(world: World) -> None:
    world.values(ann=1.0)
    world.model("churn")

    with pytest.raises(NotEnoughData, match="`questlog churn score --as-of 2026-03-01"):
        world.choose()

    assert world.members("high_value") == {}


def test_an_audience_whose_model_could_not_be_trained_is_skipped(world: World) -> None:
    world.person("ann")
    world.values(ann=1.0)
    world.model("churn", refused_because="Only 3 people have left.")

    choices = world.choose()
    receipts = world.push()

    assert choices["at_risk"].skipped_because == "Only 3 people have left."
    assert receipts["at_risk"].status == "skipped"
    assert "Only 3 people have left." in receipts["at_risk"].detail
    assert receipts["high_value"].status == "delivered"


def test_the_last_choice_counts_though_the_clock_was_set_back(world: World) -> None:
    world.values(ann=1.0)
    world.churn(ann=0.1)
    world.client.command(
        "insert into activation.choices values"
        f" ('high_value', '{AS_OF}', 0, 'No model.', '2099-01-01 00:00:00')"
    )

    world.choose()

    found = rows(
        world.client,
        "select fitting, skipped_because from activation.choices final"
        f" where audience = 'high_value' and as_of = '{AS_OF}'",
    )
    assert list(found) == [{"fitting": 1, "skipped_because": ""}]


def test_without_published_people_nothing_is_chosen(world: World) -> None:
    world.client.command("drop table marts.dim_people sync")

    with pytest.raises(NotEnoughData, match=r"marts\.dim_people"):
        world.choose()
