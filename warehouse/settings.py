"""Every setting of Questlog: one table, read once, at a door.

The fields of `Settings` are the table. Each field is read from the environment
variable named in it; `questlog settings` prints the table, and `.env.example`
and docs/settings.md are generated from it.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from warehouse.errors import BadSetting
from warehouse.setting_values import read
from warehouse.settings_faults import disagreements

REPOSITORY = Path(__file__).resolve().parent.parent


def _setting(name: str, default: object, meaning: str, *, secret: bool = False) -> Any:
    """Declare one row of the table."""
    return field(
        default=default,
        repr=not secret,
        metadata={"name": name, "meaning": meaning, "secret": secret},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process; build it with `load`."""

    home: Path = _setting(
        "QUESTLOG_HOME",
        Path(".questlog"),
        "Folder for all that lives outside git: data, log, vault, models, pages.",
    )
    clickhouse_host: str = _setting(
        "CLICKHOUSE_HOST",
        "",
        "ClickHouse server. Empty: the embedded endpoint on this machine.",
    )
    clickhouse_port: int = _setting(
        "CLICKHOUSE_PORT", 8123, "HTTP port of the ClickHouse server."
    )
    clickhouse_user: str = _setting("CLICKHOUSE_USER", "default", "ClickHouse user.")
    clickhouse_password: str = _setting(
        "CLICKHOUSE_PASSWORD", "", "Password of that user.", secret=True
    )
    clickhouse_secure: bool = _setting(
        "CLICKHOUSE_SECURE", False, "Speak HTTPS to the ClickHouse server."
    )
    clickhouse_cluster: str = _setting(
        "CLICKHOUSE_CLUSTER",
        "",
        "Cluster of replicas that the server belongs to: docs/cluster.md. Empty: none.",
    )
    endpoint_port: int = _setting(
        "QUESTLOG_ENDPOINT_PORT", 18123, "Port of the embedded ClickHouse endpoint."
    )
    endpoint_fsync: bool = _setting(
        "QUESTLOG_ENDPOINT_FSYNC",
        True,
        "Whether the embedded endpoint acknowledges an insert only when the disk has"
        " it, so that it outlives a loss of power.",
    )
    ingest_host: str = _setting(
        "QUESTLOG_INGEST_HOST", "127.0.0.1", "Address the ingest service listens on."
    )
    ingest_port: int = _setting(
        "QUESTLOG_INGEST_PORT", 18080, "Port of the ingest service."
    )
    ingest_workers: int = _setting(
        "QUESTLOG_INGEST_WORKERS", 1, "Processes of the ingest service: one a core."
    )
    ingest_environment: str = _setting(
        "QUESTLOG_INGEST_ENVIRONMENT",
        "production",
        "Environment of the ingest service: write keys of others are refused.",
    )
    ingest_events_per_second: int = _setting(
        "QUESTLOG_INGEST_EVENTS_PER_SECOND",
        0,
        "Events a second that one write key may send to one ingest service, where the"
        " key itself says nothing else. 0: no limit.",
    )
    ingest_disk_reserve_mb: int = _setting(
        "QUESTLOG_INGEST_DISK_RESERVE_MB",
        512,
        "Megabytes of the log's disk to leave free: with fewer the door answers 503.",
    )
    ingest_canary_seconds: int = _setting(
        "QUESTLOG_INGEST_CANARY_SECONDS",
        1,
        "Seconds between the canaries of an ingest service, records by which it is seen"
        " that events arrive in ClickHouse. 0: none.",
    )
    kafka_brokers: str = _setting(
        "QUESTLOG_KAFKA_BROKERS",
        "",
        "Kafka brokers, as host:port with commas between, that keep the durable log."
        " Empty: it is on the ingest service's disk.",
    )
    kafka_topic: str = _setting(
        "QUESTLOG_KAFKA_TOPIC", "questlog.log", "Topic of the durable log on Kafka."
    )
    kafka_options: str = _setting(
        "QUESTLOG_KAFKA_OPTIONS",
        "",
        "librdkafka's own options, as name=value with commas between, such as those of"
        " security.",
        secret=True,
    )
    loader_host: str = _setting(
        "QUESTLOG_LOADER_HOST", "127.0.0.1", "Address a loader tells its metrics on."
    )
    loader_port: int = _setting(
        "QUESTLOG_LOADER_PORT",
        18089,
        "Port of a loader's metrics. A second loader on one machine needs another.",
    )
    log_keep_hours: int = _setting(
        "QUESTLOG_LOG_KEEP_HOURS",
        72,
        "Hours that the durable log keeps what is loaded, for `questlog log replay`."
        " When its disk runs low, what is loaded goes at once.",
    )
    airflow_port: int = _setting(
        "QUESTLOG_AIRFLOW_PORT", 18081, "Port of the Airflow UI of the local stack."
    )
    airflow_url: str = _setting(
        "AIRFLOW_URL", "", "Airflow whose health is watched. Empty: nobody's."
    )
    pages_host: str = _setting(
        "QUESTLOG_PAGES_HOST", "127.0.0.1", "Address the pages listen on."
    )
    pages_port: int = _setting(
        "QUESTLOG_PAGES_PORT",
        18082,
        "Port of the local stack's pages: dbt docs, Data Docs, model cards.",
    )
    graph_standin_port: int = _setting(
        "QUESTLOG_GRAPH_STANDIN_PORT", 18083, "Port of the stand-in of the Graph API."
    )
    google_standin_port: int = _setting(
        "QUESTLOG_GOOGLE_STANDIN_PORT",
        18084,
        "Port of the stand-in of Google's ad APIs (gRPC).",
    )
    google_standin_page_port: int = _setting(
        "QUESTLOG_GOOGLE_STANDIN_PAGE_PORT",
        18088,
        "Port of the page that shows what Google's stand-in holds.",
    )
    metrics_host: str = _setting(
        "QUESTLOG_METRICS_HOST", "127.0.0.1", "Address the batch metrics listen on."
    )
    metrics_port: int = _setting(
        "QUESTLOG_METRICS_PORT",
        18085,
        "Port of the metrics of gates, builds, models, audiences and their freshness.",
    )
    prometheus_port: int = _setting(
        "QUESTLOG_PROMETHEUS_PORT", 18086, "Port of the local stack's Prometheus."
    )
    alertmanager_port: int = _setting(
        "QUESTLOG_ALERTMANAGER_PORT", 18087, "Port of the local stack's Alertmanager."
    )
    alertmanager_url: str = _setting(
        "ALERTMANAGER_URL",
        "",
        "Alertmanager that Airflow's failures are told to. Empty: none but logs.",
    )
    alert_webhook_url: str = _setting(
        "ALERT_WEBHOOK_URL", "", "Where alerts are posted as JSON. Empty: nowhere."
    )
    alert_slack_url: str = _setting(
        "ALERT_SLACK_URL", "", "Incoming webhook in Slack's format.", secret=True
    )
    alert_email_to: str = _setting(
        "ALERT_EMAIL_TO", "", "Who gets alerts by e-mail. Empty: nobody."
    )
    alert_email_from: str = _setting(
        "ALERT_EMAIL_FROM", "questlog@localhost", "Sender of these e-mails."
    )
    alert_smtp: str = _setting(
        "ALERT_SMTP", "localhost:25", "Mail server for them, as host:port."
    )
    alert_smtp_user: str = _setting("ALERT_SMTP_USER", "", "User of the mail server.")
    alert_smtp_password: str = _setting(
        "ALERT_SMTP_PASSWORD", "", "Password of that user.", secret=True
    )
    lineage_url: str = _setting(
        "LINEAGE_URL",
        "",
        "OpenLineage backend, like http://host:5000. Empty: a file in the home.",
    )
    master_key_file: Path | None = _setting(
        "QUESTLOG_MASTER_KEY_FILE",
        None,
        "File with the vault's master key. Empty: secrets/master_key in the home.",
    )
    log_encrypted: bool = _setting(
        "QUESTLOG_LOG_ENCRYPTED",
        False,
        "Whether events lie encrypted in the disk's log until it drops them.",
    )
    log_key_file: Path | None = _setting(
        "QUESTLOG_LOG_KEY_FILE",
        None,
        "File with the log's key. Empty: secrets/log_key in the home, made if needed.",
    )
    vault_url: str = _setting(
        "QUESTLOG_VAULT_URL",
        "",
        "PostgreSQL database that holds the vault, such as"
        " postgresql://user:password@host:5432/database. Empty: SQLite in the home.",
        secret=True,
    )
    country_database: Path | None = _setting(
        "QUESTLOG_COUNTRY_DATABASE",
        None,
        "Database in MaxMind's format that tells the country of an address in the"
        " context, before it is cut. Empty: none.",
    )
    reporting_timezone: str = _setting(
        "REPORTING_TIMEZONE", "UTC", "Time zone of calendar days and weeks in reports."
    )
    reporting_currency: str = _setting(
        "REPORTING_CURRENCY",
        "EUR",
        "Currency of reports, an ISO 4217 code. Others are converted: docs/money.md.",
    )
    analytics_consent_default: bool = _setting(
        "ANALYTICS_CONSENT_DEFAULT",
        True,
        "Whether analytics is allowed until a person decides.",
    )
    webhook_secrets: str = _setting(
        "QUESTLOG_WEBHOOK_SECRETS",
        "",
        "Signing secrets of webhooks, as source=secret with commas between.",
        secret=True,
    )
    meta_graph_url: str = _setting(
        "META_GRAPH_URL", "", "Graph API address. Empty: Meta's own."
    )
    meta_access_token: str = _setting(
        "META_ACCESS_TOKEN", "", "Access token for the ad account.", secret=True
    )
    meta_ad_account_id: str = _setting(
        "META_AD_ACCOUNT_ID", "", "Ad account that audiences go to, like act_123."
    )
    google_endpoint: str = _setting(
        "GOOGLE_ENDPOINT",
        "",
        "Stand-in of Google's ad APIs on this machine, as host:port, reached without"
        " encryption. Empty: Google's own.",
    )
    google_customer_id: str = _setting(
        "GOOGLE_CUSTOMER_ID",
        "",
        "Google Ads account that audiences go to, like 123-456-7890.",
    )
    google_login_customer_id: str = _setting(
        "GOOGLE_LOGIN_CUSTOMER_ID",
        "",
        "Manager account through which that account is reached. Empty: directly.",
    )
    google_developer_token: str = _setting(
        "GOOGLE_DEVELOPER_TOKEN",
        "",
        "Developer token of the Google Ads API.",
        secret=True,
    )
    google_client_id: str = _setting(
        "GOOGLE_CLIENT_ID", "", "OAuth client that the refresh token belongs to."
    )
    google_client_secret: str = _setting(
        "GOOGLE_CLIENT_SECRET", "", "Secret of that OAuth client.", secret=True
    )
    google_refresh_token: str = _setting(
        "GOOGLE_REFRESH_TOKEN",
        "",
        "Refresh token of a person with access to the Google Ads account.",
        secret=True,
    )
    google_service_account_file: Path | None = _setting(
        "GOOGLE_SERVICE_ACCOUNT_FILE",
        None,
        "Key file of a service account, instead of the OAuth client and its token.",
    )
    google_members_by: str = _setting(
        "GOOGLE_MEMBERS_BY",
        "data_manager",
        "How members reach Google: data_manager, or offline_jobs for accounts that"
        " Google still lets, which alone carry values.",
    )
    google_conversion_action: str = _setting(
        "GOOGLE_CONVERSION_ACTION",
        "",
        "Number of the conversion action that purchases are told to. Empty: to none.",
    )
    google_at_risk_action: str = _setting(
        "GOOGLE_AT_RISK_ACTION",
        "",
        "Number of the conversion action that at-risk outcomes are told to. Empty: to"
        " none.",
    )
    meta_pixel_id: str = _setting(
        "META_PIXEL_ID",
        "",
        "Pixel (dataset) that conversions are told to. Empty: to none.",
    )
    audience_webhook_url: str = _setting(
        "AUDIENCE_WEBHOOK_URL",
        "",
        "Address that is told who comes to and leaves audiences. Empty: none.",
    )
    audience_webhook_secret: str = _setting(
        "AUDIENCE_WEBHOOK_SECRET", "", "What signs these calls.", secret=True
    )
    audience_s3_url: str = _setting(
        "AUDIENCE_S3_URL",
        "",
        "Where files of who comes to and leaves audiences are written, like"
        " s3://bucket/prefix. Empty: nowhere.",
    )
    audience_s3_format: str = _setting(
        "AUDIENCE_S3_FORMAT", "csv", "What these files are: csv or parquet."
    )
    s3_endpoint_url: str = _setting(
        "S3_ENDPOINT_URL",
        "",
        "Address of a service that speaks S3. Empty: Amazon's own.",
    )
    lookalike_country: str = _setting(
        "LOOKALIKE_COUNTRY", "DE", "Country in which lookalikes are sought."
    )
    churn_contact_cost_minor: int = _setting(
        "CHURN_CONTACT_COST_MINOR",
        50,
        "What writing to one person costs, in cents: for profit curves.",
    )
    churn_kept_value_minor: int = _setting(
        "CHURN_KEPT_VALUE_MINOR",
        3000,
        "What a person who stays is worth, in cents: for profit curves.",
    )
    churn_saved_percent: int = _setting(
        "CHURN_SAVED_PERCENT",
        10,
        "Of leavers written to, how many in a hundred stay for it (0 to 100).",
    )
    model_oldest_days: int = _setting(
        "MODEL_OLDEST_DAYS", 28, "Age in days at which any model is trained again."
    )
    interventions_url: str = _setting(
        "INTERVENTIONS_URL", "", "Where interventions are sent. Empty: nowhere."
    )
    interventions_secret: str = _setting(
        "INTERVENTIONS_SECRET", "", "Signs what is sent there.", secret=True
    )

    @property
    def embedded(self) -> bool:
        """Whether the embedded endpoint stands in for a ClickHouse server."""
        return not self.clickhouse_host

    @property
    def clickhouse_address(self) -> tuple[str, int]:
        """Host and port that every ClickHouse client uses."""
        if self.embedded:
            return "127.0.0.1", self.endpoint_port
        return self.clickhouse_host, self.clickhouse_port


def table() -> tuple["Field[Any]", ...]:
    """The rows of the settings table, in order."""
    return fields(Settings)


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Raises BadSetting naming every variable that cannot be read.
    """
    values, faults = read(environ, table())
    settings = Settings(**values)  # type: ignore[arg-type]
    faults += disagreements(settings)
    if faults:
        raise BadSetting("These settings cannot be used: " + "; ".join(faults))
    return settings
