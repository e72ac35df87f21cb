"""``<graphics type='spice'>``: channels with and without TLS, and OpenGL.

::

    <graphics type='spice' port='5901' tlsPort='5902' defaultMode='secure'>
      <channel name='main' mode='secure'/>
      <gl enable='yes' rendernode='/dev/dri/renderD128'/>
    </graphics>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.display.graphics import Graphics
from domcaps.elements.display.graphics_listen import first_type
from domcaps.language.attributes import number
from domcaps.language.finding import Severity, Stage
from domcaps.language.observed import option
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

SPICE_GL = option("spice", "gl")
SPICE_RENDERNODE = option("spice", "rendernode")


@rule(
    "graphics-spice-gl-unsupported",
    Graphics,
    bad=Sample("<graphics type='spice'><gl enable='yes'/></graphics>", arch="armv6l"),
    good="<graphics type='spice'><gl enable='no'/></graphics>",
)
def gl_is_there(graphics: Graphics) -> Problems:
    """``<gl enable='yes'/>`` in SPICE ``<graphics>`` requires a QEMU that supports it."""
    gl = graphics.find("gl")
    if graphics.type != "spice" or gl is None or gl.get("enable") != "yes":
        return
    yield from needs(
        graphics,
        SPICE_GL,
        "this QEMU does not support OpenGL for SPICE; remove <gl>",
        "gl/@enable",
        accepted=["no"],
    )
    if gl.get("rendernode") is not None:
        yield from needs(
            graphics,
            SPICE_RENDERNODE,
            "this QEMU does not support 'rendernode' for SPICE; remove it",
            "gl/@rendernode",
        )


@rule(
    "graphics-spice-tls-unsure",
    Graphics,
    bad="<graphics type='spice' tlsPort='5902'/>",
    good="<graphics type='spice' port='5902'/>",
    severity=Severity.WARNING,
)
def tls_is_configured(graphics: Graphics) -> Problems:
    """Attribute ``tlsPort`` of SPICE ``<graphics>`` requires spice_tls = 1 in qemu.conf, which is
    not known here.
    """
    if _wants_tls(graphics) and graphics.domain.world.host.record.libvirt.spice_tls is None:
        yield problem(
            "libvirt refuses 'tlsPort' unless spice_tls is set in qemu.conf; set it, "
            "or remove 'tlsPort'",
            graphics,
            "@tlsPort",
        )


@rule(
    "graphics-spice-tls-unavailable",
    Graphics,
    bad=Sample("<graphics type='spice' tlsPort='5902'/>", lacking=("libvirt.spice_tls",)),
    good="<graphics type='spice' port='5902'/>",
)
def tls_is_switched_on(graphics: Graphics) -> Problems:
    """Attribute ``tlsPort`` of SPICE ``<graphics>`` requires spice_tls = 1 in qemu.conf."""
    if _wants_tls(graphics) and graphics.domain.world.host.record.libvirt.spice_tls is False:
        yield problem(
            "'tlsPort' requires spice_tls = 1 in the host's qemu.conf, where it is disabled; "
            "remove 'tlsPort', or change /etc/libvirt/qemu.conf and restart libvirt's daemon",
            graphics,
            "@tlsPort",
        )


def _wants_tls(graphics: Graphics) -> bool:
    return graphics.type == "spice" and _tls_port(graphics) > 0 and _has_ports(graphics)


@rule(
    "graphics-spice-channel-unsupported",
    Graphics,
    bad="<graphics type='spice' port='5901' autoport='no' defaultMode='secure'/>",
    good="<graphics type='spice' port='5901' autoport='no' defaultMode='insecure'/>",
    stage=Stage.START,
)
def channels_have_a_port(graphics: Graphics) -> Problems:
    """SPICE ``<channel mode='secure'>`` requires ``tlsPort`` in ``<graphics>``; ``mode='insecure'``
    requires ``port``.
    """
    if graphics.type != "spice" or graphics.node.get("autoport") == "yes" or _legacy(graphics):
        return
    tls = _has_ports(graphics) and _tls_port(graphics) != 0
    plain = not _has_ports(graphics) or number(graphics.node, "port") != 0 or not tls
    for node, name, mode in _modes(graphics):
        if mode == "secure" and not tls:
            yield problem(
                "<channel mode='secure'> requires 'tlsPort' in <graphics>; set it, or "
                "use another mode",
                node,
                f"@{name}",
            )
        elif mode == "insecure" and not plain:
            yield problem("insecure channels require a 'port'", node, f"@{name}")


def _modes(graphics: Graphics) -> Iterator[tuple[Node, str, str | None]]:
    yield graphics.node, "defaultMode", graphics.node.get("defaultMode")
    for channel in graphics.find_all("channel"):
        yield channel, "mode", channel.get("mode")


def _tls_port(graphics: Graphics) -> int:
    return 0 if graphics.node.get("autoport") == "yes" else number(graphics.node, "tlsPort")


def _legacy(graphics: Graphics) -> bool:
    """Tell whether both ports are -1, which is how one once asked for automatic ones."""
    return number(graphics.node, "port") == number(graphics.node, "tlsPort") == -1


def _has_ports(graphics: Graphics) -> bool:
    return first_type(graphics) in {"address", "network"}
