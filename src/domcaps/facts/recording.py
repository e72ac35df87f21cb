"""Writing recordings to files and reading them back.

A file is gzip-compressed JSON, so that ``zcat`` and ``jq`` can show it, and names itself in the
comment of its gzip header (RFC 1952), which ``head -c 64`` shows. Its content is one object::

    {"format": "domcaps recording", "version": 1, "recording": {…}}

The same JSON without compression is read too. Replies of emulators stay raw until somebody asks
for them, so that reading costs little.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import msgspec

from domcaps import files
from domcaps.blake2 import blake2b
from domcaps.errors import RecordingError
from domcaps.facts.bounded import TooMuch, require_outline, unpack
from domcaps.facts.record import FORMAT, Recording

if TYPE_CHECKING:
    from pathlib import Path

NAME = "domcaps recording"

FILE_LIMIT = 64 << 20
"""Bytes that a file may have. One emulator with its inventory takes about 400,000."""

CONTENT_LIMIT = 256 << 20
"""Bytes that its content may have once it is decompressed."""

_DEPTH_OF_REPLIES = 9
"""How deep a reply is nested in the file; what is nested deeper is not decoded with the file."""

_GZIP = b"\x1f\x8b"
_DEFLATE_WITH_COMMENT = b"\x08\x10"
_NO_TIME = bytes(4)
_UNKNOWN_SYSTEM = b"\x00\xff"
_REMEDY = "make it again with domcaps record, or import a transcript with domcaps import"


class _File(msgspec.Struct):
    format: str
    version: int
    recording: msgspec.Raw


_IN_USE: WeakValueDictionary[bytes, Recording] = WeakValueDictionary()
"""Recordings by the digest of their files: hosts that were loaded from one file share it."""

_FILE = msgspec.json.Decoder(_File)
_RECORDING = msgspec.json.Decoder(Recording)


def dumps(recording: Recording) -> bytes:
    """Give the content of a recording's file. The same recording gives the same bytes."""
    text = _text(recording)
    comment = f"{NAME}, format {FORMAT}".encode() + b"\0"
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b"".join(
        (
            _GZIP + _DEFLATE_WITH_COMMENT + _NO_TIME + _UNKNOWN_SYSTEM + comment,
            packer.compress(text),
            packer.flush(),
            zlib.crc32(text).to_bytes(4, "little"),
            (len(text) & 0xFFFFFFFF).to_bytes(4, "little"),
        )
    )


def _text(recording: Recording) -> bytes:
    return msgspec.json.encode(_File(NAME, FORMAT, msgspec.Raw(msgspec.json.encode(recording))))


def save(recording: Recording, path: str | Path) -> None:
    """Write a recording to the file at `path`, whole or not at all.

    A file that is there is replaced only once the new one is safely on the disk. Raises
    `RecordingError` where it can't be written; what was there then still is.
    """
    try:
        data = dumps(recording)
        files.replace(path, data)
    except (OSError, ValueError, RuntimeError) as error:
        raise RecordingError(
            f"it can't be written: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            remedy="nothing was changed; name another file, or make room",
        ) from error


def load(path: str | Path) -> Recording:
    """Read the recording in the file at `path`; raises `RecordingError` where that can't be."""
    return loads(_read(path), str(path))


def rewritten(recording: Recording, where: str) -> Recording:
    """Give a recording as it would be read from its file, for facts of which nothing is certain.

    Raises `RecordingError` for what a file can't hold, and for what would be refused when it is
    read. `where` names the recording in errors.
    """
    try:
        text = _text(recording)
    except (ValueError, OverflowError, RecursionError) as error:
        raise _unusable(f"it can't be written: {error}", where, "record the host again") from error
    return _decoded(text, where)


def loads(data: bytes, where: str) -> Recording:
    """Read a recording from a file's content; `where` names the file in errors.

    Any content gives a recording or a `RecordingError`, in limited memory: see `CONTENT_LIMIT`.
    Equal contents give the same recording as long as it is in use.
    """
    digest = blake2b(data, digest_size=32).digest()
    known = _IN_USE.get(digest)
    if known is None:
        known = _IN_USE[digest] = _decoded(data, where)
    return known


def _decoded(data: bytes, where: str) -> Recording:
    text = _unpacked(data, where) if data.startswith(_GZIP) else data
    if not text:
        raise _unusable("it is empty", where, _REMEDY)
    try:
        if not text.isascii():
            # the decoder does not look into what is kept raw
            text.decode()
        file = _FILE.decode(text)
        require_outline(text, _DEPTH_OF_REPLIES - 1)
    except (TooMuch, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _unusable(f"it is not a recording: {error}", where, _REMEDY) from error
    if file.format != NAME:
        raise _unusable(f"it is a {file.format[:80]!r}, not a recording", where, _REMEDY)
    if not 1 <= file.version <= FORMAT:
        raise _unusable(
            f"it has format {file.version}, and this domcaps reads formats up to {FORMAT}",
            where,
            "read it with a newer domcaps",
        )
    try:
        return _RECORDING.decode(file.recording)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _unusable(f"the recording in it is damaged: {error}", where, _REMEDY) from error


def _unusable(message: str, where: str, remedy: str) -> RecordingError:
    return RecordingError(message, where=where, remedy=remedy)


def _unpacked(data: bytes, where: str) -> bytes:
    try:
        text, rest, complete = unpack(data, CONTENT_LIMIT)
    except TooMuch as error:
        raise _unusable(str(error), where, "no recording is") from error
    except zlib.error as error:
        raise _unusable(f"it is damaged: {error}", where, _REMEDY) from error
    if not complete:
        raise _unusable(f"it ends too early, after {len(data)} bytes", where, _REMEDY)
    if rest:
        end = len(data) - len(rest)
        raise _unusable(f"something follows the recording after {end} bytes", where, _REMEDY)
    return text


def _read(path: str | Path) -> bytes:
    """Read a file or a pipe; anything else might never end, or never begin."""
    try:
        return files.read(path, FILE_LIMIT)
    except OSError as error:
        remedy = "name the file of a recording, which 'domcaps record' makes"
        if str(path).startswith("shipped:"):
            remedy = f"Host.open({str(path)!r}) opens a recording that comes with domcaps"
        raise _unusable(f"it can't be read: {error.strerror}", str(path), remedy) from error
