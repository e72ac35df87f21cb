"""Content by its hash: compressed when written, verified whenever it is read.

What is decoded is kept by hash, so that a thousand hosts with one QEMU hold its answers once.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.errors import FleetError
from domcaps.facts import bounded
from domcaps.facts.question import QmpCommand
from domcaps.facts.record import Answer, Failure
from domcaps.fleet.manifest import encode, sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.fleet.blobs import Blobs

PREFIX = "content/"
LARGEST = 32 << 20
"""Bytes of one content; the largest answer of a QEMU, its schema, has about 400,000."""

GRACE = 24 * 3600.0
"""Seconds for which content that no manifest names is kept: a writer may be about to name it."""

_LIST = 64
"""Answers in one list. Hosts of one QEMU differ in few answers, and share the other lists."""

_INLINE = 256
"""Replies of fewer bytes stand in the list itself."""


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """An answer in a list; `content` is the hash of a reply that does not stand in `reply`."""

    command: str
    arguments: str
    content: str = ""
    reply: msgspec.Raw = msgspec.Raw(b"null")
    failure: Failure | None = None


class ContentByHash:
    """Content of a store, by hash."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._written: set[str] = set()
        self._lists: dict[int, tuple[tuple[Answer, ...], tuple[str, ...]]] = {}
        self._decoded: dict[tuple[Any, str], Any] = {}

    def put(self, data: bytes) -> str:
        """Write a content, and give its hash.

        Old content is written again, so that a collection of garbage leaves it to the manifest that
        is about to name it.
        """
        name = sha256(data)
        if name not in self._written:
            key = key_of(name)
            if not self._is_there(name):
                self._blobs.put(key, zlib.compress(data, 6))
            self._written.add(name)
        return name

    def _is_there(self, name: str) -> bool:
        """Tell whether a content is in the store, whole: a damaged one is written again."""
        if not self._blobs.has(key_of(name), younger=GRACE / 2):
            return False
        try:
            self.get(name)
        except FleetError:
            return False
        return True

    def get(self, name: str) -> bytes:
        """Read a content; raises `FleetError` where it is missing, damaged or too large."""
        try:
            packed = self._blobs.get(key_of(name))
        except KeyError as error:
            raise FleetError(
                f"the store lacks the content {name[:12]}…", remedy="run 'domcaps fleet check'"
            ) from error
        return unpacked(packed, name)

    def put_value(self, value: Any) -> str:
        """Write a value as JSON."""
        return self.put(encode(value))

    def value(self, kind: Any, name: str) -> Any:
        """Read a value of a type; equal hashes give the same object."""
        key = kind, name
        if key not in self._decoded:
            try:
                self._decoded[key] = bounded.decode(self.get(name), kind)
            except (bounded.TooMuch, msgspec.DecodeError, ValueError) as error:
                raise FleetError(f"the content {name[:12]}… is damaged: {error}") from error
        return self._decoded[key]

    def put_answers(self, answers: Iterable[Answer]) -> tuple[str, ...]:
        """Write the answers of a session as lists, and give the hashes of these."""
        listed = tuple(answers)
        known = self._lists.get(id(listed))
        if known is None:
            rows = [self._row(answer) for answer in listed]
            starts = range(0, len(rows), _LIST)
            names = tuple(self.put_value(rows[at : at + _LIST]) for at in starts)
            # who adds many hosts has the answers of one QEMU in memory once
            known = self._lists[id(listed)] = (listed, names)
        return known[1]

    def _row(self, answer: Answer) -> _Row:
        question, reply = answer.question, bytes(answer.reply)
        name = self.put(reply) if len(reply) >= _INLINE else ""
        inline = msgspec.Raw(b"null") if name else msgspec.Raw(reply)
        return _Row(question.command, question.arguments, name, inline, answer.failure)

    def answers(self, name: str) -> tuple[Answer, ...]:
        """Read a list of answers."""
        key = Answer, name
        if key not in self._decoded:
            rows = self.value(tuple[_Row, ...], name)
            self._decoded[key] = tuple(map(self._answer, rows))
        found: tuple[Answer, ...] = self._decoded[key]
        return found

    def _answer(self, row: _Row) -> Answer:
        reply = msgspec.Raw(self.get(row.content)) if row.content else row.reply
        return Answer(QmpCommand(row.command, row.arguments), reply, row.failure)

    def named_by_list(self, name: str) -> Iterator[str]:
        """Give the hashes that a list of answers names."""
        for row in self.value(tuple[_Row, ...], name):
            if row.content:
                yield row.content


def key_of(name: str) -> str:
    """Give the key of a content; folders with all of it would be slow."""
    return f"{PREFIX}{name[:2]}/{name[2:]}"


def unpacked(packed: bytes, name: str) -> bytes:
    """Decompress and verify a content that anybody may have written."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, LARGEST)
    except zlib.error as error:
        raise FleetError(f"the content {name[:12]}… is damaged: {error}") from error
    if not unpacker.eof or unpacker.unused_data or sha256(data) != name:
        raise FleetError(f"the content {name[:12]}… does not match its hash")
    return data
