"""How much memory an x86 guest can have with the physical addresses of its CPU.

QEMU lays out memory below 4 GiB, the rest of it above, then room for modules that can be plugged
(``<maxMemory>``, with 1 GiB for each slot more), then the hole for PCI (``<pcihole64>``). A CPU has
40 bits of addresses, 1 TiB, unless the domain says otherwise; AMD's have none from 1012 GiB on.

The figures are those of QEMU's ``hw/i386/pc.c``, and were measured with QEMU 7.2 and 11.1: with
1 GiB of memory and one slot, a ``<maxMemory>`` of 988 GiB is the largest on ``q35``, of 1018 GiB on
``pc``, and 12 GiB less with one of AMD's; ``<memory>`` alone can be 990 GiB and 1021 GiB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.x86map import x86_map
from domcaps.elements.boards.address_width import has_own_width
from domcaps.elements.boards.families import I440FX, Q35, family_of
from domcaps.elements.memory.memory import (
    MaxMemory,
    Memory,
    max_memory,
    memory_slots,
    total_memory,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.observed import arch
from domcaps.language.quantities import size_of
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.struct import Struct
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

_MIB, _GIB = 1 << 10, 1 << 20
"""In KiB, as all sizes here."""
_Q35, _I440FX = arch("x86_64") & Q35, arch("x86_64") & I440FX
_MOST = 1024 * _GIB
"""40 bits: what QEMU's emulated CPUs have, and its named models with KVM."""
_MOST_OF_AMD = 1012 * _GIB
"""Above it are addresses of the bus HyperTransport, which QEMU leaves out since machine 7.1."""
_WITH_HYPERTRANSPORT = (7, 1)
_OF_HOST = frozenset({"host-passthrough", "host-model", "maximum"})
"""With KVM these have as many addresses as the host's CPU."""


class BoardMemory(Struct, frozen=True):
    """How a board divides memory: from `many` on there are only `low` below 4 GiB."""

    when: Predicate
    many: int
    low: int
    hole: int


_BOARDS = (
    BoardMemory(_Q35, 2816 * _MIB, 2 * _GIB, 32 * _GIB),
    BoardMemory(_I440FX, 3584 * _MIB, 3 * _GIB, 2 * _GIB),
)
_LARGE = (
    "<maxMemory slots='1' unit='KiB'>{}</maxMemory>"
    "<cpu><numa><cell id='0' cpus='0' memory='1048576'/></numa></cpu>"
)


@rule(
    "max-memory-beyond-addresses",
    MaxMemory,
    bad=Sample(_LARGE.format(980 * _GIB), machine="q35"),
    good=Sample(_LARGE.format(976 * _GIB), machine="q35"),
    stage=Stage.START,
)
def maximum_can_be_addressed(most: MaxMemory) -> Problems:
    """``<maxMemory>`` of an x86 guest must be within the addresses of its CPU, usually 1 TiB.

    The hole for PCI and 1 GiB for each slot count, too. ``<maxphysaddr>`` of ``<cpu>`` gives more,
    as does a CPU like the host's with KVM.
    """
    excess = _excess(most.domain)
    if max_memory(most.domain) > total_memory(most.domain) and excess > 0:
        largest = (max_memory(most.domain) - excess) // _GIB
        message = (
            f"<maxMemory> can be at most {largest} GiB with the physical address width of this "
            "CPU; write a smaller size, or add <maxphysaddr> to <cpu>"
        )
        yield problem(message, most, fix=_written(most.domain, largest))


@rule(
    "memory-beyond-addresses",
    Memory,
    bad=Sample("<memory unit='GiB'>1020</memory>", machine="q35"),
    good=Sample("<memory unit='GiB'>900</memory>", machine="q35"),
    stage=Stage.START,
)
def memory_can_be_addressed(memory: Memory) -> Problems:
    """``<memory>`` of an x86 guest must be within the addresses of its CPU, usually 1 TiB.

    The hole for PCI counts, too. ``<maxphysaddr>`` of ``<cpu>`` gives more, as does a CPU like the
    host's with KVM.
    """
    total, excess = total_memory(memory.domain), _excess(memory.domain)
    if max_memory(memory.domain) <= total and 0 < excess < total:
        message = (
            f"<memory> can be at most {(total - excess) // _GIB} GiB with the physical address "
            "width of this CPU; write a smaller size, or add <maxphysaddr> to <cpu>"
        )
        yield problem(message, memory)


def _written(domain: Domain, gib: int) -> Iterator[Fix]:
    if gib * _GIB >= total_memory(domain):
        yield Fix(values=(("", str(gib)), ("@unit", "GiB")))


def _excess(domain: Domain) -> int:
    """Give how much of what a domain wants has no address, 0 where that is not known."""
    # most domains want far less than any CPU can address: nothing of the host counts for these
    if max(_end(domain, one) for one in _BOARDS) <= min(_MOST, _MOST_OF_AMD):
        return 0
    board = next((one for one in _BOARDS if domain.world.truth(one.when) is Truth.YES), None)
    wide_modes = _OF_HOST if domain.virttype != "qemu" else ()
    if board is None or has_own_width(domain, wide_modes):
        return 0
    return _end(domain, board) - _addresses(domain)


def _end(domain: Domain, board: BoardMemory) -> int:
    """Give where the last thing ends that QEMU lays out."""
    total, most = total_memory(domain), max_memory(domain)
    low = board.low if total >= board.many else min(total, board.many)
    end = 4 * _GIB + total - low
    if most > total:
        end = _to_gib(end) + most - total + memory_slots(domain) * _GIB
    return _to_gib(end) + _hole(domain, board)


def _to_gib(size: int) -> int:
    return -(-size // _GIB) * _GIB


def _hole(domain: Domain, board: BoardMemory) -> int:
    for node in domain.inside("devices").get("controller", ()):
        if node.get("type") == "pci" and node.get("index") == "0":
            given = size_of(node, "pcihole64", "pcihole64/@unit")
            # one that has no room by itself is another finding
            if given is not None and given >> 10 <= _MOST_OF_AMD - 4 * _GIB:
                return given >> 10
    return board.hole


def _addresses(domain: Domain) -> int:
    # with KVM a guest's vendor is the host's
    is_amd = domain.virttype == "qemu" and _vendor(domain) == "AMD"
    _, version = family_of(domain.world.target.machine)
    return _MOST_OF_AMD if is_amd and version >= _WITH_HYPERTRANSPORT else _MOST


def _vendor(domain: Domain) -> str:
    """Give the vendor of an emulated CPU; QEMU's default model is one of AMD's."""
    name = domain.root.findtext("cpu/model") or ""
    model = x86_map(domain.world.target.dialect).models.get(name)
    return "AMD" if not name else "" if model is None else model.vendor
