"""``<graphics type='vnc'>`` and ``rdp``: servers for anybody's client, and their passwords.

::

    <graphics type='vnc' port='5901' passwd='secret' passwdValidTo='2030-01-31T12:00:00'>
      <audio id='1'/>
    </graphics>
"""

from __future__ import annotations

from domcaps.elements.display.graphics import Graphics, has_graphics
from domcaps.elements.display.graphics_listen import first_type
from domcaps.language.attributes import number
from domcaps.language.changes.display import GRAPHICS_DEFINED, VNC_POWER_CONTROL
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.observed import option
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.text_tells import attribute_tells
from domcaps.language.wording import one_of
from domcaps.patterns import late_pattern

POWER_CONTROL = option("vnc", "power-control")

_PASSWORD = 8
_PORTS = (5900, 65535)
_VALID_TO = late_pattern(r"\s*[+-]?\d+-\s*[+-]?\d+-\s*[+-]?\d+T\s*\d+:\s*[+-]?\d+:\s*[+-]?\d+")
_CONNECTED = ("fail", "disconnect", "keep")


@rule(
    "graphics-vnc-port-unsupported",
    Graphics,
    bad="<graphics type='vnc' port='80'/>",
    good="<graphics type='vnc' port='5901'/>",
    stage=Stage.START,
)
def vnc_counts_from_5900(graphics: Graphics) -> Problems:
    """Attribute ``port`` of VNC ``<graphics>`` must be at least 5900, or -1 for an
    automatic port.
    """
    if graphics.type != "vnc" or first_type(graphics) not in {"address", "network"}:
        return
    if attribute_tells(graphics.node, "port", _is_of_vnc) or automatic(graphics):
        return
    least, most = _PORTS
    if not least <= number(graphics.node, "port") <= most:
        yield problem(
            f"attribute 'port' of VNC graphics must be from {least} to {most}, or -1 "
            "for an automatic port",
            graphics,
            "@port",
        )


def _is_of_vnc(port: str) -> bool:
    least, most = _PORTS
    return port.isdecimal() and port.isascii() and least <= int(port) <= most


def automatic(graphics: Graphics) -> bool:
    """Tell whether libvirt chooses the port of a VNC server."""
    said = graphics.node.get("autoport")
    if said in {"yes", "no"}:
        return said == "yes"
    port = graphics.node.get("port")
    return port in {None, "-1"} or (port == "0" and libvirt_reads(graphics, GRAPHICS_DEFINED))


@rule(
    "graphics-vnc-password-too-long",
    Graphics,
    bad="<graphics type='vnc' passwd='123456789'/>",
    good="<graphics type='vnc' passwd='12345678'/>",
)
def vnc_passwords_are_short(graphics: Graphics) -> Problems:
    """Attribute ``passwd`` of VNC ``<graphics>`` must have at most 8 characters."""
    password = graphics.node.get("passwd", "")
    if graphics.type == "vnc" and len(password.encode()) > _PASSWORD:
        # clients send no more of it
        short = password.encode()[:_PASSWORD].decode(errors="ignore")
        yield problem(
            f"attribute 'passwd' of VNC graphics must have at most {_PASSWORD} "
            "characters; shorten it",
            graphics,
            "@passwd",
            fix=set_value(short, "@passwd"),
        )


@rule(
    "graphics-password-validity-invalid",
    Graphics,
    bad="<graphics type='vnc' passwd='x' passwdValidTo='tomorrow'/>",
    good="<graphics type='vnc' passwd='x' passwdValidTo='2030-01-31T12:00:00'/>",
)
def validity_is_a_time(graphics: Graphics) -> Problems:
    """Attribute ``passwdValidTo`` of ``<graphics>`` must be written as ``YYYY-MM-DDTHH:MM:SS``, in
    UTC.
    """
    until = graphics.node.get("passwdValidTo")
    if _has_password(graphics) and until is not None and not _VALID_TO.fullmatch(until):
        yield problem(
            "attribute 'passwdValidTo' must be written YYYY-MM-DDTHH:MM:SS, such as "
            "2026-12-31T23:59:59",
            graphics,
            "@passwdValidTo",
        )


@rule(
    "graphics-connected-unsupported",
    Graphics,
    bad="<graphics type='vnc' passwd='x' connected='fail'/>",
    good="<graphics type='vnc' passwd='x' connected='keep'/>",
)
def connected_is_known(graphics: Graphics) -> Problems:
    """Attribute ``connected`` of ``<graphics>`` must be valid for the type; for VNC, it must be
    ``keep``.
    """
    said = graphics.node.get("connected")
    if said is None or not _has_password(graphics):
        return
    known = ("keep",) if graphics.type == "vnc" else _CONNECTED
    if said not in known:
        yield problem(
            f"attribute 'connected' is {said!r}, but must be {one_of(known)}",
            graphics,
            "@connected",
            accepted=known,
        )


def _has_password(graphics: Graphics) -> bool:
    """Tell whether a password counts: which servers have one."""
    with_one = (
        {"vnc", "spice", "rdp"} if libvirt_reads(graphics, GRAPHICS_DEFINED) else {"vnc", "spice"}
    )
    return graphics.type in with_one and graphics.node.get("passwd") is not None


@rule(
    "graphics-vnc-power-control-unsupported",
    Graphics,
    since=VNC_POWER_CONTROL,
    bad=Sample("<graphics type='vnc' powerControl='yes'/>", arch="armv6l"),
    good="<graphics type='vnc'/>",
)
def vnc_controls_power(graphics: Graphics) -> Problems:
    """Attribute ``powerControl`` of VNC ``<graphics>`` requires a QEMU that supports it."""
    if graphics.type == "vnc" and graphics.node.get("powerControl") is not None:
        yield from needs(
            graphics,
            POWER_CONTROL,
            "this QEMU does not support 'powerControl' for VNC; remove it",
            "@powerControl",
        )


@rule(
    "graphics-rdp-bus-missing",
    Graphics,
    bad="<graphics type='rdp'/>",
    good="<graphics type='dbus'/><graphics type='rdp'/>",
)
def rdp_needs_dbus(graphics: Graphics) -> Problems:
    """``<graphics type='rdp'>`` also requires a ``<graphics type='dbus'>`` that does not have
    ``p2p='yes'``.
    """
    if graphics.type != "rdp":
        return
    buses = [g for g in graphics.domain.all(Graphics) if g.type == "dbus"]
    if not any(bus.node.get("p2p") != "yes" for bus in buses):
        yield problem(
            "<graphics type='rdp'> requires <graphics type='dbus'/>"
            + (" with p2p='no'" if has_graphics(graphics, "dbus") else ""),
            graphics,
            "@type",
        )


@rule(
    "graphics-rdp-attribute-unsupported",
    Graphics,
    bad="<graphics type='dbus'/><graphics type='rdp' multiUser='yes'/>",
    good="<graphics type='dbus'/><graphics type='rdp'/>",
)
def rdp_has_one_user(graphics: Graphics) -> Problems:
    """``<graphics type='rdp'>`` cannot have ``multiUser``, ``replaceUser`` or ``passwdValidTo`` in
    some libvirt versions.

    From libvirt 11.10 on, the first two are refused even with ``no``.
    """
    if graphics.type != "rdp":
        return
    for name in ("replaceUser", "multiUser"):
        said = graphics.node.get(name)
        if said == "yes" or (said is not None and libvirt_reads(graphics, GRAPHICS_DEFINED)):
            yield problem(
                f"RDP graphics do not support {name!r} here; remove it", graphics, f"@{name}"
            )
    if _has_password(graphics) and graphics.node.get("passwdValidTo") is not None:
        yield problem(
            "RDP graphics do not support 'passwdValidTo'; remove it", graphics, "@passwdValidTo"
        )
