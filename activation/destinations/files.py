"""Files on S3 as a destination: who comes and who goes, as CSV or Parquet.

An audience is a folder. `audience.json` in it says what it is and under which id; each
batch is a file whose name begins with its moment, so that their names' order is that of
what happened. A file is there whole or not at all.
"""

import csv
import io
import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from activation.destinations.kinds import Kind
from activation.destinations.protocol import Answer, Limits, Member, Outcome, Wanted
from activation.identifiers import UNKNOWN, Identity, plain_identity
from activation.patience import Patience
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBERS_A_BATCH = 100_000
_KEYS = ("external_id", "email_sha256", "phone_sha256")
_COLUMNS = ("action", *_KEYS, "value")
_SCHEME = "s3://"
_FORMATS = ("csv", "parquet")
_GONE = frozenset({"NoSuchKey", "404"})
_FINAL = frozenset({"AccessDenied", "NoSuchBucket", "InvalidAccessKeyId"}) | {
    "SignatureDoesNotMatch"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A place on S3; `KIND.open` builds it from settings. `store` is boto3's client."""

    store: Any
    bucket: str
    prefix: str
    form: str
    clock: Callable[[], float] = time.time

    @property
    def platform(self) -> str:
        """Its name in the ledger and receipts."""
        return "files"

    @property
    def limits(self) -> Limits:
        """Files stay until somebody deletes them."""
        return Limits(members_a_batch=MEMBERS_A_BATCH, works_at_once=True)

    def find(self, wanted: Wanted) -> str:
        """The id in the folder's `audience.json`; empty without one."""
        found = self._carried_out(
            "get_object", Key=self._key(wanted.audience, "audience.json")
        )
        if found is None:
            return ""
        return _remote_id(wanted.audience, str(json.load(found["Body"])["id"]))

    def make(self, wanted: Wanted) -> str:
        """Begin the folder; an older one of this name goes on under a new id."""
        number = secrets.token_hex(8)
        content = {"id": number, "audience": wanted.audience, "meaning": wanted.meaning}
        self._put(
            self._key(wanted.audience, "audience.json"), json.dumps(content).encode()
        )
        return _remote_id(wanted.audience, number)

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Write a file of who comes."""
        return self._written(remote_id, "add", members)

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Write a file of who goes."""
        gone = [Member(identity=one) for one in identities]
        return self._written(remote_id, "remove", gone)

    def outcome(self, request_id: str) -> Outcome:
        """A file that was written is there."""
        raise DestinationRefused(f"There is no request {request_id!r} for files.")

    def replace(
        self, remote_id: str, batches: Iterable[Sequence[Member]], size: int
    ) -> Answer:
        """Write the whole set anew; a last file without rows says it is complete."""
        written = 0
        for batch in batches:
            written += self._written(remote_id, "replace", batch).received
        if written != size:
            raise DestinationRefused(
                f"{written} members were given where {size} were promised, so the set"
                " was not closed."
            )
        self._written(remote_id, "replaced", [], even_if_empty=True)
        return Answer(received=written)

    def _written(
        self,
        remote_id: str,
        action: str,
        members: Sequence[Member],
        *,
        even_if_empty: bool = False,
    ) -> Answer:
        if not members and not even_if_empty:
            return Answer()
        audience = remote_id.partition("/")[0]
        moment = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{moment}-{action}-{secrets.token_hex(4)}.{self.form}"
        rows = [_row(action, one) for one in members]
        content = _parquet(rows) if self.form == "parquet" else _csv(rows)
        self._put(self._key(audience, name), content)
        return Answer(received=len(members), detail=name)

    def _key(self, audience: str, name: str) -> str:
        return "/".join(filter(None, (self.prefix, audience, name)))

    def _put(self, key: str, content: bytes) -> None:
        self._carried_out("put_object", Key=key, Body=content)

    def _carried_out(self, call: str, **told: object) -> "Mapping[str, Any] | None":
        """What S3 answers; None when there is no such file.

        The SDK's errors are not passed on: they hold the request.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        code = ""
        try:
            answer: Mapping[str, Any] = getattr(self.store, call)(
                Bucket=self.bucket, **told
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
        except BotoCoreError:
            code = "no answer"
        else:
            return answer
        if code in _GONE:
            return None
        text = f"S3 did not carry out {call} in {self.bucket}: {code}."
        if code in _FINAL:
            raise DestinationRefused(
                f"{text} Check AUDIENCE_S3_URL and its credentials."
            )
        raise Unavailable(f"{text} The same sync may be made again.")


def _remote_id(audience: str, number: str) -> str:
    return f"{audience}/{number}"


def _row(action: str, member: Member) -> dict[str, object]:
    digests = {key: member.identity.get(key, UNKNOWN).hex for key in _KEYS}
    return {"action": action, **digests, "value": member.value}


def _csv(rows: Sequence[dict[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: Sequence[dict[str, object]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [pa.field(name, pa.string()) for name in _COLUMNS[:-1]]
    schema = pa.schema([*texts, pa.field("value", pa.float64())])
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), content)
    return content.getvalue()


def _open(settings: Settings, patience: Patience) -> Files:
    import boto3
    from botocore.config import Config

    url = settings.audience_s3_url
    bucket, _, prefix = url.removeprefix(_SCHEME).partition("/")
    if not url.startswith(_SCHEME) or not bucket:
        raise BadSetting("AUDIENCE_S3_URL: expected a place like s3://bucket/prefix.")
    if settings.audience_s3_format not in _FORMATS:
        raise BadSetting(f"AUDIENCE_S3_FORMAT: expected {' or '.join(_FORMATS)}.")
    tries = {"max_attempts": patience.attempts, "mode": "standard"}
    store = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url or None,
        config=Config(retries=tries, connect_timeout=10, read_timeout=60),
    )
    return Files(
        store=store,
        bucket=bucket,
        prefix=prefix.strip("/"),
        form=settings.audience_s3_format,
    )


KIND = Kind(
    name="files",
    meaning="Files on S3 of who comes and who goes, as CSV or Parquet.",
    wants=("AUDIENCE_S3_URL",),
    identity=plain_identity,
    is_started=lambda settings: bool(settings.audience_s3_url),
    open=_open,
)
