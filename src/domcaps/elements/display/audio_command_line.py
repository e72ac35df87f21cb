"""QEMU arguments for ``<audio>``: where sound goes to and comes from, ``-audiodev``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.display.audio import audio_ids
from domcaps.language.command_line import YES_NO, Line, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_DRIVERS = {"pulseaudio": "pa", "file": "wav"}
"""QEMU's names of types that it calls otherwise."""
_BACKEND = {
    "oss": {"tryMMap": "try-mmap", "exclusive": "exclusive", "dspPolicy": "dsp-policy"},
    "pulseaudio": {"serverName": "server"},
    "pipewire": {"runtimeDir": ""},
    "file": {"path": "path"},
    "sdl": {"driver": ""},
    "dbus": {},
}
"""Attributes of ``<audio>`` by type, and QEMU's options for them."""
_COMMON = {"mixingEngine": "mixing-engine", "fixedSettings": "fixed-settings", "voices": "voices",
           "bufferLength": "buffer-length"}  # fmt: skip
_DIRECTION = {
    "alsa": {"dev": "dev"},
    "coreaudio": {"bufferCount": "buffer-count"},
    "jack": {"serverName": "server-name", "clientName": "client-name",
             "connectPorts": "connect-ports", "exactName": "exact-name"},
    "oss": {"dev": "dev", "bufferCount": "buffer-count", "tryPoll": "try-poll"},
    "pulseaudio": {"name": "name", "streamName": "stream-name", "latency": "latency"},
    "pipewire": {"name": "name", "streamName": "stream-name", "latency": "latency"},
    "sdl": {"bufferCount": "buffer-count"},
}  # fmt: skip
"""Attributes of ``<input>`` and ``<output>`` by type."""
_SETTINGS = ("frequency", "channels", "format")
_OTHERS = {"none", "spice", "dbus"}


def write_backends(line: Line, devices: Node) -> None:
    """Write where sound goes, and the place that libvirt adds: nowhere, or to SPICE."""
    given = line.reading.children(devices, "audio")
    for node in given:
        kind = line.reading.get(node, "type", {*_DIRECTION, *_BACKEND, *_OTHERS}) or "none"
        number = line.reading.get(node, "id")
        more = {"timer-period": line.reading.positive(node, "timerPeriod")}
        told = {**more, **_backend(line, node, kind), **_directions(line, node, kind)}
        line.add("-audiodev", options(_DRIVERS.get(kind, kind), id=f"audio{number}", **told))
        line.audio = line.audio or f"audio{number}"
        if kind not in _OTHERS:
            line.need("sound", kind, node)
    if given or not audio_ids(line.domain):
        return
    heard = any(node.get("type") == "spice" for node in devices.iterfind("graphics"))
    line.add("-audiodev", options("spice" if heard else "none", id="audio1"))
    line.audio = "audio1"


def _value(text: str | None) -> str | None:
    """Give a value as QEMU has it; libvirt leaves a number to QEMU where it is 0."""
    if text and not text.strip("0"):
        return None
    return {"yes": "on", "no": "off"}.get(text or "", text)


def _backend(line: Line, node: Node, kind: str) -> dict[str, object]:
    told: dict[str, object] = {}
    for name, option in _BACKEND.get(kind, {}).items():
        value = line.reading.get(node, name)
        if name == "driver" and value:
            line.environment["SDL_AUDIODRIVER"] = value
        elif name == "runtimeDir" and value:
            line.environment["PIPEWIRE_RUNTIME_DIR"] = value
        elif option:
            told[option] = _value(value)
    return told


def _directions(line: Line, node: Node, kind: str) -> dict[str, object]:
    reading, told = line.reading, dict[str, object]()
    for tag, start in (("input", "in"), ("output", "out")):
        inside = reading.child(node, tag)
        if inside is None:
            continue
        for name, option in (_COMMON | _DIRECTION.get(kind, {})).items():
            told[f"{start}.{option}"] = _value(reading.get(inside, name))
        settings = reading.child(inside, "settings")
        for name in () if settings is None else _SETTINGS:
            told[f"{start}.{name}"] = reading.get(settings, name)  # type: ignore[arg-type]
        reading.get(inside, "mixingEngine", YES_NO)
    return told
