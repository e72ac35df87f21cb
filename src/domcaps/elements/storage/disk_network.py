"""Disks on network storage: protocols, servers, and what each protocol has besides.

::

    <disk type='network'>
      <driver name='qemu' type='raw'/>
      <source protocol='nbd' name='export' tls='yes'>
        <host name='server' port='10809'/>
        <reconnect delay='10'/>
      </source>
      <target dev='vda'/>
    </disk>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from domcaps.elements.boards.defaults import TRANSPORT
from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.kind_of_source import of_source
from domcaps.language.attributes import Attributes
from domcaps.language.changes.storage import (
    DISK_SHEEPDOG_DROPPED,
    DISK_TLS_HOSTNAME,
    DISK_VXHS_DROPPED,
)
from domcaps.language.finding import Stage
from domcaps.language.observed import qapi
from domcaps.language.quantities import OrEmpty
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import UNSIGNED, UNSIGNED64, YES_NO, Int, OneOf, fits
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from lxml.etree import _Element as Node

    from domcaps.elements.storage.images import Image

TLS_HOSTNAME = qapi("blockdev-add/arg/case=nbd/tls-hostname")
VXHS = qapi("blockdev-add/arg/case=vxhs")

PROTOCOLS = (
    "nbd", "rbd", "gluster", "iscsi", "http", "https", "ftp", "ftps", "ssh", "nfs", "tftp", "vxhs",
    "sheepdog", "none",
)  # fmt: skip
"""Protocols that libvirt knows by name; QEMU has dropped the last ones."""

_DROPPED = frozenset({"tftp", "sheepdog", "vxhs", "none"})
_CURL = frozenset({"http", "https", "ftp", "ftps"})
_ONE_HOST = _CURL | {"nbd", "iscsi", "ssh"}
_TRANSPORTS = {
    "nbd": ("tcp", "unix"), "gluster": ("tcp", "unix"), "rbd": ("tcp",), "ssh": ("tcp",),
}  # fmt: skip

_SOURCE = Attributes({"protocol": OneOf(PROTOCOLS), "tls": YES_NO}, required=("protocol",))
_TRANSPORT = Attributes({"transport": OneOf(("tcp", "unix", "rdma"))})
_PORT = Attributes({"port": Int(0, 65535)})
_RECONNECT = Attributes({"delay": UNSIGNED})
_SSL = Attributes({"verify": YES_NO})
_KNOWN_HOSTS = Attributes({}, required=("path",))
_IDENTITY = Attributes({}, required=("username",))
_READAHEAD = Attributes({"size": OrEmpty(UNSIGNED64)})
_TIMEOUT = Attributes({"seconds": OrEmpty(UNSIGNED64)})
_LUN = Int(0, 2**32 - 1)

_COOKIE = late_pattern(r'[^\x00-\x20",;\\]*')
_COOKIE_NAME = late_pattern(r'[^\x00-\x20",;\\()<>@:/\[\]?={}]+')

_DISK = (
    "<disk type='network'><source protocol='{}' name='{}'{}>{}</source><target dev='vda'/></disk>"
)
_HOST = "<host name='server'/>"


def _disk(
    protocol: str, inside: str = _HOST, *, name: str = "pool/image", attributes: str = ""
) -> str:
    return _DISK.format(protocol, name, attributes, inside)


_NBD = _disk("nbd")
_HTTP = _disk("https", _HOST + "<ssl verify='no'/><readahead size='65536'/>")


def _network(disk: Disk) -> Iterator[tuple[Image, Node]]:
    """Give the images on network storage, each with the element that says where it is."""
    for image in disk.images:
        if image.type == "network" and image.source is not None:
            yield image, image.source


@rule("disk-protocol-invalid", Disk, bad=_disk("smb"), good=_NBD)
def protocol_is_known(disk: Disk) -> Problems:
    """A network ``<source>`` needs a ``protocol`` that libvirt knows, such as ``nbd``; ``tls`` must
    be ``yes`` or ``no``.
    """
    for _, source in _network(disk):
        for found in _SOURCE.problems(source):
            # variables of firmware have such sources, too, and are no disk
            fixes = tuple(of_source(disk)) if disk.path == Disk.path else ()
            yield structs.replace(found, fixes=fixes)


@rule("disk-protocol-unsupported", Disk, bad=_disk("tftp"), good=_NBD)
def protocol_is_there(disk: Disk) -> Problems:
    """Attribute ``protocol`` of ``<source>`` cannot be ``tftp``, ``sheepdog`` or ``vxhs``: QEMU
    removed them.
    """
    dropped = {"tftp"}
    if libvirt_reads(disk, DISK_SHEEPDOG_DROPPED):
        dropped.add("sheepdog")
    if libvirt_reads(disk, DISK_VXHS_DROPPED):
        dropped |= {"vxhs", "none"}
    yield from _dropped(disk, dropped)


@rule(
    "disk-protocol-unavailable",
    Disk,
    bad=_disk("vxhs"),
    good=_NBD,
    stage=Stage.START,
    until=DISK_VXHS_DROPPED,
)
def protocol_can_be_used(disk: Disk) -> Problems:
    """Attribute ``protocol`` of ``<source>`` cannot be ``vxhs``: QEMU removed it (older libvirt
    versions report this at start).
    """
    if disk.domain.world.truth(VXHS) is Truth.NO:
        yield from _dropped(disk, {"vxhs", "none"})


def _dropped(disk: Disk, names: AbstractSet[str]) -> Problems:
    for image, source in _network(disk):
        if image.protocol in names:
            left = [name for name in PROTOCOLS if name not in _DROPPED]
            yield problem(
                f"QEMU no longer supports the protocol {image.protocol!r}; move the image "
                "to other storage, and use its protocol, such as 'nbd'",
                source,
                "@protocol",
                accepted=left,
            )


_NAMES = {
    "rbd": "pool/image",
    "gluster": "volume/image.raw",
    "iscsi": "iqn.2020-01.org.example:disks/1",
    "vxhs": "eb90327c-8302-4725-9e1b-4e85ed4dc251",
}
"""Examples of names by protocol; most others have paths."""


@rule("disk-source-name-invalid", Disk, bad=_disk("rbd", name="image"), good=_disk("rbd"))
def images_are_named(disk: Disk) -> Problems:
    """A network ``<source>`` needs the attribute ``name``: POOL/IMAGE for RBD, VOLUME/IMAGE for
    Gluster, TARGET/LUN for iSCSI.
    """
    for image, source in _network(disk):
        name = source.get("name")
        if name is None:
            if image.protocol != "nbd":
                example = _NAMES.get(image.protocol, "path/image.raw")
                message = f"<source> needs the attribute 'name', such as name={example!r}"
                yield problem(message, source, "@name")
        elif image.protocol == "iscsi" and not name:
            message = (
                "attribute 'name' of the iSCSI <source> is empty, which makes libvirtd crash; "
                f"write the name of the target and its LUN, such as {_NAMES['iscsi']!r}"
            )
            yield problem(message, source, "@name")
        elif image.protocol in {"rbd", "gluster"} and ("/" not in name or name[0] == "/"):
            message = (
                f"attribute 'name' is {name!r}, but must be a pool and an image, such as "
                f"{_NAMES[image.protocol]!r}"
            )
            yield problem(message, source, "@name")


@rule(
    "disk-source-lun-invalid",
    Disk,
    bad=_disk("iscsi", name="iqn.2013-07.com.example:iscsi/one"),
    good=_disk("iscsi", name="iqn.2013-07.com.example:iscsi/1"),
    stage=Stage.START,
)
def iscsi_units_are_numbers(disk: Disk) -> Problems:
    """The unit after the slash in the ``name`` of an iSCSI ``<source>`` must be a number."""
    for image, source in _network(disk):
        _, slash, unit = source.get("name", "").partition("/")
        if image.protocol == "iscsi" and slash and not fits(_LUN, unit):
            message = f"the unit {unit!r} in the iSCSI name must be a number, such as 1 in 'NAME/1'"
            yield problem(message, source, "@name")


@rule(
    "disk-host-invalid",
    Disk,
    bad=_disk("nbd", "<host transport='unix'/>"),
    good=_disk("nbd", "<host transport='unix' socket='/run/nbd'/>"),
)
def servers_are_named(disk: Disk) -> Problems:
    """``<host>`` needs the attribute ``name``, or ``transport='unix'`` with the attribute
    ``socket``.
    """
    for image, _ in _network(disk):
        for host in image.hosts:
            yield from host_problems(host)


def host_problems(host: Node) -> Problems:
    """Report the form of one server."""
    yield from _TRANSPORT.problems(host)
    if host.get("transport") == "unix":
        if host.get("socket") is None:
            yield problem("<host transport='unix'> needs the attribute 'socket'", host, "@socket")
        return
    if host.get("socket") is not None:
        yield problem("attribute 'socket' of <host> requires transport='unix'", host, "@socket")
    if host.get("name") is None:
        yield problem("<host> needs the attribute 'name'", host, "@name")
    yield from _PORT.problems(host)


def _one_host(protocol: str, number: int) -> str:
    what = f"<source protocol={protocol!r}> must have exactly one <host>, but has "
    return what + ("none; add one" if number == 0 else f"{number}; remove the others")


@rule(
    "disk-host-unsupported",
    Disk,
    bad=_disk("nfs", _HOST * 2),
    good=_disk("nfs"),
)
def nfs_has_one_server(disk: Disk) -> Problems:
    """A disk on NFS needs exactly one ``<host>``, with TCP and without a port."""
    for image, source in _network(disk):
        if image.protocol != "nfs":
            continue
        if len(image.hosts) != 1:
            yield problem(_one_host("nfs", len(image.hosts)), source)
            continue
        host = image.hosts[0]
        if host.get("transport", TRANSPORT) != "tcp":
            yield problem(
                "protocol='nfs' requires transport='tcp'", host, "@transport", accepted=("tcp",)
            )
        elif host.get("port", "0").strip("+0 "):
            yield problem(
                "protocol='nfs' does not support the attribute 'port'; remove it", host, "@port"
            )


@rule(
    "disk-host-count-unsupported",
    Disk,
    bad=_disk("nbd", _HOST * 2),
    good=_NBD,
    stage=Stage.START,
)
def most_have_one_server(disk: Disk) -> Problems:
    """A network ``<source>`` must have the number of ``<host>`` elements that its protocol
    supports; most need exactly one.
    """
    for image, source in _network(disk):
        protocol = image.protocol
        if protocol in _ONE_HOST and len(image.hosts) != 1:
            yield problem(_one_host(protocol, len(image.hosts)), source)
            continue
        transports = _TRANSPORTS.get(protocol, ())
        for host in image.hosts if transports else ():
            if host.get("transport", TRANSPORT) not in transports:
                yield problem(
                    f"protocol={protocol!r} does not support this transport",
                    host,
                    "@transport",
                    accepted=transports,
                )


@rule(
    "disk-tls-unsupported",
    Disk,
    bad=_disk("rbd", attributes=" tls='yes'"),
    good=_disk("nbd", attributes=" tls='yes'"),
    stage=Stage.START,
)
def tls_needs_nbd(disk: Disk) -> Problems:
    """Attribute ``tls`` of ``<source>`` requires ``protocol='nbd'``."""
    for image, source in _network(disk):
        if source.get("tls") == "yes" and image.protocol != "nbd":
            yield problem(
                f"attribute 'tls' requires protocol='nbd', not {image.protocol!r}; remove it",
                source,
                "@tls",
            )


@rule(
    "disk-tls-hostname-unsupported",
    Disk,
    since=DISK_TLS_HOSTNAME,
    bad=_disk("rbd", attributes=" tlsHostname='server'"),
    good=_disk("nbd", attributes=" tls='yes' tlsHostname='server'"),
)
def tls_hostname_needs_nbd(disk: Disk) -> Problems:
    """Attribute ``tlsHostname`` of ``<source>`` requires ``protocol='nbd'``, and a QEMU that
    supports it.
    """
    for image, source in _network(disk):
        if source.get("tlsHostname") is None:
            continue
        if image.protocol != "nbd":
            yield problem(
                "attribute 'tlsHostname' of <source> requires protocol='nbd'; remove it",
                source,
                "@tlsHostname",
            )
        else:
            yield from needs(
                disk,
                TLS_HOSTNAME,
                "this QEMU does not support 'tlsHostname'; remove it",
                "source/@tlsHostname",
            )


@rule(
    "disk-transfer-invalid",
    Disk,
    bad=_disk("https", _HOST + "<ssl verify='maybe'/>"),
    good=_HTTP,
)
def transfer_is_well_described(disk: Disk) -> Problems:
    """``<readahead>``, ``<timeout>`` and ``<ssl>`` of a network ``<source>`` must have valid
    values.
    """
    for image, source in _network(disk):
        protocol = image.protocol
        if protocol == "nbd":
            yield from _RECONNECT.problems(source.find("reconnect"))
        if protocol in {"https", "ftps"}:
            yield from _SSL.problems(source.find("ssl"))
        if protocol in _CURL:
            yield from _READAHEAD.problems(source.find("readahead"))
            yield from _TIMEOUT.problems(source.find("timeout"))


@rule(
    "disk-ssh-invalid",
    Disk,
    bad=_disk("ssh", _HOST + "<identity username='me'/>"),
    good=_disk("ssh", _HOST + "<identity username='me' keyfile='/k'/><knownHosts path='/h'/>"),
)
def ssh_says_who(disk: Disk) -> Problems:
    """``<identity>`` of an SSH ``<source>`` needs a ``username``, and a ``keyfile`` or an
    ``agentsock``.
    """
    for image, source in _network(disk):
        if image.protocol != "ssh":
            continue
        yield from _KNOWN_HOSTS.problems(source.find("knownHosts"))
        identity = source.find("identity")
        if identity is None:
            continue
        yield from _IDENTITY.problems(identity)
        if identity.get("keyfile") is None and identity.get("agentsock") is None:
            yield problem("<identity> needs the attribute 'keyfile' or 'agentsock'", identity)


@rule(
    "disk-cookie-invalid",
    Disk,
    bad=_disk("https", _HOST + "<cookies><cookie name='a b'>1</cookie></cookies>"),
    good=_disk("https", _HOST + "<cookies><cookie name='session'>1</cookie></cookies>"),
)
def cookies_are_well_formed(disk: Disk) -> Problems:
    """Each ``<cookie>`` needs a different ``name``, and a value without spaces, commas and
    semicolons.
    """
    for image, source in _network(disk):
        if image.protocol not in {"http", "https"}:
            continue
        seen: set[str] = set()
        for cookie in source.iterfind("cookies/cookie"):
            name, value = cookie.get("name") or "", cookie.text or ""
            if not name or not value:
                yield problem("<cookie> needs a name and a value", cookie)
            elif not _COOKIE_NAME.fullmatch(name) or not _is_value(value):
                yield problem("<cookie> must not contain spaces, commas or semicolons", cookie)
            elif name in seen:
                yield problem(f"the cookie {name!r} is given twice; remove one", cookie, "@name")
            seen.add(name)


def _is_value(value: str) -> bool:
    if value[0] == '"':
        if value[-1] != '"':
            return False
        value = value[1:-1]
    return _COOKIE.fullmatch(value) is not None
