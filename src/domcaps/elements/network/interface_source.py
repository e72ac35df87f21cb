"""``<source>`` of an ``<interface>``: what a network card is connected to, by its type.

::

    <interface type='udp'>
      <source address='192.168.0.1' port='5558'>
        <local address='127.0.0.1' port='5555'/>
      </source>
    </interface>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from domcaps.elements.base.shared_memory import how_to_share, shares_memory, sharing_memory
from domcaps.elements.network.interface import Interface
from domcaps.language.attributes import Attributes
from domcaps.language.changes.network import INTERFACE_MEMORY
from domcaps.language.finding import Severity
from domcaps.language.fix import Fix, set_value
from domcaps.language.quantities import ANY_UUID
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import SIGNED, TEXT, UNSIGNED, YES_NO, Int, OneOf
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_LONG = Int(-(2**63), 2**63 - 1, base=0)
_SOCKET = Attributes({"address": TEXT, "port": SIGNED}, required=("address", "port"))
_SOURCES = {
    "network": Attributes({}, required=("network",)),
    "bridge": Attributes({}, required=("bridge",)),
    "internal": Attributes({}, required=("name",)),
    "direct": Attributes(
        {"mode": OneOf(("vepa", "private", "bridge", "passthrough"))}, required=("dev",)
    ),
    "vdpa": Attributes({}, required=("dev",)),
    "vds": Attributes(
        {"switchid": ANY_UUID, "portid": _LONG, "connectionid": _LONG}, required=("switchid",)
    ),
    "server": Attributes({"port": SIGNED}, required=("port",)),
    "client": _SOCKET,
    "mcast": _SOCKET,
    "udp": _SOCKET,
}
_VHOST_USER = Attributes({"type": OneOf(("unix",)), "mode": OneOf(("client", "server"))})
_RECONNECT = Attributes({"enabled": YES_NO})
_TIMEOUT = Attributes({"timeout": UNSIGNED}, required=("timeout",))

_VHOST = "<interface type='vhostuser'><source type='unix' path='/tmp/s' mode='{}'>{}</source>"
_VHOST += "<model type='virtio'/></interface>"
_DOMAIN = "<memoryBacking><access mode='{}'/></memoryBacking><devices>" + _VHOST.format(
    "client", ""
)
_DOMAIN += "</devices>"
_SOURCE_EXAMPLES = {
    "bridge": "<source bridge='br0'/>",
    "direct": "<source dev='eth0' mode='bridge'/>",
    "internal": "<source name='guests'/>",
    "vdpa": "<source dev='/dev/vhost-vdpa-0'/>",
    "server": "<source address='127.0.0.1' port='5558'/>",
    "client": "<source address='192.168.0.1' port='5558'/>",
    "mcast": "<source address='230.0.0.1' port='5558'/>",
    "udp": "<source address='192.168.0.1' port='5558'/>",
}
_AGAIN = "<reconnect enabled='yes' timeout='10'/>"


@rule(
    "interface-source-invalid",
    Interface,
    bad="<interface type='bridge'/>",
    good="<interface type='bridge'><source bridge='br0'/></interface>",
)
def source_is_said(interface: Interface) -> Problems:
    """``<source>`` of an ``<interface>`` needs the attributes of its type, such as ``bridge`` for
    ``type='bridge'``.
    """
    source = interface.find("source")
    if interface.type == "vhostuser":
        yield from _vhost_user(interface, source)
    elif interface.type in _SOURCES:
        if source is None:
            example = _SOURCE_EXAMPLES.get(interface.type or "", "<source network='default'/>")
            message = f"<interface type={interface.type!r}> needs a <source>, such as {example}"
            yield problem(message, interface)
            return
        for found in _SOURCES[interface.type].problems(source):
            yield structs.replace(found, fixes=tuple(_of_source(interface, source)))
        if interface.type == "udp":
            yield from _local_end(source)


_KINDS = {"network": "network", "bridge": "bridge", "dev": "direct"}
"""Which type of interface an attribute of ``<source>`` belongs to."""


_BRIDGE_NAME = late_pattern(r"(br|virbr|vmbr|xenbr|lxdbr|ovs|docker|bridge)[-_]?[a-z]*\d*")
"""How people and programs name bridges."""


def _of_source(interface: Interface, source: Node) -> Iterator[Fix]:
    """Give the type of interface that its source is of, where it has one of another type.

    Where a bridge or a device is named by the attribute of the other, its name decides: the
    type may be right, and the attribute wrong.
    """
    kinds = set(_KINDS.values())
    for name in map(str, source.keys()) if interface.type in kinds else ():
        if _KINDS.get(name, interface.type) != interface.type:
            value, right = source.get(name, ""), _is_of_type(interface.type, name, source)
            if right:
                yield Fix(values=((f"@{right}", value),), without=(f"@{name}",))
            yield set_value(_KINDS[name], "../@type")


def _is_of_type(kind: str | None, name: str, source: Node) -> str:
    """Give the attribute that a name belongs into if the type is right, "" if it is not."""
    is_bridge = _BRIDGE_NAME.fullmatch(source.get(name, "")) is not None
    if kind == "bridge" and name == "dev" and is_bridge:
        return "bridge"
    return "dev" if kind == "direct" and name == "bridge" and not is_bridge else ""


@rule(
    "interface-source-ignored",
    Interface,
    bad="<interface type='user'><source bridge='br0'/></interface>",
    good="<interface type='bridge'><source bridge='br0'/></interface>",
    severity=Severity.WARNING,
)
def sources_are_read(interface: Interface) -> Problems:
    """``<interface type='user'>`` and ``<interface type='ethernet'>`` have no ``<source>`` with the
    attribute ``network`` or ``bridge``; libvirt ignores it, and the guest is in no such network.
    """
    source = interface.find("source")
    if source is None or interface.type not in {"user", "ethernet"}:
        return
    for name in ("network", "bridge"):
        if source.get(name) is not None:
            message = f"libvirt ignores the attribute {name!r} of <source> in an <interface type="
            use = f"{interface.type!r}>; use type={_KINDS[name]!r}, or remove <source>"
            yield problem(
                message + use, source, f"@{name}", fix=set_value(_KINDS[name], "../@type")
            )
            return


def _local_end(source: Node) -> Problems:
    local = source.find("local")
    if local is None:
        yield problem("<source> of a UDP interface needs a <local> element", source)
    yield from _SOCKET.problems(local)


def _vhost_user(interface: Interface, source: Node | None) -> Problems:
    # passt makes a socket of its own
    if interface.backend != "passt" and (source is None or source.get("path") is None):
        yield problem(
            "<interface type='vhostuser'> needs <source type='unix' path='…' mode='…'/>", interface
        )
    if source is None:
        return
    yield from _VHOST_USER.problems(source)
    reconnect = source.find("reconnect")
    yield from _RECONNECT.problems(reconnect)
    if reconnect is not None and reconnect.get("enabled") == "yes":
        yield from _TIMEOUT.problems(reconnect)


@rule(
    "interface-reconnect-unsupported",
    Interface,
    bad=_VHOST.format("server", _AGAIN),
    good="<memoryBacking><access mode='shared'/></memoryBacking><devices>"
    + _VHOST.format("client", _AGAIN)
    + "</devices>",
)
def reconnecting_needs_a_connection(interface: Interface) -> Problems:
    """``<reconnect>`` requires ``<source mode='client'>``."""
    source = interface.find("source")
    reconnect = interface.find("source/reconnect")
    if interface.type != "vhostuser" or source is None or reconnect is None:
        return
    if source.get("mode") == "server" and reconnect.get("enabled") == "yes":
        yield problem(
            "<reconnect> requires mode='client' of <source>", interface, "source/reconnect/@enabled"
        )


@rule(
    "interface-memory-private",
    Interface,
    bad=_DOMAIN.format("private"),
    good=_DOMAIN.format("shared"),
    since=INTERFACE_MEMORY,
)
def memory_is_shared(interface: Interface) -> Problems:
    """``<interface type='vhostuser'>`` requires shared memory:
    ``<memoryBacking><access mode='shared'/>``.
    """
    if interface.type == "vhostuser" and not shares_memory(interface.domain):
        yield problem(
            f"all memory of the domain must be shared: {how_to_share(interface.domain)}",
            interface,
            "@type",
            fix=sharing_memory(interface.domain),
        )
