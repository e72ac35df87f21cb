"""Properties of devices in ``<qemu:override>``, and what of QEMU's arguments is not checked.

::

    <qemu:override>
      <qemu:device alias='net0'>
        <qemu:frontend>
          <qemu:property name='tx_queue_size' type='unsigned' value='1024'/>
        </qemu:frontend>
      </qemu:device>
    </qemu:override>

The table below gives QEMU's devices for the elements that are usually overridden. Where an element
may become one of several, a property of any of them counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.domain.qemu_arguments import (
    COMPARED,
    OF_EVERY_DEVICE,
    arguments,
    hint,
    known_properties,
    type_of,
)
from domcaps.elements.domain.qemu_namespace import QemuNamespace
from domcaps.language.changes.domain import QEMU_OVERRIDE
from domcaps.language.finding import Severity, quoted
from domcaps.language.rule import Problems, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_LINE = "<qemu:commandline>{}</qemu:commandline>"
_ARG = "<qemu:arg value='{}'/>"
_OVERRIDE = (
    "<devices><disk><source file='/a'/><target dev='vda' bus='virtio'/><alias name='ua-a'/></disk>"
    "</devices><qemu:override><qemu:device alias='ua-a'><qemu:frontend>"
    "<qemu:property name='{}' type='unsigned' value='64'/></qemu:frontend></qemu:device>"
    "</qemu:override>"
)
_ALIASES = {
    "net": "interface", "video": "video", "rng": "rng", "sound": "sound", "hostdev": "hostdev",
    "watchdog": "watchdog", "balloon": "memballoon", "vsock": "vsock", "input": "input",
    "tpm": "tpm",
}  # fmt: skip
"""What libvirt's own aliases begin with, by the element; a number follows."""
_BY_MODEL: dict[str, dict[str, tuple[str, ...]]] = {
    "video": {
        "virtio": ("virtio-vga", "virtio-gpu-pci"), "vga": ("VGA",), "cirrus": ("cirrus-vga",),
        "qxl": ("qxl-vga", "qxl"), "bochs": ("bochs-display",), "ramfb": ("ramfb",),
    },
    "sound": {
        "ich6": ("intel-hda",), "ich9": ("ich9-intel-hda",), "ac97": ("AC97",),
        "es1370": ("ES1370",), "usb": ("usb-audio",), "virtio": ("virtio-sound",),
    },
    "rng": {"virtio": ("virtio-rng",)},
    "memballoon": {"virtio": ("virtio-balloon",)},
    "watchdog": {"i6300esb": ("i6300esb",), "ib700": ("ib700",), "diag288": ("diag288",)},
    "interface": {"virtio": ("virtio-net",)},
    "hostdev": {"pci": ("vfio-pci",), "usb": ("usb-host",)},
    "disk": {
        "virtio": ("virtio-blk",), "scsi": ("scsi-hd", "scsi-cd", "scsi-block"),
        "sata": ("ide-hd", "ide-cd"), "ide": ("ide-hd", "ide-cd"), "usb": ("usb-storage",),
        "fdc": ("floppy",),
    },
}  # fmt: skip
"""QEMU's devices by element and model (or bus, or type); "" stands for any bus of virtio."""
_MODEL_AT = {
    "video": "model/@type", "interface": "model/@type", "disk": "target/@bus", "hostdev": "@type",
}  # fmt: skip


def _device_of(qemu: QemuNamespace, alias: str) -> Node | None:
    """Give the device of an alias: one that the user gave, or libvirt's own."""
    for given in qemu.node.iterfind("devices/*/alias"):
        if given.get("name") == alias:
            return given.getparent()
    found = re.fullmatch(r"([a-z]+)(\d{1,4})", alias, re.ASCII)
    nodes = (
        qemu.node.findall(f"devices/{_ALIASES[found[1]]}")
        if found and (found[1] in _ALIASES)
        else []
    )
    return nodes[int(found[2])] if found and int(found[2]) < len(nodes) else None


def _types_of(node: Node) -> tuple[str, ...]:
    """Give the devices of QEMU that an element may become; nothing where that is not known."""
    tag = str(node.tag)
    place, _, name = _MODEL_AT.get(tag, "@model").rpartition("@")
    holder: Node | None = node.find(place.rstrip("/")) if place else node
    model = "" if holder is None else holder.get(name, "")
    known = _BY_MODEL.get(tag, {}).get(model.removesuffix("-non-transitional"))
    if known is None and tag == "interface" and model:
        return (model,)
    return known or ()


def _known_of(qemu: QemuNamespace, alias: str) -> frozenset[str] | None:
    """Give the properties that a device may have, None where not all are known."""
    node, world = _device_of(qemu, alias), qemu.domain.world
    found: set[str] = set()
    for name in _types_of(node) if node is not None else ():
        if type_of(world, name) is not None:
            properties = known_properties(world, name)
            if not properties:
                return None
            found.update(properties)
    return frozenset(found) or None


@rule(
    "qemu-override-property-unknown",
    QemuNamespace,
    bad=_OVERRIDE.format("queue-sise"),
    good=_OVERRIDE.format("queue-size"),
    since=QEMU_OVERRIDE,
    severity=Severity.WARNING,
)
def overridden_properties_are_known(qemu: QemuNamespace) -> Problems:
    """Properties in ``<qemu:override>`` must be properties of the device.

    QEMU does not start with others. Compared are those of usual devices, where QEMU was asked.
    """
    for device in qemu.inside("override", "device"):
        known = _known_of(qemu, device.get("alias", ""))
        for node in qemu.below(device, "frontend", "property") if known else ():
            name = node.get("name", "")
            is_own = known is None or name in known or name in OF_EVERY_DEVICE or "." in name
            if name and not is_own and node.get("type") != "remove":
                text = f"QEMU's device of {device.get('alias')!r} has no property {quoted(name)}"
                yield problem(f"{text}{hint(name, known or ())}", node, "@name")


@rule(
    "qemu-commandline-not-checked",
    QemuNamespace,
    bad=_LINE.format(_ARG.format("-S")),
    good="<memory>1048576</memory>",
    severity=Severity.NOTICE,
)
def arguments_are_not_checked(qemu: QemuNamespace) -> Problems:
    """Arguments in ``<qemu:commandline>`` and ``<qemu:override>`` are not checked by libvirt.

    domcaps compares the types, properties and buses of ``-device``, the types of ``-object``, the
    types and settings of ``-netdev``, the types of ``-global`` and properties of usual devices in
    ``<qemu:override>`` with what QEMU lists; it does not check the rest.
    """
    for argument in arguments(qemu):
        if argument.option not in COMPARED:
            option = f"-{argument.option}" if argument.option else repr(argument.value)
            yield problem(
                f"the argument {option} is not checked; start the guest once to test it, "
                "or use a libvirt element instead",
                argument.node,
                "@value",
            )
    for node in qemu.inside("override", "device"):
        if _known_of(qemu, node.get("alias", "")) is None:
            yield problem(
                "properties in <qemu:override> of this device are not checked; start the guest "
                "once to test them",
                node,
            )
