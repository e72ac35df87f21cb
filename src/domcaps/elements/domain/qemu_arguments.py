"""``<qemu:commandline>``: arguments that libvirt hands to QEMU without looking at them.

What can be judged by QEMU's own lists is judged: types of devices and objects, properties of
devices, buses. What is left is named in a notice, since QEMU may refuse it when the guest starts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.boards.families import I440FX, Q35, S390, VIRTUAL
from domcaps.elements.domain.qemu_namespace import QemuNamespace
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.facts.emulator import Unanswered
from domcaps.facts.question import device_properties_of
from domcaps.language.command_line import is_json, parts_of
from domcaps.language.finding import Severity
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.struct import Struct
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lxml.etree import _Element as Node

    from domcaps.language import World

_LINE = "<qemu:commandline>{}</qemu:commandline>"
_ARG = "<qemu:arg value='{}'/>"
_DEVICE = _LINE.format(_ARG.format("-device") + _ARG)
_OBJECT = _LINE.format(_ARG.format("-object") + _ARG)
_ENDINGS = ("", "-pci", "-device", "-ccw", "-isa")
_ALIASES = {
    "ahci": "ich9-ahci",
    "e1000": "e1000-82540em",
    "lsi": "lsi53c895a",
    "virtio-9p": "virtio-9p-pci",
    "virtio-input-host": "virtio-input-host-pci",
}
"""Short names of QEMU that are more than a type without its ending."""
OF_EVERY_DEVICE = {"driver", "id", "bus", "addr", "failover_pair_id"}


class Argument(Struct, frozen=True):
    """An option of QEMU with its value, and the element that holds the value."""

    option: str
    value: str
    node: Node

    def settings(self) -> Mapping[str, str]:
        """Give the settings; the first one without a name is that of the driver."""
        if is_json(self.value):
            return _of_json(self.value)
        found: dict[str, str] = {}
        for place, text in enumerate(parts_of(self.value)):
            name, equals, value = text.partition("=")
            if place == 0 and not equals:
                name, value = "driver", name
            found.setdefault(name, value)
        return found


def _of_json(text: str) -> Mapping[str, str]:
    try:
        import json

        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in found.items()}


COMPARED = frozenset({"device", "object", "netdev", "global"})
"""Options whose values are compared with what QEMU lists."""
FLAGS = frozenset({
    "S", "nographic", "snapshot", "no-acpi", "no-hpet", "no-fd-bootchk", "enable-kvm", "usb",
    "nodefaults", "no-user-config", "no-reboot", "no-shutdown", "daemonize", "full-screen",
    "alt-grab", "ctrl-grab", "only-migratable", "preconfig", "win2k-hack", "no-quit", "no-kvm",
    "mem-prealloc", "help", "h", "version", "semihosting", "singlestep", "old-param", "portrait",
    "xen-attach",
})  # fmt: skip
"""Options of QEMU without a value."""


def arguments(qemu: QemuNamespace) -> Iterator[Argument]:
    """Pair options with their values, as QEMU does."""
    nodes = [node for node in qemu.inside("commandline", "arg") if node.get("value") is not None]
    place = 0
    while place < len(nodes):
        text = nodes[place].get("value", "")
        option = text.removeprefix("-").removeprefix("-") if text.startswith("-") else ""
        if option and option not in FLAGS and place + 1 < len(nodes):
            place += 1
            yield Argument(option, nodes[place].get("value", ""), nodes[place])
        else:
            yield Argument(option, "" if option else text, nodes[place])
        place += 1


def hint(name: str, known: Iterable[str]) -> str:
    """Suggest the names that are spelt most alike, in brackets after a blank; "" for none."""
    near = close_matches(name[:100], sorted(known), n=2, cutoff=0.7)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else "; remove it"


def arguments_of(qemu: QemuNamespace, option: str) -> Iterator[Argument]:
    """Give the arguments of one option, such as ``device``."""
    return (argument for argument in arguments(qemu) if argument.option == option)


def _devices(qemu: QemuNamespace) -> Iterator[tuple[Argument, str, Mapping[str, str]]]:
    for argument in arguments_of(qemu, "device"):
        settings = argument.settings()
        yield argument, settings.get("driver", ""), settings


def type_of(world: World, driver: str) -> str | None:
    """Give the type that a driver's name stands for, None where this QEMU has none."""
    types = world.emulator.qom_types
    if (alias := _ALIASES.get(driver, driver)) in types:
        return alias
    return next((driver + end for end in _ENDINGS if driver + end in types), None)


@rule(
    "qemu-device-unknown",
    QemuNamespace,
    bad=_DEVICE.format("ivshmem-nothing,id=a"),
    good=_DEVICE.format("virtio-rng-pci,id=a"),
    severity=Severity.WARNING,
)
def device_type_is_known(qemu: QemuNamespace) -> Problems:
    """A ``-device`` argument must have a device type that QEMU has."""
    world = qemu.domain.world
    for argument, driver, _ in _devices(qemu):
        if driver not in {"", "help", "?"} and type_of(world, driver) is None:
            text = f"this QEMU has no device type {driver!r}, so it will not start"
            near = hint(driver, world.emulator.qom_types)
            yield problem(f"{text}{near}", argument.node, "@value")


@rule(
    "qemu-object-unknown",
    QemuNamespace,
    bad=_OBJECT.format("rng-nothing,id=a"),
    good=_OBJECT.format("rng-random,id=a,filename=/dev/random"),
    severity=Severity.WARNING,
)
def object_type_is_known(qemu: QemuNamespace) -> Problems:
    """An ``-object`` argument must have a type that QEMU has."""
    types = qemu.domain.world.emulator.qom_types
    for argument in arguments_of(qemu, "object"):
        settings = argument.settings()
        name = settings.get("qom-type") or settings.get("driver", "")
        if name and name not in types:
            near = hint(name, types)
            message = f"this QEMU has no object type {name!r}, so it will not start{near}"
            yield problem(message, argument.node, "@value")


@rule(
    "qemu-property-unknown",
    QemuNamespace,
    bad=_DEVICE.format("pcie-root-port,nothing=1"),
    good=_DEVICE.format("pcie-root-port,chassis=16"),
    severity=Severity.WARNING,
)
def device_properties_are_known(qemu: QemuNamespace) -> Problems:
    """Properties in a ``-device`` argument must be properties of the device type."""
    world = qemu.domain.world
    for argument, driver, settings in _devices(qemu):
        known = known_properties(world, driver)
        for name in settings if known else ():
            is_own = name in known or name in OF_EVERY_DEVICE or "." in name
            if not is_own:
                yield problem(
                    f"QEMU's device {driver!r} has no property {name!r}, so QEMU will not "
                    f"start{hint(name, known)}",
                    argument.node,
                    "@value",
                )


def known_properties(world: World, driver: str) -> tuple[str, ...]:
    """Give the properties of a device; nothing where QEMU was not asked for them."""
    found = type_of(world, driver)
    if found is None:
        return ()
    try:
        return tuple(world.emulator.properties(device_properties_of(found)))
    except Unanswered:
        world.unknown.add(f"qemu-property-unknown: QEMU was not asked for those of {found}")
        return ()


@rule(
    "qemu-bus-unknown",
    QemuNamespace,
    bad=Sample(_DEVICE.format("virtio-rng-pci,bus=pci.0"), machine="q35"),
    good=Sample(_DEVICE.format("virtio-rng-pci,bus=pcie.0"), machine="q35"),
    severity=Severity.WARNING,
)
def bus_is_there(qemu: QemuNamespace) -> Problems:
    """``bus`` of a PCI device in a ``-device`` argument must be the id of a PCI bus of the guest.

    The first bus is pcie.0 on boards with PCIe and pci.0 on i440fx; pci.N is the bus of the PCI
    controller with index N, and other buses have the names that ``id=`` gives to bridges.
    """
    devices = list(_devices(qemu))
    root = _root(qemu) if devices else ""
    if not root:
        return
    hardware = qemu.domain.first(InstalledControllers)
    indexes = {one.index for one in hardware.of("pci")} if hardware else set()
    own = {settings.get("id", "") for _, _, settings in devices}
    for argument, _, settings in devices:
        bus = settings.get("bus", "")
        number = re.fullmatch(r"pcie?\.(\d{1,4})", bus, re.ASCII)
        if number is None or bus == root or bus in own:
            continue
        if bus.startswith("pci.") and int(number[1]) and int(number[1]) in indexes:
            continue
        yield problem(
            f"this machine has no bus {bus!r}, so QEMU will not start; use bus={root}, its root "
            "bus, or the bus of a PCI <controller>, such as pci.1 for index='1'",
            argument.node,
            "@value",
        )


def _root(qemu: QemuNamespace) -> str:
    if qemu.holds(I440FX):
        return "pci.0"
    return "pcie.0" if qemu.holds(_WITH_PCIE) else ""


_WITH_PCIE = Q35 | (VIRTUAL & ~S390)
