"""Settings are read once, faults are told at once, secrets are never shown."""

from pathlib import Path

import pytest

from questlog.commands.configuration import in_force
from warehouse.errors import BadSetting
from warehouse.setting_values import default_of
from warehouse.settings import Settings, load, table


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings()


def test_each_type_is_read_from_its_text() -> None:
    settings = load(
        {
            "QUESTLOG_HOME": "/somewhere",
            "CLICKHOUSE_HOST": " db.example.com ",
            "CLICKHOUSE_PORT": "9000",
            "CLICKHOUSE_SECURE": "Yes",
            "QUESTLOG_MASTER_KEY_FILE": "/run/key",
            "ANALYTICS_CONSENT_DEFAULT": "off",
        }
    )

    assert settings.home == Path("/somewhere")
    assert settings.clickhouse_address == ("db.example.com", 9000)
    assert settings.clickhouse_secure is True
    assert settings.master_key_file == Path("/run/key")
    assert settings.analytics_consent_default is False
    assert settings.embedded is False


def test_an_empty_variable_counts_as_unset() -> None:
    assert load({"CLICKHOUSE_PORT": " ", "QUESTLOG_HOME": ""}) == Settings()


def test_every_fault_is_named_at_once_with_its_variable() -> None:
    with pytest.raises(BadSetting) as caught:
        load(
            {
                "CLICKHOUSE_PORT": "many",
                "CLICKHOUSE_SECURE": "perhaps",
                "QUESTLOG_INGEST_PORT": "70000",
                "REPORTING_TIMEZONE": "Europe/Atlantis",
                "REPORTING_CURRENCY": "euro",
            }
        )

    assert str(caught.value) == (
        "These settings cannot be used:"
        " CLICKHOUSE_PORT: expected a whole number, got 'many';"
        " CLICKHOUSE_SECURE: expected true or false, got 'perhaps';"
        " QUESTLOG_INGEST_PORT: not a port number (1 to 65535);"
        " REPORTING_TIMEZONE: 'Europe/Atlantis' is no time zone;"
        " use a name like Europe/Berlin;"
        " REPORTING_CURRENCY: 'euro' is no currency; use a code like EUR"
    )


@pytest.mark.parametrize(
    ("host", "cluster", "fault"),
    [
        ("", "three", "CLICKHOUSE_CLUSTER: the embedded endpoint is none"),
        ("db.example.com", 'a" b', "CLICKHOUSE_CLUSTER: 'a\" b' is no name"),
    ],
)
def test_a_cluster_needs_a_server_and_a_name(
    host: str, cluster: str, fault: str
) -> None:
    with pytest.raises(BadSetting, match=fault):
        load({"CLICKHOUSE_HOST": host, "CLICKHOUSE_CLUSTER": cluster})


def test_a_written_default_is_read_back_as_the_default() -> None:
    environ = {row.metadata["name"]: default_of(row) for row in table()}

    assert load(environ) == Settings()


def test_every_setting_has_a_name_of_its_own_and_a_meaning() -> None:
    names = [row.metadata["name"] for row in table()]

    assert len(names) == len(set(names))
    assert all(row.metadata["meaning"].endswith(".") for row in table())


def test_what_is_in_force_says_where_it_came_from() -> None:
    shown = {row.name: row for row in in_force({"CLICKHOUSE_PORT": "9000"})}

    port, home = shown["CLICKHOUSE_PORT"], shown["QUESTLOG_HOME"]
    assert (port.value, port.default, port.origin) == ("9000", "8123", "environment")
    assert (home.value, home.origin) == (".questlog", "default")
    assert list(shown) == [row.metadata["name"] for row in table()]


def test_a_secret_is_never_shown() -> None:
    secrets = {row.metadata["name"] for row in table() if row.metadata["secret"]}
    environ = dict.fromkeys(secrets, "hunter2")

    assert secrets
    assert "hunter2" not in repr(in_force(environ))
    assert "hunter2" not in repr(load(environ))
    shown = {row.name: row.value for row in in_force(environ)}
    assert {shown[name] for name in secrets} == {"(hidden)"}
