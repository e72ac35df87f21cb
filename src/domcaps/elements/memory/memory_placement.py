"""Where modules of memory are: their slots, their addresses, and the room there is for them.

::

    <maxMemory slots='16' unit='GiB'>8</maxMemory>
    <memory model='dimm'>
      <target><size unit='MiB'>512</size><node>0</node></target>
      <address type='dimm' slot='0' base='0x100000000'/>
    </memory>
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from domcaps.elements.boards.families import PPC64
from domcaps.elements.memory.memory import (
    MaxMemory,
    device_memory,
    max_memory,
    memory_slots,
    total_memory,
)
from domcaps.elements.memory.memory_device import MemoryDevice, memory_sample, size_kib
from domcaps.elements.memory.numa import Cell, cell_count
from domcaps.language.changes.memory import SLOTS_OF_MODULES
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.language.quantities import KIB, repeated, shown_size
from domcaps.language.rule import Problem, Problems, problem, rule
from domcaps.language.value_types import Int
from domcaps.language.wording import counted, only
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from domcaps.language.domain import Domain

_BASE = Int(0, 2**64 - 1, base=16)
_PAGE_KIB = 4


class _Range(NamedTuple):
    """Addresses of memory, in bytes."""

    start: int
    end: int


def _start(device: MemoryDevice) -> int:
    """Give the address at which a device is to be mapped, 0 where QEMU chooses."""
    if device.is_module:
        return (
            device.address.number("base") if device.address_type == "dimm" and device.address else 0
        )
    target = device.find("target/address")
    try:
        return _BASE.parse(target.get("base", "0")) if target is not None else 0
    except ValueError:
        return 0


def _range(device: MemoryDevice) -> _Range | None:
    """Give the addresses of a device, None where it is not told where it begins."""
    start, size = _start(device), device.size_kib
    if not start or device.model == "sgx-epc":
        return None
    if device.model == "nvdimm":
        # the label is not mapped; what remains is rounded down
        step = size_kib(device.node, "source/alignsize") or _PAGE_KIB
        size -= -(-size_kib(device.node, "target/label/size") // step) * step
    # as libvirt reckons: what would be less than nothing is very large
    return _Range(start, start + size * KIB % 2**64)


def has_hotplug(domain: Domain) -> bool:
    """Tell whether memory can be plugged in."""
    return bool(max_memory(domain) or memory_slots(domain))


_BEYOND_ALL = 2**63
"""So many bytes have no addresses: a size that went below nothing."""
_FREE_SLOTS = 16


def _room_for_all(domain: Domain) -> Fix:
    """Give the most memory that holds what the domain has, with as much again to plug in."""
    most = 2 * (total_memory(domain) + device_memory(domain))
    slots = max(_FREE_SLOTS, len(domain.all(MemoryDevice)))
    return Fix(add=f"<maxMemory slots='{slots}' unit='KiB'>{most}</maxMemory>")


_SIZE = "<size unit='MiB'>512</size>"
_TARGET = f"{_SIZE}<node>0</node>"
_DIMM = memory_sample("dimm")
_CELL = "<cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>"
_MOST = "<maxMemory slots='2' unit='GiB'>8</maxMemory>"
_MODULE = "<memory model='dimm'><target>" + _TARGET + "</target>{}</memory>"
_SLOT = "<address type='dimm' slot='{}'/>"
_BASED = "<address type='dimm' slot='{}' base='{:#x}'/>"


def _modules(*addresses: str, most: str = _MOST) -> str:
    modules = "".join(_MODULE.format(address) for address in addresses)
    return f"{most}{_CELL}<devices>{modules}</devices>"


@rule(
    "memory-overlap",
    MemoryDevice,
    bad=_modules(_BASED.format(0, 0x100000000), _BASED.format(1, 0x110000000)),
    good=_modules(_BASED.format(0, 0x100000000), _BASED.format(1, 0x120000000)),
)
def addresses_do_not_overlap(memory: MemoryDevice) -> Problems:
    """The address ranges of memory devices must not overlap."""
    devices = memory.domain.all(MemoryDevice)
    if devices[0].node is not memory.node:
        return
    known = [(place, device) for device in devices if (place := _range(device))]
    known.sort(key=lambda each: each[0])
    for (before, other), (place, device) in itertools.pairwise(known):
        if place.start < before.end:
            yield _overlap(before, other, place, device)


def _overlap(before: _Range, other: MemoryDevice, place: _Range, device: MemoryDevice) -> Problem:
    """Describe two devices at the same addresses, at the one that stands there by mistake."""
    if before.end - before.start >= _BEYOND_ALL:
        message = (
            "with <alignsize> larger than the module, libvirt believes that the module overlaps "
            f"with all modules after {before.start:#x}; remove base='{before.start:#x}', so that "
            "libvirt chooses it, or write a smaller <alignsize>"
        )
        fix = Fix(without=(_base_of(other),))
        return problem(message, other, _base_of(other), fix=fix)
    message = (
        f"the addresses from {place.start:#x} on overlap with those of the "
        f"<memory model={other.model!r}> in line {other.node.sourceline}, {before.start:#x} to "
        f"{before.end - 1:#x} as libvirt counts them; remove <address>, so that libvirt "
        "chooses it"
    )
    return problem(message, device, _base_of(device))


def _base_of(device: MemoryDevice) -> str:
    return "target/address/@base" if device.has("target/address") else "address/@base"


@rule(
    "memory-slot-duplicate",
    MemoryDevice,
    bad=_modules(_SLOT.format(0), _SLOT.format(0)),
    good=_modules(_SLOT.format(0), _SLOT.format(1)),
)
def slots_have_one_module(memory: MemoryDevice) -> Problems:
    """Attribute ``slot`` of the ``<address>`` must differ for each ``<memory>`` device."""
    for each in repeated(memory, _slot):
        yield problem(
            f"slot {_slot(each)} is used by another module; choose another", each, "address/@slot"
        )


def _slot(memory: MemoryDevice) -> int | None:
    address = memory.address
    if not memory.is_module or address is None or address.type != "dimm":
        return None
    return address.number("slot")


@rule(
    "memory-address-unaligned",
    MemoryDevice,
    bad=memory_sample(
        "virtio-pmem", f"{_SIZE}<address base='0x100000001'/>", "<source><path>/a</path></source>"
    ),
    good=memory_sample(
        "virtio-pmem", f"{_SIZE}<address base='0x100001000'/>", "<source><path>/a</path></source>"
    ),
)
def addresses_are_aligned(memory: MemoryDevice) -> Problems:
    """Attribute ``base`` of a memory device's ``<address>`` must be a multiple of the page size
    (virtio-pmem) or of ``<block>`` (virtio-mem).
    """
    step = {"virtio-pmem": _PAGE_KIB}.get(memory.model or "", 0)
    if memory.model == "virtio-mem":
        step = size_kib(memory.node, "target/block")
    if step and _start(memory) % (step * KIB):
        yield problem(
            f"attribute 'base' of <address> must be a multiple of {shown_size(step * KIB)}",
            memory,
            "target/address/@base",
        )


_BLOCKS = f"{_TARGET}<block unit='KiB'>2048</block><requested>0</requested>"
_PLACES = {"virtio-mem": ("pci", "ccw"), "virtio-pmem": ("pci",)}


@rule(
    "memory-address-unsupported",
    MemoryDevice,
    bad=memory_sample("virtio-mem", _BLOCKS, address="<address type='dimm' slot='0'/>"),
    good=memory_sample("virtio-mem", _BLOCKS, address="<address type='pci'/>"),
)
def addresses_have_their_type(memory: MemoryDevice) -> Problems:
    """The ``<address>`` of a virtio memory device must be of type ``pci``; SGX memory cannot have
    an ``<address>``.

    An address of another type makes libvirt choose the next slot for a module.
    """
    given = memory.address_type
    if given is None:
        return
    if memory.model == "sgx-epc":
        yield problem(
            "<memory model='sgx-epc'> cannot have an <address>; remove it", memory, "address"
        )
    places = _PLACES.get(memory.model or "", (given,))
    if given not in places and has_hotplug(memory.domain):
        message = f"<memory model={memory.model!r}> cannot have an address of type {given!r}"
        yield problem(message, memory, "address/@type", accepted=places)


@rule(
    "memory-unpluggable",
    MemoryDevice,
    bad=_modules("", most=""),
    good=_DIMM,
)
def there_is_room_for_memory(memory: MemoryDevice) -> Problems:
    """A ``<memory>`` device requires ``<maxMemory>`` with ``slots``."""
    if not has_hotplug(memory.domain):
        fix = _room_for_all(memory.domain)
        yield problem(
            "a memory device requires <maxMemory>; add <maxMemory slots='16' "
            "unit='GiB'>…</maxMemory>",
            memory,
            fix=fix,
        )


@rule(
    "memory-slot-invalid",
    MemoryDevice,
    bad=_modules(_SLOT.format(2)),
    good=_modules(_SLOT.format(1)),
)
def slots_are_there(memory: MemoryDevice) -> Problems:
    """Attribute ``slot`` of a memory device's ``<address>`` must be less than ``slots`` of
    ``<maxMemory>``.
    """
    slot, slots = _slot(memory), memory_slots(memory.domain)
    if slot is not None and slot >= slots and has_hotplug(memory.domain):
        yield problem(
            f"attribute 'slot' is {slot}, but <maxMemory> has {only(slots, 'slot')}; "
            "use a smaller number",
            memory,
            "address/@slot",
        )


@rule(
    "memory-target-node-missing",
    MemoryDevice,
    bad=memory_sample("dimm", _SIZE),
    good=_DIMM,
)
def module_has_a_cell(memory: MemoryDevice) -> Problems:
    """``<target>`` of a ``<memory>`` device needs a ``<node>`` if the guest has NUMA cells."""
    needs = memory.is_module or memory.model == "virtio-mem"
    cells = memory.domain.all(Cell)
    if needs and memory.node_number is None and cells and has_hotplug(memory.domain):
        message = "<target> needs a <node>, because the guest has NUMA cells"
        first = Fix(values=((f"{path_of(memory.node)}/target/node", "0"),))
        yield problem(message, memory, "target", fix=first)


@rule(
    "max-memory-slots-too-few",
    MaxMemory,
    bad=_modules("", "", ""),
    good=_modules("", ""),
    until=SLOTS_OF_MODULES,
)
def each_device_takes_a_slot(most: MaxMemory) -> Problems:
    """Attribute ``slots`` of ``<maxMemory>`` must not be less than the number of
    ``<memory>`` devices.
    """
    domain = most.domain
    needed, slots = len(domain.all(MemoryDevice)), memory_slots(domain)
    if has_hotplug(domain) and (not slots or needed > slots):
        yield problem(
            f"{needed} memory devices need slots='{needed}' of <maxMemory>",
            most,
            "@slots",
            fix=set_value(str(needed), "@slots"),
        )


@rule(
    "max-memory-slots-too-few",
    MaxMemory,
    bad=_modules("", "", ""),
    good=_modules("", ""),
    since=SLOTS_OF_MODULES,
)
def there_are_enough_slots(most: MaxMemory) -> Problems:
    """Attribute ``slots`` of ``<maxMemory>`` must not be less than the number of ``<memory>``
    devices.
    """
    domain = most.domain
    needed = sum(device.is_module for device in domain.all(MemoryDevice))
    if has_hotplug(domain) and needed > memory_slots(domain):
        yield problem(
            f"the domain has {counted(needed, 'memory device')}; set slots='{needed}' or more in "
            "<maxMemory>",
            most,
            "@slots",
            fix=set_value(str(needed), "@slots"),
        )


@rule(
    "max-memory-exceeded",
    MaxMemory,
    bad=_modules("", "", most="<maxMemory slots='2' unit='MiB'>1536</maxMemory>"),
    good=_modules("", "", most="<maxMemory slots='2' unit='MiB'>2048</maxMemory>"),
)
def modules_fit(most: MaxMemory) -> Problems:
    """The sizes of the ``<memory>`` devices together must fit between ``<memory>`` and
    ``<maxMemory>``.
    """
    domain = most.domain
    plugged = device_memory(domain)
    room = max_memory(domain) - (total_memory(domain) - plugged)
    if 0 <= room < plugged and (cell_count(domain) or most.holds(PPC64)):
        have, fit = shown_size(plugged * KIB), shown_size(room * KIB)
        yield problem(
            f"the memory devices have {have} together, but only {fit} fit below "
            "<maxMemory>; raise <maxMemory>",
            most,
        )
