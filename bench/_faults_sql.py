"""How faults are put into tables: SQL for one thing that goes wrong."""

from bench._faults import Fault, Layer, Severity

DAY = "toDate('{as_of}')"


class Faulty:
    """Makes the faults of one layer; statements have {as_of} for the day."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def __call__(
        self, name: str, magnitude: str, *statements: str, severity: Severity = "stop"
    ) -> Fault:
        return Fault(
            name=name,
            layer=self._layer,
            magnitude=magnitude,
            severity=severity,
            statements=statements,
        )


def updated(table: str, change: str, where: str) -> str:
    return f"alter table {table} update {change} where {where}"


def deleted(table: str, where: str) -> str:
    return f"alter table {table} delete where {where}"


def doubled(table: str, where: str) -> str:
    return f"insert into {table} select * from {table} where {where}"


def some(key: str, percent: int) -> str:
    """So many of a hundred, always the same."""
    return f"sipHash64('some', {key}) % 100 < {percent}"
