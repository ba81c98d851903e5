"""Which services the local stack has, and what each needs to run."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from questlog.stack import airflow
from warehouse.settings import Settings

PYTHON_BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process of the stack.

    `ready` is the address that answers 2xx once it serves, or with grpc:// takes
    connections; a service without one is ready when it has stayed alive.
    """

    name: str
    shown_as: str
    command: tuple[str, ...]
    port: int = 0
    port_setting: str = ""
    ready: str = ""
    page: str = ""
    login: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def engine(settings: Settings) -> list[Service]:
    """The embedded ClickHouse endpoint; nothing when a server is configured."""
    if not settings.embedded:
        return []
    address = f"http://127.0.0.1:{settings.endpoint_port}"
    return [
        Service(
            name="clickhouse",
            shown_as="ClickHouse endpoint",
            command=_questlog("serve", "clickhouse"),
            port=settings.endpoint_port,
            port_setting="QUESTLOG_ENDPOINT_PORT",
            ready=f"{address}/ping",
            page=address,
            login=f"curl '{address}/?query=select+version()'",
        )
    ]


def around_the_engine(settings: Settings, *, write_key: str) -> list[Service]:
    """The services that need migrated tables."""
    ingest = f"http://127.0.0.1:{settings.ingest_port}"
    pages = f"http://127.0.0.1:{settings.pages_port}"
    return [
        Service(
            name="ingest",
            shown_as="Ingest service",
            command=_questlog("serve", "ingest"),
            port=settings.ingest_port,
            port_setting="QUESTLOG_INGEST_PORT",
            ready=f"{ingest}/healthz",
            page=f"{ingest}/v1/events",
            login=f"Authorization: Bearer {write_key}",
        ),
        Service(
            name="loader",
            shown_as="Loader",
            command=_questlog("load", "--follow"),
            port=settings.loader_port,
            port_setting="QUESTLOG_LOADER_PORT",
            ready=f"http://127.0.0.1:{settings.loader_port}/metrics",
            page=f"http://127.0.0.1:{settings.loader_port}/metrics",
            login="open",
        ),
        Service(
            name="graph-standin",
            shown_as="Graph API stand-in (not Meta)",
            command=_questlog("serve", "graph-standin"),
            port=settings.graph_standin_port,
            port_setting="QUESTLOG_GRAPH_STANDIN_PORT",
            ready=f"http://127.0.0.1:{settings.graph_standin_port}/healthz",
            page=f"http://127.0.0.1:{settings.graph_standin_port}/",
            login="open",
        ),
        Service(
            name="google-standin",
            shown_as="Google ads stand-in (not Google)",
            command=_questlog("serve", "google-standin"),
            port=settings.google_standin_port,
            port_setting="QUESTLOG_GOOGLE_STANDIN_PORT",
            ready=f"grpc://127.0.0.1:{settings.google_standin_port}",
            page=f"http://127.0.0.1:{settings.google_standin_page_port}/",
            login="open",
        ),
        Service(
            name="pages",
            shown_as="dbt docs, Data Docs",
            command=_questlog("serve", "pages"),
            port=settings.pages_port,
            port_setting="QUESTLOG_PAGES_PORT",
            ready=f"{pages}/healthz",
            page=pages,
            login="open",
        ),
    ]


def scheduling(settings: Settings) -> list[Service]:
    """Airflow: the UI and API, the scheduler, the DAG processor."""
    address = f"http://127.0.0.1:{settings.airflow_port}"
    environment = airflow.environment(settings)
    return [
        Service(
            name="airflow-api-server",
            shown_as="Airflow UI",
            command=_airflow("api-server", "--proxy-headers"),
            port=settings.airflow_port,
            port_setting="QUESTLOG_AIRFLOW_PORT",
            ready=f"{address}/api/v2/monitor/health",
            page=address,
            login=f"user {airflow.USER}, password {airflow.password(settings)}",
            environment=environment,
        ),
        Service(
            name="airflow-scheduler",
            shown_as="Airflow scheduler",
            command=_airflow("scheduler", "--skip-serve-logs"),
            environment=environment,
        ),
        Service(
            name="airflow-dag-processor",
            shown_as="Airflow DAG processor",
            command=_airflow("dag-processor"),
            environment=environment,
        ),
    ]


def _questlog(*words: str) -> tuple[str, ...]:
    return (str(PYTHON_BIN / "questlog"), *words)


def _airflow(*words: str) -> tuple[str, ...]:
    return (str(PYTHON_BIN / "airflow"), *words)
