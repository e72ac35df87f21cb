"""Domains with an emulator, a machine type and a type that no host has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    import random

    from domcaps.validate.check import Validation

EMULATORS = ("/usr/bin/qemu-system-x68_64", "/opt/qemu-9/bin/qemu", "/usr/libexec/qemu-kvm-gone")
MACHINES = ("no-such", "banana", "generic", "x99z")
"""Machine types of which no other is near."""
TYPES = ("xen", "vmware", "bhyve")
"""Types of other hypervisors: all types that a host has are as near to them."""
ABOUT_TARGETS = ("emulator-", "os-machine-", "os-type-machine-", "domain-type-", "os-arch-")
"""How codes begin that are about the target itself."""


def spoil(data: bytes, seeded: random.Random) -> bytes:
    """Name an emulator, a machine type and a type that there are none of."""
    root = etree.fromstring(data)
    virttype = root.get("type", "kvm")
    root.set("type", seeded.choice((*TYPES, f"{virttype}u")))
    for kind in root.findall("os/type")[:1]:
        named = kind.get("machine", "") or "pc"
        kind.set("machine", seeded.choice((f"{named}-no-such", f"{named}.999", *MACHINES)))
    devices = root.find("devices")
    if devices is None:
        devices = etree.SubElement(root, "devices")
    for emulator in devices.findall("emulator"):
        emulator.text = seeded.choice(EMULATORS)
    if devices.find("emulator") is None:
        etree.SubElement(devices, "emulator").text = seeded.choice(EMULATORS)
    return etree.tostring(root)


def lost(plain: Validation, spoilt: Validation) -> list[str]:
    """Name the findings of a domain that it has no longer when it is spoilt."""
    found = {(one.code, one.path) for one in (*spoilt.findings, *spoilt.notices)}
    return [
        f"{one.code} at {one.path}: {one.message}"
        for one in plain.findings
        if (one.code, one.path) not in found and not one.code.startswith(ABOUT_TARGETS)
    ]
