"""Files of the host that input devices and graphics need when the domain is started."""

from __future__ import annotations

from domcaps.elements.display.graphics import Graphics
from domcaps.elements.display.input import Input
from domcaps.language.finding import Stage
from domcaps.language.host_files import needs_file, needs_folder_of
from domcaps.language.rule import Problems, Sample, rule

_EVDEV = "<input type='evdev'><source dev='/dev/input/{}'/></input>"
_SOCKET = "<graphics type='vnc' socket='{}/vnc.sock'/>"


@rule(
    "input-source-file-missing",
    Input,
    bad=Sample(_EVDEV.format("event9"), lacking=("/dev/input/event9",)),
    good=Sample(_EVDEV.format("event8"), lacking=("/dev/input/event9",)),
    stage=Stage.START,
    live=True,
    on_host=True,
)
def devices_of_the_host_are_there(device: Input) -> Problems:
    """``<source>`` of an ``<input>`` must be a device that exists on the host."""
    names = {"evdev": "dev", "passthrough": "evdev"}
    source, name = device.find("source"), names.get(device.type or "", "")
    if source is not None and name and (path := source.get(name, "")):
        yield from needs_file(device, path, "device", f"source/@{name}")


@rule(
    "graphics-socket-folder-missing",
    Graphics,
    bad=Sample(_SOCKET.format("/run/gone"), lacking=("/run/gone",)),
    good=Sample(_SOCKET.format("/run/there"), lacking=("/run/gone",)),
    stage=Stage.START,
    live=True,
    on_host=True,
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
