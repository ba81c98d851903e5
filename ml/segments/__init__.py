"""Groups of people: the doors a DAG and the command go through."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.segments.warehoused import Size


def run(as_of: str) -> "list[Size]":
    """Write ml.segments and ml.segment_figures of a day; return the sizes."""
    import os

    from ml.segments import warehoused
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    with connect(load(os.environ)) as client:
        return warehoused.run(client, day(as_of))
