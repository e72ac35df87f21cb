"""What `domcaps verify` showed, kept with what it rests on: emulator, host, and domcaps itself.

It is a fact as any other. It is not computed on demand: that takes a while, and starts machines. So
it is there once somebody verified, until anything changes that it rests on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.fresh.disk import stored_trace
from domcaps.fresh.package_identity import answer_name, is_as_loaded, own_identity
from domcaps.fresh.store import proven_witnesses, witnesses
from domcaps.fresh.witness import seen_digest
from domcaps.verify.result import REFUSED, Tried, Verification

if TYPE_CHECKING:
    from domcaps.fresh.disk import DiskStore
    from domcaps.fresh.host_view import HostView
    from domcaps.fresh.store import Entry
    from domcaps.fresh.witness import Seen, Witness
    from domcaps.language import Target

Proof = tuple[tuple["Witness", "Seen"], ...]
"""What was seen of everything that a verification rests on, when it began."""


class RefusedPaths(msgspec.Struct, frozen=True):
    """The paths that an emulator refused."""

    refused: tuple[str, ...]


def proof_of(entry: Entry[Any]) -> Proof:
    """Remember what is seen now, before machines are started."""
    return tuple((sighting.witness, sighting.seen) for sighting in witnesses(entry))


def keep_verification(
    disk: DiskStore, target: Target, verification: Verification, before: Proof, entry: Entry[Any]
) -> bool:
    """Keep what was shown, unless something changed meanwhile; tell whether it was kept."""
    proven = proven_witnesses(entry)
    if proven is None or not is_as_loaded() or proof_of(entry) != before:
        return False
    shown = RefusedPaths(tuple(filter(None, map(_refused, verification.tried))))
    stored = stored_trace(proven, shown)
    return stored is not None and disk.save(_name(target), stored)


def _refused(tried: Tried) -> str:
    # a row says more than that it is there: one that promises nothing may stay
    is_row = " " in tried.path
    refuses = tried.verdict == REFUSED and (tried.promised or not is_row)
    return tried.path if refuses else ""


def recall_refused(disk: DiskStore, target: Target, host_view: HostView) -> frozenset[str] | None:
    """Give the paths that were shown to be refused; None where nothing shown still holds."""
    stored = disk.load(_name(target)) if own_identity() else None
    if stored is None:
        return None
    for witness, seen, stamp in stored.depends:
        unchanged = stamp is not None and witness.glance(host_view) == stamp
        if not unchanged and seen_digest(witness.look(host_view)) != seen:
            return None
    try:
        return frozenset(msgspec.json.decode(stored.value, type=RefusedPaths).refused)
    except (msgspec.DecodeError, ValueError):
        return None


def _name(target: Target) -> str:
    # what QEMU refuses does not depend on the libvirt to emulate
    return answer_name("verified", target.emulator, target.arch, target.machine, target.virttype)
