"""A guest's memory against that of the host's NUMA cells."""

from __future__ import annotations

from domcaps.elements.memory.memory import Memory, total_memory
from domcaps.elements.memory.numa import Cell
from domcaps.language.finding import Severity
from domcaps.language.rule import Problems, problem, rule

_GIB_IN_KIB = 1 << 20


@rule(
    "memory-exceeds-host-cell",
    Memory,
    bad="<memory unit='TiB'>64</memory>",
    good="<memory unit='MiB'>64</memory>",
    severity=Severity.NOTICE,
)
def memory_fits_in_a_cell(memory: Memory) -> Problems:
    """Memory that no NUMA cell of the host can hold is spread over several, which is slower.

    Guests with NUMA cells of their own are judged by the largest of these.
    """
    host = [cell.memory_kib for cell in memory.domain.world.host.record.numa]
    if not host or not all(host):
        return
    cells = [cell.memory_kib for cell in memory.domain.all(Cell)]
    wanted = max(cells) if cells else total_memory(memory.domain)
    if wanted > max(host):
        yield problem(
            f"{_gib(wanted)} in one NUMA cell of the guest is more than any cell of the host has "
            f"({_gib(max(host))}). Give the guest less, or cells of its own in <cpu><numa> and "
            "bind them with <numatune>",
            memory,
        )


def _gib(size: int) -> str:
    return f"{size / _GIB_IN_KIB:.1f} GiB"
