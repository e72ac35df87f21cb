"""QEMU arguments for ``<graphics>``: VNC, SPICE, and rendering without a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import YES_NO, Line, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_LOWEST_PORT = 5900
_POLICIES = {"allow-exclusive", "force-shared", "ignore"}
_COMPRESSIONS = {
    "image": ("compression", "image-compression"),
    "jpeg": ("compression", "jpeg-wan-compression"),
    "zlib": ("compression", "zlib-glz-wan-compression"),
    "streaming": ("mode", "streaming-video"),
    "playback": ("compression", "playback-compression"),
}
"""Of SPICE: an element's attribute, and QEMU's option for it."""
_SWITCHED_OFF = (
    ("clipboard", "copypaste", "disable-copy-paste"),
    ("filetransfer", "enable", "disable-agent-file-xfer"),
)


def _port(line: Line, node: Node) -> int | None:
    """Take the port that a screen is at, None for any."""
    port = line.reading.number(node, "port")
    automatic = line.reading.get(node, "autoport", YES_NO) == "yes" or port in {None, -1, 0}
    return None if automatic else port


def _vnc(line: Line, node: Node) -> None:
    reading, port = line.reading, _port(line, node)
    host, path = _listens(line, node, usual="127.0.0.1")
    told: dict[str, object] = {}
    if path:
        # by its name, since the path may look like one
        where = f"vnc=unix:{path}"
    elif host == "none":
        where = "none"
    else:
        if port is not None and port < _LOWEST_PORT:
            raise untold(node, "port")
        shown = f"[{host}]" if ":" in host else host
        where = f"{shown}:{0 if port is None else port - _LOWEST_PORT}"
        # QEMU looks for a free port from the first on
        told["to"] = 99 if port is None else None
    told["websocket"] = reading.number(node, "websocket")
    if told["websocket"] == -1:
        told["websocket"] = "on"
    told["share"] = reading.get(node, "sharePolicy", _POLICIES)
    power = reading.get(node, "powerControl", YES_NO)
    told["power-control"] = None if power is None else power == "yes"
    told["audiodev"] = line.audio_of(node)
    keys = reading.get(node, "keymap")
    line.add("-vnc", options(where, **told), *(["-k", keys] if keys else []))


def _spice(line: Line, node: Node) -> None:
    reading, port = line.reading, _port(line, node)
    host, path = _listens(line, node, usual="127.0.0.1")
    for name in ("tlsPort", "passwd", "connected", "defaultMode"):
        if reading.get(node, name) not in {None, "-1", "any"}:
            raise untold(node, name)
    told: dict[str, object]
    if path:
        told = {"unix": True, "addr": path}
    elif host == "none":
        told = {"port": 0}
    else:
        # SPICE does not look for a free one
        told = {"port": _LOWEST_PORT if port is None else port, "addr": host}
    # whoever reaches it may use it: passwords are libvirt's to set
    told["disable-ticketing"] = True
    for tag, (attribute, option) in _COMPRESSIONS.items():
        inside = reading.child(node, tag)
        told[option] = None if inside is None else reading.get(inside, attribute)
    mouse = reading.child(node, "mouse")
    if mouse is not None:
        told["agent-mouse"] = reading.get(mouse, "mode", {"client", "server"}) != "server"
    for tag, attribute, option in _SWITCHED_OFF:
        inside = reading.child(node, tag)
        if inside is not None and reading.get(inside, attribute, YES_NO) == "no":
            told[option] = True
    gl = reading.child(node, "gl")
    if gl is not None and reading.get(gl, "enable", YES_NO) == "yes":
        told |= {"gl": True, "rendernode": reading.get(gl, "rendernode")}
    keys = reading.get(node, "keymap")
    first, *rest = [(name, value) for name, value in told.items() if value is not None]
    word = f"{first[0]}={_text(first[1])}"
    line.add("-spice", options(word, **dict(rest)), *(["-k", keys] if keys else []))


def _text(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _headless(line: Line, node: Node) -> None:
    gl = line.reading.child(node, "gl")
    render = None if gl is None else line.reading.get(gl, "rendernode")
    line.add("-display", options("egl-headless", rendernode=render))


def _listens(line: Line, node: Node, usual: str) -> tuple[str, str]:
    """Take the address that a screen listens at, or the path of its socket."""
    reading = line.reading
    said, path = reading.get(node, "listen"), reading.get(node, "socket")
    places = reading.children(node, "listen")
    if len(places) > 1:
        raise untold(places[1], "", "a second place to listen at")
    for place in places:
        kind = reading.get(place, "type", {"address", "socket", "none"})
        if kind == "none":
            return "none", ""
        if kind == "socket":
            return "", reading.get(place, "socket") or line.made_up(f"{node.get('type')}.sock")
        inside = reading.get(place, "address")
        if said and inside and said != inside:
            raise untold(place, "address")
        said = inside or said
    if said and "," in said:
        raise untold(node, "listen")
    return said or usual, path or ""


def write_screens(line: Line, devices: Node) -> None:
    """Tell of screens."""
    screens = line.reading.children(devices, "graphics")
    if not screens:
        line.add("-display", "none")
    elif devices.find("video") is None:
        raise untold(screens[0], "", "a screen without <video>, which libvirt would choose")
    kinds: set[str] = set()
    for screen in screens:
        kind = line.reading.get(screen, "type", {"vnc", "spice", "egl-headless"}) or ""
        if kind in kinds:
            raise untold(screen, "", "a second screen of its type")
        kinds.add(kind)
        if kind == "vnc":
            _vnc(line, screen)
        elif kind == "spice":
            _spice(line, screen)
        else:
            _headless(line, screen)
