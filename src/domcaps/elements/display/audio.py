"""``<audio>``: where the guest's sound is heard on the host.

::

    <audio id='1' type='pulseaudio' serverName='server'>
      <output mixingEngine='yes' fixedSettings='yes' voices='1'>
        <settings frequency='44100' channels='2' format='s16'/>
      </output>
    </audio>

A domain that has none is given one by libvirt, unless its screen is shown by something that has no
sound of its own; `audio_ids` tells which there are in the end.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from domcaps.elements.display.graphics import DBUS_DISPLAY, Graphics, has_graphics
from domcaps.language.attributes import Attributes
from domcaps.language.changes.display import AUDIO_CHECKED, AUDIO_DBUS, AUDIO_PIPEWIRE, AUDIO_TYPES
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.language.part import Part, field
from domcaps.language.require import needs
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import POSITIVE, UNSIGNED, YES_NO, Int, OneOf, ValueType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

TYPES = OneOf(
    (
        "none",
        "alsa",
        "coreaudio",
        "jack",
        "oss",
        "pulseaudio",
        "sdl",
        "spice",
        "file",
        "dbus",
        "pipewire",
    ),
    {
        **dict.fromkeys(
            ("none", "alsa", "coreaudio", "jack", "pulseaudio", "sdl", "spice", "file"), AUDIO_TYPES
        ),
        "dbus": AUDIO_DBUS,
        "pipewire": AUDIO_PIPEWIRE,
    },
)
_DIRECTIONS = ("input", "output")

_COMMON = Attributes(
    {
        "mixingEngine": YES_NO,
        "fixedSettings": YES_NO,
        "voices": POSITIVE,
        "bufferLength": POSITIVE,
    }
)
_SETTINGS = Attributes(
    {
        "frequency": POSITIVE,
        "channels": POSITIVE,
        "format": OneOf(("u8", "s8", "u16", "s16", "u32", "s32", "f32")),
    }
)
# what only some types say of themselves, and of each direction
_OF_TYPE: Mapping[str, Mapping[str, ValueType[Any]]] = {
    "oss": {"tryMMap": YES_NO, "exclusive": YES_NO, "dspPolicy": Int(0, 2**31 - 1)},
    "sdl": {"driver": OneOf(("esd", "alsa", "arts", "pulseaudio"))},
}
_OF_DIRECTION: Mapping[str, Mapping[str, ValueType[Any]]] = {
    "coreaudio": {"bufferCount": UNSIGNED},
    "jack": {"exactName": YES_NO},
    "oss": {"tryPoll": YES_NO, "bufferCount": UNSIGNED},
    "pulseaudio": {"latency": UNSIGNED},
    "sdl": {"bufferCount": UNSIGNED},
    "pipewire": {"latency": POSITIVE},
}


def _free_id(audio: Part) -> Iterator[Fix]:
    """Give the lowest number that no other back end has."""
    taken = {one.get("id") for one in audio.domain.root.iterfind("devices/audio")}
    free = next(str(number) for number in count(1) if str(number) not in taken)
    yield Fix(values=((f"{path_of(audio.node)}/@id", free),))


class Audio(Part):
    """A place on the host where sound goes to and comes from."""

    path = "devices/audio"

    id = field(
        "@id",
        POSITIVE,
        required=True,
        missing=_free_id,
        expected="a number, at least 1, that no other <audio> has, such as '1'",
    )
    type = field("@type", TYPES, required=True)
    timer_period = field(
        "@timerPeriod", POSITIVE, expected="a number of microseconds, at least 1, such as '10000'"
    )

    def directions(self) -> list[Node]:
        """Give what is said of input and output."""
        found = [self.find(tag) for tag in _DIRECTIONS]
        return [node for node in found if node is not None]


def audio_ids(domain: Domain) -> frozenset[int]:
    """Give the numbers of all audio backends, that which libvirt adds among them."""
    return domain.once(_audio_ids)


def _audio_ids(domain: Domain) -> frozenset[int]:
    given = domain.all(Audio)
    if given:
        return frozenset(audio.id for audio in given if audio.id is not None)
    return frozenset({1}) if _one_is_added(domain) else frozenset()


def _one_is_added(domain: Domain) -> bool:
    """Tell whether libvirt adds a backend: the last screen with a say in it decides.

    An SDL window would play on the host, which libvirt leaves to QEMU's environment.
    """
    graphics = domain.all(Graphics)
    deciding = [g.type for g in graphics if g.type in {"vnc", "spice", "sdl"}]
    return deciding[-1] != "sdl" if deciding else not graphics


@rule(
    "audio-id-duplicate",
    Audio,
    bad="<audio id='1' type='none'/><audio id='1' type='file'/>",
    good="<audio id='1' type='none'/><audio id='2' type='file'/>",
)
def ids_are_unique(audio: Audio) -> Problems:
    """Each ``<audio>`` needs a different ``id``."""
    first = audio.domain.firsts(Audio, "id")[audio.id]
    if audio.id is not None and first.node is not audio.node:
        message = f"<audio id='{audio.id}'> is defined twice; choose another id"
        yield problem(message, audio, "@id", fix=_free_id(audio))


@rule(
    "audio-attribute-invalid",
    Audio,
    bad="<audio id='1' type='oss' tryMMap='1'/>",
    good="<audio id='1' type='oss' tryMMap='yes'/>",
)
def attributes_have_their_form(audio: Audio) -> Problems:
    """The attributes that ``<audio>`` has for its ``type`` must have valid values; those for other
    types are ignored.
    """
    kind = audio.type or ""
    yield from Attributes(_OF_TYPE.get(kind, {})).problems(audio.node)
    for direction in audio.directions():
        yield from _COMMON.problems(direction)
        yield from Attributes(_OF_DIRECTION.get(kind, {})).problems(direction)
        yield from _SETTINGS.problems(direction.find("settings"))


@rule(
    "audio-settings-conflict",
    Audio,
    bad="<audio id='1' type='none'><output fixedSettings='yes'/></audio>",
    good="<audio id='1' type='none'><output fixedSettings='yes' mixingEngine='yes'/></audio>",
)
def settings_are_fixed_by_the_mixer(audio: Audio) -> Problems:
    """``<settings>`` of ``<audio>`` requires ``fixedSettings='yes'``, and that requires
    ``mixingEngine='yes'``.
    """
    for direction in audio.directions():
        fixed = direction.get("fixedSettings") == "yes"
        if fixed and direction.get("mixingEngine") != "yes":
            yield problem(
                "fixedSettings='yes' requires mixingEngine='yes'",
                direction,
                "@fixedSettings",
                fix=set_value("yes", "@mixingEngine"),
            )
        settings = direction.find("settings")
        if settings is not None and not fixed:
            mixed = Fix(values=(("../@fixedSettings", "yes"), ("../@mixingEngine", "yes")))
            yield problem("<settings> requires fixedSettings='yes'", settings, fix=mixed)


@rule(
    "audio-type-unsupported",
    Audio,
    bad="<audio id='1' type='spice'/>",
    good="<audio id='1' type='dbus'/>",
)
def type_has_its_other_side(audio: Audio) -> Problems:
    """``<audio type='spice'>`` requires ``<graphics type='spice'>``; ``<audio type='dbus'>``
    requires a QEMU with D-Bus.
    """
    if audio.type == "spice" and not has_graphics(audio, "spice"):
        yield problem("<audio type='spice'> requires <graphics type='spice'/>", audio, "@type")
    elif audio.type == "dbus":
        yield from needs(
            audio, DBUS_DISPLAY, "this QEMU does not support the D-Bus display", "@type"
        )


@rule(
    "audio-device-missing",
    Audio,
    bad="<audio id='1' type='oss'/>",
    good="<audio id='1' type='oss'><input dev='/dev/dsp'/><output dev='/dev/dsp'/></audio>",
    until=AUDIO_TYPES,
)
def oss_names_its_devices(audio: Audio) -> Problems:
    """``<audio type='oss'>`` needs the attribute ``dev`` in ``<input>`` and ``<output>`` (with
    older libvirt versions).
    """
    for tag in _DIRECTIONS if audio.type == "oss" else ():
        node = audio.find(tag)
        if node is None or node.get("dev") is None:
            yield problem(f"this libvirt version requires <{tag} dev='…'/>", audio, tag)


_NO_AUDIO = "the domain has no <audio> with id='{}'; add one, or use the id of another"


@rule(
    "graphics-audio-missing",
    Graphics,
    bad="<graphics type='vnc'><audio id='2'/></graphics>",
    good="<graphics type='vnc'><audio id='2'/></graphics><audio id='2' type='none'/>",
    since=AUDIO_CHECKED,
)
def vnc_audio_exists(graphics: Graphics) -> Problems:
    """``<audio>`` in VNC ``<graphics>`` must have the ``id`` of an ``<audio>`` device that the
    domain defines.
    """
    wanted = wanted_audio(graphics)
    if graphics.type == "vnc" and wanted and wanted not in audio_ids(graphics.domain):
        backend = Fix(add=f"<devices><audio id='{wanted}' type='none'/></devices>")
        yield problem(_NO_AUDIO.format(wanted), graphics, "audio/@id", fix=backend)


@rule(
    "graphics-dbus-audio-unsupported",
    Graphics,
    bad="<graphics type='dbus'><audio id='1'/></graphics><audio id='1' type='none'/>",
    good="<graphics type='dbus'><audio id='1'/></graphics><audio id='1' type='dbus'/>",
)
def dbus_audio_is_dbus(graphics: Graphics) -> Problems:
    """``<audio>`` in D-Bus ``<graphics>`` must have the ``id`` of an ``<audio type='dbus'>``
    device.
    """
    wanted = wanted_audio(graphics)
    if graphics.type != "dbus" or not wanted:
        return
    for audio in graphics.domain.all(Audio):
        if audio.id == wanted and audio.type != "dbus":
            yield problem(
                f"<audio id='{wanted}'/> must be of type 'dbus', because D-Bus graphics use it; "
                "set type='dbus' there",
                graphics,
                "audio/@id",
            )


@rule(
    "graphics-audio-missing-at-start",
    Graphics,
    bad="<graphics type='dbus'><audio id='1'/></graphics>",
    good="<graphics type='dbus'><audio id='1'/></graphics><audio id='1' type='dbus'/>",
    stage=Stage.START,
)
def screens_find_their_audio(graphics: Graphics) -> Problems:
    """``<audio>`` in VNC or D-Bus ``<graphics>`` must have the ``id`` of an ``<audio>`` device at
    start.
    """
    wanted = wanted_audio(graphics)
    ids = audio_ids(graphics.domain)
    if (graphics.type == "dbus" and wanted and wanted not in ids) or (
        graphics.type == "vnc" and not ids
    ):
        yield problem(_NO_AUDIO.format(wanted or 1), graphics, "audio/@id")


_DRIVERS = {"pulseaudio": "pa", "file": "wav"}
"""QEMU's names of drivers that libvirt calls otherwise."""
_SERVERS = frozenset({"jack", "pulseaudio", "pipewire", "sdl", "dbus"})
_LISTED = "query-audiodevs/ret"


@rule(
    "audio-type-fails-at-start",
    Audio,
    bad="<audio id='1' type='coreaudio'/>",
    good="<audio id='1' type='none'/>",
    stage=Stage.START,
)
def driver_is_built_in(audio: Audio) -> Problems:
    """Attribute ``type`` of ``<audio>`` must be an audio driver that this QEMU has;
    otherwise it fails at start.

    Whether the server of ``jack``, ``pulseaudio`` and others can be reached is unknown.
    """
    kind, world = audio.type or "", audio.domain.world
    known = world.emulator.schema.cases(_LISTED)
    driver = _DRIVERS.get(kind, kind)
    if known and driver and driver not in known:
        libvirts = {qemus: libvirts for libvirts, qemus in _DRIVERS.items()}
        names = [libvirts.get(name, name) for name in known]
        yield problem(
            f"this QEMU is built without the audio driver {driver!r}",
            audio,
            "@type",
            accepted=[name for name in names if name in TYPES.names],
        )
    elif kind in _SERVERS:
        world.unknown.add(f"the audio server of type {kind} can be reached")


def wanted_audio(part: Part) -> int:
    """Give the number of the backend that a part names, 0 where it names none."""
    node = part.find("audio")
    text = "" if node is None else node.get("id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0
