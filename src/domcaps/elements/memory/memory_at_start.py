"""Memory that is too little for what QEMU loads into it before the guest runs."""

from __future__ import annotations

from domcaps.elements.boards.fixed import MOST_TOO_SMALL, NEEDS_MEMORY
from domcaps.elements.memory.memory import Memory, total_memory
from domcaps.language.finding import Stage
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
    """The firmware that QEMU loads on mainframes and RISC-V's board virt needs memory for itself.

    QEMU 11.1 refuses 2 MiB ("not enough RAM to load the BIOS file"), and starts with 3.
    """
    if memory.domain.world.truth(NEEDS_MEMORY) is not Truth.YES:
        return
    if 0 < total_memory(memory.domain) <= MOST_TOO_SMALL:
        message = "QEMU's firmware does not fit into 2 MiB of memory: give the domain 4 MiB or more"
        yield problem(message, memory, accepted=("4096",))
