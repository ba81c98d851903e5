"""Commands of the watch: doctor, metrics, alerts."""

import json as json_text
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors
from questlog.serving import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from questlog.watch.health import Finding

alerts = typer.Typer(
    help="Who hears of an alert. What is one: deploy/prometheus/rules.yml.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("doctor")(doctor)
    serve.command("metrics")(metrics)
    alerts.command("configuration")(configuration)
    alerts.command("try")(try_)
    app.add_typer(alerts, name="alerts")


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at everything once, and say what is not well and what to do about it.

    Exits with 1 when something is bad; what only asks for a look does not count, so
    that a probe may ask.

    Example: questlog doctor
    """
    import time
    from dataclasses import asdict

    from questlog.watch.doctor import examined
    from questlog.watch.health import is_healthy

    findings = list(examined(doors.settings(), now=time.time()))
    if json:
        told = {
            "healthy": is_healthy(findings),
            "findings": [asdict(one) for one in findings],
        }
        typer.echo(json_text.dumps(told))
    else:
        _show(findings)
    if not is_healthy(findings):
        raise typer.Exit(1)


def _show(findings: "Sequence[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table

    marks = {"ok": "[green]ok[/]", "look": "[yellow]look[/]", "bad": "[red]bad[/]"}
    screen = Table(box=None, padding=(0, 1), show_header=False)
    for one in findings:
        said = f"{one.said}\n[dim]→ {one.remedy}[/]" if one.remedy else one.said
        screen.add_row(marks[one.state], one.subject, said)
    Console(highlight=False).print(screen)


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
