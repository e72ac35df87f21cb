"""``<serial>``: serial ports of the guest.

::

    <serial type='pty'>
      <target type='isa-serial' port='0'>
        <model name='isa-serial'/>
      </target>
    </serial>

Type and model of a port that says nothing go by the machine type. A ``<console>`` of a domain
without ``<serial>`` is one: `ports` counts it in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import (
    ARM_VIRT,
    LOONGARCH_VIRT,
    PSERIES,
    RISCV_VIRT,
    S390,
    X86,
)
from domcaps.elements.characters.chardev import CharacterDevice, CharacterPort
from domcaps.language.changes.characters import SERIAL_DEBUG, SERIAL_ISA_PORTS
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.finding import Stage
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.predicate import ALWAYS, NEVER, Predicate
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import OneOf

if TYPE_CHECKING:
    from domcaps.language.part import Part

_SYSTEM = ARM_VIRT | LOONGARCH_VIRT | RISCV_VIRT

# the type of a port that names none, or the one that was once the default everywhere
_DEFAULTS = (
    ("isa-serial", X86),
    ("spapr-vio-serial", PSERIES),
    ("system-serial", _SYSTEM),
    ("sclp-serial", S390),
)
# the kind of address of each type; "" for those that can't have any
ADDRESSES = {
    "isa-serial": "isa",
    "isa-debug": "isa",
    "usb-serial": "usb",
    "pci-serial": "pci",
    "spapr-vio-serial": "spapr-vio",
    "system-serial": "",
    "sclp-serial": "",
}
TYPES = OneOf(("none", *ADDRESSES))

# the type that each model belongs to
MODELS = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vty": "spapr-vio-serial",
    "pl011": "system-serial",
    "sclpconsole": "sclp-serial",
    "sclplmconsole": "sclp-serial",
    "16550a": "system-serial",
    "isa-debugcon": "isa-debug",
}
_DEFAULT_MODELS = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vio-serial": "spapr-vty",
    "sclp-serial": "sclpconsole",
    "isa-debug": "isa-debugcon",
}
DEVICES: dict[str, Predicate] = {
    "isa-serial": device("isa-serial"),
    "usb-serial": device("usb-serial"),
    "pci-serial": device("pci-serial"),
    "spapr-vty": device("spapr-vty"),
    "pl011": device("pl011"),
    "sclpconsole": device("sclpconsole"),
    "sclplmconsole": device("sclplmconsole"),
}
_MOST_ISA = 4


class Serial(CharacterPort):
    """A serial port."""

    path = "devices/serial"

    named_type = field("target/@type", TYPES)
    named_model = field("target/model/@name", OneOf(("", "none", *MODELS), {"": VALUES_STRICT}))

    @cached_property
    def type(self) -> str:
        """The type, libvirt's default where none is named, "" where it knows none."""
        return port_type(self)

    @cached_property
    def model(self) -> str:
        """The model, libvirt's default where none is named, "" where it knows none."""
        if self.named_model not in {None, "", "none"}:
            return self.named_model or ""
        if self.type == "system-serial":
            return "pl011" if self.holds(ARM_VIRT) else "16550a" if self.holds(_SYSTEM) else ""
        return _DEFAULT_MODELS.get(self.type, "")


def port_type(device: CharacterDevice) -> str:
    """Give the type of a serial port, "" where libvirt knows none for the machine type."""
    if device.target_type not in {"", "none", "isa-serial", "serial"}:
        return device.target_type
    return next((name for name, when in _DEFAULTS if device.holds(when)), "")


@rule(
    "serial-isa-ports",
    Serial,
    since=SERIAL_ISA_PORTS,
    bad="<serial type='pty'><target type='isa-serial' port='4'/></serial>",
    good="<serial type='pty'><target type='isa-serial' port='3'/></serial>",
)
def isa_has_four_ports(serial: Serial) -> Problems:
    """Attribute ``port`` of the ``<target>`` of each ISA serial port must be from 0 to 3, and
    different.
    """
    if serial.target_type != "isa-serial":
        return
    others = [s for s in serial.domain.all(Serial) if s.target_type == "isa-serial"]
    place = next(n for n, other in enumerate(others) if other.node is serial.node)
    at = "target/@port"
    if place >= _MOST_ISA or (serial.port or 0) >= _MOST_ISA:
        yield problem(
            f"a machine has {_MOST_ISA} ISA serial ports: the port must be from 0 to "
            f"{_MOST_ISA - 1}",
            serial,
            at,
        )
    elif serial.port is not None and serial.port in {o.port for o in others[:place]}:
        yield problem(f"port {serial.port} is used by another <serial>; choose another", serial, at)


@rule(
    "serial-debug-unsupported",
    Serial,
    since=SERIAL_DEBUG,
    bad=Sample("<serial type='pty'><target type='isa-debug'/></serial>", arch="aarch64"),
    good="<serial type='pty'><target type='isa-debug'/></serial>",
)
def debugging_is_for_x86(serial: Serial) -> Problems:
    """``<target type='isa-debug'>`` of ``<serial>`` requires an x86 guest."""
    if serial.type == "isa-debug":
        yield from needs(serial, X86, "type 'isa-debug' requires an x86 guest", "target/@type")


@rule(
    "serial-debug-unsupported",
    Serial,
    until=SERIAL_DEBUG,
    bad="<serial type='pty'><target type='isa-debug'/></serial>",
    good="<serial type='pty'><target type='isa-serial'/></serial>",
)
def debugging_is_not_known(serial: Serial) -> Problems:
    """``<target type='isa-debug'>`` of ``<serial>`` requires a newer libvirt."""
    if serial.type == "isa-debug":
        yield problem(
            "this libvirt version does not support the type 'isa-debug'", serial, "target/@type"
        )


@rule(
    "serial-address-unsupported",
    Serial,
    bad="<serial type='pty'><address type='pci'/></serial>",
    good="<serial type='pty'><target type='pci-serial'/><address type='pci'/></serial>",
)
def address_fits_the_type(serial: Serial) -> Problems:
    """The ``<address>`` of a ``<serial>`` must suit its type; built-in ports have none.

    A ``spapr-vio`` port always gets an address of its own.
    """
    yield from address_problems(serial, serial.type)


def address_problems(device: CharacterDevice, kind: str) -> Problems:
    """Compare the address of a serial port with what its type can have."""
    given = device.address_type
    wanted = ADDRESSES.get(kind)
    if given is None or wanted in {None, "spapr-vio", given}:
        return
    if wanted:
        message = f"a port of type {kind!r} needs an <address> of type {wanted!r}"
        yield problem(message, device, "address/@type", accepted=[wanted])
    else:
        yield problem(
            f"a port of type {kind!r} cannot have an <address>; remove it", device, "address"
        )


@rule(
    "serial-model-conflict",
    Serial,
    bad="<serial type='pty'><target type='pci-serial'><model name='isa-serial'/></target></serial>",
    good="<serial type='pty'><target type='pci-serial'><model name='pci-serial'/></target>"
    "</serial>",
)
def model_fits_the_type(serial: Serial) -> Problems:
    """Attribute ``name`` of ``<model>`` in ``<serial>`` must belong to the ``type`` of its
    ``<target>``.

    For example, the model ``isa-serial`` requires ``<target type='isa-serial'>``.
    """
    wanted = MODELS.get(serial.model)
    if wanted is not None and serial.type != wanted:
        yield problem(
            f"the model {serial.model!r} requires <target type={wanted!r}>",
            serial,
            "target/model/@name",
            accepted=[model for model, kind in MODELS.items() if kind == serial.type],
        )


@rule(
    "serial-machine-unsupported",
    Serial,
    bad="<serial type='pty'><target type='sclp-serial'/></serial>",
    good=Sample("<serial type='pty'><target type='sclp-serial'/></serial>", arch="s390x"),
)
def type_fits_the_machine(serial: Serial) -> Problems:
    """Attribute ``type`` of ``<target>`` in ``<serial>`` must be a type that the machine type
    supports.
    """
    for name, at in ((serial.type, "target/@type"), (serial.model, "target/model/@name")):
        message = f"type {name!r} is not supported by this machine type"
        yield from needs(serial, _MACHINES.get(name, ALWAYS), message, at)


_MACHINES = {
    "spapr-vio-serial": PSERIES,
    "sclp-serial": S390,
    "pl011": ARM_VIRT,
    "16550a": LOONGARCH_VIRT | RISCV_VIRT,
}


@rule(
    "serial-spice-unsupported",
    Serial,
    bad="<graphics type='spice'/><serial type='spicevmc'/>",
    good="<graphics type='spice'/><serial type='spiceport'><source channel='org.qemu.x'/></serial>",
)
def spicevmc_is_for_channels(serial: Serial) -> Problems:
    """``spicevmc`` is only valid for ``<channel>``, not for ``<serial>``."""
    # libvirt compares the wrong enumeration: a USB port slips through
    if serial.source_type == "spicevmc" and serial.target_type != "usb-serial":
        yield problem(
            "type='spicevmc' is only valid for <channel>; use another type, such as 'pty'",
            serial,
            "@type",
        )


@rule(
    "serial-device-unsupported",
    Serial,
    bad=Sample("<serial type='pty'><target type='usb-serial'/></serial>", arch="s390x"),
    good="<serial type='pty'/>",
    stage=Stage.START,
)
def device_is_there(serial: Serial) -> Problems:
    """QEMU must have the device for the ``<serial>`` port, such as ``isa-serial``."""
    yield from device_problems(serial, serial.type, serial.model)


def device_problems(part: Part, kind: str, model: str) -> Problems:
    """Report a serial port for which QEMU has no device."""
    message = (
        f"this QEMU does not have the device {model!r}"
        if model
        else f"QEMU has no device for {kind!r}"
    )
    predicate = DEVICES.get(model, ALWAYS) if model else NEVER
    if kind:
        yield from needs(part, predicate, message, "target")
