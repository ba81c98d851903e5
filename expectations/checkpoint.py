"""Run suites as one Great Expectations checkpoint, over SQL."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.report import Result
from expectations.suites import Rule, Suite
from warehouse.errors import Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.abstract_data_context import (
        AbstractDataContext,
    )

_SEVERITIES = {"stop": "critical", "warn": "warning"}
_SECTIONS = ("expectations", "validations")
_ENGINE_REASON = re.compile(r"\(([A-Z][A-Z_]+)\)")


def run(
    gate: str,
    suites: Sequence[Suite],
    *,
    settings: Settings,
    table_rows: Mapping[str, int],
    pages: Path,
) -> list[Result]:
    """Judge every rule of suites whose tables exist; Data Docs go to `pages`.

    `table_rows` has the number of rows by table name, database included.
    Raises Unavailable when the warehouse goes away before the first rule.
    """
    if not suites:
        return []
    import great_expectations as gx
    from great_expectations.datasource.fluent.interfaces import TestConnectionError

    context = _context(gate, pages)
    try:
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=gate,
                validation_definitions=_definitions(context, suites, settings),
                result_format="COMPLETE",
            )
        )
    except TestConnectionError as error:
        raise Unavailable("ClickHouse went away while a gate was checked.") from error
    finished = checkpoint.run()
    # once for all suites: an action of the checkpoint would draw the site for each
    context.build_data_docs()
    return [
        _result(suite, rule, found, table_rows[suite.name])
        for suite, validation in zip(suites, finished.run_results.values(), strict=True)
        for rule, found in _matched(suite.rules, validation.results)
    ]


def _matched(rules: Sequence[Rule], results: Sequence[Any]) -> list[tuple[Rule, Any]]:
    """Each rule with its result: those that raised come before all others."""
    found = {result.expectation_config.meta["name"]: result for result in results}
    return [(rule, found[rule.name]) for rule in rules]


def _context(gate: str, pages: Path) -> "AbstractDataContext":
    """A context that lives in memory, reports to nobody and draws no bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.add_data_docs_site(gate, _site(pages))
    return context


def _site(pages: Path) -> Any:
    """Where Data Docs go, and what draws them."""
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "view": _view("IndexPageView"),
        },
        "site_section_builders": {
            section: {"view": _view("PageView")} for section in _SECTIONS
        },
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(pages),
        },
    }


def _view(name: str) -> dict[str, str]:
    return {"module_name": "expectations.templates", "class_name": name}


def _definitions(
    context: "AbstractDataContext", suites: Sequence[Suite], settings: Settings
) -> list[Any]:
    import great_expectations as gx

    sources = {
        database: context.data_sources.add_sql(
            database, connection_string=_address(settings, database)
        )
        for database in sorted({suite.database for suite in suites})
    }
    definitions = []
    for suite in suites:
        table = sources[suite.database].add_table_asset(suite.table)
        definitions.append(
            context.validation_definitions.add(
                gx.ValidationDefinition(
                    name=suite.name,
                    data=table.add_batch_definition_whole_table("whole table"),
                    suite=context.suites.add(_expectations(suite)),
                )
            )
        )
    return definitions


def _expectations(suite: Suite) -> Any:
    import great_expectations as gx
    from great_expectations.expectations.metadata_types import FailureSeverity

    from expectations.asking import NoRowAtFault

    return gx.ExpectationSuite(
        name=suite.name,
        expectations=[
            NoRowAtFault(
                unexpected_rows_query=rule.query,
                parted=rule.parted,
                description=rule.meaning,
                severity=FailureSeverity(_SEVERITIES[rule.severity]),
                meta={"name": rule.name},
            )
            for rule in suite.rules
        ],
    )


def _address(settings: Settings, database: str) -> str:
    from sqlalchemy.engine import URL

    host, port = settings.clickhouse_address
    return URL.create(
        "clickhousedb",
        username=settings.clickhouse_user,
        password=settings.clickhouse_password,
        host=host,
        port=port,
        database=database,
        query={"secure": "true"} if settings.clickhouse_secure else {},
    ).render_as_string(hide_password=False)


def _result(suite: Suite, rule: Rule, found: Any, checked_rows: int) -> Result:
    details = found.result.get("details", {})
    # a row without a part is about everything
    parts = () if "" in details.get("parts", ()) else tuple(details.get("parts", ()))
    rows = details.get("unexpected_rows", [])
    return Result(
        suite=suite.name,
        expectation=rule.name,
        meaning=rule.meaning,
        columns=rule.columns,
        severity=rule.severity,
        success=bool(found.success),
        checked_rows=checked_rows,
        unexpected_rows=int(found.result.get("observed_value", 0)),
        sample_keys=tuple(row["sample_key"] for row in rows),
        parts=parts,
        trouble=_trouble(found.exception_info),
    )


def _trouble(exception_info: Mapping[str, Any]) -> str:
    """The engine's name for what went wrong; its message may hold values of rows."""
    if "raised_exception" in exception_info:
        raised = [exception_info]
    else:
        raised = list(exception_info.values())
    for info in raised:
        if info["raised_exception"]:
            reason = _ENGINE_REASON.search(str(info["exception_message"]))
            return f"could not be judged ({reason[1] if reason else 'see Data Docs'})"
    return ""
