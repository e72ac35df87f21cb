"""QEMU arguments for ``<features>``: options of the machine type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import FEATURE_STATE, default_gic_version
from domcaps.elements.boards.families import ARM_VIRT, LOONGARCH_VIRT, PSERIES, RISCV_VIRT
from domcaps.language.command_line import ON_OFF, Line, Turn
from domcaps.language.quantities import MIB, size_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_IRQ_CHIPS = {"kvm": "on", "qemu": "split"}
_WITH_ACPI = ARM_VIRT | LOONGARCH_VIRT | RISCV_VIRT
_MITIGATIONS = {"cfpc": "cap-cfpc", "sbbc": "cap-sbbc", "ibs": "cap-ibs"}
_CAPABILITIES = {"htm": "cap-htm", "nested-hv": "cap-nested-hv", "ccf-assist": "cap-ccf-assist"}
_SILENT = ("pae", "hap", "viridian", "privnet")
"""Features that add no argument, on any board."""
_BESIDES = {"capabilities": "what a container may do"}


def write_features(line: Line, root: Node) -> None:
    """Set the options of the machine type."""
    reading = line.reading
    features = reading.child(root, "features")
    acpi = None if features is None else reading.child(features, "acpi")
    if line.is_x86 or line.holds(_WITH_ACPI):
        line.machine["acpi"] = "off" if acpi is None else "on"
    if features is None:
        _gic(line, None)
        return
    for tag in _SILENT:
        node = reading.child(features, tag)
        if node is not None:
            reading.set_aside(node, "state")
    for tag, what in _BESIDES.items():
        node = reading.child(features, tag)
        if node is not None:
            reading.beside(node, what)
    if line.is_x86:
        reading.child(features, "apic")
        _switches(line, features)
    _of_boards(line, features)
    if line.holds(PSERIES):
        _of_pseries(line, features)
    dump = reading.child(features, "vmcoreinfo")
    if dump is not None and reading.get(dump, "state", ON_OFF) != "off":
        line.device(Turn.ATTACHED, "vmcoreinfo")
    _gic(line, reading.child(features, "gic"))
    _others(line, features)


def _gic(line: Line, node: Node | None) -> None:
    """Set the version of ARM's interrupt controller: the one that is named, or libvirt's own."""
    if not line.holds(ARM_VIRT):
        return
    version = None if node is None else line.reading.get(node, "version", {"2", "3", "host"})
    if version is None:
        version = default_gic_version(line.domain)
    if version is not None:
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


def _of_boards(line: Line, features: Node) -> None:
    """Take options of other boards' machine types."""
    reading = line.reading
    for tag, option in (("virtualization", "virtualization"), ("ras", "ras"), ("mte", "mte")):
        node = reading.child(features, tag)
        if node is not None:
            line.machine[option] = reading.get(node, "state", ON_OFF) or FEATURE_STATE
    aia = reading.child(features, "aia")
    if aia is not None:
        line.machine["aia"] = reading.get(aia, "value", {"none", "aplic", "aplic-imsic"}) or "none"


def _of_pseries(line: Line, features: Node) -> None:
    """Take the capabilities of POWER's servers."""
    reading = line.reading
    table = reading.child(features, "hpt")
    if table is not None:
        resizing = reading.get(table, "resizing", {"enabled", "disabled", "required"})
        if resizing is not None:
            line.machine["resize-hpt"] = resizing
        size = reading.child(table, "maxpagesize")
        if size is not None:
            reading.text(size)
            reading.set_aside(size, "unit")
            line.machine["cap-hpt-max-page-size"] = f"{(size_of(size) or 0) >> 10}k"
    for tag, option in _CAPABILITIES.items():
        node = reading.child(features, tag)
        if node is not None:
            line.machine[option] = reading.get(node, "state", ON_OFF) or FEATURE_STATE
    for tag, option in _MITIGATIONS.items():
        node = reading.child(features, tag)
        value = None if node is None else reading.get(node, "value", {"broken", "workaround",
                                                                      "fixed"})  # fmt: skip
        if value is not None:
            line.machine[option] = value


def _others(line: Line, features: Node) -> None:
    """Take what has options of its own, or only libvirt looks at."""
    reading = line.reading
    registers, teardown, tcg = (reading.child(features, tag)
                                for tag in ("msrs", "async-teardown", "tcg"))  # fmt: skip
    if registers is not None:
        reading.get(registers, "unknown", {"ignore", "fault"})
        reading.besides[registers] = "libvirt sets an option of the kernel's module kvm"
    if teardown is not None and reading.get(teardown, "enabled", {"yes", "no"}) is not None:
        line.add("-run-with", f"async-teardown={_SWITCHES[teardown.get('enabled') or 'yes']}")
    elif teardown is not None:
        line.add("-run-with", "async-teardown=on")
    if tcg is not None:
        cache = reading.child(tcg, "tb-cache")
        if cache is not None:
            reading.text(cache)
            reading.set_aside(cache, "unit")
            line.accelerator["tb-size"] = str((size_of(cache) or 0) // MIB)
    if not line.is_x86:
        apic = reading.child(features, "apic")
        if apic is not None:
            # boards of other architectures have none, and libvirt says nothing of it
            reading.set_aside(apic, "eoi")


_SWITCHES = {"yes": "on", "no": "off"}
