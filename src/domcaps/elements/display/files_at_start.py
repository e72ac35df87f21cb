"""Files of the host that input devices and graphics need when the domain is started."""

from __future__ import annotations

from domcaps.elements.display.audio import Audio
from domcaps.elements.display.graphics import Graphics
from domcaps.elements.display.input import Input
from domcaps.language.host_files import host_file_rule, needs_file, needs_folder_of
from domcaps.language.rule import Problems, Sample

_EVDEV = "<input type='evdev'><source dev='/dev/input/{}'/></input>"
_SOCKET = "<graphics type='vnc' socket='{}/vnc.sock'/>"


@host_file_rule(
    "input-source-file-missing",
    Input,
    bad=Sample(_EVDEV.format("event9"), lacking=("/dev/input/event9",)),
    good=Sample(_EVDEV.format("event8"), lacking=("/dev/input/event9",)),
)
def devices_of_the_host_are_there(device: Input) -> Problems:
    """``<source>`` of an ``<input>`` must be a device that exists on the host."""
    names = {"evdev": "dev", "passthrough": "evdev"}
    source, name = device.find("source"), names.get(device.type or "", "")
    if source is not None and name and (path := source.get(name, "")):
        yield from needs_file(device, path, "device", f"source/@{name}")


_OSS = "<audio id='1' type='oss'>{}</audio>"
_DSP = "/dev/dsp"
"""What QEMU opens where no device is named."""


@host_file_rule(
    "audio-oss-device-missing",
    Audio,
    bad=Sample(_OSS.format(""), lacking=(_DSP,)),
    good=Sample(_OSS.format("<input dev='/dev/a'/><output dev='/dev/a'/>"), lacking=(_DSP,)),
)
def sound_device_is_there(audio: Audio) -> Problems:
    """``<audio type='oss'>`` needs the sound devices that it names, ``/dev/dsp`` where none is."""
    if audio.type != "oss":
        return
    for direction in ("input", "output"):
        node = audio.find(direction)
        path = _DSP if node is None else node.get("dev", _DSP)
        if direction == "input" or path != _DSP:
            yield from needs_file(audio, path, "sound device", direction)


@host_file_rule(
    "graphics-socket-folder-missing",
    Graphics,
    bad=Sample(_SOCKET.format("/run/gone"), lacking=("/run/gone",)),
    good=Sample(_SOCKET.format("/run/there"), lacking=("/run/gone",)),
)
def folder_of_the_socket_is_there(graphics: Graphics) -> Problems:
    """The folder of the socket on which ``<graphics>`` listens must exist on the host."""
    if graphics.type not in {"vnc", "spice"}:
        return
    named = graphics.node.get("socket", "") if graphics.type == "vnc" else ""
    for listen in graphics.find_all("listen[@type='socket']")[:1]:
        named = listen.get("socket", "") or named
    if named:
        yield from needs_folder_of(graphics, named, "socket", "@socket")


_NODES = "/dev/dri"
_HEADLESS = "<graphics type='egl-headless'>{}</graphics><video><model type='virtio'/></video>"


@host_file_rule(
    "graphics-render-node-missing",
    Graphics,
    bad=Sample(_HEADLESS.format(""), lacking=(_NODES,)),
    good=Sample(_HEADLESS.format(""), lacking=("/dev/other",)),
)
def render_node_is_there(graphics: Graphics) -> Problems:
    """``<graphics type='egl-headless'>`` needs a render node of the host, in ``/dev/dri``."""
    gl = graphics.find("gl")
    if graphics.type == "spice" and (gl is None or gl.get("enable") != "yes"):
        return
    if graphics.type in {"egl-headless", "spice"}:
        path = _NODES if gl is None else gl.get("rendernode") or _NODES
        help_ = "use a host with a graphics card, or remove OpenGL from the domain"
        yield from needs_file(graphics, path, "render node", help_=help_)
