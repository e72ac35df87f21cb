"""Which device of the host a guest is given: its address, identity, adapter, target or UUID.

::

    <hostdev mode='subsystem' type='usb'>
      <source startupPolicy='optional'>
        <vendor id='0x1234'/><product id='0xbeef'/>
      </source>
    </hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source>
    </hostdev>
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import HOSTDEV_MODE
from domcaps.elements.hostdevs.hostdev import Hostdev
from domcaps.elements.storage.disk_network import host_problems
from domcaps.elements.storage.disk_secrets import login_problems
from domcaps.language.attributes import Attributes
from domcaps.language.changes.hostdevs import HOSTDEV_DUPLICATES, HOSTDEV_USB_PORT
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.part import Part
from domcaps.language.quantities import AnyUuid
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problem, Problems, problem, rule
from domcaps.language.value_types import ON_OFF, YES_NO, Int, OneOf, fits
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

ANY_BASE = Int(0, 2**32 - 1, base=0)

_PCI = Attributes(
    {
        "domain": ANY_BASE,
        "bus": Int(0, 0xFF, base=0),
        "slot": Int(0, 0x1F, base=0),
        "function": ANY_BASE,
        "multifunction": ON_OFF,
    }
)
_LAST_FUNCTION = 7

_USB = Attributes(
    {
        "startupPolicy": OneOf(("mandatory", "requisite", "optional")),
        "autoAddress": YES_NO,
        "guestReset": OneOf(("off", "uninitialized", "on")),
    }
)
_VENDOR = Attributes({"id": Int(1, 2**32 - 1, base=0)}, required=("id",))
_LSUSB = late_pattern(r"[0-9a-fA-F]{4}")
_PRODUCT = Attributes({"id": ANY_BASE}, required=("id",))
_USB_ADDRESS = Attributes({"bus": ANY_BASE, "device": ANY_BASE}, required=("bus", "device"))
_USB_PORT_ADDRESS = Attributes({"bus": ANY_BASE, "device": ANY_BASE}, required=("bus",))
_SCSI_ADDRESS = Attributes(
    {"bus": ANY_BASE, "target": ANY_BASE, "unit": Int(0, 2**64 - 1, base=0)},
    required=("bus", "target", "unit"),
)
_SCSI = Attributes({"protocol": OneOf(("adapter", "iscsi"))})
_ISCSI = Attributes({}, required=("name",))
_VHOST = Attributes({"protocol": OneOf(("vhost",))}, required=("protocol", "wwpn"))
_UNIT = Int(0, 2**32 - 1)
_UUID = AnyUuid()
_WWPN = late_pattern(r"naa\.(0x)?[0-9a-fA-F]{16}")

_DEVICE = "<hostdev mode='subsystem' type='{}'{}><source{}>{}</source></hostdev>"
_AT = "<address domain='0' bus='{}' slot='2' function='0'/>"
_GUID = "c2177883-f1bb-47f0-914d-32a22e3a8804"


def _device(kind: str, inside: str = "", source: str = "", attributes: str = "") -> str:
    return _DEVICE.format(kind, attributes, source, inside)


_GOOD = _device("pci", _AT.format(6))
_GOOD_MDEV = _device("mdev", f"<address uuid='{_GUID}'/>", "", " model='vfio-pci'")
_GOOD_USB = _device("usb", "<vendor id='0x1234'/><product id='0xbeef'/>")
_SCSI_INSIDE = "<adapter name='scsi_host0'/><address bus='0' target='0' unit='{}'/>"
_GOOD_SCSI = _device("scsi", _SCSI_INSIDE.format(0))


@rule(
    "hostdev-source-missing",
    Hostdev,
    bad="<hostdev mode='subsystem' type='pci'/>",
    good=_GOOD,
)
def source_is_there(hostdev: Hostdev) -> Problems:
    """``<hostdev>`` needs a ``<source>`` that names the device of the host."""
    if hostdev.source is None:
        message = (
            "<hostdev> needs a <source> that names the host device, such as <source><address "
            "domain='0x0000' bus='0x09' slot='0x00' function='0x0'/></source> of a PCI device"
        )
        yield problem(message, hostdev, "source")


@rule(
    "hostdev-startup-policy-unsupported",
    Hostdev,
    bad=_device("pci", _AT.format(6), " startupPolicy='optional'"),
    good=_device("usb", "<vendor id='0x1234'/><product id='0xbeef'/>", " startupPolicy='optional'"),
)
def only_usb_can_be_missing(hostdev: Hostdev) -> Problems:
    """Attribute ``startupPolicy`` of ``<source>`` is only valid for a USB ``<hostdev>``."""
    source = hostdev.source
    if source is not None and hostdev.type != "usb" and source.get("startupPolicy") is not None:
        yield problem(
            "attribute 'startupPolicy' is only valid for USB devices; remove it",
            source,
            "@startupPolicy",
        )


def _with_prefix(wrong: Problem, number: Node | None) -> Problem:
    """Let four hexadecimal digits, as lsusb prints them, be such a number."""
    text = "" if number is None else number.get("id") or ""
    if not _LSUSB.fullmatch(text):
        return wrong
    return Problem(wrong.message, wrong.node, "id", fixes=(set_value(f"0x{text.lower()}", "@id"),))


@rule(
    "hostdev-usb-invalid",
    Hostdev,
    bad=_device("usb", "<vendor id='0x1234'/>"),
    good=_GOOD_USB,
)
def usb_is_identified(hostdev: Hostdev) -> Problems:
    """``<source>`` of a USB ``<hostdev>`` must have ``<vendor>`` and ``<product>`` together, and a
    valid ``<address>``.
    """
    source = hostdev.source
    if hostdev.type != "usb" or source is None:
        return
    yield from _USB.problems(source)
    vendor, product = source.find("vendor"), source.find("product")
    if (vendor is None) is not (product is None):
        yield problem("<vendor> and <product> are only valid together; add the missing one", source)
    for number, form in ((vendor, _VENDOR), (product, _PRODUCT)):
        yield from (_with_prefix(wrong, number) for wrong in form.problems(number))
    address = source.find("address")
    by_port = (
        address is not None
        and address.get("port") is not None
        and libvirt_reads(hostdev, HOSTDEV_USB_PORT)
    )
    yield from (_USB_PORT_ADDRESS if by_port else _USB_ADDRESS).problems(address)
    if by_port and address is not None and address.get("device") is not None:
        yield problem(
            "attributes 'device' and 'port' of <address> exclude each other; remove one", address
        )


@rule(
    "hostdev-usb-unidentified",
    Hostdev,
    bad=_device("usb"),
    good=_GOOD_USB,
    stage=Stage.START,
)
def usb_is_findable(hostdev: Hostdev) -> Problems:
    """``<source>`` of a USB ``<hostdev>`` needs ``<vendor>`` and ``<product>``, or ``<address>``
    with ``bus`` and ``device``.
    """
    source = hostdev.source
    if hostdev.type != "usb" or source is None or source.find("vendor") is not None:
        return
    address = source.find("address")
    if address is not None and address.get("port"):
        return
    if not _number(address, "bus") and not _number(address, "device"):
        yield problem(
            "<source> needs <vendor> and <product>, such as <vendor id='0x1234'/><product "
            "id='0xbeef'/> ('lsusb' lists them), or <address bus='…' device='…'/>",
            source,
        )


@rule(
    "hostdev-pci-invalid",
    Hostdev,
    bad=_device("pci", "<address bus='6' slot='0x20'/>"),
    good=_GOOD,
)
def pci_is_addressed(hostdev: Hostdev) -> Problems:
    """The PCI ``<address>`` in ``<source>`` must be in range: ``slot`` from 0 to 0x1f, ``function``
    from 0 to 7.
    """
    if hostdev.type == "pci" and hostdev.source is not None:
        yield from pci_address_problems(hostdev.source.find("address"))


def pci_address_problems(address: Node | None) -> Problems:
    """Report the address of a PCI device of the host; libvirt overlooks an empty one."""
    yield from _PCI.problems(address)
    somewhere = any(_number(address, name) for name in ("domain", "bus", "slot"))
    if address is not None and somewhere and _number(address, "function") > _LAST_FUNCTION:
        yield problem(
            "attribute 'function' of a PCI address must be at most 7", address, "@function"
        )


@rule(
    "hostdev-scsi-invalid",
    Hostdev,
    bad=_device("scsi", "<adapter name='scsi_host0'/>"),
    good=_GOOD_SCSI,
)
def scsi_is_addressed(hostdev: Hostdev) -> Problems:
    """``<source>`` of a SCSI ``<hostdev>`` needs ``<adapter>`` and ``<address>``, or one ``<host>``
    for iSCSI.
    """
    source = hostdev.source
    if hostdev.type != "scsi" or source is None:
        return
    yield from _SCSI.problems(source)
    if source.get("protocol") == "iscsi":
        yield from _iscsi(source)
        return
    adapter, address = source.find("adapter"), source.find("address")
    if adapter is None or not adapter.get("name"):
        yield problem(
            "<adapter> needs the attribute 'name', such as 'scsi_host0'", source, "adapter/@name"
        )
    if address is None:
        message = (
            "<source> needs the host's SCSI address, such as <address bus='0' target='0' unit='0'/>"
        )
        yield problem(message, source, "address")
    yield from _SCSI_ADDRESS.problems(address)


def _iscsi(source: Node) -> Problems:
    yield from _ISCSI.problems(source)
    hosts = source.findall("host")
    for host in hosts:
        yield from host_problems(host)
    if len(hosts) != 1:
        yield problem("an iSCSI <source> needs exactly one <host>", source)
    login = source.find("auth")
    if login is None:
        return
    yield from login_problems(login)
    secret = login.find("secret")
    if secret is not None and secret.get("type") != "iscsi":
        yield problem("<secret> needs type='iscsi'", secret, "@type", accepted=("iscsi",))


@rule(
    "hostdev-scsi-unit-invalid",
    Hostdev,
    bad=_device("scsi", "<host name='server'/>", " protocol='iscsi' name='iqn.2013-07.com:a/x'"),
    good=_device("scsi", "<host name='server'/>", " protocol='iscsi' name='iqn.2013-07.com:a/1'"),
    stage=Stage.START,
)
def iscsi_units_are_numbers(hostdev: Hostdev) -> Problems:
    """The unit after the slash in the ``name`` of an iSCSI ``<source>`` must be a number."""
    source = hostdev.source
    if hostdev.type != "scsi" or source is None or source.get("protocol") != "iscsi":
        return
    _, slash, unit = source.get("name", "").partition("/")
    if slash and not fits(_UNIT, unit):
        message = f"the unit {unit!r} in the iSCSI name must be a number, such as 1 in 'NAME/1'"
        yield problem(message, source, "@name")


@rule(
    "hostdev-scsi-host-invalid",
    Hostdev,
    bad=_device("scsi_host", "", " protocol='vhost' wwpn='naa.5'"),
    good=_device("scsi_host", "", " protocol='vhost' wwpn='naa.5123456789abcde0'"),
)
def vhost_scsi_has_a_target(hostdev: Hostdev) -> Problems:
    """Attribute ``wwpn`` of a vhost ``<source>`` must be ``naa.`` followed by 16 hexadecimal
    digits.
    """
    source = hostdev.source
    if hostdev.type != "scsi_host" or source is None:
        return
    yield from _VHOST.problems(source)
    wwpn = source.get("wwpn")
    if wwpn is not None and not _WWPN.fullmatch(wwpn):
        yield problem(
            "attribute 'wwpn' must be 'naa.' followed by 16 hexadecimal digits, such as "
            "'naa.5001405df3e54061'",
            source,
            "@wwpn",
        )


@rule(
    "hostdev-mdev-invalid",
    Hostdev,
    bad=_GOOD_MDEV.replace(_GUID, "c2177883"),
    good=_GOOD_MDEV,
)
def mdev_has_a_uuid(hostdev: Hostdev) -> Problems:
    """``<source>`` of a ``<hostdev type='mdev'>`` needs an ``<address>`` with the attribute
    ``uuid``.
    """
    source = hostdev.source
    if hostdev.type != "mdev" or source is None:
        return
    address = source.find("address")
    uuid = None if address is None else address.get("uuid")
    if uuid is None or not fits(_UUID, uuid):
        yield problem(
            "<source> needs an <address> with the attribute 'uuid' of a mediated device, such as "
            "uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'",
            source,
            "address/@uuid",
        )


class HostDevices(Part):
    """All devices of the host that a domain is given, network interfaces among them."""

    path = ""

    @cached_property
    def given(self) -> tuple[tuple[Node, str, Node], ...]:
        """Each device's element, its type and the element that names it."""
        return tuple(self._given())

    def _given(self) -> Iterator[tuple[Node, str, Node]]:
        nodes = (*self.domain.find("devices/interface"), *self.domain.find("devices/hostdev"))
        for node in nodes:
            source = node.find("source")
            if source is None:
                continue
            if node.tag == "hostdev" and node.get("mode", HOSTDEV_MODE) == "subsystem":
                yield node, node.get("type", ""), source
            elif node.tag == "interface" and node.get("type") == "hostdev":
                address = source.find("address")
                yield node, "" if address is None else address.get("type", ""), source


@rule(
    "hostdev-duplicate",
    HostDevices,
    since=HOSTDEV_DUPLICATES,
    bad=_GOOD * 2,
    good=_GOOD + _device("pci", _AT.format(7)),
)
def devices_are_given_once(devices: HostDevices) -> Problems:
    """A host device must not be assigned to the guest twice."""
    yield from _given_twice(devices, frozenset(_NAMES))


_MEDIATED = _device("mdev", f"<address uuid='{_GUID[:-1]}{{}}'/>", "", " model='vfio-pci'")


@rule(
    "hostdev-duplicate",
    HostDevices,
    until=HOSTDEV_DUPLICATES,
    bad=_MEDIATED.format(1) * 2,
    good=_MEDIATED.format(1) + _MEDIATED.format(2),
    stage=Stage.START,
)
def mediated_devices_are_given_once(devices: HostDevices) -> Problems:
    """A mediated host device must not be assigned to the guest twice.

    Other devices may be repeated.
    """
    yield from _given_twice(devices, frozenset({"mdev"}))


def _given_twice(devices: HostDevices, kinds: frozenset[str]) -> Problems:
    known: set[tuple[object, ...]] = set()
    for node, kind, source in devices.given:
        if kind not in kinds:
            continue
        goes_by, wanted = _NAMES[kind](source)
        if any((kind, *name) in known for name in wanted):
            again = Fix(without=("",))
            yield problem(
                "this host device is assigned to the guest twice; remove one <hostdev>",
                node,
                fix=again,
            )
        known.update((kind, *name) for name in goes_by)


def _number(node: Node | None, name: str) -> int:
    try:
        return ANY_BASE.parse("" if node is None else node.get(name, ""))
    except ValueError:
        return 0


# What a device goes by, for those that follow it, and by which of these it is compared with those
# before it: libvirt compares in the way in which the first of two is named.
_Names = tuple[tuple[tuple[object, ...], ...], tuple[tuple[object, ...], ...]]


def _numbers(source: Node, *names: str) -> tuple[int, ...]:
    address = source.find("address")
    return tuple(_number(address, name) for name in names)


def _pci(source: Node) -> _Names:
    name = (_numbers(source, "domain", "bus", "slot", "function"),)
    return name, name


def _usb(source: Node) -> _Names:
    bus, device = place = _numbers(source, "bus", "device")
    address = source.find("address")
    port = None if address is None else address.get("port")
    ids = tuple(_number(source.find(tag), "id") for tag in ("vendor", "product"))
    wanted = ("place", *place), ("port", bus, port), ("ids", *ids)
    first = 0 if bus and device else 1 if port else 2
    return wanted[first : first + 1], wanted


def _scsi(source: Node) -> _Names:
    if source.get("protocol") != "iscsi":
        adapter = source.find("adapter")
        named = None if adapter is None else adapter.get("name")
        name = (("adapter", named, *_numbers(source, "bus", "target", "unit")),)
        return name, name
    unit = source.get("name", "")
    unit = unit if "/" in unit else f"{unit}/0"
    host = source.find("host")
    if host is None:
        return (("none", unit),), (("any", unit),)
    place = ("host", unit, host.get("name"), host.get("port", "0"))
    return (place, ("any", unit)), (place, ("none", unit))


def _target(source: Node) -> _Names:
    name = ((source.get("wwpn"),),)
    return name, name


def _uuid(source: Node) -> _Names:
    address = source.find("address")
    text = "" if address is None else address.get("uuid", "")
    name = ((re.sub("[^0-9a-f]", "", text.lower()),),)
    return name, name


_NAMES: dict[str, Callable[[Node], _Names]] = {
    "pci": _pci,
    "usb": _usb,
    "scsi": _scsi,
    "scsi_host": _target,
    "mdev": _uuid,
}
