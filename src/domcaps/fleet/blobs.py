"""Where a fleet's bytes are: a folder, or an object store that speaks S3.

A `Blobs` maps keys to bytes and knows nothing of what they mean. `put` is atomic: a reader sees the
whole content or nothing, whenever the writer is killed.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from domcaps.destination import destination, make_folders
from domcaps.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 64 << 20
"""Bytes that one object may have; a larger one is refused when it is read."""

_PARTS = ".parts"
UNFINISHED = f"{_PARTS}/"
"""Where a folder has files that are being written; what a killed writer left stays there."""

_OF_PROCESS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors that are no fault of a file."""
_KEY = re.compile(r"[a-z]+(?:/[A-Za-z0-9%._-]{1,255}){1,3}")


class BlobEntry(NamedTuple):
    """One object of a listing; `age` is in seconds."""

    key: str
    size: int
    age: float


class Blobs(Protocol):
    """Keys and their bytes."""

    def get(self, key: str) -> bytes:
        """Give the content; raises `KeyError` where there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Write the content, whole or not at all."""

    def has(self, key: str, *, younger: float = float("inf")) -> bool:
        """Tell whether there is such a key, written less than so many seconds ago."""

    def list(self, prefix: str) -> Iterator[BlobEntry]:
        """Give the objects below a prefix that ends with ``/``."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    def require(self, prefix: str) -> None:
        """Raise `FleetError` where nothing can be below a prefix, since there is no such place."""


def open_blobs(place: str | Path) -> Blobs:
    """Open a folder, a ``file://`` URL, or a URL that obstore knows (``s3://bucket/prefix``)."""
    text = str(place)
    if text.startswith("file://"):
        return BlobFolder(Path(text.removeprefix("file://")))
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        return ObjectStore(text)
    return BlobFolder(Path(text))


def _require_key(key: str) -> str:
    """Refuse a key that could lead out of the store: manifests of others name keys."""
    if not _KEY.fullmatch(key) or any(step in {".", ".."} for step in key.split("/")):
        raise FleetError(f"{key[:100]!r} is not a key of a fleet store")
    return key


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        # removed meanwhile, or not made yet
        return []
    except OSError as error:
        raise FleetError(f"the folder can't be read: {error.strerror}", where=folder) from error


class BlobFolder:
    """A folder. A file appears by a rename on the same file system, after its bytes were synced."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = itertools.count()
        self._made: set[Path] = set()

    def get(self, key: str) -> bytes:
        """Read a file; links and special files are not followed."""
        path = self.root / _require_key(key)
        try:
            return self._read(path, key)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise KeyError(key) from error
        except OSError as error:
            if error.errno in _OF_PROCESS:
                raise
            raise FleetError(f"{key} can't be read: {error.strerror}") from error

    @staticmethod
    def _read(path: Path, key: str) -> bytes:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(handle, "rb", buffering=0) as file:  # noqa: PTH123 - opened without links
            size = os.fstat(handle).st_size
            if size > LARGEST:
                raise FleetError(f"{key} has {size} bytes, and at most {LARGEST} are read")
            return file.read(LARGEST + 1) or b""

    def put(self, key: str, data: bytes) -> None:
        """Write beside, sync, rename; links of other users are not followed."""
        path = self.root / _require_key(key)
        parts = self._folder(self.root / _PARTS)
        self._folder(path.parent)
        # names of two writers, or of one that has a former one's number, never meet
        name = f"{os.getpid()}-{next(self._count)}-{secrets.token_hex(8)}"
        with destination(parts / name) as part, destination(path, follow=False) as place:
            part.create(data)
            try:
                place.take(part)
            except BaseException:
                part.remove()
                raise

    def _folder(self, path: Path) -> Path:
        if path not in self._made:
            make_folders(path)
            self._made.add(path)
        return path

    def has(self, key: str, *, younger: float = float("inf")) -> bool:
        """Look at the file's status."""
        with suppress(OSError):
            return time.time() - (self.root / _require_key(key)).stat().st_mtime < younger
        return False

    def list(self, prefix: str) -> Iterator[BlobEntry]:
        """Walk the folders."""
        root, folders = str(self.root), [prefix.rstrip("/")]
        now = time.time()
        while folders:
            above = folders.pop()
            for entry in _entries(f"{root}/{above}"):
                key = f"{above}/{entry.name}" if above else entry.name
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(key)
                        continue
                    status = entry.stat(follow_symlinks=False)
                    yield BlobEntry(key, status.st_size, now - status.st_mtime)

    def delete(self, key: str) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError), destination(self.root / key, follow=False) as place:
            place.remove()

    def require(self, prefix: str) -> None:
        """Look for the folder: a store that is not there is no store without hosts."""
        if not (self.root / prefix).is_dir():
            raise FleetError(
                "there is no store of a fleet", where=str(self.root),
                remedy=f"domcaps fleet add {self.root} RECORDING",
            )  # fmt: skip


class ObjectStore:
    """An object store, by obstore: ``pip install 'domcaps[fleet]'``.

    Objects of S3 appear when their upload is complete. Access and endpoint are taken from the
    environment (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, …), never from a domain or a
    recording.
    """

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ImportError as error:
            raise FleetError(
                f"{url}: object stores need obstore", remedy="pip install 'domcaps[fleet]'"
            ) from error
        self._api: Any = obstore
        self._missing: tuple[type[Exception], ...] = (FileNotFoundError,)
        with suppress(ImportError, AttributeError):
            from obstore.exceptions import NotFoundError

            self._missing = (FileNotFoundError, NotFoundError)
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        options: dict[str, Any] = {"client_options": {"allow_http": True}} if plain else {}
        self._store: Any = from_url(url, **options)

    def get(self, key: str) -> bytes:
        """Fetch an object."""
        try:
            found = self._api.get(self._store, _require_key(key))
            if found.meta["size"] > LARGEST:
                raise FleetError(f"{key} has more than the {LARGEST} bytes that are read")
            return bytes(found.bytes())
        except self._missing as error:
            raise KeyError(key) from error

    def put(self, key: str, data: bytes) -> None:
        """Upload an object in one request."""
        self._api.put(self._store, _require_key(key), data, use_multipart=False)

    def has(self, key: str, *, younger: float = float("inf")) -> bool:
        """Ask for the object's status."""
        try:
            meta = self._api.head(self._store, _require_key(key))
        except self._missing:
            return False
        return bool(time.time() - meta["last_modified"].timestamp() < younger)

    def list(self, prefix: str) -> Iterator[BlobEntry]:
        """List page by page."""
        for page in self._api.list(self._store, prefix=prefix.rstrip("/")):
            for meta in page:
                age = time.time() - meta["last_modified"].timestamp()
                yield BlobEntry(meta["path"], meta["size"], age)

    def delete(self, key: str) -> None:
        """Remove the object."""
        with suppress(*self._missing):
            self._api.delete(self._store, key)

    def require(self, prefix: str) -> None:
        """Raise nothing: an object store has no folders, and says itself where it is not there."""
