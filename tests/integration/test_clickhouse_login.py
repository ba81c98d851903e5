"""A wrong user or password is a setting to mend, not a traceback."""

from dataclasses import replace

import pytest

from warehouse.clickhouse import connect
from warehouse.errors import BadSetting
from warehouse.settings import Settings


def test_a_user_that_clickhouse_does_not_know_is_a_bad_setting(
    endpoint: Settings,
) -> None:
    host, port = endpoint.clickhouse_address
    stranger = replace(
        endpoint,
        clickhouse_host=host,
        clickhouse_port=port,
        clickhouse_user="stranger",
        clickhouse_password="not to be shown",
    )

    with (
        pytest.raises(BadSetting, match="CLICKHOUSE_USER") as raised,
        connect(stranger),
    ):
        pass

    assert "not to be shown" not in str(raised.value)
