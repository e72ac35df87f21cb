"""A rehearsal: what would become of domains if hosts had another QEMU, libvirt or kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.fleet.answers import DomainAnswer
from domcaps.fleet.engine import Engine
from domcaps.fleet.fleet import CountedReason, accepts_of
from domcaps.fleet.hosts import FleetHosts, bits
from domcaps.fleet.overlay import overlaid
from domcaps.fleet.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.facts.record import Recording
    from domcaps.fleet.fleet import Fleet
    from domcaps.fleet.manifest import EmulatorEntry, Manifest


class Rehearsed(msgspec.Struct, frozen=True):
    """What becomes of one domain: hosts that accept it now and would not, and the other way round.

    `reasons` are those of the hosts that would refuse it, `notices` remarks that are new: a machine
    type that is deprecated then, for example.
    """

    domain: str
    breaks: tuple[str, ...]
    opens: tuple[str, ...]
    still: int
    reasons: tuple[CountedReason, ...] = ()
    notices: tuple[str, ...] = ()


def rehearse(
    fleet: Fleet,
    domains: Iterable[tuple[str, bytes]],
    *,
    recording: Recording | None = None,
    hosts: Iterable[str] | None = None,
    libvirt: str = DEFAULT_DIALECT,
    then: str = "",
) -> Iterator[Rehearsed]:
    """Judge domains on hosts as they are, and as they would be.

    The emulators of `recording` replace those of the same role, and its kernel and libvirt those of
    the host; firmware, helper programs and devices stay the host's. `libvirt` is the dialect of
    now, `then` that of later. `hosts` limits it to some names.
    """
    store = overlaid(fleet.store)
    manifests = fleet.hosts.manifests if hosts is None else fleet.manifests(hosts)
    later = manifests
    if recording is not None:
        other = store._manifest(recording, "rehearsed")  # noqa: SLF001 - of the same room
        later = [_with(manifest, other) for manifest in manifests]
    before = Engine(FleetHosts(store, manifests), libvirt)
    after = Engine(FleetHosts(store, later), then or libvirt)
    for name, data in domains:
        yield _compared(before.ask(name, data), after.ask(name, data), after.hosts, data)


def _with(manifest: Manifest, other: Manifest) -> Manifest:
    """Give a host with the emulators, kernel and libvirt of another one."""
    new = {role_of(entry.path, _X86): entry for entry in other.emulators}
    kept = [e for e in manifest.emulators if role_of(e.path, _X86) not in new]
    emulators: list[EmulatorEntry] = [*new.values(), *kept]
    taken = {name: other.facts[name] for name in ("kvm", "libvirt") if name in other.facts}
    return msgspec.structs.replace(
        manifest, emulators=tuple(emulators), facts=manifest.facts | taken
    )


_X86 = "x86_64"


def _compared(
    before: DomainAnswer, after: DomainAnswer, hosts: FleetHosts, data: bytes
) -> Rehearsed:
    was, will = before.accepting, after.accepting
    broken = was & ~will
    sets = tuple(s._replace(hosts=s.hosts & broken) for s in after.sets if s.hosts & broken)
    limited = DomainAnswer(after.name, sets)
    return Rehearsed(
        after.name,
        tuple(hosts.names[n] for n in bits(broken)),
        tuple(hosts.names[n] for n in bits(will & ~was)),
        (was & will).bit_count(),
        accepts_of(limited, hosts, data).reasons,
        tuple(sorted(_remarks(after) - _remarks(before))),
    )


def _remarks(answer: DomainAnswer) -> set[str]:
    return {
        found.message
        for one in answer.sets
        for found in one.outcome.found
        if found.severity != "error"
    }
