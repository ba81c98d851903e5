"""The country of an address: known before it is cut, and no part of the content."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.countries import CountryOf, nowhere, opened
from ingestion.judging import Accepted, Arrival, Rules, Source, judge
from ingestion.moments import moment
from ingestion.records import Record, accepted_row
from tests.unit.mmdb import database
from warehouse.errors import BadSetting
from warehouse.taxonomy import load

NOW = moment(datetime(2026, 3, 1, 10, tzinfo=UTC))
RULES = Rules.of(load())
# networks set aside for documentation
NETWORKS = {
    "192.0.2.0/25": {"country": {"iso_code": "DE"}},
    "192.0.2.128/25": {"country": {"iso_code": "FR"}},
    "198.51.100.0/24": {"registered_country": {"iso_code": "AT"}},
    "203.0.113.0/24": {"continent": {"code": "EU"}},
}


@pytest.fixture(scope="module")
def country_of(tmp_path_factory: pytest.TempPathFactory) -> CountryOf:
    path = tmp_path_factory.mktemp("countries") / "countries.mmdb"
    path.write_bytes(database(NETWORKS))
    return opened(path)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.1", "DE"),
        ("192.0.2.200", "FR"),
        (" 192.0.2.1 ", "DE"),
        ("::ffff:192.0.2.1", "DE"),
        ("198.51.100.7", "AT"),
        ("203.0.113.7", ""),
        ("127.0.0.1", ""),
        ("2001:db8::1", ""),
        ("no address", ""),
        ("", ""),
    ],
)
def test_an_address_has_the_country_of_its_network(
    country_of: CountryOf, address: str, country: str
) -> None:
    assert country_of(address) == country


def row(country_of: CountryOf, **context: Any) -> dict[str, Any]:
    event = {
        "event_id": "5e0f6d0c-7b1c-4c5e-9a57-000000000000",
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "user_logged_in",
        "user_id": "ann",
        "properties": {"method": "email"},
        "context": context,
    }
    verdict = judge(
        json.dumps(event).encode(),
        rules=replace(RULES, country_of=country_of),
        source=Source("web"),
        arrival=Arrival(NOW),
    )
    assert isinstance(verdict, Accepted)
    (found,) = Record("accepted", accepted_row(verdict)).named()
    return {**found, "context": json.loads(found["context"])}


def test_the_whole_address_is_asked_for_and_the_cut_one_is_kept(
    country_of: CountryOf,
) -> None:
    found = row(country_of, ip_address="192.0.2.200")

    assert found["context"] == {"ip_address": "192.0.2.0", "country": "FR"}


def test_what_the_sender_says_stays(country_of: CountryOf) -> None:
    found = row(country_of, ip_address="192.0.2.200", country="PL")

    assert found["context"]["country"] == "PL"


def test_an_event_is_the_same_event_with_any_database(country_of: CountryOf) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    known = row(country_of, ip_address="192.0.2.200", user_agent=agent)
    unknown = row(nowhere, ip_address="192.0.2.200", user_agent=agent)

    assert known["content_hash"] == unknown["content_hash"]
    assert known["context"] == {**unknown["context"], "country": "FR"}
    assert known["context"]["browser"] == "firefox"


def test_no_database_is_none_and_a_broken_one_stops_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")

    assert opened(None) is nowhere
    for path in (broken, tmp_path / "missing.mmdb"):
        with pytest.raises(BadSetting, match="QUESTLOG_COUNTRY_DATABASE"):
            opened(path)
