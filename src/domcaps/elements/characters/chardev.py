"""Character devices: where the bytes of ``<serial>``, ``<console>``, ``<channel>`` … go to.

::

    <serial type='tcp'>
      <source mode='connect' host='127.0.0.1' service='2445'>
        <reconnect enabled='yes' timeout='10'/>
      </source>
      <protocol type='telnet'/>
      <log file='/var/log/guest.log' append='on'/>
      <target port='0'/>
    </serial>

Smart cards, entropy gathering daemons, external TPMs and redirected USB devices have such sources,
too. Rules about the form of a source stand in the sibling `chardev_source`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.advice.drifts import NO_DBUS_MODULE
from domcaps.elements.base.device import Device
from domcaps.elements.boards.defaults import CHARDEV_TYPE
from domcaps.elements.characters.kind_of_source import of_socket, with_path
from domcaps.elements.display.graphics import has_graphics
from domcaps.elements.display.spice_agent import VDAGENT
from domcaps.language.changes.characters import (
    CHANNEL_SOCKETS_MOVED,
    CHANNEL_SOCKETS_WHOLE,
    CHARACTER_DBUS,
    CHARACTER_PORT_COUNTED,
    CHARACTER_SPICE,
    CHARACTER_TLS_REFUSED,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.part import Part, field
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import Int, OneOf
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.dialect import Dialect

TYPES = OneOf(
    (
        "null",
        "vc",
        "pty",
        "dev",
        "file",
        "pipe",
        "stdio",
        "udp",
        "tcp",
        "unix",
        "spicevmc",
        "spiceport",
        "nmdm",
        "qemu-vdagent",
        "dbus",
    )
)

# as C reads an unsigned number
_PORT = Int(-(2**32) + 1, 2**32 - 1)
_MOST_PORTS = 2**31 - 1
_FILES = frozenset({"file", "dev", "pipe"})
_NAME = late_pattern(r"[A-Za-z0-9_.-]*")
# where libvirt puts the sockets that it names itself
_OWN_SOCKET = (
    r"(/var)?/run/libvirt/qemu/channel|/var/lib/libvirt/qemu/channel|/etc/libvirt/qemu/channel"
)
_FORMER = (r"^/var/lib/libvirt/qemu/channel/target/[^/]+\.", r"domain-[^/]+/{}$")
_MOVED = (
    rf"^({_OWN_SOCKET})/(target/)?[^/]+\.",
    r"domain-[^/]+/",
    r"[0-9]+-[^/]+/{}$",
)
_TCP = "<serial type='tcp'><source mode='{}' host='127.0.0.1' service='1234'>{}</source></serial>"
_CONNECT = _TCP.format("connect", "{}")


class CharacterSource(Part):
    """Base of parts that hold the source of a character device.

    `source_type` is its type, "" where there is none. Parts that libvirt drops before it looks at
    them closely say so with `counts`.
    """

    @property
    def source_type(self) -> str:
        """The type of character device, "" where it is none."""
        return self.node.get("type", "")

    @property
    def type_is_read(self) -> bool:
        """Whether there is a type that libvirt reads, if only one of no text."""
        return False

    @property
    def counts(self) -> bool:
        """Whether libvirt looks at it after it has filled in what is missing."""
        return True

    @property
    def socket_is_named(self) -> bool:
        """Whether a socket without a path is given one by libvirt."""
        return False

    @cached_property
    def source(self) -> Node | None:
        """The first ``<source>``."""
        return self.node.find("source")

    def source_attribute(self, name: str) -> str | None:
        """Give an attribute of the first ``<source>``."""
        return None if self.source is None else self.source.get(name)

    @cached_property
    def path_name(self) -> str | None:
        """The path of the source, None where there is none or libvirt will name its own."""
        return self.source_attribute("path")

    @cached_property
    def listens(self) -> bool:
        """Whether QEMU waits for the other side, instead of going to it."""
        return self.source_attribute("mode") == "bind"


class CharacterDevice(CharacterSource, Device):
    """Base of ``<serial>``, ``<parallel>``, ``<console>`` and ``<channel>``."""

    @property
    def source_type(self) -> str:
        """The type of character device; a pseudo terminal where none is named."""
        return self.node.get("type", CHARDEV_TYPE)

    @property
    def type_is_read(self) -> bool:
        """Whether there is a type that libvirt reads, if only one of no text."""
        return True

    @cached_property
    def target(self) -> Node | None:
        """What it is to the guest."""
        return self.node.find("target")

    @cached_property
    def target_type(self) -> str:
        """The type of the target, "" where none is named."""
        return "" if self.target is None else self.target.get("type", "")


class CharacterPort(CharacterDevice):
    """Base of those that are counted: all but ``<channel>``."""

    port = field("target/@port", _PORT, expected="the number of the port, such as '0'")


def own_socket(path: str, name: str | None, dialect: Dialect) -> bool:
    """Tell whether a path is one that libvirt chose for the channel of that name.

    Of a channel without a name libvirt compares the folder only. Older libvirt takes paths for its
    own that only begin or end as those do.
    """
    if not dialect.has(CHANNEL_SOCKETS_WHOLE):
        forms = _MOVED if dialect.has(CHANNEL_SOCKETS_MOVED) else _FORMER
        return any(re.search(form.format(re.escape(name or "")), path) for form in forms)
    form = rf"({_OWN_SOCKET})/(target/)?([^/]+\.|domain-[^/]+/|[0-9]+-[^/]+/)"
    if name is None:
        return re.match(form, path) is not None
    return re.fullmatch(form + re.escape(name), path) is not None


def _is_later(part: CharacterSource, kind: str | None) -> bool:
    return kind in {"dbus", "qemu-vdagent"} and not libvirt_reads(part, CHARACTER_DBUS)


@rule(
    "chardev-type-unknown",
    CharacterSource,
    bad="<serial type='modem'/>",
    good="<serial type='pty'/>",
)
def type_is_known(part: CharacterSource) -> Problems:
    """Attribute ``type`` of a character device must be a type that libvirt knows, such as
    ``pty``.
    """
    kind = part.source_type
    known = kind in TYPES.names and not _is_later(part, kind)
    if (kind or part.type_is_read) and not known:
        yield problem(
            f"{kind!r} is not a type of character device that libvirt knows",
            part,
            "@type",
            accepted=TYPES.names,
        )


@rule(
    "chardev-port-range",
    CharacterPort,
    bad="<serial type='pty'><target port='-1'/></serial>",
    good="<serial type='pty'><target port='0'/></serial>",
    since=CHARACTER_PORT_COUNTED,
)
def ports_are_counted_from_0(part: CharacterPort) -> Problems:
    """Attribute ``port`` of ``<target>`` must not be negative; older libvirt versions read
    negative numbers as large ones.
    """
    if part.port is not None and not 0 <= part.port <= _MOST_PORTS:
        yield problem(f"attribute 'port' must be from 0 to {_MOST_PORTS}", part, "target/@port")


@rule(
    "chardev-type-unsupported",
    CharacterSource,
    bad="<serial type='nmdm'/>",
    good="<serial type='pty'/>",
    stage=Stage.START,
)
def type_is_qemus(part: CharacterSource) -> Problems:
    """Character devices cannot be of type ``nmdm``, which is for FreeBSD: QEMU does not
    support it.
    """
    if part.source_type == "nmdm" and part.counts:
        yield problem(
            "QEMU does not support type='nmdm'",
            part,
            "@type",
            accepted=["pty", "unix"],
        )


@rule(
    "chardev-dbus-fails-at-start",
    CharacterSource,
    bad="<channel type='dbus'><source channel='org.example.0'/><target type='virtio' name='a'/>"
    "</channel>",
    good="<channel type='pty'><target type='virtio' name='a'/></channel>",
    stage=Stage.START,
)
def dbus_has_its_module(part: CharacterSource) -> Problems:
    """A domain with a character device of type ``dbus`` does not start without QEMU's D-Bus
    module.
    """
    if part.source_type != "dbus" or not part.counts:
        return
    world = part.domain.world
    if world.truth(NO_DBUS_MODULE.where) is Truth.YES:
        yield problem(
            "type='dbus' requires QEMU's D-Bus module, which is not installed",
            part,
            "@type",
            reason=NO_DBUS_MODULE.where.explain(world),
        )


@rule(
    "chardev-spice-missing",
    CharacterSource,
    since=CHARACTER_SPICE,
    bad="<channel type='spicevmc'><target type='virtio'/></channel>",
    good="<graphics type='spice'/><channel type='spicevmc'><target type='virtio'/></channel>",
    fix=Fix(without=("",)),
)
def spice_is_there(part: CharacterSource) -> Problems:
    """Character devices of type ``spicevmc`` and ``spiceport`` require
    ``<graphics type='spice'>``.
    """
    if (
        part.source_type in {"spicevmc", "spiceport"}
        and part.counts
        and not has_graphics(part, "spice")
    ):
        yield problem(f"type={part.source_type!r} requires <graphics type='spice'/>", part, "@type")


@rule(
    "chardev-vdagent-unsupported",
    CharacterSource,
    bad=Sample("<channel type='qemu-vdagent'><target type='virtio'/></channel>", arch="riscv32"),
    good="<channel type='qemu-vdagent'><target type='virtio'/></channel>",
)
def vdagent_is_there(part: CharacterSource) -> Problems:
    """``<channel type='qemu-vdagent'>`` requires a QEMU that supports it."""
    if part.source_type == "qemu-vdagent" and part.counts:
        yield from needs(part, VDAGENT, "this QEMU does not support type='qemu-vdagent'", "@type")


@rule(
    "chardev-path-missing",
    CharacterSource,
    bad="<serial type='file'/>",
    good="<serial type='file'><source path='/tmp/serial.log'/></serial>",
)
def files_have_a_path(part: CharacterSource) -> Problems:
    """``<source>`` of a character device of type ``file``, ``dev``, ``pipe`` or ``unix`` needs the
    attribute ``path``.

    The socket of a virtio channel may be named by its target instead.
    """
    kind = part.source_type
    named = kind == "unix" and part.socket_is_named
    if kind in _FILES | {"unix"} and part.path_name is None and not named and part.counts:
        message = f"type={kind!r} needs <source path='…'/>"
        yield problem(message, part, "source", fix=with_path(part))


@rule(
    "chardev-host-missing",
    CharacterSource,
    bad="<serial type='tcp'><source mode='connect' service='1234'/></serial>",
    good=_CONNECT.format(""),
)
def tcp_has_two_ends(part: CharacterSource) -> Problems:
    """``<source>`` of a character device of type ``tcp`` needs the attributes ``host`` and
    ``service``.
    """
    if part.source_type != "tcp" or not part.counts:
        return
    for name in ("host", "service"):
        if part.source_attribute(name) is None:
            message = f"type='tcp' needs <source {name}='…'/>"
            yield problem(message, part, "source", fix=of_socket(part))


@rule(
    "chardev-service-missing",
    CharacterSource,
    bad="<serial type='udp'><source mode='bind' service='1234'/></serial>",
    good="<serial type='udp'><source mode='connect' service='1234'/></serial>",
)
def udp_goes_somewhere(part: CharacterSource) -> Problems:
    """A character device of type ``udp`` needs ``<source mode='connect'>`` with the attribute
    ``service``.
    """
    if part.source_type != "udp" or not part.counts:
        return
    goals = [s for s in part.find_all("source") if s.get("mode", "connect") == "connect"]
    if not any(goal.get("service") is not None for goal in goals):
        yield problem("type='udp' needs <source mode='connect' service='…'/>", part, "source")


@rule(
    "chardev-reconnect-unsupported",
    CharacterSource,
    bad=_TCP.format("bind", "<reconnect enabled='yes' timeout='10'/>"),
    good=_CONNECT.format("<reconnect enabled='yes' timeout='10'/>"),
)
def reconnecting_needs_a_connection(part: CharacterSource) -> Problems:
    """``<reconnect>`` requires ``<source mode='connect'>``."""
    if part.source_type not in {"tcp", "unix"} or not part.listens or not part.counts:
        return
    reconnect = part.find("source/reconnect")
    if reconnect is not None and reconnect.get("enabled") is not None:
        yield problem(
            "<reconnect> requires mode='connect' of <source>", part, "source/reconnect/@enabled",
            fix=Fix(without=("",)),
        )  # fmt: skip


@rule(
    "chardev-reconnect-timeout-zero",
    CharacterSource,
    bad=_CONNECT.format("<reconnect enabled='yes' timeout='0'/>"),
    good=_CONNECT.format("<reconnect enabled='yes' timeout='10'/>"),
)
def reconnecting_takes_time(part: CharacterSource) -> Problems:
    """Attribute ``timeout`` of ``<reconnect>`` must be at least 1 (second)."""
    if part.source_type not in {"tcp", "unix"} or not part.counts:
        return
    reconnect = part.find("source/reconnect")
    if reconnect is None or reconnect.get("enabled") != "yes":
        return
    if reconnect.get("timeout", "").strip().lstrip("+").strip("0") == "":
        fix = set_value("1", "@timeout")
        yield problem(
            "attribute 'timeout' of <reconnect> must be at least 1 (second)",
            part,
            "source/reconnect/@timeout",
            fix=fix,
        )


@rule(
    "chardev-protocol-unsupported",
    CharacterSource,
    bad=_TCP.format("connect", "").replace("</serial>", "<protocol type='tls'/></serial>"),
    good=_TCP.format("connect", "").replace("</serial>", "<protocol type='telnet'/></serial>"),
    since=CHARACTER_TLS_REFUSED,
)
def protocol_is_raw_or_telnet(part: CharacterSource) -> Problems:
    """Attribute ``type`` of ``<protocol>`` must be ``raw`` or ``telnet`` for QEMU; for TLS, set
    ``tls='yes'`` in ``<source>``.
    """
    if part.source_type != "tcp" or not part.counts:
        return
    protocol = part.find("protocol")
    if protocol is not None and protocol.get("type") in {"telnets", "tls"}:
        yield problem(
            f"QEMU does not support <protocol type='{protocol.get('type')}'>; use "
            "'raw' or 'telnet'",
            part,
            "protocol/@type",
            accepted=["raw", "telnet"],
        )


@rule(
    "chardev-name-invalid",
    CharacterSource,
    bad="<graphics type='dbus'/><channel type='dbus'><target type='virtio'/></channel>",
    good="<graphics type='dbus'/><channel type='dbus'><source channel='org.qemu.x'/>"
    "<target type='virtio'/></channel>",
)
def ports_have_a_name(part: CharacterSource) -> Problems:
    """Attribute ``channel`` of ``<source>`` may contain only letters, digits, ``_``, ``-`` and
    ``.``.
    """
    if part.source_type not in {"spiceport", "dbus"} or not part.counts:
        return
    name = part.source_attribute("channel")
    if name is None:
        message = (
            f"type={part.source_type!r} needs <source channel='…'/>, such as "
            "channel='org.example.console.0'"
        )
        yield problem(message, part, "source")
    elif not _NAME.fullmatch(name):
        yield problem(
            f"attribute 'channel' is {name!r}; only letters, digits, '_', '-' and '.' are valid",
            part,
            "source/@channel",
        )
