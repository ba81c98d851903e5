"""The rows of a Parquet file, a few thousand in memory at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ingestion.csv_rows import Row
from warehouse.errors import BadInput

_ROWS_AT_ONCE: Final = 2_000
_BUFFER_BYTES: Final = 1024 * 1024


def header(path: Path) -> list[str]:
    """The names of the columns. Raises BadInput when it is no Parquet file."""
    with _opened(path) as file:
        return [str(name) for name in file.schema_arrow.names]


def types(path: Path) -> dict[str, str]:
    """The columns' own types, by name, as Arrow calls them."""
    with _opened(path) as file:
        return {field.name: str(field.type) for field in file.schema_arrow}


def rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """All rows, with the cells of these columns alone, in this order.

    Raises BadInput when the file is damaged.
    """
    import pyarrow as pa

    number = 0
    with _opened(path) as file:
        batches = file.iter_batches(
            _ROWS_AT_ONCE, columns=list(columns), use_threads=False
        )
        try:
            for batch in batches:
                cells = [_cells(batch.column(name)) for name in columns]
                for row in zip(*cells, strict=True):
                    number += 1
                    yield _row(number, list(row))
        except (pa.ArrowException, OSError) as error:
            raise BadInput(
                f"{path} is damaged after row {number}. Fetch it again."
            ) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    except FileNotFoundError as error:
        raise BadInput(
            f"{path} is not there. Check the path, or give another."
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{path} is empty, broken or no Parquet file. Fetch it again."
        ) from error
    with file:
        yield file


class _Unreadable:
    """Stands for a text that is no UTF-8."""


_UNREADABLE: Final = _Unreadable()


def _row(number: int, cells: list[Any]) -> Row:
    if any(cell is _UNREADABLE for cell in cells):
        return Row(number, [], fault="A text is not UTF-8.")
    return Row(number, cells)


def _cells(column: Any) -> list[Any]:
    """A column's values as Python has them; a moment's nanoseconds are cut off."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        zone = "UTC" if column.type.tz else None
        column = column.cast(pa.timestamp("us", tz=zone), safe=False)
    try:
        return [_cell(value) for value in column.to_pylist()]
    except UnicodeDecodeError:
        return [_one(scalar) for scalar in column]


def _cell(value: Any) -> Any:
    """The value; no value where there is none or not a number."""
    if isinstance(value, bytes):
        return value.decode()
    return None if value != value else value  # noqa: PLR0124 - not a number


def _one(scalar: Any) -> Any:
    try:
        return _cell(scalar.as_py())
    except UnicodeDecodeError:
        return _UNREADABLE
