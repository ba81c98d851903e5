"""ClickHouse's HTTP interface over the chDB engine."""
