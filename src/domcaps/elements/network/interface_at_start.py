"""Network interfaces and bridges of the host that cards are connected to at start."""

from __future__ import annotations

from domcaps.elements.network.interface import Interface
from domcaps.language.finding import quoted
from domcaps.language.host_files import host_file_rule, needs_file
from domcaps.language.rule import Problems, Sample

_NETWORK_DEVICES = "/sys/class/net"
_BRIDGE = "<interface type='bridge'><source bridge='{}'/></interface>"
_SOURCE = {"bridge": ("bridge", "bridge"), "direct": ("dev", "network interface")}
_TUN = "/dev/net/tun"


@host_file_rule(
    "interface-source-device-missing",
    Interface,
    bad=Sample(_BRIDGE.format("br9"), lacking=(f"{_NETWORK_DEVICES}/br9",)),
    good=Sample(_BRIDGE.format("br8"), lacking=(f"{_NETWORK_DEVICES}/br9",)),
)
def interfaces_of_the_host_are_there(interface: Interface) -> Problems:
    """The bridge or network interface in the ``<source>`` of an ``<interface>`` must exist
    on the host.
    """
    source, kind = interface.find("source"), interface.type or ""
    if kind == "network" and source is not None:
        name = quoted(source.get("network", ""))
        interface.domain.world.unknown.add(f"the network {name} is active")
    elif kind in _SOURCE and source is not None:
        name, what = _SOURCE[kind]
        device = source.get(name, "")
        if device and "/" not in device:
            path = f"{_NETWORK_DEVICES}/{device}"
            help_ = "create it, or name another one in <source>"
            yield from needs_file(interface, path, what, f"source/@{name}", help_=help_)
    elif kind == "ethernet" and interface.managed == "no":
        target = interface.find("target")
        device = "" if target is None else target.get("dev", "")
        if device and "/" not in device:
            path = f"{_NETWORK_DEVICES}/{device}"
            yield from needs_file(interface, path, "network interface", "target/@dev")


@host_file_rule(
    "interface-tun-missing",
    Interface,
    bad=Sample(_BRIDGE.format("br9"), lacking=(_TUN,)),
    good=Sample(_BRIDGE.format("br9"), lacking=("/dev/other",)),
)
def tun_device_is_there(interface: Interface) -> Problems:
    """An ``<interface>`` of type ``bridge`` or ``ethernet`` requires the device
    /dev/net/tun on the host.
    """
    if interface.type in {"bridge", "ethernet"}:
        help_ = "load the kernel module tun (modprobe tun)"
        yield from needs_file(interface, _TUN, "device", "@type", help_=help_)
