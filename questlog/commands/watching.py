"""Commands of the watch: metrics, alerts."""

from typing import Annotated

import typer

from questlog import doors
from questlog.serving import serve

alerts = typer.Typer(
    help="Who hears of an alert. What is one: deploy/prometheus/rules.yml.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    serve.command("metrics")(metrics)
    alerts.command("configuration")(configuration)
    alerts.command("try")(try_)
    app.add_typer(alerts, name="alerts")


def metrics() -> None:
    """Serve what gates, builds, models and audiences left in ops, for Prometheus.

    Example: questlog serve metrics
    """
    import uvicorn

    from questlog.watch.exporter import application

    settings = doors.settings()
    uvicorn.run(
        application(settings),
        host=settings.metrics_host,
        port=settings.metrics_port,
        log_level="warning",
    )


def configuration() -> None:
    """Print Alertmanager's configuration, made from the ALERT_ settings.

    Secrets stand in it as Alertmanager needs them: keep the file private.

    Example: questlog alerts configuration
    """
    from questlog.watch.alertmanager import configuration as made

    typer.echo(made(doors.settings()), nl=False)


def try_(
    over: Annotated[bool, typer.Option("--over", help="Say that it is over.")] = False,
) -> None:
    """Send an alert of no consequence to ALERTMANAGER_URL, to see that it arrives.

    Example: questlog alerts try
    """
    from datetime import UTC, datetime

    from warehouse.alerting import Alert, raise_alert, resolve
    from warehouse.errors import BadSetting

    address = doors.settings().alertmanager_url
    if not address:
        raise BadSetting("ALERTMANAGER_URL is empty, so nobody would hear of it.")
    alert = Alert(
        name="Trial",
        severity="page",
        labels={},
        summary="Nothing is wrong: somebody tries whether alerts arrive.",
        runbook="docs/runbooks/README.md",
    )
    tell = resolve if over else raise_alert
    tell(address, alert, now=datetime.now(UTC))
    typer.echo(f"Told {address}.")
