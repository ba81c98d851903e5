"""The configuration of the local stack's Prometheus: whom to ask, and the rules."""

import yaml

from warehouse.settings import REPOSITORY, Settings

RULES = REPOSITORY / "deploy" / "prometheus" / "rules.yml"


def configuration(settings: Settings) -> str:
    """Prometheus' own file for one machine; that of compose is in deploy/prometheus."""
    jobs = {
        "door": settings.ingest_port,
        "loader": settings.loader_port,
        "metrics": settings.metrics_port,
        "pages": settings.pages_port,
        "graph-standin": settings.graph_standin_port,
        "google-standin": settings.google_standin_page_port,
        "alertmanager": settings.alertmanager_port,
        "prometheus": settings.prometheus_port,
    }
    if settings.embedded:
        jobs["clickhouse"] = settings.endpoint_port
    alertmanager = [f"127.0.0.1:{settings.alertmanager_port}"]
    text: str = yaml.safe_dump(
        {
            "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
            "rule_files": [str(RULES)],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": alertmanager}]}]
            },
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
                }
                for job, port in jobs.items()
            ],
        },
        sort_keys=False,
    )
    return f"# Made by `questlog up` from the settings.\n{text}"
