"""What a gate can ask of a table: rules, each a query for the rows that break it.

Every rule selects keys alone, so that no other value of a row can reach a report,
a log or Data Docs. A rule's SQL reads its table as `{batch}`; other braces are
doubled and there is no `::`, which SQLAlchemy would take for a parameter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["stop", "warn"]
SEVERITIES: tuple[Severity, ...] = ("stop", "warn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One expectation: no row may come out of its query.

    The query has a column `sample_key`, a string. Severity `stop` closes the gate,
    `warn` is reported and lets pass. Where it is `parted` the query has a column `part`
    as well, such as an audience: then the gate is closed for these parts alone. What
    only `compares` with what was before may be wanted by somebody.
    """

    name: str
    meaning: str
    query: str
    columns: tuple[str, ...] = ()
    severity: Severity = "stop"
    parted: bool = False
    compares: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The rules of one table."""

    database: str
    table: str
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        """The table with its database."""
        return f"{self.database}.{self.table}"


@dataclass(frozen=True, slots=True)
class Keyed:
    """Makes the rules of a table whose rows are told apart by one SQL expression.

    `part`, another, says what a gate keeps back for a row at fault; empty: everything.
    """

    key: str
    part: str = ""

    @property
    def _selected(self) -> str:
        part = f", toString({self.part}) as part" if self.part else ""
        return f"{self.key} as sample_key{part}"

    def never(
        self,
        condition: str,
        *,
        name: str,
        meaning: str,
        columns: Sequence[str],
        severity: Severity = "stop",
    ) -> Rule:
        """No row may meet the condition."""
        return Rule(
            name=name,
            meaning=meaning,
            query=f"select {self._selected} from {{batch}} where {condition}",
            columns=tuple(columns),
            severity=severity,
            parted=bool(self.part),
        )

    def one_row_per(self, *columns: str, meaning: str) -> Rule:
        """No two rows may share the values of these columns."""
        return Rule(
            name="one_row_per_" + "_and_".join(columns),
            meaning=meaning,
            query=f"select any({self.key}) as sample_key from {{batch}}"
            f" group by {', '.join(columns)} having count() > 1",
            columns=columns,
        )


def not_empty(
    *, name: str, meaning: str, severity: Severity, when: str = "true", among: str = ""
) -> Rule:
    """There must be rows, where the scalar SQL expression `when` is true.

    `among`, a condition, narrows the rows that are counted.
    """
    counted = f"select count() as found from {{batch}} where {among or 'true'}"
    return Rule(
        name=name,
        meaning=meaning,
        query=f"select 'no rows' as sample_key from ({counted}) as counted"
        f" where found = 0 and {when}",
        severity=severity,
    )
