"""Machine types without NUMA or hot-plugged memory, and how many cells there can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import (
    ARM_VIRT,
    ISAPC,
    LOONGARCH_VIRT,
    PSERIES,
    RISCV,
    RISCV_VIRT,
    SBSA,
    X86,
)
from domcaps.elements.memory.memory import MaxMemory
from domcaps.elements.memory.numa import Numa
from domcaps.language.finding import Stage
from domcaps.language.observed import machine
from domcaps.language.rule import Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_NUMA = (
    X86 | ARM_VIRT | PSERIES | RISCV_VIRT | LOONGARCH_VIRT
    | SBSA | RISCV & machine("spike")
)  # fmt: skip
_CELL = "<cpu><numa><cell id='0' cpus='0' memory='65536' unit='KiB'/></numa></cpu>"


@rule(
    "cpu-numa-fails-at-start",
    Numa,
    bad=Sample(_CELL, arch="s390x"),
    good=_CELL,
    stage=Stage.START,
)
def board_knows_numa(numa: Numa) -> Problems:
    """``<numa>`` in ``<cpu>`` requires a machine type with NUMA; s390x has none."""
    if numa.node.find("cell") is not None and numa.domain.world.truth(_NUMA) is Truth.NO:
        reason = _NUMA.explain(numa.domain.world)
        yield problem("this machine type has no NUMA; remove <numa>", numa, reason=reason)


_MOST_CELLS = 128
_CELLS = "<vcpu>130</vcpu><memory>260</memory><cpu><numa>{}</numa></cpu>"


def _cells(count: int) -> str:
    cell = "<cell id='{0}' cpus='{0}' memory='2' unit='KiB'/>"
    return _CELLS.format("".join(map(cell.format, range(count))))


@rule(
    "cpu-numa-cells-fail-at-start",
    Numa,
    bad=Sample(_cells(129), machine="q35"),
    good=Sample(_cells(128), machine="q35"),
    stage=Stage.START,
)
def cells_are_few(numa: Numa) -> Problems:
    """``<numa>`` may have at most 128 elements ``<cell>``."""
    cells = numa.node.findall("cell")
    if len(cells) > _MOST_CELLS:
        message = f"a guest has at most {_MOST_CELLS} NUMA cells"
        yield problem(message, cells[_MOST_CELLS])


_MAX = "<maxMemory slots='2'>4194304</maxMemory>" + _CELL


@rule(
    "max-memory-fails-at-start",
    MaxMemory,
    bad=Sample(_MAX, machine="isapc"),
    good=Sample(_MAX, machine="q35"),
    stage=Stage.START,
)
def board_can_grow(most: MaxMemory) -> Problems:
    """``<maxMemory>`` requires a machine type with hot-plugged memory; ``isapc`` has none."""
    if most.holds(ISAPC):
        message = "the machine type 'isapc' has no hot-plugged memory; remove <maxMemory>"
        yield problem(message, most)


_SLOTS = "<maxMemory slots='{}'>4194304</maxMemory>" + _CELL
_MOST_SLOTS, _MOST_PSERIES_SLOTS = 256, 32


@rule(
    "max-memory-slots-fail-at-start",
    MaxMemory,
    bad=Sample(_SLOTS.format(257), machine="q35"),
    good=Sample(_SLOTS.format(256), machine="q35"),
    stage=Stage.START,
)
def slots_are_few(most: MaxMemory) -> Problems:
    """Attribute ``slots`` of ``<maxMemory>`` must be at most 256, with pseries at most 32."""
    limit = _MOST_PSERIES_SLOTS if most.holds(PSERIES) else _MOST_SLOTS
    if (most.slots or 0) > limit:
        message = f"this machine type has at most {limit} slots for memory"
        yield problem(message, most, "@slots", accepted=(str(limit),))
