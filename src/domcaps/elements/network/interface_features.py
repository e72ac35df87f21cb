"""What goes with which type of ``<interface>``: MTU, multiple queues, filters, scripts ….

What a card of type ``network`` is in the end only the network knows: it is not judged.
"""

from __future__ import annotations

from domcaps.elements.network.interface import Interface
from domcaps.language.changes.network import (
    INTERFACE_COALESCE_OPTIONAL,
    INTERFACE_OF_OTHERS,
    INTERFACE_VDPA_QUEUES,
    INTERFACE_VLAN_DEFINED,
    INTERFACE_VLAN_OF_BRIDGES,
)
from domcaps.language.finding import Stage
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problem, Problems, problem, rule

_TAP = frozenset({"network", "bridge", "ethernet"})
_SIZED = _TAP | {"vhostuser"}
_QUEUED = _SIZED | {"direct", "vdpa"}
# no virtual function of the host, and no network that may hand out one
_NOT_QEMUS = frozenset({"null", "vds"})

_USER = "<interface type='user'>{}</interface>"
_BRIDGE = "<interface type='bridge'><source bridge='br0'/>{}</interface>"
_TAPPED = "<interface type='ethernet'>{}</interface>"
_QUEUES = "<model type='virtio'/><driver queues='4'/>"


@rule(
    "interface-type-unsupported",
    Interface,
    bad="<interface type='null'/>",
    good="<interface type='user'/>",
    stage=Stage.START,
    since=INTERFACE_OF_OTHERS,
)
def type_is_qemus(interface: Interface) -> Problems:
    """Attribute ``type`` of ``<interface>`` cannot be ``null`` or ``vds``, which are for other
    hypervisors.
    """
    if interface.type in _NOT_QEMUS:
        yield problem(
            f"QEMU does not support <interface type={interface.type!r}>; use another "
            "type, such as 'network'",
            interface,
            "@type",
        )


@rule(
    "interface-mtu-unsupported",
    Interface,
    bad=_USER.format("<mtu size='1500'/>"),
    good=_USER.format("<backend type='passt'/><mtu size='1500'/>"),
)
def mtu_can_be_set(interface: Interface) -> Problems:
    """``<mtu>`` requires an ``<interface>`` that uses a TAP device, vhost-user or passt."""
    by_passt = interface.type == "user" and interface.backend == "passt"
    if interface.mtu and interface.type not in _SIZED and not by_passt:
        yield _not_for(interface, "<mtu>", "mtu")


@rule(
    "interface-coalesce-unsupported",
    Interface,
    bad=_USER.format("<coalesce><rx><frames max='7'/></rx></coalesce>"),
    good=_BRIDGE.format("<coalesce><rx><frames max='7'/></rx></coalesce>"),
)
def packets_can_be_coalesced(interface: Interface) -> Problems:
    """``<coalesce>`` requires an ``<interface>`` of type ``network`` or ``bridge``."""
    coalesce = interface.find("coalesce/rx/frames[@max]")
    needed = interface.has("coalesce") and not libvirt_reads(interface, INTERFACE_COALESCE_OPTIONAL)
    if coalesce is None and needed:
        yield problem(
            "this libvirt version requires a number of frames in <coalesce>", interface, "coalesce"
        )
    if interface.coalesced is not None and interface.type not in {"network", "bridge"}:
        yield _not_for(interface, "<coalesce>", "coalesce")


@rule(
    "interface-isolated-unsupported",
    Interface,
    bad=_USER.format("<port isolated='yes'/>"),
    good=_BRIDGE.format("<port isolated='yes'/>"),
)
def port_can_be_isolated(interface: Interface) -> Problems:
    """Attribute ``isolated`` of ``<port>`` requires an ``<interface>`` on a Linux bridge."""
    if interface.isolated != "yes":
        return
    virtual = interface.find("virtualport")
    if interface.type not in {"network", "bridge"}:
        yield _not_for(interface, "<port isolated='…'>", "port/@isolated")
    elif virtual is not None and virtual.get("type") is not None:
        yield problem(
            f"<virtualport type='{virtual.get('type')}'> does not support "
            "<port isolated='…'>; remove it",
            interface,
            "port/@isolated",
        )


@rule(
    "interface-unmanaged-unsupported",
    Interface,
    bad=_USER.format("<target dev='tap0' managed='no'/>"),
    good=_TAPPED.format("<target dev='tap0' managed='no'/>"),
)
def tap_can_be_left_alone(interface: Interface) -> Problems:
    """``<target managed='no'>`` requires an ``<interface type='ethernet'>``."""
    if interface.managed == "no" and interface.type != "ethernet":
        yield _not_for(interface, "<target managed='no'>", "target/@managed")


@rule(
    "interface-vlan-unsupported",
    Interface,
    bad=_USER.format("<vlan><tag id='4'/></vlan>"),
    good=_BRIDGE.format("<vlan><tag id='4'/></vlan>"),
    since=INTERFACE_VLAN_DEFINED,
)
def packets_can_be_tagged(interface: Interface) -> Problems:
    """``<vlan>`` requires an ``<interface>`` that supports VLAN tags, such as one on Open
    vSwitch.
    """
    yield from _vlan(interface)


@rule(
    "interface-vlan-unsupported-at-start",
    Interface,
    bad=_USER.format("<vlan><tag id='4'/></vlan>"),
    good=_BRIDGE.format("<vlan><tag id='4'/></vlan><virtualport type='openvswitch'/>"),
    stage=Stage.START,
    until=INTERFACE_VLAN_DEFINED,
)
def packets_can_be_tagged_at_start(interface: Interface) -> Problems:
    """``<vlan>`` requires an ``<interface>`` that supports VLAN tags, such as one on Open
    vSwitch; libvirt reports it only at start.
    """
    yield from _vlan(interface)


def _tags(interface: Interface) -> bool:
    """Tell whether the bridge that a card is on puts on tags."""
    if interface.type != "bridge":
        return False
    port = interface.find("virtualport")
    switch = port is not None and port.get("type") == "openvswitch"
    return switch or libvirt_reads(interface, INTERFACE_VLAN_OF_BRIDGES)


def _vlan(interface: Interface) -> Problems:
    vlan = interface.find("vlan")
    if vlan is None or interface.type in {"hostdev", "network"} or _tags(interface):
        return
    source = interface.find("source")
    mode = None if source is None else source.get("mode")
    if interface.type != "direct" or mode != "passthrough":
        yield _not_for(interface, "<vlan>", "vlan")


@rule(
    "interface-bandwidth-unsupported",
    Interface,
    bad="<interface type='hostdev'><source><address type='pci' bus='6'/></source>"
    "<bandwidth><inbound average='1000'/></bandwidth></interface>",
    good=_BRIDGE.format("<bandwidth><inbound average='1000'/></bandwidth>"),
    stage=Stage.START,
)
def bandwidth_can_be_limited(interface: Interface) -> Problems:
    """``<bandwidth>`` is not valid for ``<interface type='hostdev'>``."""
    bandwidth = interface.find("bandwidth")
    if interface.type == "hostdev" and bandwidth is not None and len(bandwidth):
        yield _not_for(interface, "<bandwidth>", "bandwidth")


@rule(
    "interface-queues-unsupported",
    Interface,
    bad=_USER.format(_QUEUES),
    good=_TAPPED.format(_QUEUES),
    stage=Stage.START,
)
def queues_are_of_taps(interface: Interface) -> Problems:
    """Attribute ``queues`` of ``<driver>`` requires an ``<interface>`` that uses a TAP device,
    vhost-user or vDPA.
    """
    driver = interface.find("driver")
    queues = None if driver is None else driver.get("queues")
    older = interface.type == "vdpa" and not libvirt_reads(interface, INTERFACE_VDPA_QUEUES)
    served = interface.type in _QUEUED and not older
    if served or interface.type == "hostdev" or not interface.is_virtio:
        return
    # one there is always
    if queues is not None and queues.strip().lstrip("+0") not in {"", "1"}:
        yield _not_for(interface, "<driver queues='…'>", "driver/@queues")


@rule(
    "interface-filterref-unsupported",
    Interface,
    bad=_BRIDGE.format("<virtualport type='openvswitch'/><filterref filter='clean-traffic'/>"),
    good=_BRIDGE.format("<filterref filter='clean-traffic'/>"),
    stage=Stage.START,
)
def packets_can_be_filtered(interface: Interface) -> Problems:
    """``<filterref>`` requires an ``<interface>`` on a Linux bridge."""
    # elsewhere it is overlooked
    if interface.type not in _TAP:
        return
    filtered, virtual = interface.find("filterref"), interface.find("virtualport")
    if filtered is None or filtered.get("filter") is None or virtual is None:
        return
    if virtual.get("type") is not None:
        yield problem(
            f"<virtualport type='{virtual.get('type')}'> does not support <filterref>; remove it",
            interface,
            "filterref",
        )


@rule(
    "interface-tap-unsupported",
    Interface,
    bad=_USER.format("<backend tap='/dev/net/tun'/>"),
    good=_TAPPED.format("<backend tap='/dev/net/tun'/>"),
    stage=Stage.START,
)
def tap_device_is_used(interface: Interface) -> Problems:
    """Attribute ``tap`` of ``<backend>`` requires an ``<interface>`` that uses a TAP device."""
    backend = interface.find("backend")
    if backend is not None and backend.get("tap") and interface.type not in _TAP:
        yield _not_for(interface, "<backend tap='…'>", "backend/@tap")


@rule(
    "interface-script-unsupported",
    Interface,
    bad=_BRIDGE.format("<script path='/etc/qemu-ifup'/>"),
    good=_TAPPED.format("<script path='/etc/qemu-ifup'/>"),
    stage=Stage.START,
)
def scripts_are_for_ethernet(interface: Interface) -> Problems:
    """``<script>`` requires an ``<interface type='ethernet'>``."""
    script = interface.find("script")
    if script is not None and script.get("path") and interface.type not in {"ethernet", "hostdev"}:
        yield _not_for(interface, "<script>", "script")


def _not_for(interface: Interface, what: str, at: str) -> Problem:
    return problem(
        f"{what} is not valid for <interface type={interface.type!r}>; remove it", interface, at
    )
