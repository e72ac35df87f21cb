"""QEMU arguments for the host's side of a character device: ``-chardev``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.connection_command_line import reconnecting
from domcaps.elements.boards.defaults import CHARDEV_TYPE
from domcaps.language.command_line import ON_OFF, YES_NO, Line, options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

Told = tuple[str, dict[str, object]]
"""The type of a chardev, and its options."""

_CERTIFICATES = "/etc/pki/libvirt-chardev"


def backend(line: Line, node: Node, name: str, purpose: str, of: str = "") -> list[str]:
    """Take the host's side.

    `purpose` is what it is for, where that has to be said; `of` is the device, where a device of
    the host is another one for it.
    """
    reading = line.reading
    kind = reading.get(node, "type", _TOLD) or CHARDEV_TYPE
    sources = reading.children(node, "source")
    source = sources[0] if sources else None
    for label in [] if source is None else reading.children(source, "seclabel"):
        reading.beside(label, "libvirt labels the file")
    driver, more = _TOLD[kind](line, node, sources, name, purpose)
    if kind == "dev":
        driver = "parallel" if of == "parallel" else "serial"
    log = reading.child(node, "log")
    if log is not None:
        path = line.need("output", reading.get(log, "file") or "", log)
        more |= {"logfile": path, "logappend": reading.get(log, "append", ON_OFF)}
    return ["-chardev", options(driver, id=name, **more)]


def _bare(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    for source in sources:
        # the terminal that it had when it ran
        line.reading.set_aside(source, "path")
    return node.get("type", CHARDEV_TYPE), {}


def _path(line: Line, node: Node, sources: list[Node], kind: str) -> str:
    path = line.reading.get(sources[0], "path") if sources else None
    if not path:
        raise untold(node, "", "a path that is not said")
    return line.need(kind, path, sources[0])


def _file(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    path = _path(line, node, sources, "output")
    return "file", {"path": path, "append": line.reading.get(sources[0], "append", ON_OFF)}


def _pipe(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    return "pipe", {"path": _path(line, node, sources, "pipe")}


def _device(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    return "serial", {"path": _path(line, node, sources, "device")}


def _serves(line: Line, source: Node | None, usual: str) -> bool:
    mode = None if source is None else line.reading.get(source, "mode", {"bind", "connect"})
    return (mode or usual) == "bind"


_SERVER: dict[str, object] = {"server": "on", "wait": "off"}


def _unix(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    source = sources[0] if sources else None
    path = None if source is None else line.reading.get(source, "path")
    for protocol in line.reading.children(node, "protocol"):
        # one of connections over a network
        line.reading.set_aside(protocol, "type")
    # libvirt waits for no one at a socket that it made up
    serves = _serves(line, source, "bind")
    more = _SERVER if serves else {}
    again = reconnecting(line, source)
    path = path or line.made_up(f"{purpose}.sock")
    line.need("socket" if serves else "server-socket", path, node if source is None else source)
    return "socket", {"path": path, **more, **({} if serves else again)}


def _tcp(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    if not sources:
        raise untold(node)
    reading, source = line.reading, sources[0]
    for other in sources[1:]:
        reading.set_aside(other, "mode", "host", "service", "tls")
    serves = _serves(line, source, "connect")
    protocol = reading.child(node, "protocol")
    kind = None if protocol is None else reading.get(protocol, "type", _PROTOCOLS)
    told: dict[str, object] = {
        "host": reading.get(source, "host"), "port": reading.get(source, "service"),
        "telnet": "on" if kind in {"telnet", "telnets"} else None,
        **(_SERVER if serves else {}), **reconnecting(line, source),
    }  # fmt: skip
    line.need("port" if serves else "server", f"{told['host']}:{told['port']}", source)
    if reading.get(source, "tls", YES_NO) == "yes":
        told["tls-creds"] = f"obj{name}_tls0"
        end = "server" if serves else "client"
        folder = line.need("folder", _CERTIFICATES, source)
        line.add("-object", options("tls-creds-x509", id=told["tls-creds"], dir=folder,
                                    endpoint=end, **{"verify-peer": True}))  # fmt: skip
    return "socket", told


_PROTOCOLS = {"raw", "telnet", "telnets", "tls"}


def _udp(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    told: dict[str, object] = {}
    for source in sources:
        serves = _serves(line, source, "connect")
        host, port = (line.reading.get(source, name) for name in ("host", "service"))
        if serves:
            told |= {"localaddr": host or "", "localport": port or "0"}
            line.need("port", f"{host}:{port}", source)
        else:
            told = {"host": host or "", "port": port, **told}
    return "udp", {"localaddr": "", "localport": "0", **told}


def _spice(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    return "spicevmc", {"name": purpose}


def _named(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    channel = line.reading.get(sources[0], "channel") if sources else None
    return node.get("type", ""), {"name": channel}


def _agent(line: Line, node: Node, sources: list[Node], name: str, purpose: str) -> Told:  # noqa: ARG001
    """Take what the agent of the guest's desktop is for."""
    told: dict[str, object] = {"name": "vdagent"}
    if not sources:
        return "qemu-vdagent", told
    clipboard, mouse = (line.reading.child(sources[0], tag) for tag in ("clipboard", "mouse"))
    if clipboard is not None:
        told["clipboard"] = line.reading.get(clipboard, "copypaste", YES_NO) == "yes"
    if mouse is not None:
        told["mouse"] = line.reading.get(mouse, "mode", {"client", "server"}) == "client"
    return "qemu-vdagent", told


_TOLD: dict[str, Callable[[Line, Node, list[Node], str, str], Told]] = {
    **dict.fromkeys(("null", "vc", "pty", "stdio"), _bare),
    "file": _file,
    "pipe": _pipe,
    "dev": _device,
    "unix": _unix,
    "tcp": _tcp,
    "udp": _udp,
    "spicevmc": _spice,
    "spiceport": _named,
    "dbus": _named,
    "qemu-vdagent": _agent,
}
"""Writes a chardev of each type."""
