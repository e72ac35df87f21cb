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
    """The memory of a guest NUMA cell should fit into one NUMA node of the host.

    Otherwise it is spread over several nodes, which is slower. For guests with NUMA cells the
    largest cell counts.
    """
    host = [cell.memory_kib for cell in memory.domain.world.host.record.numa]
    if not host or not all(host):
        return
    cells = [cell.memory_kib for cell in memory.domain.all(Cell)]
    wanted = max(cells) if cells else total_memory(memory.domain)
    if wanted > max(host):
        yield problem(
            f"one NUMA cell of the guest needs {_gib(wanted)}, but the largest NUMA "
            f"node of the host has {_gib(max(host))}. Use less memory, or several "
            "cells in <cpu><numa> bound with <numatune>",
            memory,
        )


def _gib(size: int) -> str:
    return f"{size / _GIB_IN_KIB:.1f} GiB"
