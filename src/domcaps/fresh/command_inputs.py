"""What a command reads, and keeping what it printed: see `domcaps.fresh.command_cache`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.facts.looks import LOOKS
from domcaps.fresh.command_cache import output_name, users_store
from domcaps.fresh.disk import stored_trace
from domcaps.fresh.host_view import HostView
from domcaps.fresh.identity import now
from domcaps.fresh.package_identity import is_as_loaded
from domcaps.fresh.store import Sighting, proven_witnesses
from domcaps.fresh.witness import (
    Access,
    CpuinfoProcessor,
    KernelBoot,
    ModuleParameters,
    NamedFile,
    Witness,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fresh.command_cache import Output
    from domcaps.fresh.disk import DiskStore
    from domcaps.fresh.store import Store
    from domcaps.fresh.witness import Seen

_LARGEST = 1 << 20
"""Longer output is seldom printed twice, and takes much of the cache."""

HARDWARE: tuple[Witness, ...] = (
    KernelBoot(),
    CpuinfoProcessor(),
    Access("/dev/kvm"),
    Access("/dev/mshv"),
    Access("/dev/cpu/0/msr"),
    *map(ModuleParameters, ("kvm", "kvm_intel", "kvm_amd", "msr")),
)
"""What stands for a look at the hardware: `facts.nodeprobe` reads CPUID, which is fixed while the
kernel runs but for microcode, and registers by way of these devices."""


class Inputs:
    """The files that a command is about to read.

    They are looked at before it reads them and once more when it has: what was the same both times
    is what it read.
    """

    def __init__(self, witnesses: Iterable[Witness], host_view: HostView | None = None) -> None:
        self._host_view = host_view or HostView()
        self._sightings = [Sighting(witness) for witness in dict.fromkeys(witnesses)]
        self._hardware = [Sighting(witness) for witness in HARDWARE]
        begun = now()
        for sighting in (*self._sightings, *self._hardware):
            sighting.look(self._host_view, begun)
        LOOKS.listen()

    def proven(self) -> list[tuple[Sighting, int]] | None:
        """Give them as they are; None where one has changed."""
        if LOOKS.hardware:
            self._sightings += self._hardware
        if not LOOKS.is_steady or not all(one.is_same(self._host_view) for one in self._sightings):
            return None
        for path, state in (LOOKS.files or {}).items():
            sighting = Sighting(NamedFile(path))
            # what was seen then counts, and not what is there now
            sighting.offer(_as_seen(state), None, now())
            self._sightings.append(sighting)
        return [(sighting, sighting.version) for sighting in self._sightings]


def _as_seen(state: Any) -> Seen:
    return None if state is None else tuple(state)


def keep(
    words: tuple[object, ...],
    output: Output,
    inputs: Inputs,
    host: Store | None = None,
    disk: DiskStore | None = None,
) -> bool:
    """Keep what a command printed; tell whether that worked.

    `host` has what the command asked of this machine, None where it asked a recording alone.
    """
    store = disk or users_store()
    parts = inputs.proven()
    facts = _facts(host)
    if store is None or parts is None or facts is None or not is_as_loaded():
        return False
    if len(output.out) + len(output.err) > _LARGEST:
        return False
    stored = stored_trace([*parts, *facts], output[1:])
    return stored is not None and store.save(output_name(words), stored)


def _facts(host: Store | None) -> list[tuple[Sighting, int]] | None:
    """Give all that was seen of this machine; None where not all of it proves something."""
    found: dict[int, tuple[Sighting, int]] = {}
    for entry in host.entries() if host is not None else ():
        proven = proven_witnesses(entry)
        # of what changed while the command ran, it may have used what was before
        if proven is None or entry.version != 1:
            return None
        found.update((id(sighting), (sighting, version)) for sighting, version in proven)
    if any(version != 1 for _, version in found.values()):
        return None
    return list(found.values())
