"""``<interface type='hostdev'>``: cards of the host that are given to the guest.

::

    <interface type='hostdev' managed='yes'>
      <driver name='vfio'/>
      <source>
        <address type='pci' domain='0x0000' bus='0x06' slot='0x12' function='0x1'/>
      </source>
    </interface>
"""

from __future__ import annotations

from domcaps.elements.hostdevs.hostdev import VFIO
from domcaps.elements.network.interface import Interface
from domcaps.language.attributes import Attributes
from domcaps.language.finding import Stage
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import Int, OneOf

_KINDS = ("usb", "pci", "scsi", "scsi_host", "mdev")
_PLACE = Attributes(
    {
        name: Int(0, most, base=0)
        for name, most in (("domain", 2**32 - 1), ("bus", 0xFF), ("slot", 0x1F), ("function", 7))
    }
)
_DRIVER = Attributes({"name": OneOf(("kvm", "vfio", "xen"))})
# the kinds of addresses in the guest
_ADDRESSES = {"pci": ("pci", "unassigned"), "usb": ("usb",)}

_CARD = "<interface type='hostdev'>{}</interface>"
_AT = "<source><address type='pci' bus='6' slot='{}'/></source>"


def host_kind(interface: Interface) -> str:
    """Give what kind of device of the host a card is, "" where that is not said."""
    address = interface.find("source/address")
    kind = None if address is None else address.get("type")
    # a vendor is one of USB
    return kind or ("usb" if interface.find("source/vendor") is not None else "")


@rule(
    "interface-hostdev-invalid",
    Interface,
    bad=_CARD.format("<source/>"),
    good=_CARD.format(_AT.format("18")),
)
def device_is_named(interface: Interface) -> Problems:
    """``<interface type='hostdev'>`` needs an ``<address>`` with a ``type`` in ``<source>``, and
    cannot have a ``<model>``.
    """
    if interface.type != "hostdev":
        return
    kind = host_kind(interface)
    if kind not in _KINDS:
        yield problem(
            "<interface type='hostdev'> needs the PCI address of a host's network card, such as "
            "<source><address type='pci' domain='0' bus='9' slot='0' function='0'/></source>",
            interface,
            "source/address/@type",
            accepted=_KINDS,
        )
    elif kind in {"pci", "usb"} and interface.node.get("model") is not None:
        yield problem(
            "<interface type='hostdev'> cannot have a <model>; remove it", interface, "@model"
        )
    if kind == "pci":
        yield from _PLACE.problems(interface.find("source/address"))
        yield from _DRIVER.problems(interface.find("driver"))


@rule(
    "interface-hostdev-address-wrong",
    Interface,
    bad=_CARD.format(_AT.format("18") + "<address type='usb' bus='0' port='1'/>"),
    good=_CARD.format(_AT.format("18") + "<address type='pci'/>"),
)
def bus_is_the_same(interface: Interface) -> Problems:
    """``<address>`` of an ``<interface type='hostdev'>`` must have the same type as the
    ``<address>`` in ``<source>``.
    """
    if interface.type != "hostdev":
        return
    kind, given = host_kind(interface), interface.address_type
    if given is not None and given not in _ADDRESSES.get(kind, (given,)):
        yield problem(
            f"<address> of this <interface type='hostdev'> has type={given!r}, but must have "
            f"type={kind!r}, as the <address> in <source>",
            interface,
            "address/@type",
            accepted=_ADDRESSES[kind],
        )


@rule(
    "interface-hostdev-unsupported",
    Interface,
    bad=Sample(_CARD.format(_AT.format("18"))),
    good=_CARD.format(_AT.format("18")),
    stage=Stage.START,
)
def host_gives_devices(interface: Interface) -> Problems:
    """``<interface type='hostdev'>`` requires VFIO on the host and in QEMU."""
    if interface.type == "hostdev" and host_kind(interface) == "pci":
        yield from needs(interface, VFIO, "PCI devices cannot be assigned to guests here", "@type")
