"""The expectation of a rule: no row at fault, asked of the engine once.

Great Expectations' own `UnexpectedRowsExpectation` asks twice, for the number of rows
and for the rows, and takes all of them over the wire before it keeps two hundred.
"""

from typing import Any, ClassVar

import sqlalchemy
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import (
    SqlAlchemyExecutionEngine,
)
from great_expectations.expectations.core.unexpected_rows_expectation import (
    UnexpectedRowsExpectation,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.query_metric_provider import (
    QueryMetricProvider,
)

KEPT_KEYS = 10
_METRIC, _QUERY, _PARTED = "rows_at_fault", "unexpected_rows_query", "parted"


class RowsAtFault(QueryMetricProvider):
    """How many rows a rule's query gives, the first keys of them, and their parts."""

    metric_name = _METRIC
    value_keys = (_QUERY, _PARTED)
    query_param_name = _QUERY

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,  # noqa: N805 - the decorator makes a class method of it
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: object,
    ) -> tuple[int, list[str], list[str]]:
        batch, *_rest = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        query = cls._get_substituted_batch_subquery_from_query_and_batch_selectable(
            query=cls._get_query_from_metric_value_kwargs(metric_value_kwargs),
            batch_selectable=batch,
            execution_engine=execution_engine,
        )
        is_parted = metric_value_kwargs[_PARTED]
        parts = "arraySort(groupUniqArray(part))" if is_parted else "emptyArrayString()"
        found = execution_engine.execute_query(
            sqlalchemy.text(
                f"select count() as counted, groupArraySorted({KEPT_KEYS})("
                f"toString(sample_key)) as kept, {parts} as parts"
                f" from ({query}) as at_fault"
            )
        ).one()
        return int(found.counted), list(found.kept), list(found.parts)


class NoRowAtFault(UnexpectedRowsExpectation):
    """Succeeds when the rule's query gives no row; tells keys, never other values."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = (_QUERY, _PARTED)

    parted: bool = False

    def _validate(
        self, metrics: dict[str, Any], *_: object, **__: object
    ) -> dict[str, Any]:
        counted, kept, parts = metrics[_METRIC]
        rows = [{"sample_key": key} for key in kept]
        return {
            "success": not counted,
            "result": {
                "observed_value": counted,
                "details": {"unexpected_rows": rows, "parts": parts},
            },
        }
