"""The configuration of Alertmanager: who hears of an alert, and how it is gathered."""

from typing import Any

import yaml

from warehouse.settings import Settings

_PER_ALERT = (
    "{{ range .Alerts }}{{ .Annotations.summary }}"
    " ({{ .Status }}; runbook: {{ .Annotations.runbook }})\n{{ end }}"
)
_FOLLOWS = {
    "WarehouseDown": ("LoaderBehind", "MetricsGone"),
    "DoorDown": ("CanaryLate",),
    "LoaderDown": ("LoaderBehind", "CanaryLate"),
    "AirflowDown": (
        *("MartStale", "ScoresStale", "AudienceStale", "LatencyOverLimit"),
        "DeadlineMissed",
    ),
}
_TITLE = "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }}"


def configuration(settings: Settings) -> str:
    """Alertmanager's own file, with every receiver that the settings name.

    Alerts of one name come as one message: a dead warehouse makes ten marts stale, and
    nobody wants ten pages. What follows from something dead is not told beside it.
    """
    receiver = {"name": "everybody"} | _channels(settings)
    text: str = yaml.safe_dump(
        {
            "route": {
                "receiver": "everybody",
                "group_by": ["alertname"],
                "group_wait": "10s",
                "group_interval": "2m",
                "repeat_interval": "12h",
                "routes": [
                    {
                        "receiver": "everybody",
                        "matchers": ['severity="look"'],
                        "group_by": ["alertname"],
                        "group_wait": "5m",
                        "repeat_interval": "3d",
                    }
                ],
            },
            "inhibit_rules": [
                {
                    "source_matchers": [f'alertname="{cause}"'],
                    "target_matchers": [f'alertname=~"{"|".join(following)}"'],
                }
                for cause, following in _FOLLOWS.items()
            ],
            "receivers": [receiver],
        },
        sort_keys=False,
        allow_unicode=True,
    )
    return f"# Made by `questlog alerts configuration` from the settings.\n{text}"


def _channels(settings: Settings) -> dict[str, Any]:
    channels: dict[str, Any] = {}
    if settings.alert_webhook_url:
        channels["webhook_configs"] = [
            {"url": settings.alert_webhook_url, "send_resolved": True}
        ]
    if settings.alert_slack_url:
        channels["slack_configs"] = [
            {
                "api_url": settings.alert_slack_url,
                "send_resolved": True,
                "title": _TITLE,
                "text": _PER_ALERT,
            }
        ]
    if settings.alert_email_to:
        channels["email_configs"] = [_email(settings)]
    return channels


def _email(settings: Settings) -> dict[str, Any]:
    login = {
        "auth_username": settings.alert_smtp_user,
        "auth_password": settings.alert_smtp_password,
    }
    host, _, _ = settings.alert_smtp.partition(":")
    return {
        "to": settings.alert_email_to,
        "from": settings.alert_email_from,
        "smarthost": settings.alert_smtp,
        # a mail server on this machine has no certificate to show
        "require_tls": host not in {"localhost", "127.0.0.1"},
        "send_resolved": True,
        "headers": {"Subject": _TITLE},
        "html": "",
        "text": _PER_ALERT,
    } | (login if settings.alert_smtp_user else {})
