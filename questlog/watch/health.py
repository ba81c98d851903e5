"""Judge figures of the watch: what is well, what asks for a look, what is bad."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from questlog.watch.figures import Figure
from warehouse.service_levels import ServiceLevels

State = Literal["ok", "look", "bad"]

_HOUR_S = 3600
_DAY_S = 86400
_DRIFTED = 0.25
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the screen: what was looked at, how it stands, what to do."""

    subject: str
    state: State
    said: str
    remedy: str = ""


def judged(
    figures: Sequence[Figure], levels: ServiceLevels, *, now: float
) -> Iterator[Finding]:
    """A finding for each thing that the warehouse tells of; `now` in Unix seconds."""
    told = {figure.name: figure for figure in figures}
    yield from _gates(told)
    yield _sources(told, levels, now)
    yield _published(told, levels, now)
    yield _latency(told, levels)
    yield _builds(told)
    yield _scores(told, levels, now)
    yield _audiences(told, now)


def is_healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing is bad; what asks for a look may be."""
    return all(finding.state != "bad" for finding in findings)


_Told = dict[str, Figure]


def _values(told: _Told, name: str) -> list[tuple[tuple[str, ...], float]]:
    return list(told[name].values) if name in told else []


def _gates(told: _Told) -> Iterator[Finding]:
    stops = dict(_values(told, "gate_stops"))
    warnings = dict(_values(told, "gate_warnings"))
    closed = [gate for (gate,), is_open in _values(told, "gate_open") if not is_open]
    asking = [gate for (gate,), count in warnings.items() if count]
    runbook = "docs/runbooks/gate-closed.md"
    if not stops:
        yield Finding("gates", "ok", "none was run yet")
    elif closed:
        said = ", ".join(
            f"{gate} ({stops[(gate,)]:.0f} failed{_parts(told, gate)})"
            for gate in closed
        )
        yield Finding("gates", "bad", f"closed: {said}", runbook)
    elif asking:
        said = f"all open; {', '.join(asking)} ask for a look"
        yield Finding("gates", "look", said, runbook)
    else:
        yield Finding("gates", "ok", f"{len(stops)} open")


def _parts(told: _Told, gate: str) -> str:
    """What a closed gate keeps back alone, such as two of the audiences."""
    parts = [
        part for (name, part), _ in _values(told, "gate_part_stops") if name == gate
    ]
    return f": {', '.join(parts)}" if parts else ""


def _sources(told: _Told, levels: ServiceLevels, now: float) -> Finding:
    ages = [
        (source, now - at)
        for (source,), at in _values(told, "source_newest_timestamp_seconds")
    ]
    if not ages:
        remedy = "send or import events: docs/import.md"
        return Finding("sources", "look", "no event has come yet", remedy)
    said = ", ".join(f"{source} {_ago(age)}" for source, age in ages)
    late = [
        levels.sources[s] for s, age in ages if age > levels.sources[s].warn_after_s
    ]
    if not late:
        return Finding("sources", "ok", f"newest rows: {said}")
    dead = any(age > levels.sources[source].error_after_s for source, age in ages)
    remedy = "docs/runbooks/source-stale.md"
    return Finding("sources", "bad" if dead else "look", f"stale: {said}", remedy)


def _published(told: _Told, levels: ServiceLevels, now: float) -> Finding:
    ages = {
        table: now - at for (table,), at in _values(told, "published_timestamp_seconds")
    }
    if not ages:
        remedy = "unpause the DAG models, or: questlog build staging, gate, …"
        return Finding("marts", "look", "nothing is published yet", remedy)
    limits = {table: levels.published_within(table) for table in ages}
    stale = [t for t, age in ages.items() if age > (limits[t] or float("inf"))]
    if not stale:
        newest = _ago(min(ages.values()))
        return Finding("marts", "ok", f"{len(ages)} tables, the newest {newest}")
    said = f"{len(stale)} stale, such as {', '.join(sorted(stale)[:_NAMED])}"
    oldest = max(ages[table] for table in stale)
    said += f": published {_ago(oldest)}"
    return Finding("marts", "bad", said, "docs/runbooks/mart-stale.md")


def _latency(told: _Told, levels: ServiceLevels) -> Finding:
    found = {since: p95 for (since,), p95 in _values(told, "latency_p95_seconds")}
    if not found:
        return Finding("latency", "ok", "no live event was published yet")
    said = ", ".join(f"{_span(p95)} since {since}" for since, p95 in found.items())
    slow = any(p95 > levels.latency_p95[since] for since, p95 in found.items())
    remedy = "docs/runbooks/latency-over-limit.md" if slow else ""
    return Finding("latency", "look" if slow else "ok", f"p95: {said}", remedy)


def _builds(told: _Told) -> Finding:
    failed = {layer: n for (layer,), n in _values(told, "build_failed_nodes")}
    bad = [layer for layer, count in failed.items() if count]
    if bad:
        said = f"the last build of {', '.join(bad)} failed"
        return Finding("builds", "bad", said, "docs/runbooks/dag-failed.md")
    said = f"{', '.join(failed)} built" if failed else "none yet"
    return Finding("builds", "ok", said)


def _scores(told: _Told, levels: ServiceLevels, now: float) -> Finding:
    ages = {kind: now - at for (kind,), at in _values(told, "scores_timestamp_seconds")}
    if not ages:
        return Finding("models", "ok", "nobody was scored yet")
    said = ", ".join(f"{kind} scored {_ago(age)}" for kind, age in ages.items())
    if any(age > levels.scores[kind] for kind, age in ages.items()):
        return Finding("models", "look", said, "docs/runbooks/scores-stale.md")
    moved = [k for (k,), index in _values(told, "model_drift") if index > _DRIFTED]
    if moved:
        said = f"people of {', '.join(moved)} have drifted"
        return Finding("models", "look", said, "docs/runbooks/model-drifted.md")
    return Finding("models", "ok", said)


def _audiences(told: _Told, now: float) -> Finding:
    failed = [" at ".join(key) for key, bad in _values(told, "audience_failed") if bad]
    pushed = [now - at for _, at in _values(told, "audience_timestamp_seconds")]
    runbook = "docs/runbooks/audience-not-sent.md"
    if failed:
        return Finding("audiences", "bad", f"not sent: {', '.join(failed)}", runbook)
    if not pushed:
        return Finding("audiences", "ok", "none was pushed yet")
    said = f"{len(pushed)} pushed, the oldest {_ago(max(pushed))}"
    if max(pushed) > 2 * _DAY_S:
        return Finding("audiences", "look", said, runbook)
    return Finding("audiences", "ok", said)


def _ago(seconds: float) -> str:
    return f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    """Two units at most: a screen has no room for more."""
    if seconds < 2 * 60:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:.0f} h"
    return f"{seconds / _DAY_S:.0f} days"
