"""``<memory>``: how much memory a guest has, and how much it can come to have.

::

    <maxMemory slots='16' unit='KiB'>1524288</maxMemory>
    <memory unit='KiB' dumpCore='off'>524288</memory>
    <currentMemory unit='KiB'>524288</currentMemory>

All of it is counted in KiB, rounded up. In a new definition the memory of the NUMA cells is what
counts, whatever ``<memory>`` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import VCPUS
from domcaps.elements.memory.memory_device import MemoryDevice, size_kib
from domcaps.elements.memory.numa import Cell, cell_count
from domcaps.facts import arch as archs
from domcaps.language.changes.memory import NUMA_CELL_ADDED
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.fix import Fix
from domcaps.language.part import Part, field
from domcaps.language.preference import Decision, Option
from domcaps.language.quantities import (
    DEFAULT_UNIT,
    KIB,
    MAX_BYTES,
    SIZE,
    UNIT,
    OrEmpty,
    kib,
    shown_size,
    size_of,
    too_large,
)
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, UNSIGNED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.domain import Domain


class Memory(Part):
    """How much memory the guest has."""

    path = "memory"

    size = field("", SIZE)
    unit = field("@unit", UNIT)
    dump_core = field("@dumpCore", ON_OFF, strict=VALUES_STRICT, before=OrEmpty(ON_OFF))


class CurrentMemory(Part):
    """How much of it the guest has at first."""

    path = "currentMemory"

    size = field("", SIZE)
    unit = field("@unit", UNIT, of=".")


class MaxMemory(Part):
    """How much memory the guest can come to have, and in how many modules."""

    path = "maxMemory"

    size = field("", SIZE)
    unit = field("@unit", UNIT, of=".")
    slots = field("@slots", OrEmpty(UNSIGNED), expected="a number of memory slots, such as '16'")


def _size(part: Part | None) -> int:
    return 0 if part is None else kib(size_of(part.node, limit=MAX_BYTES))


def _stated(domain: Domain) -> int:
    return _size(domain.first(Memory))


def _most(domain: Domain) -> int:
    return _size(domain.first(MaxMemory))


def max_memory(domain: Domain) -> int:
    """Give the most memory that a domain can come to have, in KiB; 0 is no more than it has."""
    return domain.once(_most)


def memory_slots(domain: Domain) -> int:
    """Give how many modules can be plugged."""
    most = domain.first(MaxMemory)
    return (most.slots if most else None) or 0


def device_memory(domain: Domain) -> int:
    """Give the memory of all modules, in KiB."""
    return domain.once(_plugged)


def _plugged(domain: Domain) -> int:
    return sum(device.size_kib for device in domain.all(MemoryDevice))


def total_memory(domain: Domain) -> int:
    """Give a domain's memory with that of its modules, in KiB."""
    return domain.once(_total)


def _total(domain: Domain) -> int:
    stated = domain.once(_stated)
    cells = sum(cell.memory_kib for cell in domain.all(Cell))
    if cells and (domain.new or not stated):
        return cells + device_memory(domain)
    if domain.new and cell_count(domain):
        # the cell that libvirt adds has what the modules leave
        left = stated - sum(size_kib(d.node, "target/size") for d in domain.all(MemoryDevice))
        return max(left, 0) + device_memory(domain)
    return stated


_SMALL = "<domain type='qemu'><name>a</name>{}<os><type>hvm</type></os>{}</domain>"
_CELL = "<cpu><numa><cell id='0' cpus='0' memory='65536'/></numa></cpu>"
_MEMORY = "<memory>65536</memory>"


@rule(
    "memory-too-large",
    Memory,
    bad=_SMALL.format("<memory unit='EiB'>8</memory>", ""),
    good=_SMALL.format("<memory unit='GiB'>8</memory>", ""),
)
def memory_can_be_counted(memory: Memory) -> Problems:
    """``<memory>`` must be below 8 EiB."""
    kinds: tuple[type[Part], ...] = (Memory, CurrentMemory, MaxMemory)
    for kind in kinds:
        part = memory.domain.first(kind)
        if part is not None and too_large(part.node):
            yield problem(
                "the memory size must be below 8 EiB; write a smaller number or unit", part
            )


def _is_unread(memory: Memory | None) -> bool:
    """Tell whether there is a size that can't be read, of which other findings tell."""
    if memory is None or not (memory.node.text or "").strip():
        return False
    return memory.size is None or (memory.size > 0 and not memory.domain.once(_stated))


class MemoryOfDomain(Part):
    """The domain as a whole, of which memory is a part."""

    path = ""


@rule(
    "memory-missing",
    MemoryOfDomain,
    bad=_SMALL.format("", ""),
    good=_SMALL.format("", _CELL),
)
def there_is_memory(domain: MemoryOfDomain) -> Problems:
    """A domain needs a size in ``<memory>``, or in its NUMA cells."""
    total, plugged = total_memory(domain.domain), device_memory(domain.domain)
    memory = domain.domain.first(Memory)
    if total == plugged and not _is_unread(memory):
        message = "the domain has no memory; write <memory unit='GiB'>4</memory>"
        yield problem(message, memory or domain, fix=() if plugged else _some(domain.domain))
    elif total < plugged:
        device = domain.domain.all(MemoryDevice)[0]
        yield problem("the memory modules together are larger than <memory>", device, "target/size")


def _some(domain: Domain) -> Fix:
    """Give the memory that the guest begins with, or as much as serves most guests."""
    current = domain.root.find("currentMemory")
    text = "" if current is None else (current.text or "").strip()
    if current is not None and text.isdecimal() and int(text):
        size, unit = text, current.get("unit") or DEFAULT_UNIT
    else:
        size, unit = "4", "GiB"
    return Fix(values=(("/domain/memory", size), ("/domain/memory/@unit", unit)))


@rule(
    "max-memory-missing",
    MaxMemory,
    bad=_SMALL.format(f"{_MEMORY}<maxMemory slots='2'/>", _CELL),
    good=_SMALL.format(f"{_MEMORY}<maxMemory slots='2'>131072</maxMemory>", _CELL),
)
def slots_need_a_size(most: MaxMemory) -> Problems:
    """``<maxMemory>`` with the attribute ``slots`` needs a size."""
    if most.slots and not max_memory(most.domain):
        yield problem(
            "<maxMemory> needs a size, such as <maxMemory slots='16' unit='GiB'>8</maxMemory>", most
        )


@rule(
    "max-memory-too-small",
    MaxMemory,
    bad=_SMALL.format(f"{_MEMORY}<maxMemory slots='2'>32768</maxMemory>", _CELL),
    good=_SMALL.format(f"{_MEMORY}<maxMemory slots='2'>131072</maxMemory>", _CELL),
)
def most_is_not_less(most: MaxMemory) -> Problems:
    """``<maxMemory>`` must not be less than the memory of the domain."""
    size, total = max_memory(most.domain), total_memory(most.domain)
    if 0 < size < total:
        has = shown_size(total * KIB)
        yield problem(
            f"<maxMemory> is less than the memory of the domain, {has}; write a larger size", most
        )


@rule(
    "max-memory-without-numa",
    MaxMemory,
    bad=Sample(_SMALL.format(f"{_MEMORY}<maxMemory slots='2'>131072</maxMemory>", "")),
    good=_SMALL.format(f"{_MEMORY}<maxMemory slots='2'>131072</maxMemory>", _CELL),
)
def plugged_memory_has_a_cell(most: MaxMemory) -> Problems:
    """``<maxMemory>`` requires a NUMA ``<cell>``; in a new definition libvirt adds one."""
    used = bool(max_memory(most.domain) or most.slots)
    without = archs.PPC64 | (archs.S390 if libvirt_reads(most, NUMA_CELL_ADDED) else frozenset())
    if used and not cell_count(most.domain) and most.domain.arch not in without:
        yield problem(
            "<maxMemory> requires a NUMA cell; add <cpu><numa><cell …/></numa></cpu>",
            most,
            fix=_one_cell(most),
        )


def _one_cell(most: MaxMemory) -> Iterator[Fix]:
    """Put all CPUs and all memory that the guest begins with into one cell."""
    vcpu = most.domain.root.findtext("vcpu") or VCPUS
    total = total_memory(most.domain)
    if vcpu.strip().isdecimal() and total > 0:
        cpus = f"0-{int(vcpu) - 1}" if int(vcpu) > 1 else "0"
        cell = f"<cell id='0' cpus='{cpus}' memory='{total}' unit='KiB'/>"
        yield Fix(add=f"<cpu><numa>{cell}</numa></cpu>")


PREFERENCE = Decision(
    "memory",
    order=4,
    title="the memory",
    unit="KiB",
    xml="<memory unit='KiB'>{value}</memory>",
    options=tuple(
        Option(str(mib * 1024), why)
        for mib, why in (
            (2048, "enough for most"),
            (1024, "the board takes no more"),
            (512, "the board takes no more"),
        )
    ),
)
