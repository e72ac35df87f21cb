"""``<interface>``: network cards.

::

    <interface type='user'>
      <mac address='52:54:00:12:34:56'/>
      <backend type='passt'/>
      <model type='virtio'/>
      <driver queues='4'/>
    </interface>

Rules about the source stand in the sibling `interface_source`, about ``<driver>`` in
`interface_driver`, about IP addresses in `interface_address`, about ports, VLANs and bandwidth in
`interface_port`, and what goes with which type in `interface_features`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.drifts import no_program
from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.base.virtio_options import VirtioOptions, given_options
from domcaps.elements.boards.defaults import E1000, INTERFACE_TYPE, RTL8139, VIRTIO_NET, card_model
from domcaps.elements.boards.families import VIRTUAL
from domcaps.elements.qemu.fragments import on_any_bus
from domcaps.facts import arch as archs
from domcaps.language import Choice, Element, Enum
from domcaps.language.changes.network import (
    INTERFACE_BACKEND_READ,
    INTERFACE_COALESCE_OPTIONAL,
    INTERFACE_DEFAULT,
    INTERFACE_OF_OTHERS,
    INTERFACE_PASST,
    INTERFACE_REPORTED,
    INTERFACE_USB,
    INTERFACE_VHOST_PASST,
)
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.finding import Stage
from domcaps.language.fix import Substitutes, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device, qapi
from domcaps.language.part import field
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.qemu_args import HelperProcess
from domcaps.language.quantities import OrEmpty
from domcaps.language.require import lacks, libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.text_tells import attribute_tells
from domcaps.language.value_types import MAC, UNSIGNED, UNSIGNED64, WRAPPING64, YES_NO, OneOf, Text

if TYPE_CHECKING:
    from domcaps.language.predicate import Predicate

_CARD = "-device virtio-net-{bus},netdev={id}n"

# another type of network is another network
TYPE_SUBSTITUTES = Substitutes(
    "devices/interface/@type",
    order={"*": ()},
    slips={"nat": "network", "macvtap": "direct", "tap": "ethernet", "slirp": "user"},
)

SUBSTITUTES = Substitutes(
    "devices/interface/model/@type",
    order={
        "e1000": ("e1000e", "rtl8139", "virtio"),
        "e1000e": ("e1000", "rtl8139", "virtio"),
        "igb": ("e1000e", "e1000", "virtio"),
        "rtl8139": ("e1000", "e1000e", "virtio"),
        "virtio": ("e1000e", "e1000", "rtl8139"),
        "vmxnet3": ("e1000e", "e1000", "virtio"),
        "virtio-net-pci": ("virtio",),
        "*": ("e1000", "e1000e", "virtio"),
    },
    slips={"virtio-net": "virtio", "vmxnet": "vmxnet3", "vmxnet2": "vmxnet3", "pcnet32": "pcnet"},
    archs=archs.X86,
    # cards made for PCs are strange to systems of other architectures
    elsewhere={"virtio": ("e1000e", "e1000", "rtl8139"), "*": ("virtio", "e1000e", "e1000")},
)


BACKEND_TYPE = Enum(
    "backendType",
    attribute="backend/@type",
    choices=(
        # QEMU's own user-mode network: it may be built without
        Choice(
            "default",
            qapi("netdev_add/arg/case=user"),
            qemu_args=on_any_bus(f"-netdev user,id={{id}}n {_CARD}"),
        ),
        # passt hands over packets through a stream socket
        Choice(
            "passt",
            qapi("netdev_add/arg/case=stream"),
            at_start=(no_program("passt"),),
            qemu_args=on_any_bus(
                "-netdev stream,id={id}n,addr.type=unix,addr.path={dir}/passt,server=off " + _CARD,
                helper=HelperProcess("passt", "--foreground --socket {dir}/passt", "passt"),
            ),
        ),
    ),
    sample="<interface type='user'><backend type='{value}'/></interface>",
)

ELEMENT = Element("interface", order=110, since=INTERFACE_REPORTED, content=(BACKEND_TYPE,))

TYPES = OneOf(
    (
        "user",
        "ethernet",
        "vhostuser",
        "server",
        "client",
        "mcast",
        "network",
        "bridge",
        "internal",
        "direct",
        "hostdev",
        "udp",
        "vdpa",
        "null",
        "vds",
    ),
    {"null": INTERFACE_OF_OTHERS, "vds": INTERFACE_OF_OTHERS},
)
VDPA = qapi("netdev_add/arg/case=vhost-vdpa")
E1000E = device("e1000e")

PREFERENCE = Decision(
    "interface.model",
    order=50,
    each="network",
    title="the model of the network card",
    xml="<interface type='{type}'>{source}<model type='{value}'/></interface>",
    options=(
        Option(
            "virtio",
            "the fastest",
            when=VIRTIO_NET,
            guest=drives("virtio-net", "virtio1.0-net"),
        ),
        Option("virtio", "the card that is made for the board", when=VIRTIO_NET & VIRTUAL),
        Option("e1000e", "a card of PCI Express", when=E1000E, guest=drives("e1000e")),
        Option("e1000", "most guests can drive it", when=E1000, guest=drives("e1000")),
        Option("rtl8139", "old guests can drive it", when=RTL8139, guest=drives("rtl8139")),
        Option("e1000", "most guests can drive it", when=E1000),
        Option("e1000e", "a card of PCI Express", when=E1000E),
        Option("rtl8139", "old guests can drive it", when=RTL8139),
        Option("virtio", "what is left", when=VIRTIO_NET),
    ),
)


class Interface(VirtioOptions, Device):
    """A network card."""

    path = "devices/interface"

    type = field("@type", TYPES, default=INTERFACE_TYPE)
    trusts_filters = field("@trustGuestRxFilters", YES_NO)
    named_model = field(
        "model/@type", Text(r"[A-Za-z0-9_-]*", "a name of letters, digits, hyphens and underscores")
    )
    mac = field("mac/@address", MAC)
    mac_type = field("mac/@type", OneOf(("generated", "static")))
    mac_check = field("mac/@check", YES_NO)
    link = field(
        "link/@state",
        OrEmpty(OneOf(("up", "down"))),
        strict=VALUES_STRICT,
        before=OneOf(("up", "down")),
    )
    managed = field("target/@managed", YES_NO)
    isolated = field("port/@isolated", YES_NO, strict=VALUES_STRICT, before=OrEmpty(YES_NO))
    mtu = field("mtu/@size", OrEmpty(UNSIGNED), expected="a number of bytes, such as '1500'")
    buffer = field(
        "tune/sndbuf",
        OrEmpty(UNSIGNED64),
        strict=VALUES_STRICT,
        before=OrEmpty(WRAPPING64),
        expected="a number of bytes, such as '1600'",
    )
    coalesced = field(
        "coalesce/rx/frames/@max",
        OrEmpty(UNSIGNED),
        strict=INTERFACE_COALESCE_OPTIONAL,
        before=UNSIGNED,
        expected="a number of packets, such as '7'",
    )
    named_backend = field(
        "backend/@type",
        OneOf(("default", "passt"), {"default": INTERFACE_REPORTED, "passt": INTERFACE_PASST}),
        since=INTERFACE_BACKEND_READ,
        at_start=BACKEND_TYPE,
    )

    @cached_property
    def model(self) -> str:
        """The model, libvirt's default where none is named, "" where that is none."""
        return card_model(self.node, self.domain)

    @property
    def is_virtio(self) -> bool:
        """Whether it is a virtio device."""
        return self.model in VIRTIO_MODELS

    @cached_property
    def backend(self) -> str:
        """What packets go through: passt also where QEMU can do without no longer."""
        if self.named_backend == "passt":
            return "passt"
        newer = libvirt_reads(self, INTERFACE_DEFAULT)
        if newer and self.type == "user" and lacks(self, _backend("default")):
            return "default" if lacks(self, _backend("passt")) else "passt"
        return "default"


def _backend(name: str) -> Predicate:
    return next(choice.when for choice in BACKEND_TYPE.choices if choice.name == name)


def _is_vhost(interface: Interface) -> bool:
    """Tell whether a card of vhost-user is one that passt can serve."""
    return interface.type == "vhostuser" and libvirt_reads(interface, INTERFACE_VHOST_PASST)


_USUAL = ("virtio", "e1000e", "e1000", "rtl8139")


def _card(model: str) -> Predicate:
    if model in VIRTIO_MODELS:
        return VIRTIO_NET
    # libvirt has two letters of this one the wrong way round
    return device("smc91c111" if model == "scm91c111" else model)


@rule(
    "interface-mac-multicast",
    Interface,
    bad="<interface type='user'><mac address='53:54:00:12:34:56'/></interface>",
    good="<interface type='user'><mac address='52:54:00:12:34:56'/></interface>",
)
def mac_is_of_one_card(interface: Interface) -> Problems:
    """Attribute ``address`` of ``<mac>`` must not be a multicast address: the first byte must be
    even.
    """
    if not attribute_tells(interface.find("mac"), "address", _is_multicast):
        return
    if interface.mac is not None:
        first, _, rest = interface.mac.partition(":")
        own = set_value(f"{int(first, 16) & ~1:02x}:{rest}", "@address")
        yield problem(
            "the MAC address is a multicast address; its first byte must be even, such as 52",
            interface,
            "mac/@address",
            fix=own,
        )


def _is_multicast(address: str) -> bool:
    first, _, _ = address.partition(":")
    try:
        return int(first, 16) % 2 == 1
    except ValueError:
        # of the wrong form, which is another finding
        return False


@rule(
    "interface-options-unsupported",
    Interface,
    bad="<interface type='user'><model type='e1000'/><driver iommu='on'/></interface>",
    good="<interface type='user'><model type='virtio'/><driver iommu='on'/></interface>",
)
def options_are_of_virtio(interface: Interface) -> Problems:
    """Attributes of ``<driver>`` such as ``iommu`` require an ``<interface>`` with a
    virtio model.
    """
    if not interface.is_virtio:
        yield from given_options(interface)


@rule(
    "interface-model-unsupported",
    Interface,
    bad="<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/><model type='e1000'/></interface>",
    good="<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/><model type='virtio'/>"
    "</interface>",
)
def model_goes_with_vhost(interface: Interface) -> Problems:
    """``<interface>`` of type ``vhostuser`` or ``vdpa`` requires ``<model type='virtio'/>``."""
    if interface.type in {"vdpa", "vhostuser"} and not interface.is_virtio:
        yield problem(
            f"<interface type={interface.type!r}> requires the model 'virtio', not "
            f"{interface.model!r}",
            interface,
            "model/@type",
            accepted=["virtio"],
        )


@rule(
    "interface-usb-address-missing",
    Interface,
    bad="<interface type='user'><model type='usb-net'/></interface>",
    good="<interface type='user'><model type='e1000'/></interface>",
    until=INTERFACE_USB,
)
def cards_on_usb_have_an_address(interface: Interface) -> Problems:
    """An ``<interface>`` with ``<model type='usb-net'/>`` needs a USB ``<address>`` (older libvirt
    versions).
    """
    if interface.model == "usb-net" and interface.address_type is None:
        yield problem(
            "this libvirt version needs <address type='usb'/> for a USB network card",
            interface,
            "address",
        )


@rule(
    "interface-model-unavailable",
    Interface,
    bad="<interface type='user'><model type='nosuch'/></interface>",
    good="<interface type='user'><model type='e1000'/></interface>",
    stage=Stage.START,
)
def card_is_there(interface: Interface) -> Problems:
    """Attribute ``type`` of ``<model>`` in ``<interface>`` must be a network card that QEMU has.

    Libvirt does not check the model: QEMU fails at start.
    """
    if interface.model:
        message = f"this QEMU does not have the network card {interface.model!r}"
        meant = (SUBSTITUTES.slips or {}).get(interface.model.lower(), _USUAL[0])
        names = dict.fromkeys((*_USUAL, meant))
        there = [name for name in names if not lacks(interface, _card(name))]
        yield from needs(interface, _card(interface.model), message, "model/@type", accepted=there)


@rule(
    "interface-backend-unsupported",
    Interface,
    bad="<interface type='bridge'><source bridge='br0'/><backend type='passt'/></interface>",
    good="<interface type='user'><backend type='passt'/></interface>",
)
def backend_is_there(interface: Interface) -> Problems:
    """``<backend type='passt'>`` requires an ``<interface>`` of type ``user`` or ``vhostuser``, and
    a QEMU that supports it.
    """
    if interface.type == "user":
        backend = interface.backend
        if backend == "default" and not libvirt_reads(interface, INTERFACE_DEFAULT):
            return
        message = f"this QEMU does not support <backend type={backend!r}>"
        yield from needs(interface, _backend(backend), message, "backend/@type")
    elif interface.backend == "passt" and not _is_vhost(interface):
        yield problem(
            "<backend type='passt'> is not valid for <interface "
            f"type={interface.type!r}>; remove it",
            interface,
            "backend/@type",
            accepted=["default"],
        )


@rule(
    "interface-vdpa-unsupported",
    Interface,
    bad="<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>",
    good="<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>",
)
def vdpa_is_there(interface: Interface) -> Problems:
    """``<interface type='vdpa'>`` requires a QEMU with vhost-vdpa."""
    if interface.type == "vdpa":
        yield from needs(interface, VDPA, "this QEMU does not support vhost-vdpa", "@type")


@rule(
    "interface-teaming-invalid",
    Interface,
    bad="<interface type='user'><model type='virtio'/>"
    "<teaming type='persistent' persistent='ua-other'/></interface>",
    good="<interface type='user'><model type='virtio'/><teaming type='persistent'/></interface>",
)
def teams_have_two_sides(interface: Interface) -> Problems:
    """``<teaming>`` needs ``type='persistent'``, or ``type='transient'`` and in ``persistent`` the
    alias of the other device.
    """
    team = interface.find("teaming")
    if team is None:
        return
    # an attribute of no text is none
    kind, other = team.get("type") or None, team.get("persistent") or None
    if kind not in {"persistent", "transient"}:
        if kind or other:
            yield problem(
                f"attribute 'type' of <teaming> is {kind!r}, but must be 'persistent' or "
                "'transient'",
                interface,
                "teaming/@type",
                accepted=["persistent", "transient"],
            )
    elif (kind == "transient") != (other is not None):
        yield problem(
            "attribute 'persistent' of <teaming> is required for type='transient', "
            "and only valid there",
            interface,
            "teaming/@persistent",
        )


@rule(
    "interface-teaming-unsupported",
    Interface,
    bad=Sample(
        "<interface type='user'><model type='e1000'/><teaming type='persistent'/></interface>"
    ),
    good="<interface type='user'><model type='virtio'/><teaming type='persistent'/></interface>",
)
def teams_are_of_virtio_and_hardware(interface: Interface) -> Problems:
    """The persistent device of ``<teaming>`` must be a virtio card, the transient one a device of
    the host.
    """
    team = interface.find("teaming")
    kind = None if team is None else team.get("type")
    if kind == "persistent" and not interface.is_virtio:
        yield problem(
            "<teaming type='persistent'> requires the model 'virtio'", interface, "model/@type",
            accepted=["virtio"],
        )  # fmt: skip
    elif kind == "transient" and interface.type not in {"hostdev", "network"}:
        yield problem(
            "<teaming type='transient'> requires <interface type='hostdev'>", interface, "@type",
            accepted=["hostdev"],
        )  # fmt: skip
