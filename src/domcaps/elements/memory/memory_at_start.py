"""Memory that is too little for what QEMU loads into it before the guest runs, or too much."""

from __future__ import annotations

from domcaps.elements.boards.fixed import (
    MOST_TOO_SMALL,
    NEEDS_MEMORY,
    least_memory,
    most_memory,
)
from domcaps.elements.memory.memory import Memory, total_memory
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.quantities import KIB, shown_size
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth


@rule(
    "memory-too-small",
    Memory,
    bad=Sample("<memory unit='MiB'>2</memory>", arch="s390x"),
    good=Sample("<memory unit='MiB'>4</memory>", arch="s390x"),
    stage=Stage.START,
)
def firmware_fits_into_memory(memory: Memory) -> Problems:
    """``<memory>`` must be large enough for the firmware that QEMU loads for s390x and RISC-V
    guests, and at least what machine types such as ``powernv9`` require.

    QEMU 11.1 refuses 2 MiB ("not enough RAM to load the BIOS file"), and starts with 3.
    """
    world = memory.domain.world
    least, size = least_memory(world), total_memory(memory.domain)
    if 0 < size < least:
        needed = shown_size(least * KIB)
        message = f"the machine type {world.target.machine!r} needs at least {needed} of memory"
        yield problem(message, memory, fix=_of_size(least))
    if world.truth(NEEDS_MEMORY) is not Truth.YES:
        return
    if 0 < total_memory(memory.domain) <= MOST_TOO_SMALL:
        message = "<memory> is too small for QEMU's firmware; use at least 4 MiB"
        yield problem(message, memory, fix=Fix(values=(("", "4"), ("@unit", "MiB"))))


@rule(
    "memory-size-fails-at-start",
    Memory,
    bad=Sample("<memory unit='GiB'>3</memory>", arch="ppc64", machine="mac99"),
    good=Sample("<memory unit='GiB'>2</memory>", arch="ppc64", machine="mac99"),
    stage=Stage.START,
)
def board_takes_the_memory(memory: Memory) -> Problems:
    """``<memory>`` must not be larger than machine types that model real hardware take, such as
    ``mac99`` with 2 GiB.
    """
    world = memory.domain.world
    most = most_memory(world)
    if most is not None and total_memory(memory.domain) > most:
        limit = shown_size(most * KIB)
        message = f"the machine type {world.target.machine!r} takes at most {limit} of memory"
        yield problem(message, memory, fix=_of_size(most))


def _of_size(kibibytes: int) -> Fix:
    number, unit = kibibytes, "KiB"
    if number % KIB == 0:
        number, unit = number // KIB, "MiB"
    if number % KIB == 0:
        number, unit = number // KIB, "GiB"
    return Fix(values=(("", str(number)), ("@unit", unit)))
