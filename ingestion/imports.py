"""Import a file of events: the file itself is the log, its lines the positions.

A table's rows become such lines (ingestion/tables.py). Blocks are cut at fixed
line or row numbers. The moment a block was cut is on disk before
it is sent; a block that may have been sent before is looked for in the warehouse
first. So a file imported twice, or killed in the middle and imported again, leaves
raw.events as after one import.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from ingestion import countries, moments, tables
from ingestion.blocks import BYTES_A_BLOCK, Block, insert, without_those_there
from ingestion.consent import (
    Standing,
    Timeline,
    Word,
    decision,
    subjects_of,
    withheld,
)
from ingestion.door import secure
from ingestion.files import EventFile, Line, Survey
from ingestion.import_plan import PlanFile
from ingestion.judging import (
    Arrival,
    Refused,
    Rules,
    Source,
    Verdict,
    judge,
    unreadable,
)
from ingestion.records import Kind, Record, accepted_row, records_of, refused_row
from warehouse.clickhouse import connect, rows
from warehouse.errors import MigrationFailed
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.taxonomy import load
from warehouse.vault import Vault, open_vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DEFAULT_SOURCE: Final = Source("import")

# few enough to stay in the processor's cache, many enough for one visit to the vault
_LINES_AT_ONCE: Final = 2_000
# never changed: an import that was broken off is cut again at the same lines
LINES_A_BLOCK: Final = 20_000

_IS_MIGRATED: Final = """
    select 1 from system.tables where database = 'ops' and name = 'imports'
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """What an import did; `refused` counts events by their first reason."""

    import_id: str
    file: str
    source: str
    lines: int
    accepted: int
    refused: dict[str, int]
    already_imported: bool = False

    def as_json(self) -> dict[str, object]:
        """The summary as `questlog import --json` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Import:
    """One import under way: what each of its blocks is judged and kept with."""

    identity: UUID
    path: Path
    file: EventFile
    survey: Survey
    source: Source
    rules: Rules
    vault: Vault
    standing: Standing
    plan: PlanFile
    now: Callable[[], datetime]

    arrival: Arrival

    def judged(self, line: Line) -> Verdict:
        if line.fault:
            return unreadable(
                line.text, line.fault, source=self.source, arrival=self.arrival
            )
        return judge(
            line.text, rules=self.rules, source=self.source, arrival=self.arrival
        )


def _silent(_done: int, _total: int) -> None:
    """No progress is shown."""


def import_file(  # noqa: PLR0913 - the options of a command
    path: Path,
    settings: Settings,
    *,
    now: Callable[[], datetime],
    source: Source = DEFAULT_SOURCE,
    progress: Progress = _silent,
    mapping: Path | None = None,
) -> ImportSummary:
    """Bring a file of events into raw.events, each line or row once.

    JSONL and CSV, both plain or gzipped, and Parquet; `mapping` is the YAML file that
    tells what the columns of a table mean, where they aren't named as the envelope.
    `progress(lines done, lines)` is called after each block. Raises BadInput when
    the file cannot be read at all, Unavailable when ClickHouse or the vault is away:
    the same call then goes on where this one stopped.
    """
    rules = Rules.of(load(), country_of=countries.opened(settings.country_database))
    file = tables.event_file(path, mapping)
    survey = file.survey()
    identity = uuid5(
        NAMESPACE_URL, f"{survey.sha256}/{source.name}/{source.mode}{file.reading}"
    )
    home = Home(settings.home)
    plan_path = home.root / "imports" / f"{identity}.json"
    with (
        connect(settings) as client,
        open_vault(settings) as vault,
        closing(PlanFile.open(plan_path, started_at=moments.stored(now()))) as plan,
    ):
        current = _Import(
            identity=identity,
            path=path,
            file=file,
            survey=survey,
            source=source,
            rules=rules,
            vault=vault,
            standing=Standing(
                vault, allowed_by_default=settings.analytics_consent_default
            ),
            plan=plan,
            now=now,
            arrival=Arrival(moments.moment(plan.started_at), imported=True),
        )
        return _finished(client, current) or _carried_out(client, current, progress)


def _finished(client: "Client", current: _Import) -> ImportSummary | None:
    """The summary of the import that was finished before, if there is one."""
    if not rows(client, _IS_MIGRATED):
        raise MigrationFailed("ops.imports is not there yet: run `questlog migrate`.")
    query = """
        select lines, accepted, refused from ops.imports
        where import_id = {import_id:UUID} limit 1
    """
    found = rows(client, query, {"import_id": str(current.identity)})
    if not found:
        return None
    refused = current.plan.plan.refused
    if refused is None:
        refused = {"unknown": found[0]["refused"]} if found[0]["refused"] else {}
    return ImportSummary(
        import_id=str(current.identity),
        file=current.path.name,
        source=current.source.name,
        lines=found[0]["lines"],
        accepted=found[0]["accepted"],
        refused=refused,
        already_imported=True,
    )


def _carried_out(
    client: "Client", current: _Import, progress: Progress
) -> ImportSummary:
    timeline = _decisions(current)
    counts: Counter[str] = Counter()
    done = 0
    with ThreadPoolExecutor(1, thread_name_prefix="import") as sender:
        sending: Future[None] | None = None
        for number, block in enumerate(_blocks(current.file)):
            records = [
                record
                for start in range(0, len(block), _LINES_AT_ONCE)
                for record in _records(
                    current, block[start : start + _LINES_AT_ONCE], timeline, counts
                )
            ]
            if sending is not None:
                sending.result()
            sending = sender.submit(_send, client, current, number, records)
            done += len(block)
            progress(done, current.survey.lines)
        if sending is not None:
            sending.result()
    accepted = counts.pop("", 0)
    refused = dict(sorted(counts.items()))
    current.plan.finish(refused)
    summary = ImportSummary(
        import_id=str(current.identity),
        file=current.path.name,
        source=current.source.name,
        lines=done,
        accepted=accepted,
        refused=refused,
    )
    _note(client, current, summary)
    return summary


def _decisions(current: _Import) -> Timeline:
    """The file's decisions about analytics, all known before its first event is."""
    verdicts = [current.judged(line) for line in current.survey.decisions]
    told = [one for one in map(decision, verdicts) if one is not None]
    words = current.standing.before_deciding({one.subject for one in told})
    decided = [one for one in told if words[one.subject] is not Word.ERASED]
    current.standing.note(decided)
    return Timeline.of(decided)


def _blocks(file: EventFile) -> Iterator[list[Line]]:
    """Cut by number and by size, at the same lines whenever the file is read."""
    block: list[Line] = []
    size = 0
    for line in file.lines():
        block.append(line)
        size += len(line.text)
        if len(block) == LINES_A_BLOCK or size >= BYTES_A_BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _records(
    current: _Import, lines: list[Line], timeline: Timeline, counts: Counter[str]
) -> list[Record]:
    """The lines' rows; counts accepted events under "", refused by first reason."""
    judged = [current.judged(line) for line in lines]
    standing = _standing(current, judged, timeline)
    final = [withheld(verdict, timeline, standing) for verdict in judged]
    secure(final, current.vault)
    rows: list[tuple[Kind, bytes]] = []
    for line, verdict in zip(lines, final, strict=True):
        if isinstance(verdict, Refused):
            counts[verdict.objections[0].reason] += 1
            row = refused_row(
                verdict,
                refusal_id=uuid5(current.identity, str(line.number)),
                seal=current.vault.seal,
                place=f"{current.file.place} {line.number}",
            )
            rows.append(("refused", row))
        else:
            counts[""] += 1
            rows.append(("accepted", accepted_row(verdict)))
    return records_of(rows)


def _standing(
    current: _Import, judged: list[Verdict], timeline: Timeline
) -> dict[str, Word]:
    """What holds of people apart from the file's own decisions.

    The vault's decisions do not count for those who decide within the file: an import
    that is repeated would find its own there and judge their earlier events by them.
    """
    subjects = subjects_of(judged)
    deciding = {subject for subject in subjects if subject in timeline}
    now = current.arrival.received_at.at
    return {
        **current.standing.of(subjects - deciding, now=now),
        **current.standing.before_deciding(deciding),
    }


def _send(
    client: "Client", current: _Import, number: int, records: list[Record]
) -> None:
    cut_before = current.plan.plan.cut_at.get(number)
    cut_at = cut_before or moments.stored(current.now())
    if cut_before is None:
        current.plan.cut(number, at=cut_at)
    block = Block(
        first=number,
        last=number + 1,
        loaded_at=cut_at,
        token=f"{current.identity}-{number}",
    )
    if cut_before is not None:
        records = without_those_there(client, block, records)
    insert(client, block, records)


def _note(client: "Client", current: _Import, summary: ImportSummary) -> None:
    row = {
        "import_id": str(current.identity),
        "file_name": current.path.name,
        "file_sha256": current.survey.sha256,
        "source": current.source.name,
        "lines": summary.lines,
        "accepted": summary.accepted,
        "refused": sum(summary.refused.values()),
    }
    client.insert("ops.imports", [list(row.values())], column_names=list(row))
