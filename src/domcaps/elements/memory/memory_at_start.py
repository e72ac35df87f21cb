"""Memory that is too little for what QEMU loads into it before the guest runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import X86
from domcaps.elements.boards.fixed import MOST_TOO_SMALL, NEEDS_MEMORY
from domcaps.elements.memory.memory import MaxMemory, Memory, max_memory, total_memory
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.part import Part


@rule(
    "memory-too-small",
    Memory,
    bad=Sample("<memory unit='MiB'>2</memory>", arch="s390x"),
    good=Sample("<memory unit='MiB'>4</memory>", arch="s390x"),
    stage=Stage.START,
)
def firmware_fits_into_memory(memory: Memory) -> Problems:
    """``<memory>`` must be large enough for the firmware that QEMU loads for s390x and RISC-V
    guests.

    QEMU 11.1 refuses 2 MiB ("not enough RAM to load the BIOS file"), and starts with 3.
    """
    if memory.domain.world.truth(NEEDS_MEMORY) is not Truth.YES:
        return
    if 0 < total_memory(memory.domain) <= MOST_TOO_SMALL:
        message = "<memory> is too small for QEMU's firmware; use at least 4 MiB"
        yield problem(message, memory, fix=Fix(values=(("", "4"), ("@unit", "MiB"))))


_ADDRESSABLE_BITS = 40
"""The width of addresses that QEMU's emulated processors and its default models have."""
_KIB_BITS = 10
_LARGE = (
    "<maxMemory slots='1' unit='KiB'>{}</maxMemory>"
    "<cpu><numa><cell id='0' cpus='0' memory='1048576'/></numa></cpu>"
)


@rule(
    "max-memory-beyond-addresses",
    MaxMemory,
    bad=_LARGE.format(1 << 31),
    good=_LARGE.format(1 << 22),
    stage=Stage.START,
)
def maximum_can_be_addressed(most: MaxMemory) -> Problems:
    """An x86 guest without KVM can have at most 1 TiB in ``<maxMemory>``."""
    domain = most.domain
    if domain.virttype != "qemu" or domain.world.truth(X86) is not Truth.YES:
        return
    if max_memory(domain) >> (_ADDRESSABLE_BITS - _KIB_BITS) and not _has_width(most):
        message = (
            "without KVM, an x86 guest can have at most 1 TiB in <maxMemory>; write a smaller size"
        )
        yield problem(message, most, fix=_within_addresses(most))


def _within_addresses(most: MaxMemory) -> Iterator[Fix]:
    """Give the next lower power of two: modules, devices and gaps need addresses, too."""
    size = 1 << (_ADDRESSABLE_BITS - _KIB_BITS - 1)
    if total_memory(most.domain) <= size:
        yield Fix(values=(("", str(size >> 20)), ("@unit", "GiB")))


def _has_width(part: Part) -> bool:
    return part.domain.root.find("cpu/maxphysaddr") is not None
