"""QEMU arguments for ``<graphics>``: VNC, SPICE, windows, D-Bus, and rendering without a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import YES_NO, Line, doubled, options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

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
_CHANNEL = {"secure": "tls-channel", "insecure": "plaintext-channel"}
_CERTIFICATES = "/etc/pki/libvirt-spice"
_OWN = ("connected", "passwdValidTo")
"""What is libvirt's to set, or about a running machine."""
_OF_WINDOWS = ("display", "xauth", "fullscreen")
_OF_PORTS = ("port", "autoport", "tlsPort", "websocket", "listen", "keymap", "passwd",
             "sharePolicy", "defaultMode", "powerControl")  # fmt: skip


def write_screens(line: Line, devices: Node) -> None:
    """Write the screens."""
    screens = line.reading.children(devices, "graphics")
    if not screens:
        line.add("-display", "none")
    kinds: set[str] = set()
    for screen in screens:
        kind = line.reading.one(screen, "type", _TOLD)
        if kind in kinds:
            raise untold(screen, "", "a second screen of its type")
        kinds.add(kind)
        line.reading.set_aside(screen, *_OWN)
        _TOLD[kind](line, screen)
        # libvirt reads of a type only what it has
        line.reading.set_aside(screen, *(_OF_WINDOWS if kind != "sdl" else ()), *_of_others(kind))


def _of_others(kind: str) -> tuple[str, ...]:
    """Name the attributes of ports that a type without any ignores."""
    return () if kind in {"vnc", "spice", "rdp"} else _OF_PORTS


def _password(line: Line, node: Node) -> bool:
    """Tell whether a password is wanted, which is set while the machine is started."""
    if line.reading.get(node, "passwd") is None:
        return False
    line.reading.besides[node] = "libvirt sets the password while it starts the machine"
    return True


def _port(line: Line, node: Node) -> int | None:
    """Take the port that a screen is at, None for any."""
    port = line.reading.number(node, "port")
    automatic = line.reading.get(node, "autoport", YES_NO) == "yes" or port in {None, -1, 0}
    return None if automatic else port


def _vnc(line: Line, node: Node) -> None:
    reading, port = line.reading, _port(line, node)
    host, path = _listens(line, node, usual="127.0.0.1")
    told: dict[str, object] = {}
    where: str | None = None
    if path:
        # by its name, since the path may look like one
        told["vnc"] = f"unix:{line.need('socket', path, node)}"
    elif host == "none":
        where = "none"
    else:
        if port is not None and port < _LOWEST_PORT:
            raise untold(node, "port")
        shown = f"[{host}]" if ":" in host else host
        where = f"{shown}:{0 if port is None else port - _LOWEST_PORT}"
        # QEMU looks for a free port from the first on
        told["to"] = 99 if port is None else None
        if port is not None:
            line.need("port", f"{host}:{port}", node)
    told["websocket"] = reading.number(node, "websocket")
    if told["websocket"] == -1:
        told["websocket"] = "on"
    told["share"] = reading.get(node, "sharePolicy", _POLICIES)
    told["password"] = True if _password(line, node) else None
    power = reading.get(node, "powerControl", YES_NO)
    told["power-control"] = None if power is None else power == "yes"
    told["audiodev"] = line.audio_of(node)
    keys = reading.get(node, "keymap")
    line.add("-vnc", options(where, **told), *(["-k", keys] if keys else []))
    _gl_of_vnc(line, node)


def _gl_of_vnc(line: Line, node: Node) -> None:
    for inside in line.reading.children(node, "gl"):
        line.reading.set_aside_whole(inside)


def _spice(line: Line, node: Node) -> None:
    reading = line.reading
    told = _address_of_spice(line, node)
    # who reaches it may use it, unless there is a password
    told["disable-ticketing"] = None if _password(line, node) else True
    told |= _channels(line, node)
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
    told |= _gl(line, node)
    told["seamless-migration"] = True
    keys = reading.get(node, "keymap")
    words = [(name, value) for name, several in told.items()
             for value in (several if isinstance(several, tuple) else (several,))
             if value is not None]  # fmt: skip
    word = ",".join(f"{name}={doubled(_text(value))}" for name, value in words)
    line.add("-spice", word, *(["-k", keys] if keys else []))


def _address_of_spice(line: Line, node: Node) -> dict[str, object]:
    port, host, path = _port(line, node), *_listens(line, node, usual="127.0.0.1")
    secure = line.reading.number(node, "tlsPort")
    if path:
        return {"unix": True, "addr": line.need("socket", path, node)}
    if host == "none":
        return {"port": 0}
    told: dict[str, object] = {}
    if port is not None or secure in {None, -1}:
        # SPICE does not look for a free one
        told["port"] = _LOWEST_PORT if port is None else port
        line.need("port", f"{host}:{told['port']}", node)
    if secure is not None and secure > 0:
        told["tls-port"] = secure
        line.need("port", f"{host}:{secure}", node)
    told["addr"] = host
    if "tls-port" in told:
        told["x509-dir"] = line.need("folder", _CERTIFICATES, node)
    return told


def _channels(line: Line, node: Node) -> dict[str, object]:
    """Take which channels are encrypted, where there is a port for that."""
    reading = line.reading
    found: dict[str, list[str]] = {}
    usual = reading.get(node, "defaultMode", {*_CHANNEL, "any"})
    if usual in _CHANNEL:
        found.setdefault(_CHANNEL[usual or ""], []).append("default")
    for channel in reading.children(node, "channel"):
        mode = reading.get(channel, "mode", {*_CHANNEL, "any"})
        name = reading.get(channel, "name") or ""
        if mode in _CHANNEL:
            found.setdefault(_CHANNEL[mode or ""], []).append(name)
    if reading.number(node, "tlsPort") in {None, -1, 0}:
        found.pop("tls-channel", None)
    return {option: tuple(names) for option, names in found.items()}


def _gl(line: Line, node: Node) -> dict[str, object]:
    gl = line.reading.child(node, "gl")
    if gl is None:
        return {}
    render = line.reading.get(gl, "rendernode")
    if line.reading.get(gl, "enable", YES_NO) != "yes":
        return {}
    return {"gl": True, "rendernode": line.need("render-node", render, gl) if render else None}


def _text(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _headless(line: Line, node: Node) -> None:
    gl = line.reading.child(node, "gl")
    render = None if gl is None else line.reading.get(gl, "rendernode")
    if gl is not None:
        line.need("render-node", render or "", gl)
    line.add("-display", options("egl-headless", rendernode=render))


def _window(line: Line, node: Node) -> None:
    """Write a window on the host's own screen."""
    reading = line.reading
    for name, variable in (("xauth", "XAUTHORITY"), ("display", "DISPLAY")):
        value = reading.get(node, name)
        if value:
            line.environment[variable] = value
    gl = reading.child(node, "gl")
    switch = None if gl is None else reading.get(gl, "enable", YES_NO)
    full = reading.get(node, "fullscreen", YES_NO)
    line.need("display", reading.get(node, "display") or "", node)
    told = {"gl": None if switch is None else switch == "yes",
            "full-screen": "on" if full == "yes" else None}  # fmt: skip
    line.add("-display", options("sdl", **told))


def _dbus(line: Line, node: Node) -> None:
    reading = line.reading
    peer = reading.get(node, "p2p", YES_NO) == "yes"
    address = reading.get(node, "address")
    audio = line.audio_of(node) if reading.child(node, "audio") is not None else None
    told: dict[str, object] = {"p2p": True} if peer else {
        "addr": address or f"unix:path={line.made_up('dbus.sock')}"
    }  # fmt: skip
    if not peer:
        line.need("bus", str(told["addr"]), node)
    told |= _gl(line, node)
    line.add("-display", options("dbus", **told, audiodev=audio))


def _desktop(line: Line, node: Node) -> None:
    """Write a screen by RDP, which another program serves over D-Bus."""
    reading = line.reading
    reading.set_aside(node, "port", "autoport", "username", "passwd", "listen", "replaceUser",
                      "multiUser")  # fmt: skip
    _listens(line, node, usual="127.0.0.1")
    reading.besides[node] = "libvirt starts the program qemu-rdp"
    address = f"unix:path={line.made_up('dbus.sock')}"
    line.need("bus", address, node)
    line.add("-display", options("dbus", addr=address))


_TOLD: dict[str, Callable[[Line, Node], None]] = {
    "vnc": _vnc,
    "spice": _spice,
    "egl-headless": _headless,
    "sdl": _window,
    "dbus": _dbus,
    "rdp": _desktop,
}
"""Writes a screen of each type."""


def _listens(line: Line, node: Node, usual: str) -> tuple[str, str]:
    """Take the address that a screen listens at, or the path of its socket."""
    reading = line.reading
    said, path = reading.get(node, "listen"), reading.get(node, "socket")
    places = reading.children(node, "listen")
    for place in places[1:]:
        # QEMU listens at the first one
        reading.set_aside_whole(place)
    for place in places[:1]:
        kind = reading.get(place, "type", {"address", "socket", "none", "network"})
        # whether libvirt wrote it, and from where it took the address
        reading.set_aside(place, "fromConfig", "autoGenerated", "network")
        if kind == "none":
            return "none", ""
        if kind == "socket":
            return "", reading.get(place, "socket") or line.made_up(f"{node.get('type')}.sock")
        said = reading.get(place, "address") or said
    if said and "," in said:
        raise untold(node, "listen")
    return said or usual, path or ""
