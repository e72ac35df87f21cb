"""Calls about network interfaces of the host, which are listed and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.serve.calls.known_host import knows_host
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.session import check_flags, check_most
from domcaps.serve.xdr import INT, STRING, UINT, Array, Record

if TYPE_CHECKING:
    from domcaps.facts.host_objects import HostInterface
    from domcaps.serve.session import ClientSession

INTERFACE_FORM = Record(STRING, STRING)
_MOST = 16384


def _interface(session: ClientSession, what: str, value: str) -> HostInterface:
    for interface in session.inventory.interfaces:
        if getattr(interface, what) == value:
            return interface
    raise LibvirtError(
        ErrorNumber.NO_INTERFACE, f"couldn't find interface with {what} '{value}'",
        ErrorDomain.INTERFACE,
    )  # fmt: skip


def _with_state(session: ClientSession, *, active: bool) -> list[HostInterface]:
    return [one for one in session.inventory.interfaces if one.active is active]


@knows_host(284, takes=(INT, UINT), gives=(Array(INTERFACE_FORM, _MOST), UINT))
def connect_list_all_interfaces(
    session: ClientSession, need_results: int, flags: int
) -> tuple[list[tuple[str, str]], int]:
    """List those of the host: 1 and 2 are flags for those that are not up, and that are."""
    asked = flags & 0x3 or 0x3
    interfaces = session.inventory.interfaces
    found = [(one.name, one.mac) for one in interfaces if asked & (2 if one.active else 1)]
    return (found if need_results else []), len(found)


def _offer_interfaces(count: int, names: int, *, active: bool) -> None:
    @knows_host(count, gives=(INT,))
    def number_of_interfaces(session: ClientSession) -> tuple[int]:
        """Count interfaces."""
        return (len(_with_state(session, active=active)),)

    @knows_host(names, takes=(INT,), gives=(Array(STRING, _MOST),))
    def names_of_interfaces(session: ClientSession, most: int) -> tuple[list[str]]:
        """Name interfaces."""
        check_most(most, _MOST, "names", "INTERFACE")
        return ([one.name for one in _with_state(session, active=active)][:most],)


_offer_interfaces(126, 127, active=True)
_offer_interfaces(137, 138, active=False)


@knows_host(128, takes=(STRING,), gives=(INTERFACE_FORM,))
def interface_lookup_by_name(session: ClientSession, name: str) -> tuple[tuple[str, str]]:
    """Find one by its name."""
    found = _interface(session, "name", name)
    return ((found.name, found.mac),)


@knows_host(129, takes=(STRING,), gives=(INTERFACE_FORM,))
def interface_lookup_by_mac_string(session: ClientSession, mac: str) -> tuple[tuple[str, str]]:
    """Find one by its hardware address."""
    found = _interface(session, "mac", mac.lower())
    return ((found.name, found.mac),)


@knows_host(130, takes=(INTERFACE_FORM, UINT), gives=(STRING,))
def interface_get_xml_desc(
    session: ClientSession, handle: tuple[str, str], flags: int
) -> tuple[str]:
    """Describe one."""
    check_flags(flags, 1)
    found = _interface(session, "name", handle[0])
    root = etree.Element("interface", type=found.kind, name=found.name)
    etree.SubElement(root, "mac", address=found.mac)
    if found.kind == "bridge":
        bridge = etree.SubElement(root, "bridge")
        for port in found.ports:
            etree.SubElement(bridge, "interface", type="ethernet", name=port)
    return (etree.tostring(root, encoding="unicode", pretty_print=True),)


@knows_host(156, takes=(INTERFACE_FORM,), gives=(INT,))
def interface_is_active(session: ClientSession, handle: tuple[str, str]) -> tuple[int]:
    """Tell whether one is up."""
    return (int(_interface(session, "name", handle[0]).active),)
