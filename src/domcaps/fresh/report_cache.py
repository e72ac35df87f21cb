"""Reports as they are printed, kept on the disk with their traces.

For a program that prints one report and ends, loading the table takes longer than all that is
to be checked. What is imported here is no more than that.
"""

from __future__ import annotations

from domcaps.facts.passed import warn_of_folders
from domcaps.facts.plain_record import PlainRecord
from domcaps.fresh.disk import DiskStore, cache_folder, stored_trace
from domcaps.fresh.host_view import HostView
from domcaps.fresh.package_identity import answer_name, is_as_loaded, own_identity
from domcaps.fresh.scanner import scan
from domcaps.fresh.witness import seen_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from domcaps.fresh.disk import StoredTrace
    from domcaps.fresh.store import Entry
    from domcaps.fresh.witness import Witness


class Printed(PlainRecord):
    """A report in both of its forms, what is unknown of it, and the name of the answer.

    `libvirt` says which release of libvirt ``auto`` means on this host, and why.
    """

    xml: str
    json: str
    unknown: tuple[str, ...]
    snapshot: str
    libvirt: str = ""


def options_of(question: Mapping[str, object]) -> tuple[object, ...]:
    """Give what a report depends on, as `recall` and `keep` take it, of the options of a report."""
    rest = sorted(item for item in question.items() if item[0] not in {"emulator", "arch"})
    return question["emulator"], question["arch"], *rest


def recall(
    options: tuple[object, ...],
    disk: DiskStore | None = None,
    host_view: HostView | None = None,
) -> Printed | None:
    """Give the report for these options if it is kept and still holds, None otherwise."""
    value = proven_value(disk or _users_store(), _name(options), host_view)
    if value is None:
        return None
    try:
        xml, json, unknown, snapshot, libvirt = scan(value.decode())
    except (ValueError, TypeError):
        return None
    # what a probe says of the environment, it would say again
    warn_of_folders()
    return Printed(xml, json, tuple(unknown), snapshot, libvirt)


def keep(
    options: tuple[object, ...],
    printed: Printed,
    entry: Entry[Any],
    disk: DiskStore | None = None,
) -> bool:
    """Keep a report, whose entry in the store was brought up to date; tell whether that worked."""
    from domcaps.fresh.store import proven_witnesses

    store = disk or _users_store()
    proven = proven_witnesses(entry)
    stored = stored_trace(proven, printed[1:]) if proven is not None and is_as_loaded() else None
    return store is not None and stored is not None and store.save(_name(options), stored)


def _users_store() -> DiskStore | None:
    folder = cache_folder()
    return None if folder is None else DiskStore(folder)


def _name(options: tuple[object, ...]) -> str:
    return answer_name("printed", options)


def proven_value(
    store: DiskStore | None, name: str, host_view: HostView | None = None
) -> bytes | None:
    """Give what is kept under a name if all that it rests on is as it was, None otherwise."""
    stored = store.load(name) if store is not None and own_identity() else None
    if stored is None or not _all_hold(stored, host_view or HostView()):
        return None
    return stored.value


def _all_hold(stored: StoredTrace, host_view: HostView) -> bool:
    return all(_holds(*depend, host_view) for depend in stored.depends)


def _holds(witness: Witness, seen: str, stamp: object, host_view: HostView) -> bool:
    if stamp is not None and witness.glance(host_view) == stamp:
        return True
    return seen_digest(witness.look(host_view)) == seen
