from warehouse.clickhouse import rows


def test_the_endpoint_answers(warehouse_client):
    assert rows(warehouse_client, "select 1 as one") == [{"one": 1}]
    assert warehouse_client.command("select count() from ops.migrations") > 0
