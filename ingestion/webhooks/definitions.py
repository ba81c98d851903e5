"""The webhooks there are: a file of taxonomy/webhooks for each source, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from ingestion.dialects.paths import PathReader, at, mapping_of
from ingestion.webhooks.signatures import TOLERATED, Hmac, Scheme, Stripe
from warehouse.errors import BadSetting, BadTaxonomy
from warehouse.taxonomy import TAXONOMY, Taxonomy
from warehouse.taxonomy.source import Place, Source, read

FOLDER: Final = TAXONOMY / "webhooks"

_KEYS: Final = ("signature", "events")
_SIGNATURE_KEYS: Final = {
    "stripe": ("scheme", "tolerance_s"),
    "hmac": (
        *("scheme", "tolerance_s"),
        *("header", "time_header", "prefix", "encoding"),
    ),
}
_LONGEST_TOLERANCE_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Told:
    """One thing a provider tells, by what its body holds, and the event it means.

    `reader` is None where the file has faults, which are told before it is used.
    """

    when: Mapping[str, tuple[Any, ...]]
    reader: PathReader | None

    def matches(self, body: Any) -> bool:
        """Whether the body is about this."""
        return all(_is_one_of(at(path, body), of) for path, of in self.when.items())


@dataclass(frozen=True, slots=True)
class Webhook:
    """A source that tells of itself: how it signs, with what, and what it tells."""

    source: str
    scheme: Scheme
    told: tuple[Told, ...]
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def events(self, body: Any) -> list[dict[str, Any]]:
        """The events a body means; none where it tells what nobody asked for."""
        return [
            one.reader.event(body)
            for one in self.told
            if one.reader is not None and one.matches(body)
        ]


def _is_one_of(value: Any, wanted: Sequence[Any]) -> bool:
    # in Python 1 is True, in JSON it is not
    return any(value == one and type(value) is type(one) for one in wanted)


def webhooks(
    secrets: Mapping[str, tuple[str, ...]], taxonomy: Taxonomy, folder: Path = FOLDER
) -> dict[str, Webhook]:
    """The webhooks whose secrets are known, by source.

    Raises BadTaxonomy with every fault of their files, BadSetting for secrets of a
    source that has no file.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.yml"))}
    unknown = sorted(secrets.keys() - paths.keys())
    if unknown:
        raise BadSetting(
            f"QUESTLOG_WEBHOOK_SECRETS: no file taxonomy/webhooks/{unknown[0]}.yml"
            f" says what {unknown[0]} tells; there are: {', '.join(paths)}."
        )
    found, faults = {}, []
    for name, path in paths.items():
        source = read(path, file=f"taxonomy/webhooks/{path.name}")
        made = _webhook(name, source, secrets.get(name, ()), taxonomy)
        faults += source.faults
        if name in secrets:
            found[name] = made
    if faults:
        listed = "".join(f"\n  {fault}" for fault in sorted(faults))
        raise BadTaxonomy(f"The webhooks have faults:{listed}")
    return found


def secrets_of(text: str) -> dict[str, tuple[str, ...]]:
    """Secrets by source, from `stripe=whsec_a,stripe=whsec_b,shop=...`.

    Several of one source are all valid, as while one is rotated. Raises BadSetting.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, one in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        source, _, secret = one.partition("=")
        if not source or not secret:
            raise BadSetting(
                f"QUESTLOG_WEBHOOK_SECRETS: part {number} is not of the form"
                " source=secret; separate parts by commas."
            )
        found[source] = (*found.get(source, ()), secret)
    return found


def _webhook(
    name: str, source: Source, secrets: tuple[str, ...], taxonomy: Taxonomy
) -> Webhook:
    for key in source.data.keys() - set(_KEYS):
        source.object_to(f"unknown key; known: {', '.join(_KEYS)}", (key,))
    listed = source.data.get("events")
    if not isinstance(listed, list) or not listed:
        source.object_to("expected a list of what the source tells", ("events",))
        listed = []
    told = tuple(
        _told(source, ("events", place), one, taxonomy)
        for place, one in enumerate(listed)
        if _is_object(source, ("events", place), one)
    )
    return Webhook(name, _scheme(source), told, secrets)


def _is_object(source: Source, place: Place, said: Any) -> bool:
    if isinstance(said, dict):
        return True
    source.object_to("expected when: and a mapping", place)
    return False


def _told(
    source: Source, place: Place, said: dict[str, Any], taxonomy: Taxonomy
) -> Told:
    when = said.get("when")
    conditions: dict[str, tuple[Any, ...]] = {}
    if isinstance(when, dict) and when:
        conditions = {
            path: tuple(wanted) if isinstance(wanted, list) else (wanted,)
            for path, wanted in when.items()
        }
    else:
        source.object_to("expected paths with the values they must hold", place)
    rest = {key: one for key, one in said.items() if key != "when"}
    mapping = mapping_of(rest, source, place)
    if mapping.derived_id is not None and not mapping.derived_id.columns:
        # made from the content, a delivery whose mapping was mended would double
        says = "say what the id is made from: event_id: {derived_from: [path]}"
        source.object_to(says, place)
    name = mapping.fields.get("event_name")
    names = (name.constant, *name.rename.values()) if name is not None else ()
    for one in names:
        if isinstance(one, str) and taxonomy.resolve(one) is None:
            source.object_to(f"{one!r} is no event of the taxonomy", place)
    return Told(conditions, None if source.faults else PathReader(mapping))


def _scheme(source: Source) -> Scheme:
    said = source.data.get("signature")
    scheme = said.get("scheme") if isinstance(said, dict) else None
    if not isinstance(said, dict) or scheme not in _SIGNATURE_KEYS:
        known = ", ".join(_SIGNATURE_KEYS)
        source.object_to(f"expected scheme: with one of {known}", ("signature",))
        return Stripe()
    for key in said.keys() - set(_SIGNATURE_KEYS[scheme]):
        source.object_to("unknown key of this scheme", ("signature", key))
    tolerated = _tolerated(source, said)
    return Stripe(tolerated) if scheme == "stripe" else _hmac(source, said, tolerated)


def _tolerated(source: Source, said: Mapping[str, Any]) -> timedelta:
    seconds = said.get("tolerance_s", int(TOLERATED.total_seconds()))
    if type(seconds) is not int or not 0 < seconds <= _LONGEST_TOLERANCE_S:
        says = f"expected whole seconds, 1 to {_LONGEST_TOLERANCE_S}"
        source.object_to(says, ("signature", "tolerance_s"))
        return TOLERATED
    return timedelta(seconds=seconds)


def _hmac(source: Source, said: Mapping[str, Any], tolerated: timedelta) -> Hmac:
    for key in ("header", "time_header"):
        if not isinstance(said.get(key), str) or not said[key]:
            says = f"missing: {key}:"
            if key == "time_header":
                says += " a header of Unix seconds, or none where the sender has none"
            source.object_to(says, ("signature", key))
    encoding = said.get("encoding", "hex")
    if encoding not in ("hex", "base64"):
        source.object_to("expected hex or base64", ("signature", "encoding"))
    time_header = str(said.get("time_header", ""))
    return Hmac(
        header=str(said.get("header", "")),
        time_header="" if time_header == "none" else time_header,
        prefix=str(said.get("prefix", "")),
        encoding="base64" if encoding == "base64" else "hex",
        tolerated=tolerated,
    )
