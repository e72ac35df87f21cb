"""``<numa>``: the cells of the guest, each with CPUs and memory of its own.

::

    <cpu>
      <numa>
        <cell id='0' cpus='0-3' memory='512000' unit='KiB' discard='yes'/>
        <cell id='1' cpus='4-7' memory='512000' unit='KiB' memAccess='shared'>
          <distances>
            <sibling id='0' value='21'/>
          </distances>
        </cell>
      </numa>
    </cpu>

Caches of memory and the ways between cells stand in `memory.hmat`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.memory.numa_repairs import counted, share_of_memory, with_cpus
from domcaps.elements.processor.vcpu_count import max_vcpus
from domcaps.facts import arch as archs
from domcaps.language.changes.memory import NUMA_CELL_ADDED
from domcaps.language.part import Part, field
from domcaps.language.quantities import (
    MAX_BYTES,
    NEEDED_SIZE,
    UNIT,
    NumberSet,
    highest,
    kib,
    numbers,
    size_of,
    too_large,
)
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED, YES_NO, OneOf
from domcaps.language.wording import only

if TYPE_CHECKING:
    from domcaps.language.domain import Domain

_LOCAL, _FARTHEST = 10, 255
"""How far a cell is from itself, and how far it can be from another, as ACPI has it."""


class Numa(Part):
    """The cells together."""

    path = "cpu/numa"


class Cell(Part):
    """One cell."""

    path = "cpu/numa/cell"

    id = field("@id", UNSIGNED, expected="the number of the cell, counted from 0")
    cpus = field(
        "@cpus", NumberSet(), expected="a list of the guest's vCPUs, such as '0-3' or '0,2'"
    )
    memory = field(
        "@memory",
        NEEDED_SIZE,
        required=True,
        missing=share_of_memory,
        expected="a size such as '2' with unit='GiB'",
    )
    unit = field("@unit", UNIT)
    mem_access = field("@memAccess", OneOf(("shared", "private")))
    discard = field("@discard", YES_NO)

    @property
    def number(self) -> int:
        """Its number: that which is given, or its place."""
        if self.id is not None:
            return self.id
        nodes = [cell.node for cell in self.domain.all(Cell)]
        return nodes.index(self.node)

    @property
    def memory_kib(self) -> int:
        """Its memory."""
        return kib(size_of(self.node, "@memory", "@unit", limit=MAX_BYTES))


class Sibling(Part):
    """How far it is from one cell to another."""

    path = "cpu/numa/cell/distances/sibling"

    id = field(
        "@id", UNSIGNED, required=True, expected="the id of a NUMA <cell> of the guest, such as '1'"
    )
    value = field(
        "@value",
        UNSIGNED,
        required=True,
        expected="10 for the cell itself, else a distance from 11 to 255, such as '20'",
    )


def cell_count(domain: Domain) -> int:
    """Give how many cells a domain has; one is added where memory is to be plugged in.

    QEMU's mainframes have no NUMA, and get none.
    """
    cells = len(domain.all(Cell))
    if cells or not domain.new or not domain.world.target.dialect.has(NUMA_CELL_ADDED):
        return cells
    if domain.arch in archs.S390:
        return 0
    most = domain.root.find("maxMemory")
    return int(most is not None and bool(kib(size_of(most)) or _slots(most.get("slots"))))


def _slots(text: str | None) -> bool:
    return bool(text) and text != "0"


def cpus_of(domain: Domain) -> dict[int, int]:
    """Give the CPUs of each cell; those that no cell names are the first one's."""
    cpus = {cell.number: cell.cpus or 0 for cell in domain.all(Cell)}
    most = max_vcpus(domain)
    if cpus and sum(mask.bit_count() for mask in cpus.values()) < most:
        named = 0
        for mask in cpus.values():
            named |= mask
        cpus[0] = cpus.get(0, 0) | (((1 << min(most, NumberSet().size)) - 1) & ~named)
    return cpus


_N = "<vcpu>2</vcpu><cpu><numa>{}</numa></cpu>"
_CELL = "<cell id='{}' cpus='{}' memory='32768'/>"


@rule("cpu-numa-empty", Numa, bad=_N.format(""), good=_N.format(_CELL.format(0, "0-1")))
def cells_are_listed(numa: Numa) -> Problems:
    """``<numa>`` needs at least one ``<cell>``."""
    if not numa.has("cell"):
        yield problem(
            "<numa> is empty: add a <cell>, such as <cell cpus='0-3' memory='4' "
            "unit='GiB'/>, or remove it",
            numa,
        )


@rule(
    "cpu-numa-cell-id-gap",
    Numa,
    bad=_N.format(_CELL.format(1, "0-1")),
    good=_N.format(_CELL.format(0, "0") + _CELL.format(1, "1")),
)
def cells_are_counted(numa: Numa) -> Problems:
    """Attribute ``id`` of the NUMA ``<cell>`` elements must count from 0 without gaps."""
    cells = numa.domain.all(Cell)
    seen = set()
    for place, cell in enumerate(cells):
        number = place if cell.id is None else cell.id
        if number >= len(cells):
            one = len(cells) == 1
            ids = (
                "1 <cell>, use id='0'"
                if one
                else f"{len(cells)} <cell>s, use 0 to {len(cells) - 1}"
            )
            message = (
                f"the id of <cell> is {number}, but ids must count from 0 without gaps; with {ids}"
            )
            yield problem(message, cell, "@id", fix=counted(numa.domain))
        elif number in seen:
            message = f"two cells have the id {number}; use each id once"
            yield problem(message, cell, "@id", fix=counted(numa.domain))
        # a cell without memory is none yet
        if cell.memory_kib:
            seen.add(number)


@rule(
    "cpu-numa-cell-cpus-overlap",
    Numa,
    bad=_N.format(_CELL.format(0, "0-1") + _CELL.format(1, "1")),
    good=_N.format(_CELL.format(0, "0") + _CELL.format(1, "1")),
)
def cells_share_no_cpus(numa: Numa) -> Problems:
    """A vCPU may be in only one NUMA ``<cell>``."""
    taken = 0
    for cell in numa.domain.all(Cell):
        cpus = cell.cpus or 0
        if taken & cpus:
            yield problem(
                f"vCPU {numbers(taken & cpus)[0]} of cell {cell.number} is in another NUMA cell as "
                "well; remove it from one",
                cell,
                "@cpus",
                fix=with_cpus(cpus & ~taken),
            )
        taken |= cpus


@rule(
    "cpu-numa-cell-cpus-out-of-range",
    Cell,
    bad=_N.format(_CELL.format(0, "0-2")),
    good=_N.format(_CELL.format(0, "0-1")),
)
def cells_have_cpus_of_the_domain(cell: Cell) -> Problems:
    """Attribute ``cpus`` of a NUMA ``<cell>`` must list only vCPUs below the number in
    ``<vcpu>``.
    """
    most = max_vcpus(cell.domain)
    if (cell.cpus or 0).bit_length() > most:
        left = (cell.cpus or 0) & ((1 << most) - 1)
        message = (
            f"attribute 'cpus' of <cell> names vCPU {highest(cell.cpus or 0)}, but the domain has "
            f"{only(most, 'vCPU')}; remove it, or raise <vcpu>"
        )
        yield problem(message, cell, "@cpus", fix=with_cpus(left))


@rule(
    "cpu-numa-cell-memory-too-large",
    Cell,
    bad=_N.format("<cell id='0' cpus='0' memory='8' unit='EiB'/>"),
    good=_N.format("<cell id='0' cpus='0' memory='1' unit='GiB'/>"),
)
def memory_can_be_counted(cell: Cell) -> Problems:
    """Attribute ``memory`` of a NUMA ``<cell>`` must be below 8 EiB."""
    if too_large(cell.node, "@memory", "@unit"):
        yield problem(
            "the memory size must be below 8 EiB; write a smaller number or unit", cell, "@memory"
        )


@rule(
    "cpu-numa-cell-distances-empty",
    Cell,
    bad=_N.format("<cell id='0' cpus='0' memory='32768'><distances/></cell>"),
    good=_N.format(
        "<cell id='0' cpus='0' memory='32768'><distances><sibling id='0' value='10'/></distances>"
        "</cell>"
    ),
)
def distances_have_siblings(cell: Cell) -> Problems:
    """``<distances>`` needs at least one ``<sibling>``."""
    distances = cell.find("distances")
    if distances is not None and distances.find("sibling") is None:
        yield problem(
            "<distances> is empty: add a <sibling id='…' value='…'/>, or remove it", distances
        )


@rule(
    "cpu-numa-cell-distances-sibling-invalid",
    Sibling,
    bad=_N.format(
        "<cell id='0' cpus='0' memory='32768'><distances><sibling id='1' value='20'/></distances>"
        "</cell>"
    ),
    good=_N.format(
        "<cell id='0' cpus='0' memory='32768'><distances><sibling id='0' value='10'/></distances>"
        "</cell>"
    ),
)
def distances_are_those_of_acpi(sibling: Sibling) -> Problems:
    """In a ``<sibling>``, ``id`` must be a NUMA cell of the guest, and ``value`` 10 for the cell
    itself, else 11 to 255.
    """
    if sibling.id is None or sibling.value is None:
        return
    cells = len(sibling.domain.all(Cell))
    if sibling.id >= cells:
        yield problem(
            f"attribute 'id' of <sibling> is {sibling.id}, but the domain has "
            f"{only(cells, 'NUMA cell')}; correct the id, or add a <cell>",
            sibling,
            "@id",
        )
        return
    node = next(sibling.node.iterancestors("cell"))
    itself = Cell(node, sibling.domain).number == sibling.id
    if itself != (sibling.value == _LOCAL) or not _LOCAL <= sibling.value <= _FARTHEST:
        expected = f"{_LOCAL}" if itself else f"{_LOCAL + 1} to {_FARTHEST}"
        yield problem(f"the distance must be {expected}", sibling, "@value")
