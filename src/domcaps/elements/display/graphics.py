"""``<graphics>``: ways to see the guest's screen.

::

    <graphics type='vnc' port='-1'/>

Rules about single types stand in the siblings `graphics_vnc` and `graphics_spice`, those about
where a server listens in `graphics_listen`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.elements.advice.drifts import NO_DBUS_MODULE, NO_MODULE
from domcaps.elements.advice.programs import program_installed
from domcaps.elements.base.device import Device
from domcaps.elements.boards.defaults import video_model
from domcaps.elements.display.spice_agent import CLIPBOARD
from domcaps.elements.display.video import MODEL_TYPE as VIDEO_MODEL
from domcaps.elements.display.video import Video
from domcaps.elements.qemu.fragments import NO_X11, SPICE_SERVER
from domcaps.language import Choice, Element, Enum
from domcaps.language.attributes import Attributes
from domcaps.language.changes.display import (
    GRAPHICS_ASKED,
    GRAPHICS_DBUS,
    GRAPHICS_DEFINED,
    GRAPHICS_RDP,
    GRAPHICS_RDP_COUNTED,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Substitutes
from domcaps.language.observed import option, qapi
from domcaps.language.part import field
from domcaps.language.preference import Decision, Option, used_as
from domcaps.language.qemu_args import NotTriable, QemuArgs
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, POSITIVE, SIGNED, YES_NO, OneOf

if TYPE_CHECKING:
    from domcaps.language.part import Part
    from domcaps.language.value_types import ValueType
    from domcaps.language.world import World

DBUS_DISPLAY = qapi("query-display-options/ret/case=dbus")
SPICE = option("spice")
EGL_RENDERNODE = qapi("query-display-options/ret/case=egl-headless/rendernode")

SUBSTITUTES = Substitutes(
    "devices/graphics/@type",
    order={
        "spice": ("vnc",),
        "vnc": ("spice",),
        "rdp": ("vnc", "spice"),
        "desktop": ("sdl", "vnc", "spice"),
        "*": ("vnc", "spice"),
    },
    only={
        "spice": (
            "@tlsPort",
            "@defaultMode",
            "channel",
            "image",
            "jpeg",
            "zlib",
            "playback",
            "streaming",
            "clipboard",
            "mouse",
            "filetransfer",
            "gl",
        ),
        "vnc": ("@websocket", "@sharePolicy", "@powerControl"),
    },
    companions={
        "spice": (
            "devices/channel[@type='spicevmc']",
            "devices/channel[@type='spiceport']",
            "devices/redirdev[@type='spicevmc']",
            "devices/smartcard[@type='spicevmc']",
            "devices/audio[@type='spice']",
        ),
        "dbus": ("devices/channel[@type='dbus']", "devices/audio[@type='dbus']"),
    },
    carries={"vnc": (CLIPBOARD,)},
)


_DBUS_ARGS = QemuArgs("-display dbus,p2p=on", alone=True)

_SDL_TOLD = QemuArgs("-display sdl", environ=NO_X11, alone=True)
_EGL_TOLD = QemuArgs(
    "-display egl-headless",
    alone=True,
    lacks=(("render node", "the host has no graphics card to draw with"),),
)
_EGL_SAMPLE = "<graphics type='egl-headless'/><graphics type='vnc'/>"


def _needs_rdp(world: World) -> tuple[QemuArgs | NotTriable, ...]:
    """The server is no part of QEMU: without it nothing can be tried."""
    if world.host.helper("qemu-rdp") is None:
        return (NotTriable("the program 'qemu-rdp' is not installed"),)
    return (_DBUS_ARGS,)


TYPE = Enum(
    "type",
    attribute="@type",
    choices=(
        Choice("sdl", until=GRAPHICS_ASKED, at_start=(NO_MODULE,), qemu_args=_SDL_TOLD),
        Choice(
            "sdl",
            qapi("query-display-options/ret/case=sdl"),
            since=GRAPHICS_ASKED,
            at_start=(NO_MODULE,),
            qemu_args=_SDL_TOLD,
        ),
        Choice("vnc", qapi("query-vnc"), qemu_args=QemuArgs("-vnc unix:{dir}/vnc", alone=True)),
        # the RDP server is a program of its own that speaks D-Bus with QEMU
        Choice(
            "rdp",
            DBUS_DISPLAY & program_installed("qemu-rdp"),
            since=GRAPHICS_RDP,
            qemu_args=_needs_rdp,
        ),
        Choice("spice", SPICE, qemu_args=QemuArgs(SPICE_SERVER, alone=True)),
        Choice(
            "egl-headless",
            until=GRAPHICS_ASKED,
            at_start=(NO_MODULE,),
            sample=_EGL_SAMPLE,
            qemu_args=_EGL_TOLD,
        ),
        Choice(
            "egl-headless",
            qapi("query-display-options/ret/case=egl-headless"),
            since=GRAPHICS_ASKED,
            at_start=(NO_MODULE,),
            sample=_EGL_SAMPLE,
            qemu_args=_EGL_TOLD,
        ),
        Choice(
            "dbus",
            DBUS_DISPLAY,
            since=GRAPHICS_DBUS,
            at_start=(NO_DBUS_MODULE,),
            qemu_args=_DBUS_ARGS,
        ),
    ),
)

ELEMENT = Element("graphics", order=20, content=(TYPE,))

_LOOKED_AT = "<graphics type='{value}' autoport='yes'/>"
_AGENT = "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"

PREFERENCE = Decision(
    "graphics.type",
    TYPE,
    order=60,
    title="how the screen is seen",
    xml="<graphics type='{value}'/>",
    options=(
        Option(
            "spice",
            "with sound, clipboard and several screens",
            guest=used_as("desktop"),
            xml=_LOOKED_AT + _AGENT,
        ),
        Option("", "a small guest needs no display", guest=used_as("small")),
        Option("vnc", "plain, and everywhere", xml=_LOOKED_AT),
        Option("", "the guest is reached by its console"),
        Option("spice", "what is left", xml=_LOOKED_AT + _AGENT),
        Option("spice", "without the agent's channel", xml=_LOOKED_AT),
    ),
)

_MODES = OneOf(("any", "secure", "insecure"))
_WAN = OneOf(("auto", "never", "always"))

# the attributes that libvirt reads of each type
_ATTRIBUTES = {
    "sdl": Attributes({"fullscreen": YES_NO}),
    "vnc": Attributes(
        {
            "port": SIGNED,
            "websocket": SIGNED,
            "sharePolicy": OneOf(("default", "allow-exclusive", "force-shared", "ignore")),
            "powerControl": YES_NO,
        }
    ),
    "rdp": Attributes({"port": SIGNED}),
    "spice": Attributes(
        {"port": SIGNED, "tlsPort": SIGNED, "autoport": YES_NO, "defaultMode": _MODES}
    ),
    "dbus": Attributes({"p2p": YES_NO}),
}
# and those in which it overlooked nonsense before 11.10
_BY_DEFINITION = {
    "vnc": Attributes({"autoport": YES_NO, "websocketGenerated": YES_NO, "wait": YES_NO}),
    "rdp": Attributes({"autoport": YES_NO, "replaceUser": YES_NO, "multiUser": YES_NO}),
}

_GL = Attributes({"enable": YES_NO}, required=("enable",))
_AUDIO = Attributes({"id": POSITIVE}, required=("id",))


def _compression(kind: ValueType[Any]) -> Attributes:
    return Attributes({"compression": kind}, required=("compression",))


# their children, each with its attributes
_CHILDREN = {
    "sdl": {"gl": _GL},
    "vnc": {"audio": _AUDIO},
    "dbus": {"gl": _GL, "audio": _AUDIO},
    "spice": {
        "gl": _GL,
        "image": _compression(OneOf(("auto_glz", "auto_lz", "quic", "glz", "lz", "off"))),
        "jpeg": _compression(_WAN),
        "zlib": _compression(_WAN),
        "playback": _compression(ON_OFF),
        "streaming": Attributes({"mode": OneOf(("filter", "all", "off"))}, required=("mode",)),
        "clipboard": Attributes({"copypaste": YES_NO}, required=("copypaste",)),
        "filetransfer": _GL,
        "mouse": Attributes({"mode": OneOf(("server", "client"))}, required=("mode",)),
    },
}
_CHANNEL = Attributes(
    {
        "name": OneOf(
            (
                "main",
                "display",
                "inputs",
                "cursor",
                "playback",
                "record",
                "smartcard",
                "usbredir",
            )
        ),
        "mode": _MODES,
    },
    required=("name", "mode"),
)


class Graphics(Device):
    """A way to see the guest's screen."""

    path = "devices/graphics"

    type = field("@type", choice=TYPE, required=True)


def draws_with_opengl(graphics: Graphics) -> bool:
    """Tell whether a display draws with OpenGL, as 3D acceleration needs it."""
    return graphics.type == "egl-headless" or _gl(graphics) == "yes"


def has_graphics(part: Part, kind: str) -> bool:
    """Tell whether the part's domain has graphics of a type."""
    return kind in part.domain.firsts(Graphics, "type")


@rule(
    "graphics-attribute-invalid",
    Graphics,
    bad="<graphics type='vnc' port='first'/>",
    good="<graphics type='vnc' port='5901'/>",
)
def attributes_have_their_form(graphics: Graphics) -> Problems:
    """Attributes and elements of ``<graphics>`` must have values that are valid for its ``type``.

    Those of other types are ignored.
    """
    kind = graphics.type or ""
    if kind in _ATTRIBUTES:
        yield from _ATTRIBUTES[kind].problems(graphics.node)
    if kind in _BY_DEFINITION and libvirt_reads(graphics, GRAPHICS_DEFINED):
        yield from _BY_DEFINITION[kind].problems(graphics.node)
    for tag, wanted in _CHILDREN.get(kind, {}).items():
        yield from wanted.problems(graphics.find(tag))
    if kind == "spice":
        for channel in graphics.find_all("channel"):
            yield from _CHANNEL.problems(channel)


@rule(
    "graphics-type-duplicate",
    Graphics,
    bad="<graphics type='vnc'/><graphics type='vnc'/>",
    good="<graphics type='vnc'/><graphics type='sdl'/>",
    stage=Stage.START,
)
def one_of_each_type(graphics: Graphics) -> Problems:
    """A domain may have at most one ``<graphics>`` of each type."""
    first = graphics.domain.firsts(Graphics, "type")[graphics.type]
    # two RDP servers were not counted from the beginning
    if graphics.type == "rdp" and not libvirt_reads(graphics, GRAPHICS_RDP_COUNTED):
        return
    if graphics.type and first.node is not graphics.node:
        yield problem(
            f"the domain has two <graphics type={graphics.type!r}>; remove one", graphics, "@type"
        )


@rule(
    "graphics-egl-headless-conflict",
    Graphics,
    bad="<graphics type='egl-headless'/><graphics type='sdl'/>",
    good="<graphics type='egl-headless'/><graphics type='vnc'/>",
)
def egl_goes_with_vnc_or_spice(graphics: Graphics) -> Problems:
    """``<graphics type='egl-headless'>`` may be combined only with VNC, or with SPICE without
    ``<gl>``.
    """
    if graphics.type in {None, "egl-headless"} or not has_graphics(graphics, "egl-headless"):
        return
    if graphics.type not in {"vnc", "spice"}:
        yield problem(
            f"type {graphics.type!r} cannot be combined with 'egl-headless'; use 'vnc' or 'spice'",
            graphics,
            "@type",
            accepted=["vnc", "spice"],
        )
    elif graphics.type == "spice" and _gl(graphics) == "yes":
        yield problem(
            "'egl-headless' cannot be combined with <gl enable='yes'> of 'spice'; "
            "remove one of them",
            graphics,
            "gl/@enable",
            accepted=["no"],
        )


@rule(
    "graphics-egl-headless-rendernode-unsupported",
    Graphics,
    bad=Sample(
        "<graphics type='egl-headless'><gl rendernode='/dev/dri/r'/></graphics>", arch="armv7l"
    ),
    good="<graphics type='egl-headless'/>",
)
def egl_can_choose(graphics: Graphics) -> Problems:
    """Attribute ``rendernode`` of ``<gl>`` in ``egl-headless`` ``<graphics>`` requires a QEMU that
    supports it.
    """
    gl = graphics.find("gl")
    if graphics.type == "egl-headless" and gl is not None and gl.get("rendernode") is not None:
        yield from needs(
            graphics,
            EGL_RENDERNODE,
            "this QEMU does not support 'rendernode' for 'egl-headless'; remove it",
            "gl/@rendernode",
        )


@rule(
    "graphics-dbus-address-conflict",
    Graphics,
    bad="<graphics type='dbus' p2p='yes' address='unix:path=/tmp/bus'/>",
    good="<graphics type='dbus' p2p='yes'/>",
)
def peers_need_no_bus(graphics: Graphics) -> Problems:
    """``<graphics type='dbus' p2p='yes'>`` cannot have the attribute ``address``."""
    node = graphics.node
    if graphics.type == "dbus" and node.get("p2p") == "yes" and node.get("address") is not None:
        yield problem(
            "p2p='yes' cannot be combined with the attribute 'address'; remove one of them",
            graphics,
            "@address",
        )


@rule(
    "graphics-video-undetermined",
    Graphics,
    bad=Sample("<graphics type='vnc'/>", arch="s390x"),
    good="<graphics type='vnc'/>",
)
def video_is_added(graphics: Graphics) -> Problems:
    """QEMU must support the default ``<video>`` device that libvirt adds for ``<graphics>``."""
    domain = graphics.domain
    if domain.all(Video) or domain.all(Graphics)[0].node is not graphics.node:
        return
    model = video_model(None, graphics.domain)
    choice = VIDEO_MODEL.find(model, domain.world.target.dialect)
    if choice is not None:
        yield from needs(
            graphics,
            choice.when,
            f"libvirt adds <video> of model {model!r}, which this QEMU does not have; "
            "add a <video>",
        )


def _gl(graphics: Graphics) -> str:
    gl = graphics.find("gl")
    return "" if gl is None else gl.get("enable", "")
