"""Files of events on S3: fetched to this machine, then imported as any other.

A fetch that was cut off goes on where it was, as long as the object is the same; of
an object that was imported nothing is fetched again.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from warehouse.durable import private_folder, put
from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEME: Final = "s3://"
_AT_ONCE: Final = 8 * 1024 * 1024
_GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchBucket"})
_DENIED: Final = frozenset(
    {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
)
_CHANGED: Final = frozenset({"412", "PreconditionFailed", "InvalidRange", "416"})


@dataclass(frozen=True, slots=True)
class Remote:
    """An object on S3; `etag` changes with its content."""

    bucket: str
    key: str
    etag: str
    size: int

    @property
    def url(self) -> str:
        """As a person names it."""
        return f"{SCHEME}{self.bucket}/{self.key}"

    def digest(self, *reading: str) -> str:
        """What tells this content, read in one way, from any other."""
        words = "\n".join((self.url, self.etag, *reading))
        return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


def is_remote(place: str) -> bool:
    """Whether a place is on S3."""
    return place.startswith(SCHEME)


def store_of(settings: Settings) -> Any:
    """A client of S3: credentials are found as AWS's own tools find them."""
    import boto3
    from botocore.config import Config

    # a session of its own: the shared one remembers credentials that have gone
    return boto3.session.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint_url or None,
        config=Config(
            retries={"max_attempts": 5, "mode": "standard"},
            connect_timeout=10,
            read_timeout=60,
        ),
    )


def objects(store: Any, url: str) -> list[Remote]:
    """The object of a URL, or all below it, in the order of their keys.

    Raises BadInput when there is none, BadSetting when we are not let in.
    """
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise BadInput(f"{url} names no bucket; write s3://bucket/key, or a prefix.")
    with _errors_ours(url):
        pages = store.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=key
        )
        found = [
            Remote(bucket, one["Key"], one["ETag"], one["Size"])
            for page in pages
            for one in page.get("Contents", ())
        ]
    exact = [one for one in found if one.key == key]
    # a name is no prefix of others: `2026` must not bring 2026-old with it
    below = f"{key.rstrip('/')}/" if key else ""
    chosen = exact or [one for one in found if one.key.startswith(below) and one.size]
    if not chosen:
        raise BadInput(f"Nothing is at {url}. Check bucket, key and S3_ENDPOINT_URL.")
    return chosen


def fetched(store: Any, remote: Remote, folder: Path) -> Path:
    """The object as a file of its own name; a fetch that was cut off goes on."""
    path = folder / remote.digest() / PurePosixPath(remote.key).name
    private_folder(path.parent)
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        return path
    have = part.stat().st_size if part.exists() else 0
    with _errors_ours(remote.url), part.open("ab") as file:
        part.chmod(0o600)
        while have < remote.size:
            last = min(have + _AT_ONCE, remote.size) - 1
            answer = store.get_object(
                Bucket=remote.bucket,
                Key=remote.key,
                Range=f"bytes={have}-{last}",
                IfMatch=remote.etag,
            )
            content = answer["Body"].read()
            file.write(content)
            file.flush()
            have += len(content)
    part.replace(path)
    return path


def import_each(
    remotes: "list[Remote]",
    store: Any,
    folder: Path,
    reading: tuple[str, ...],
    run: "Callable[[Path], bytes]",
) -> Iterator[bytes]:
    """Import objects one by one with `run`, whose words are kept; each one's words.

    An object that was imported in the same reading is told of, not fetched.
    """
    for remote in remotes:
        told = folder / f"{remote.digest(*reading)}.json"
        if not told.exists():
            path = fetched(store, remote, folder)
            put(told, run(path))
            path.unlink()
            path.parent.rmdir()
        yield told.read_bytes()


@contextlib.contextmanager
def _errors_ours(url: str) -> Iterator[None]:
    """The SDK's errors are not passed on: they may hold the request."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise BadSetting(
            "No credentials for S3 were found: set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, a profile, or a role of this machine."
        ) from None
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _GONE:
            raise BadInput(f"Nothing is at {url} (any more): {code}.") from None
        if code in _DENIED:
            raise BadSetting(
                f"S3 does not let us read {url}: {code}. Check the credentials; they"
                " need s3:ListBucket and s3:GetObject."
            ) from None
        if code in _CHANGED:
            raise Unavailable(
                f"{url} was written anew while it was fetched. Import it again."
            ) from None
        raise Unavailable(f"S3 did not give {url}: {code}. Import it again.") from None
    except BotoCoreError as error:
        raise Unavailable(
            f"S3 did not answer for {url}: {type(error).__name__}. Check"
            " S3_ENDPOINT_URL; the same import goes on where it was."
        ) from None
