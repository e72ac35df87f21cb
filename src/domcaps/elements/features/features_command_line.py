"""QEMU arguments for ``<features>``: options of the machine type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import FEATURE_STATE
from domcaps.elements.boards.families import ARM_VIRT
from domcaps.language.command_line import ON_OFF, Line, Turn, untold
from domcaps.language.quantities import MIB, size_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_IRQ_CHIPS = {"kvm": "on", "qemu": "split"}


def write_features(line: Line, root: Node) -> None:
    """Set the options of the machine type."""
    reading = line.reading
    features = reading.child(root, "features")
    acpi = None if features is None else reading.child(features, "acpi")
    if line.is_x86 or line.holds(ARM_VIRT):
        line.machine["acpi"] = "off" if acpi is None else "on"
    elif acpi is not None:
        raise untold(acpi)
    if features is None:
        return
    if line.is_x86:
        # every PC that QEMU makes has these, and pages of the hardware where there are some
        for tag in ("apic", "pae", "hap"):
            reading.child(features, tag)
        _switches(line, features)
    dump = reading.child(features, "vmcoreinfo")
    if dump is not None and reading.get(dump, "state", ON_OFF) != "off":
        line.device(Turn.ATTACHED, "vmcoreinfo")
    gic = reading.child(features, "gic")
    if gic is not None:
        version = reading.get(gic, "version", {"2", "3", "host"})
        if version is None or not line.holds(ARM_VIRT):
            raise untold(gic)
        line.machine["gic-version"] = version


def _switches(line: Line, features: Node) -> None:
    """Take what a PC's machine type has options for."""
    reading = line.reading
    for tag, option in (("vmport", "vmport"), ("smm", "smm"), ("ps2", "i8042")):
        node = reading.child(features, tag)
        if node is None:
            continue
        line.machine[option] = reading.get(node, "state", ON_OFF) or FEATURE_STATE
        segment = reading.child(node, "tseg")
        if segment is not None:
            reading.text(segment)
            reading.set_aside(segment, "unit")
            size = size_of(segment, scale=MIB) or 0
            line.add("-global", f"mch.extended-tseg-mbytes={size // MIB}")
    chip = reading.child(features, "ioapic")
    if chip is not None:
        driver = reading.get(chip, "driver", _IRQ_CHIPS)
        if driver is not None:
            line.machine["kernel_irqchip"] = _IRQ_CHIPS[driver]
