"""Writing recordings to files and reading them back.

A file is gzip-compressed JSON, so that ``zcat`` and ``jq`` can show it, and names itself in the
comment of its gzip header (RFC 1952), which ``head -c 64`` shows. Its content is one object::

    {"format": "domcaps recording", "version": 1, "recording": {…}}

The same JSON without compression is read too. Replies of emulators stay raw until somebody asks
for them, so that reading costs little.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import zlib
from pathlib import Path

import msgspec

from domcaps.errors import RecordingError
from domcaps.facts.record import FORMAT, Recording

NAME = "domcaps recording"

FILE_LIMIT = 64 << 20
"""Bytes that a file may have. One emulator with its inventory takes about 400,000."""

CONTENT_LIMIT = 256 << 20
"""Bytes that its content may have once it is decompressed."""

_GZIP = b"\x1f\x8b"
_DEFLATE_WITH_COMMENT = b"\x08\x10"
_NO_TIME = bytes(4)
_UNKNOWN_SYSTEM = b"\x00\xff"
_REMEDY = "make it again with domcaps record, or import a transcript with domcaps import"


class _File(msgspec.Struct):
    format: str
    version: int
    recording: msgspec.Raw


_FILE = msgspec.json.Decoder(_File)
_RECORDING = msgspec.json.Decoder(Recording)


def dumps(recording: Recording) -> bytes:
    """Give the content of a recording's file. The same recording gives the same bytes."""
    content = _File(NAME, FORMAT, msgspec.Raw(msgspec.json.encode(recording)))
    text = msgspec.json.encode(content)
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


def save(recording: Recording, path: str | Path) -> None:
    """Write a recording to the file at `path`, whole or not at all.

    A file that is there is replaced only once the new one is safely on the disk. Raises
    `RecordingError` where it can't be written; what was there then still is.
    """
    try:
        data = dumps(recording)
        target = Path(path)
        if target.exists() and not target.is_file():
            # a pipe or a terminal can't be replaced
            target.write_bytes(data)
        else:
            _replace(target.resolve(), data)
    except (OSError, ValueError, RuntimeError) as error:
        raise RecordingError(
            f"it can't be written: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            remedy="nothing was changed; name another file, or make room",
        ) from error


def load(path: str | Path) -> Recording:
    """Read the recording in the file at `path`; raises `RecordingError` where that can't be."""
    return loads(_read(path), str(path))


def loads(data: bytes, where: str) -> Recording:
    """Read a recording from a file's content; `where` names the file in errors.

    Any content gives a recording or a `RecordingError`, in limited memory: see `CONTENT_LIMIT`.
    """
    text = _unpacked(data, where) if data.startswith(_GZIP) else data
    if not text:
        raise _unusable("it is empty", where, _REMEDY)
    try:
        if not text.isascii():
            # the decoder does not look into what is kept raw
            text.decode()
        file = _FILE.decode(text)
    except (ValueError, RecursionError) as error:
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
    except (ValueError, RecursionError) as error:
        raise _unusable(f"the recording in it is damaged: {error}", where, _REMEDY) from error


def _unusable(message: str, where: str, remedy: str) -> RecordingError:
    return RecordingError(message, where=where, remedy=remedy)


def _unpacked(data: bytes, where: str) -> bytes:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(data, CONTENT_LIMIT + 1)
    except zlib.error as error:
        raise _unusable(f"it is damaged: {error}", where, _REMEDY) from error
    if len(text) > CONTENT_LIMIT:
        raise _unusable(
            f"its content is larger than {CONTENT_LIMIT >> 20} MiB", where, "no recording is"
        )
    if not unpacker.eof:
        raise _unusable(f"it ends too early, after {len(data)} bytes", where, _REMEDY)
    if unpacker.unused_data:
        end = len(data) - len(unpacker.unused_data)
        raise _unusable(f"something follows the recording after {end} bytes", where, _REMEDY)
    return text


def _read(path: str | Path) -> bytes:
    """Read a file or a pipe; anything else might never end, or never begin."""
    where = str(path)
    try:
        # a named pipe that nobody writes to would block when it is opened
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            mode = os.fstat(handle).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
                raise _unusable("it is not a file", where, _REMEDY)
            os.set_blocking(handle, True)
            data = file.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unusable(f"it can't be read: {reason}", where, "name a recording") from error
    if len(data) > FILE_LIMIT:
        raise _unusable(f"it is larger than {FILE_LIMIT >> 20} MiB", where, "no recording is")
    return data


def _replace(target: Path, data: bytes) -> None:
    part = target.with_name(f".domcaps-{secrets.token_hex(8)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            if target.exists():
                os.fchmod(handle, stat.S_IMODE(target.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(handle)
        part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name last; not every file system can do that, and the content is safe."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
