"""Values on the disk with their traces, shared by processes.

A file holds one value: a line that names the format, the digest of what follows, a line with the
trace as JSON, and the value as JSON. It is written beside its place and renamed, so that a reader
finds the old one, the new one or none. What is truncated, altered, too large, no regular file or
not this user's does not count: reading never fails. Nor does writing: on a full or read-only disk,
nothing is kept.

The folder is only used if it belongs to this user and no other user may write to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import stat
import time

from domcaps.facts.plain_record import PlainRecord
from domcaps.fresh.identity import Identity
from domcaps.fresh.scanner import scan
from domcaps.fresh.witness import WITNESSES, Witness, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from domcaps.fresh.store import Sighting

FILE_LIMIT = 32 << 20
"""Bytes that one file may have. An emulator with its inventory takes about 5 MB."""

FOLDER_LIMIT = 128 << 20
"""Bytes that all files together may have; the oldest go first."""

LOCK_SECONDS = 75.0
"""How long to wait for another process that asks an emulator: longer than that may take."""

_HEAD = b"domcaps trace 2\n"
_DIGEST_LENGTH = 32
_SUFFIX = ".trace"
_PART = ".part"
_LOCKS = 16
_OLD_PART_SECONDS = 3600.0
_LOOKS = 64
"""So often all files are looked at while as much is written as the folder may have."""
_STALE_USE_SECONDS = 24 * 3600.0


Depend = tuple[Witness, str, Identity | None]
"""A witness, the digest of what was seen and, where that proves something, its stamp."""


class StoredTrace(PlainRecord):
    """A value in JSON, and the witnesses it rests on."""

    depends: tuple[Depend, ...]
    value: bytes


def stored_trace(parts: Iterable[tuple[Sighting, int]], value: object) -> StoredTrace | None:
    """Put a value and what it rests on into the form of a file.

    None where something else was seen meanwhile of a part than the version says, and where the
    value names a file whose name is no text: JSON can't hold it.
    """
    import msgspec  # who only reads a file need not load it

    depends: list[Depend] = []
    for sighting, version in parts:
        proof = sighting.proof(version)
        if proof is None:
            return None
        depends.append((sighting.witness, *proof))
    try:
        return StoredTrace(tuple(depends), msgspec.json.encode(value))
    except UnicodeEncodeError:
        return None


def _encoded(stored: StoredTrace) -> bytes:
    import msgspec

    depends = [[[*one], seen, stamp and stamp[1:]] for one, seen, stamp in stored.depends]
    try:
        line = msgspec.json.encode(depends)
    except UnicodeEncodeError:
        import json  # a file's name that is no text: it is escaped, for which few need to load this

        line = json.dumps(depends, separators=(",", ":")).encode()
    return line + b"\n" + stored.value


def _decoded(body: memoryview) -> StoredTrace:
    """Read a body; raises `ValueError`, `TypeError` or `RecursionError` for any other content."""
    line, newline, value = bytes(body).partition(b"\n")
    if not newline:
        raise ValueError("no value")
    depends = scan(line.decode())
    if not isinstance(depends, list):
        raise TypeError("no trace")
    return StoredTrace(tuple([_depend(*one) for one in depends]), value)


def _depend(written: list[Any], seen: str, stamp: list[int] | None) -> Depend:
    if not isinstance(seen, str):
        raise TypeError("no digest")
    kind = WITNESSES.get(written[0])
    if kind is None:
        raise ValueError("no witness")
    given = zip(kind.fields.values(), written[1:], strict=True)
    fields: list[Any] = [_HOLDS[of](one) for of, one in given]
    return _made(kind, fields), seen, None if stamp is None else Identity(*map(_number, stamp))


def _made(kind: Any, fields: list[Any]) -> Witness:
    witness: Witness = kind(*fields)
    return witness


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("no number")
    return value


def _pairs(value: Any) -> tuple[tuple[int, int], ...]:
    return tuple([(_number(one), _number(other)) for one, other in value])


_HOLDS = {"str": _text, "int": _number, "tuple[tuple[int, int], ...]": _pairs}
"""How a field of a witness is read, by its type."""


def cache_folder(environ: Mapping[str, str] = os.environ) -> str | None:
    """Give the path of this user's cache folder; None where there is no place for one.

    Root's is the system's, whatever the environment says: a variable that ``sudo`` kept must not
    make root use a folder of another user.
    """
    if os.geteuid() == 0:
        return "/var/cache/domcaps"
    named = environ.get("XDG_CACHE_HOME", "")
    if named.startswith("/"):
        return f"{named.rstrip('/')}/domcaps"
    home = environ.get("HOME", "") or _home()
    return f"{home.rstrip('/')}/.cache/domcaps" if home.startswith("/") else None


def _home() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


class DiskStore:
    """A folder with values. `limit` is what all may take together, in bytes."""

    def __init__(self, folder: str | os.PathLike[str], limit: int = FOLDER_LIMIT) -> None:
        self.path: str = os.fspath(folder)
        self._limit = limit

    @property
    def folder(self) -> Path:
        """The folder; who only reads a file need not load pathlib."""
        from pathlib import Path

        return Path(self.path)

    def load(self, name: str) -> StoredTrace | None:
        """Give what is kept under a name, None where there is nothing usable."""
        data = self._read(name)
        if data is None:
            return None
        start = len(_HEAD) + _DIGEST_LENGTH + 1
        body = memoryview(data)[start:]
        if not data.startswith(_HEAD) or data[len(_HEAD) : start] != _seal(name, body):
            return None
        try:
            return _decoded(body)
        except (ValueError, TypeError, LookupError, RecursionError):
            return None

    def names(self) -> tuple[str, ...]:
        """Name all that is kept."""
        paths = (path for path, _ in self._files())
        return tuple(
            path.rpartition("/")[2].removesuffix(_SUFFIX)
            for path in paths
            if path.endswith(_SUFFIX)
        )

    def save(self, name: str, stored: StoredTrace) -> bool:
        """Keep something under a name, in place of what is there; tell whether that worked."""
        try:
            body = _encoded(stored)
        except (ValueError, TypeError):
            return False
        if len(body) > min(FILE_LIMIT, self._limit) or not self._own_folder():
            return False
        part = f"{self.path}/{name}.{os.urandom(6).hex()}{_PART}"
        try:
            _write(part, _HEAD + _seal(name, body) + body)
            os.replace(part, self._path(name))  # noqa: PTH105 - as everywhere here
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)  # noqa: PTH108
            return False
        if self._is_time_for_room(len(body)):
            self._make_room()
        return True

    @contextlib.contextmanager
    def lock(self, name: str, patience: float = LOCK_SECONDS, family: str = "") -> Iterator[bool]:
        """Keep other processes from computing what has that name; give whether that worked.

        Names of two families have two locks, always: who has one of a family may wait for who
        waits for one of the other.
        It does not where the folder can't be written, or another process takes more than
        `patience` seconds; the lock of a process that dies is free at once.
        """
        handle = self._open_lock(name, family)
        try:
            yield handle >= 0 and _lock(handle, patience)
        finally:
            if handle >= 0:
                os.close(handle)

    def _path(self, name: str) -> str:
        return f"{self.path}/{name}{_SUFFIX}"

    def _read(self, name: str) -> bytes | None:
        try:
            if not _is_ours(os.lstat(self.path), folder=True):
                return None
            path = self._path(name)
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            status = os.fstat(handle)
            if not _is_ours(status, folder=False) or status.st_size > FILE_LIMIT:
                return None
            with os.fdopen(os.dup(handle), "rb") as file:
                data = file.read(FILE_LIMIT + 1)
            if time.time() - status.st_mtime > _STALE_USE_SECONDS:
                # what is in use is not the first to go
                os.utime(handle)
        except OSError:
            return None
        finally:
            os.close(handle)
        return data

    def _own_folder(self) -> bool:
        """Make the folder where there is none; tell whether it is one to write to."""
        try:
            _make_folder(self.folder)
            return _is_ours(os.lstat(self.path), folder=True)
        except OSError:
            return False

    def _open_lock(self, name: str, family: str) -> int:
        # a few files for all names: a file for each could never be removed safely
        path = f"{self.path}/lock.{family}{int(name[:8], 16) % _LOCKS}"
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            return os.open(path, flags, 0o600) if self._own_folder() else -1
        except OSError:
            return -1

    def _is_time_for_room(self, size: int) -> bool:
        """Tell whether to look at all files after one of that size was written.

        To look at thousands of files takes longer than all else of a short command, so it is left
        to chance: on average it is done each time that a small part of the limit was written.
        """
        chance = int.from_bytes(os.urandom(4), "big") / (1 << 32)
        return chance < size * _LOOKS / self._limit

    def _make_room(self) -> None:
        """Remove what was left half-written long ago, and the oldest where there is too much."""
        files = sorted(self._files(), key=lambda file: file[1].st_mtime_ns, reverse=True)
        used = 0
        for path, status in files:
            used += status.st_size
            if used > self._limit or _is_abandoned(path, status):
                with contextlib.suppress(OSError):
                    os.unlink(path)  # noqa: PTH108 - it is text already

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        with contextlib.suppress(OSError), os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.endswith((_SUFFIX, _PART)):
                    with contextlib.suppress(OSError):
                        yield entry.path, entry.stat(follow_symlinks=False)


def _seal(name: str, body: bytes | memoryview) -> bytes:
    # the name is part of it, so that a file that was renamed is not taken for another
    return digest(name.encode() + b"\0" + bytes(body)).encode() + b"\n"


def _is_ours(status: os.stat_result, *, folder: bool) -> bool:
    right = stat.S_ISDIR(status.st_mode) if folder else stat.S_ISREG(status.st_mode)
    return right and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _is_abandoned(path: str, status: os.stat_result) -> bool:
    return path.endswith(_PART) and time.time() - status.st_mtime > _OLD_PART_SECONDS


def _write(path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _lock(handle: int, patience: float) -> bool:
    limit = time.monotonic() + patience
    pause = 0.002
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                return False
        except OSError:
            return False
        else:
            return True
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _make_folder(path: Path) -> None:
    """Make a folder for this user alone, and those above that are not there likewise.

    With `parents` the umask alone decides about these, and others might write to ``~/.cache``.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        _make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
