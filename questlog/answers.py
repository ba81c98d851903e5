"""Show an answer to a person, as tables."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console

Answer = Mapping[str, Any]


def shown(kind: str, answer: Answer) -> None:
    """Print an answer as fits its kind."""
    from rich.console import Console

    console = Console()
    _SHOWN.get(kind, _plain)(console, answer)


def _funnel(console: "Console", answer: Answer) -> None:
    console.print(_steps(answer["steps"], answer, title="Everyone"))
    for value, part in answer.get("breakdown", {}).items():
        console.print(_steps(answer["steps"], part, title=value or "(no value)"))
    if any(answer["still_open"]):
        console.print("Still open: people whose window was not over when data ended.")


def _steps(steps: Sequence[str | None], part: Answer, *, title: str) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("step")
    for column in ("people", "of first", "95 %", "of previous", "median", "still open"):
        table.add_column(column, justify="right")
    for place, step in enumerate(steps):
        table.add_row(
            step or "(any event)",
            f"{part['counts'][place]:,}",
            _percent(part["pct_conversion"][place]),
            _span(part["intervals_of_conversion"][place]),
            _percent(part["pct_of_previous"][place]),
            _duration(part["median_seconds_from_previous_step"][place]),
            f"{part['still_open'][place]:,}",
        )
    return table


def _cohorts(console: "Console", answer: Answer) -> None:
    """A triangle of cohorts; a star is on what is not over yet."""
    from rich.table import Table

    counts = answer.get("counts") or answer["full_table"]
    table = Table(title="Percent of the cohort", title_justify="left")
    table.add_column("cohort", justify="right")
    table.add_column("people", justify="right")
    for later in range(1, len(counts)):
        table.add_column(str(later), justify="right")
    for cohort, row in enumerate(counts):
        cells = [
            _percent(people / row[0] if row[0] else None)
            + ("*" if answer["unfinished"][cohort][later] else "")
            for later, people in enumerate(row)
            if later
        ]
        table.add_row(str(cohort), f"{row[0]:,}", *cells)
    console.print(table)
    console.print("* the period was not over when data ended")
    for later, test in answer.get("homogeneity", {}).items():
        console.print(
            f"Do cohorts differ after {later}? chi-square {test['chi2']:.1f} with"
            f" {test['dof']} degrees of freedom, p {test['p']:.2g},"
            f" by Holm {test['p_holm']:.2g}"
        )


def _plain(console: "Console", answer: Answer) -> None:
    from rich.table import Table

    table = Table("", "", show_header=False)
    for name, value in answer.items():
        table.add_row(name, json.dumps(value, default=str, ensure_ascii=False))
    console.print(table)


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"


def _span(interval: Sequence[float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:.1%} to {interval[1]:.1%}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


_SHOWN: Final[Mapping[str, Callable[["Console", Answer], None]]] = {
    "funnel": _funnel,
    "retention": _cohorts,
    "cohort_retention": _cohorts,
}
