"""``<channel>``: private character devices between host and guest.

::

    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.characters.chardev import CharacterDevice, own_socket
from domcaps.elements.characters.chardev_command_line import channel
from domcaps.elements.display.graphics import SPICE
from domcaps.language import Choice, Drift, Element, Enum
from domcaps.language.changes.characters import CHANNEL_REPORTED
from domcaps.language.finding import Stage, quoted
from domcaps.language.lazy import cached_property
from domcaps.language.part import field
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED, fits

if TYPE_CHECKING:
    from domcaps.language.domain import Domain

# libvirt takes these as well, though its report does not say so
_UNSAID = Drift(
    title="Types of channels that are not listed",
    says="only the channel types pty, unix and spicevmc are listed",
    but="libvirt accepts other character device types as well, and QEMU starts with them",
    evidence="verify with QEMU 7.2, 10.0 and 11.1; libvirt 11.3 and 12.8 define such channels, "
    "spiceport beside SPICE graphics",
    listed=False,
    instead="use the type if the guest needs it",
)
_UNLISTED = (
    "null",
    "vc",
    "file",
    "pipe",
    "stdio",
    "udp",
    "tcp",
    "spiceport",
    "qemu-vdagent",
    "dbus",
)

TYPE = Enum(
    "type",
    attribute="@type",
    choices=(
        Choice("pty", qemu_args=channel("pty")),
        Choice("unix", qemu_args=channel("unix")),
        Choice(
            "spicevmc",
            SPICE,
            qemu_args=channel("spicevmc"),
            sample="<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/>"
            "</channel><graphics type='spice' autoport='yes'/>",
        ),
        *(
            Choice(name, listed=False, at_start=(_UNSAID,), qemu_args=channel(name))
            for name in _UNLISTED
        ),
    ),
    sample="<channel type='{value}'><target type='virtio' name='a'/></channel>",
)

ELEMENT = Element("channel", order=90, since=CHANNEL_REPORTED, content=(TYPE,))

PREFERENCE = Decision(
    "channel.agent",
    order=125,
    title="the line to the guest's agent",
    options=(
        Option(
            "on",
            "the guest's agent speaks through it",
            guest=drives("virtio-console", "virtio1.0-console"),
            xml="<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>"
            "</channel>",
        ),
        Option("", "the guest would not use it"),
    ),
)

TARGET_TYPE = Enum(
    "targetType",
    attribute="target/@type",
    choices=(
        Choice("virtio"),
        Choice("guestfwd"),
        # known to libvirt, and refused when the guest is started
        Choice("xen", listed=False),
        Choice("none", listed=False),
    ),
)

_AGENT = "com.redhat.spice.0"


class Channel(CharacterDevice):
    """A private line to the guest."""

    path = "devices/channel"
    knows = ("target/@name", "target/@state", "target/@address", "target/@port")

    named_target = field("target/@type", choice=TARGET_TYPE, required=True)

    @property
    def socket_is_named(self) -> bool:
        """Whether a socket without a path is given one by libvirt."""
        return self.target_type in {"virtio", "xen"}

    @cached_property
    def name(self) -> str | None:
        """The name by which the guest finds it."""
        return None if self.target is None else self.target.get("name")

    @cached_property
    def path_name(self) -> str | None:
        """The path of the source; one that libvirt once chose is chosen anew."""
        path = self.source_attribute("path")
        if path and self.source_type == "unix" and self.target_type == "virtio":
            return None if own_socket(path, self.name, self.domain.world.target.dialect) else path
        return path

    @cached_property
    def listens(self) -> bool:
        """Whether QEMU waits for the other side: always so at a socket that libvirt names."""
        named = self.source_type == "unix" and self.path_name is None
        return named or self.source_attribute("mode") == "bind"


@rule(
    "channel-guestfwd-invalid",
    Channel,
    bad="<channel type='pty'><target type='guestfwd' address='10.0.2.1'/></channel>",
    good="<channel type='pty'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
)
def forwarding_has_an_address(channel: Channel) -> Problems:
    """``<target type='guestfwd'>`` needs an IPv4 ``address`` and a ``port``, such as
    ``address='10.0.2.1'`` and ``port='4600'``.
    """
    target = channel.target
    if target is None or channel.target_type != "guestfwd":
        return
    address, port = target.get("address"), target.get("port")
    if address is None or not _ipv4(address):
        yield problem(
            "<target type='guestfwd'> needs the attribute 'address', an IPv4 address",
            channel,
            "target/@address",
        )
    if port is None or not fits(UNSIGNED, port):
        yield problem(
            "<target type='guestfwd'> needs the attribute 'port', such as port='4600'",
            channel,
            "target/@port",
        )


def _ipv4(text: str) -> bool:
    # the numbers may be fewer than four, hexadecimal or octal, as the C library wants it
    if text.strip() != text or " " in text:
        return False
    # of all that `socket` has, nothing else is needed; most domains need not even that
    from socket import inet_aton

    try:
        inet_aton(text)
    except (OSError, ValueError):
        return False
    return True


@rule(
    "channel-spice-unsupported",
    Channel,
    bad="<graphics type='spice'/><channel type='spicevmc'>"
    "<target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
    good="<graphics type='spice'/><channel type='spicevmc'><target type='virtio'/></channel>",
)
def spicevmc_is_for_virtio(channel: Channel) -> Problems:
    """``<channel type='spicevmc'>`` requires ``<target type='virtio'>``."""
    if channel.source_type == "spicevmc" and channel.target_type != "virtio":
        yield problem(
            "type='spicevmc' requires <target type='virtio'>; use that",
            channel,
            "target/@type",
            accepted=["virtio"],
        )


@rule(
    "channel-spice-name-unsupported",
    Channel,
    bad="<graphics type='spice'/><channel type='spicevmc'>"
    "<target type='virtio' name='agent'/></channel>",
    good="<graphics type='spice'/><channel type='spicevmc'>"
    "<target type='virtio' name='com.redhat.spice.0'/></channel>",
    stage=Stage.START,
)
def agent_has_its_name(channel: Channel) -> Problems:
    """The ``name`` of a ``<channel>`` of type ``spicevmc`` must be ``com.redhat.spice.0``."""
    if channel.source_type == "spicevmc" and channel.name not in {None, _AGENT}:
        yield problem(
            f"attribute 'name' of a spicevmc channel must be {_AGENT!r}",
            channel,
            "target/@name",
            accepted=[_AGENT],
        )


@rule(
    "channel-target-unsupported",
    Channel,
    bad="<channel type='pty'><target type='xen' name='x'/></channel>",
    good="<channel type='pty'><target type='virtio' name='x'/></channel>",
    stage=Stage.START,
)
def target_is_qemus(channel: Channel) -> Problems:
    """Attribute ``type`` of ``<target>`` in ``<channel>`` must be ``virtio`` or ``guestfwd`` for
    QEMU.
    """
    if channel.target_type in {"xen", "none"}:
        yield problem(
            f"QEMU does not support channels of type {channel.target_type!r}; use 'virtio'",
            channel,
            "target/@type",
            accepted=["virtio", "guestfwd"],
        )


_PORT = "<channel type='null'><target type='virtio' name='{}'/></channel>"


@rule(
    "channel-name-duplicate",
    Channel,
    bad=_PORT.format("org.a.0") * 2,
    good=_PORT.format("org.a.0") + _PORT.format("org.a.1"),
    stage=Stage.START,
)
def names_of_ports_are_unique(channel: Channel) -> Problems:
    """Channels of the same virtio-serial controller must have different names."""
    if channel.target_type != "virtio" or not channel.name:
        return
    first = channel.domain.once(_first_of_names)[channel.name, _controller(channel)]
    if first is not channel:
        yield problem(
            f"another channel has the name {quoted(channel.name)} as well; choose another name",
            channel,
            "target/@name",
        )


def _first_of_names(domain: Domain) -> dict[tuple[str | None, str], Channel]:
    """Give the first channel of each name and controller."""
    found: dict[tuple[str | None, str], Channel] = {}
    for one in domain.all(Channel):
        if one.target_type == "virtio":
            found.setdefault((one.name, _controller(one)), one)
    return found


def _controller(channel: Channel) -> str:
    address = channel.find("address")
    return "0" if address is None else address.get("controller", "0")
