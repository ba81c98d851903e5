"""Where things lie in QUESTLOG_HOME: the one list of its folders and files."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The folder outside git that holds all state of one installation."""

    root: Path

    @property
    def engine(self) -> Path:
        """Data directory of the embedded ClickHouse engine."""
        return self.root / "clickhouse"

    @property
    def backups(self) -> Path:
        """Backups of the embedded warehouse, a folder each."""
        return self.root / "backups"

    @property
    def users(self) -> Path:
        """Users of the embedded endpoint and the hashes of their passwords."""
        return self.root / "users.yml"

    @property
    def log(self) -> Path:
        """The ingest service's durable log."""
        return self.root / "log"

    @property
    def vault(self) -> Path:
        """The vault's SQLite file: encrypted direct identifiers."""
        return self.root / "vault" / "vault.sqlite"

    @property
    def secrets(self) -> Path:
        """Keys made for the local stack; files of mode 0600."""
        return self.root / "secrets"

    @property
    def write_keys(self) -> Path:
        """Hashed write keys and their sources."""
        return self.root / "write_keys.json"

    @property
    def registry(self) -> Path:
        """Trained models, one folder each."""
        return self.root / "models"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' Data Docs."""
        return self.root / "pages" / "data-docs"

    @property
    def dbt_docs(self) -> Path:
        """The static dbt docs site."""
        return self.root / "pages" / "dbt"

    @property
    def cards(self) -> Path:
        """The model cards, one HTML file each, and their index."""
        return self.root / "pages" / "cards"

    @property
    def lineage_page(self) -> Path:
        """The page of what is made of what."""
        return self.root / "pages" / "lineage"

    @property
    def dbt_target(self) -> Path:
        """The target folder of dbt: manifest and compiled SQL."""
        return self.root / "dbt" / "target"

    @property
    def build_lock(self) -> Path:
        """Held by the process that builds models; its id."""
        return self.root / "dbt" / "building"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME of the local stack."""
        return self.root / "airflow"

    @property
    def audit(self) -> Path:
        """Acts on their way to ops.audit."""
        return self.root / "audit"

    @property
    def watch(self) -> Path:
        """Prometheus' and Alertmanager's files of the local stack."""
        return self.root / "watch"

    @property
    def lineage(self) -> Path:
        """What models are made of; OpenLineage events where no backend takes them."""
        return self.root / "lineage"

    @property
    def run(self) -> Path:
        """Process ids, addresses and logs of the running local stack."""
        return self.root / "run"

    @property
    def demo_mark(self) -> Path:
        """Says that a demo made this home, and with which settings, as JSON."""
        return self.root / "made-by-make-demo"

    @property
    def holds_data(self) -> bool:
        """Whether something lies here that could not be made again."""
        places = (self.engine, self.log, self.vault, self.registry, self.write_keys)
        return any(place.exists() for place in places)
