"""Addresses of memory modules that QEMU does not take: libvirt hands them over as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import X86
from domcaps.elements.memory.memory_device import MemoryDevice
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.rule import Sample, problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_LOWEST, _STEP = 4 << 30, 2 << 20
_DIMM = (
    "<maxMemory slots='2'>4194304</maxMemory><features><acpi/></features><cpu><numa>"
    "<cell id='0' cpus='0' memory='65536' unit='KiB'/></numa></cpu><memory model='dimm'><target>"
    "<size unit='MiB'>256</size><node>0</node></target><address type='dimm' slot='0' base='{}'/>"
    "</memory>"
)


@rule(
    "memory-base-fails-at-start",
    MemoryDevice,
    bad=Sample(_DIMM.format("0x10000000"), machine="q35"),
    good=Sample(_DIMM.format("0x100000000"), machine="q35"),
    stage=Stage.START,
)
def modules_are_above_4_gib(device: MemoryDevice) -> Problems:
    """Attribute ``base`` of a module's ``<address>`` must be at least 4 GiB for x86 guests.

    It must be a multiple of 2 MiB. QEMU finds an address itself where none is given.
    """
    address = device.node.find("address[@type='dimm']")
    if address is None or not device.is_module or not device.holds(X86):
        return
    try:
        base = int(address.get("base", "0"), 0)
    except ValueError:
        return
    if base and (base < _LOWEST or base % _STEP):
        message = (
            f"the module cannot be at {base:#x}; remove 'base', so that libvirt chooses it, or "
            "write a multiple of 2 MiB from 4 GiB on"
        )
        yield problem(message, address, "@base", fix=Fix(without=("@base",)))
