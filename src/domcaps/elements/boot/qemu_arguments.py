"""``<qemu:commandline>``: what is handed to QEMU past libvirt, judged as far as that is possible.

libvirt does not look at it, and nothing is refused here either. But QEMU's own answers tell which
devices and properties it has, and the board which buses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import Q35
from domcaps.elements.domain.qemu_namespace import QemuNamespace
from domcaps.facts.emulator import Unanswered
from domcaps.facts.question import device_properties_of
from domcaps.language.finding import Severity
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_LINE = "<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='{}'/></qemu:commandline>"


@rule(
    "qemu-device-unknown",
    QemuNamespace,
    bad=Sample(_LINE.format("nosuch-device,id=a"), machine="q35"),
    good=Sample(_LINE.format("virtio-rng-pci,id=a"), machine="q35"),
    severity=Severity.WARNING,
)
def devices_are_there(qemu: QemuNamespace) -> Problems:
    """A device on QEMU's command line is one that QEMU has: else the guest does not start."""
    world = qemu.domain.world
    for node, driver, _ in _devices(qemu):
        if not _names(driver) & world.emulator.qom_types:
            yield problem(f"this QEMU has no device {driver!r}", node, "@value")


@rule(
    "qemu-property-unknown",
    QemuNamespace,
    bad=Sample(_LINE.format("virtio-blk-pci,nosuch=1"), machine="q35"),
    good=Sample(_LINE.format("virtio-blk-pci,serial=1"), machine="q35"),
    severity=Severity.WARNING,
)
def properties_are_there(qemu: QemuNamespace) -> Problems:
    """A property on QEMU's command line is one that the device has."""
    world = qemu.domain.world
    for node, driver, options in _devices(qemu):
        try:
            known = world.emulator.properties(device_properties_of(driver))
        except Unanswered:
            continue
        for name in options:
            if known and name not in known and name not in _OF_EVERY_DEVICE and "." not in name:
                yield problem(f"the device {driver} has no property {name!r}", node, "@value")


_OF_EVERY_DEVICE = frozenset({"id", "bus", "driver"})


@rule(
    "qemu-bus-unknown",
    QemuNamespace,
    bad=Sample(_LINE.format("virtio-rng-pci,bus=pci.0"), machine="q35"),
    good=Sample(_LINE.format("virtio-rng-pci,bus=pcie.0"), machine="q35"),
    severity=Severity.WARNING,
)
def buses_are_there(qemu: QemuNamespace) -> Problems:
    """The first PCI bus is called ``pcie.0`` on q35 and ``pci.0`` on the board pc."""
    if qemu.domain.world.truth(Q35) is not Truth.YES or _has_second_bus(qemu):
        return
    for node, driver, options in _devices(qemu):
        if options.get("bus") == "pci.0":
            message = f"there is no bus 'pci.0' for {driver}: on q35 it is called 'pcie.0'"
            yield problem(message, node, "@value")


_ALIASES = {"ahci": "ich9-ahci", "lsi": "lsi53c895a", "virtio-9p": "virtio-9p-pci"}


def _names(driver: str) -> frozenset[str]:
    """Give the types that a driver's name may stand for: of virtio the bus may be left out."""
    forms = (f"{driver}-{form}" for form in ("pci", "ccw", "device"))
    return frozenset({driver, _ALIASES.get(driver, driver), *forms})


def _has_second_bus(qemu: QemuNamespace) -> bool:
    """Tell whether an argument makes a bus of that name itself."""
    return any("id=pci.0" in (node.get("value") or "") for node, _, _ in _devices(qemu))


def _devices(qemu: QemuNamespace) -> Iterator[tuple[Node, str, dict[str, str]]]:
    """Give every ``-device`` in key=value form with its driver and options."""
    before = ""
    for node in qemu.inside("commandline", "arg"):
        value = node.get("value") or ""
        if before in {"-device", "--device"} and not value.startswith("{"):
            driver, *options = value.replace(",,", "\0").split(",")
            pairs = (option.partition("=") for option in options)
            yield node, driver.removeprefix("driver="), {name: text for name, _, text in pairs}
        before = value
