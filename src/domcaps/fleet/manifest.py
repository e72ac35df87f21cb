"""What a host was at a moment: who it is, and the hashes of what it answered.

A manifest is a small JSON object. It names content by SHA-256, so that hosts with the same QEMU,
firmware or processor share it. `facts` and `node` hold what decides answers; what only tells of the
moment is beside them, so that `digest` is equal for equal hosts.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from domcaps.errors import FleetError
from domcaps.facts import bounded

FORMAT = 1
"""Version of the form of manifests; a larger one is refused."""

LARGEST = 4 << 20
"""Bytes of a manifest; that of a host with 30 emulators has about 20,000."""


class SessionEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One session of an emulator: the hashes of its lists of answers, in order."""

    accelerator: str
    lists: tuple[str, ...] = ()
    failure: str = ""


class EmulatorEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One emulator; `size` and `mtime_ns` identify the file and decide nothing."""

    path: str
    sessions: tuple[SessionEntry, ...] = ()
    inventory: bool = False
    size: int = 0
    mtime_ns: int = 0


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A host at a moment.

    `facts` are hashes of the fields of `HostRecord`, `node` those of the fields of `Node` that
    decide; `aside` has the fields of both that decide nothing. `made_at` is when the host was
    recorded, in UTC.
    """

    host: str
    facts: dict[str, str]
    emulators: tuple[EmulatorEntry, ...] = ()
    node: dict[str, str] | None = None
    aside: dict[str, str] = {}
    uuid: str = ""
    made_at: str = ""
    made_by: str = ""
    comment: str = ""
    redacted: bool = False
    version: int = FORMAT

    @property
    def digest(self) -> str:
        """Name what decides answers: equal for hosts that do not differ in any of them."""
        deciding = [
            sorted(self.facts.items()),
            None if self.node is None else sorted(self.node.items()),
            [[e.path, e.inventory, e.sessions] for e in self.emulators],
        ]
        return sha256(encode(deciding))

    def hashes(self) -> set[str]:
        """Give the content that the manifest itself names."""
        found = {*self.facts.values(), *(self.node or {}).values(), *self.aside.values()}
        for emulator in self.emulators:
            for session in emulator.sessions:
                found.update(session.lists)
                found.update([session.failure] if session.failure else [])
        return found


def encode(value: Any) -> bytes:
    """Write JSON in one form for equal values."""
    return msgspec.json.encode(value, order="deterministic")


def sha256(data: bytes) -> str:
    """Give the name of a content."""
    return hashlib.sha256(data).hexdigest()


def is_hash(text: str) -> bool:
    """Tell whether a text has the form of a content's name."""
    return len(text) == 64 and not text.strip("0123456789abcdef")


def decode(data: bytes, where: str) -> Manifest:
    """Read a manifest that anybody may have written; raises `FleetError` where that can't be."""
    if len(data) > LARGEST:
        raise FleetError(f"the manifest has more than {LARGEST} bytes", where=where)
    try:
        found: Manifest = bounded.decode(data, Manifest)
    except (bounded.TooMuch, msgspec.DecodeError, ValueError) as error:
        raise FleetError(f"this is not a manifest: {error}", where=where) from error
    if found.version > FORMAT:
        raise FleetError(
            f"the manifest has format {found.version}, and formats up to {FORMAT} are read",
            where=where,
            remedy="use a newer domcaps",
        )
    wrong = next((h for h in found.hashes() if not is_hash(h)), None)
    if wrong is not None:
        raise FleetError(f"{wrong[:80]!r} is not the name of a content", where=where)
    return found
