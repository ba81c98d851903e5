"""Who may ask the embedded endpoint: one private file of users, read when it changes.

Without the file there is one user, the one of the settings. With it that user stays,
and those of the file come beside it. A password is kept as its scrypt hash.
"""

import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from warehouse import durable
from warehouse.errors import BadInput, BadSetting

_COST, _BLOCKS, _LANES = 1 << 14, 8, 1
_LONGEST_MEMORY = 64 << 20
_LEAST_PASSWORD = 8
_REMEMBERED = 256
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,62}\Z", re.ASCII)
_PATTERN = re.compile(r"(?:[A-Za-z_]\w*\*?|\*)\Z", re.ASCII)
_TURNED_AWAY = (
    "Authentication failed: password is incorrect, or there is no user with such name"
)


@dataclass(frozen=True, slots=True)
class User:
    """One user; `databases` are names, or their beginnings followed by a star."""

    name: str
    salt: str
    hash: str
    read_only: bool = False
    databases: tuple[str, ...] = ("*",)

    @property
    def is_free(self) -> bool:
        """Whether all that the endpoint allows is allowed to this user."""
        return not self.read_only and "*" in self.databases


def load(path: Path) -> tuple[User, ...]:
    """The users of a file; none when there is no file. Raises BadSetting."""
    import yaml

    try:
        text = path.read_text()
    except FileNotFoundError:
        return ()
    try:
        listed = (yaml.safe_load(text) or {})["users"]
        users = tuple(_read(**entry) for entry in listed)
    except (yaml.YAMLError, KeyError, TypeError, ValueError, BadInput):
        raise BadSetting(
            f"{path} cannot be read as the endpoint's users, so nobody is let in by it."
            " Restore it, or move it away and add the users anew: questlog users add."
        ) from None
    return users


def add(
    path: Path, name: str, password: str, *, databases: Sequence[str], read_only: bool
) -> None:
    """Add a user. Raises BadInput when there is one of that name already."""
    users = load(path)
    if any(user.name == name for user in users):
        raise BadInput(
            f"There is a user {name} already. Give it another password with"
            f" `questlog users passwd {name}`, or remove it first."
        )
    new = _with_password(User(name, "", "", read_only, tuple(databases)), password)
    _check(new)
    _store(path, (*users, new))


def remove(path: Path, name: str) -> None:
    """Remove a user; a running endpoint turns it away from the next request on."""
    _known(path, name)
    _store(path, tuple(user for user in load(path) if user.name != name))


def change_password(path: Path, name: str, password: str) -> None:
    """Give a user another password; the old one ends with the next request."""
    _known(path, name)
    _store(
        path,
        tuple(
            _with_password(user, password) if user.name == name else user
            for user in load(path)
        ),
    )


class Doorkeeper:
    """Tells who asks, by name and password; the file is read again when it changes."""

    def __init__(self, path: Path, *, user: str, password: str) -> None:
        """`user` and `password` are those of the settings, always let in."""
        self._path = path
        self._first = (user, password)
        self._guard = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._users: dict[str, User] = {}
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def admitted(self, name: str, password: str) -> User:
        """The user who asks. Raises BadInput with ClickHouse's words."""
        if hmac.compare_digest(name.encode(), self._first[0].encode()):
            if hmac.compare_digest(password.encode(), self._first[1].encode()):
                return User(name, "", "")
            raise BadInput(f"{name}: {_TURNED_AWAY}")
        user = self._current().get(name)
        # a name that is not there costs as much time as one that is
        if self._is_right(user or _NOBODY, password) and user is not None:
            return user
        raise BadInput(f"{name}: {_TURNED_AWAY}")

    def remembered(self, name: str, password: str) -> User | None:
        """The user who asks, when that is known without scrypt and without the file."""
        first, secret = self._first
        if hmac.compare_digest(name.encode(), first.encode()):
            is_right = hmac.compare_digest(password.encode(), secret.encode())
            return User(name, "", "") if is_right else None
        with self._guard:
            is_fresh = _state(self._path) == self._seen
            user = self._users.get(name) if is_fresh else None
        return user if user and self._is_remembered(user, password) else None

    def _current(self) -> dict[str, User]:
        with self._guard:
            seen = _state(self._path)
            if seen != self._seen:
                self._users = {}
                self._users = {user.name: user for user in load(self._path)}
                self._seen = seen
            return self._users

    def _is_right(self, user: User, password: str) -> bool:
        """Scrypt is paid once a password; then its keyed digest is remembered."""
        if self._is_remembered(user, password):
            return True
        if not hmac.compare_digest(_hash(password, user.salt), user.hash):
            return False
        with self._guard:
            self._known[self._mark(user, password)] = None
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return True

    def _is_remembered(self, user: User, password: str) -> bool:
        mark = self._mark(user, password)
        with self._guard:
            if mark not in self._known:
                return False
            self._known.move_to_end(mark)
            return True

    def _mark(self, user: User, password: str) -> bytes:
        return hmac.digest(self._key, f"{user.hash} {password}".encode(), "sha256")


_NOBODY = User("", "00" * 16, "")


def _read(
    *,
    name: str,
    salt: str,
    hash: str,  # noqa: A002 - the file's word
    read_only: bool,
    databases: list[str],
) -> User:
    user = User(name, salt, hash, read_only is not False, tuple(databases))
    bytes.fromhex(salt)
    _check(user)
    return user


def _check(user: User) -> None:
    if not _NAME.match(user.name):
        raise BadInput(
            f"{user.name!r} cannot be a user's name. Take letters, digits, and . _ -,"
            " beginning with a letter."
        )
    if not user.databases:
        raise BadInput(f"{user.name} has no database. Name one, or * for all.")
    for pattern in user.databases:
        if not _PATTERN.match(pattern):
            raise BadInput(
                f"{pattern!r} cannot name databases. Write a name such as marts, its"
                " beginning such as shop_*, or * for all."
            )
        if pattern != "*" and fnmatchcase("system", pattern):
            raise BadInput(f"{pattern} would take in the engine's own tables.")


def _known(path: Path, name: str) -> None:
    names = [user.name for user in load(path)]
    if name not in names:
        listed = ", ".join(names) or "none"
        raise BadInput(f"There is no user {name}. There are: {listed}.")


def _with_password(user: User, password: str) -> User:
    if len(password) < _LEAST_PASSWORD:
        raise BadInput(f"A password has at least {_LEAST_PASSWORD} characters.")
    salt = secrets.token_hex(16)
    return replace(user, salt=salt, hash=_hash(password, salt))


def _hash(password: str, salt: str) -> str:
    return hashlib.scrypt(
        password.encode(),
        salt=bytes.fromhex(salt),
        n=_COST,
        r=_BLOCKS,
        p=_LANES,
        maxmem=_LONGEST_MEMORY,
    ).hex()


def _store(path: Path, users: Sequence[User]) -> None:
    import yaml

    listed = [
        {
            "name": user.name,
            "salt": user.salt,
            "hash": user.hash,
            "read_only": user.read_only,
            "databases": list(user.databases),
        }
        for user in users
    ]
    durable.put(path, yaml.safe_dump({"users": listed}, sort_keys=False).encode())


def _state(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    return (status.st_mtime_ns, status.st_ino, status.st_size)
