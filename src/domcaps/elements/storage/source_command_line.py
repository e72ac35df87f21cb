"""Where an image is, as QEMU's block driver: a file, a device, or a server of network storage."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import quote

from domcaps.elements.boards.defaults import TRANSPORT
from domcaps.elements.storage.secret_command_line import secret
from domcaps.language.command_line import YES_NO, Line, options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

Blocks = dict[str, object]
"""A block device, as ``-blockdev`` takes it."""

_PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 990, "iscsi": 3260, "nbd": 10809,
          "gluster": 24007, "ssh": 22, "sheepdog": 7000}  # fmt: skip
_OWN = ("index", "startupPolicy", "fdgroup")
"""Attributes of a source by which libvirt is meant."""


def source_of(line: Line, source: Node, kind: str, device: str, name: str) -> Blocks:
    """Take where an image is; `name` is that of the block device, for its secrets."""
    line.reading.set_aside(source, *_OWN)
    for label in line.reading.children(source, "seclabel"):
        line.reading.beside(label, "libvirt labels the image")
    told = _SOURCES[kind](line, source, device, name)
    manager = line.reading.child(source, "reservations")
    if manager is not None:
        told["pr-manager"] = _reservations(line, manager, name)
    if kind == "block" and device == "lun":
        told["driver"] = "host_device"
    return told


def _file(line: Line, source: Node, device: str, name: str) -> Blocks:  # noqa: ARG001
    return {"driver": "file", "filename": _named(line, source, "file", "file")}


def _block(line: Line, source: Node, device: str, name: str) -> Blocks:  # noqa: ARG001
    driver = "host_cdrom" if device == "cdrom" else "host_device"
    return {"driver": driver, "filename": _named(line, source, "dev", "device")}


def _folder(line: Line, source: Node, device: str, name: str) -> Blocks:  # noqa: ARG001
    path = _named(line, source, "dir", "folder")
    return {"driver": "vvfat", "dir": path, "floppy": device == "floppy", "rw": False}


def _named(line: Line, source: Node, attribute: str, kind: str) -> str:
    path = line.reading.get(source, attribute)
    if not path:
        raise untold(source, attribute, "a path that is not said")
    return line.need(kind, path, source)


def _volume(line: Line, source: Node, device: str, name: str) -> Blocks:  # noqa: ARG001
    """Take a volume, whose path the storage driver of libvirt knows."""
    pool, volume = (line.reading.get(source, name) or "" for name in ("pool", "volume"))
    line.reading.set_aside(source, "mode")
    path = line.made_up("-".join(text.replace("/", "_") for text in (pool, volume)))
    return {"driver": "file", "filename": line.need("volume", path, source)}


def _nvme(line: Line, source: Node, device: str, name: str) -> Blocks:  # noqa: ARG001
    reading = line.reading
    reading.get(source, "type", {"pci"})
    reading.get(source, "managed", YES_NO)
    address = reading.child(source, "address")
    if address is None:
        raise untold(source)
    reading.set_aside(address, "type")
    place = pci_of_host(line, address)
    line.need("host-device", place, source)
    return {"driver": "nvme", "device": place, "namespace": reading.number(source, "namespace")}


def pci_of_host(line: Line, address: Node) -> str:
    """Take the address of a PCI device of the host, as ``lspci`` writes it."""
    names = ("domain", "bus", "slot", "function")
    numbers = [line.reading.number(address, name) or 0 for name in names]
    return "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)


def _vdpa(line: Line, source: Node, device: str, name: str) -> Blocks:  # noqa: ARG001
    return {"driver": "virtio-blk-vhost-vdpa", "path": _named(line, source, "dev", "device")}


def _network(line: Line, source: Node, device: str, name: str) -> Blocks:  # noqa: ARG001
    protocol = line.reading.get(source, "protocol", _PROTOCOLS) or ""
    line.need("server", protocol, source)
    told = _PROTOCOLS[protocol](line, source, name)
    return {"driver": protocol, **{key: value for key, value in told.items() if value is not None}}


def _hosts(line: Line, source: Node) -> list[dict[str, str]]:
    """Take the servers: their kind, host, port or path."""
    reading, found = line.reading, []
    protocol = source.get("protocol", "")
    for host in reading.children(source, "host"):
        kind = reading.get(host, "transport", {"tcp", "unix", "rdma"}) or TRANSPORT
        path, port = reading.get(host, "socket"), reading.get(host, "port")
        if kind == "unix":
            found.append({"type": "unix", "path": path or ""})
            continue
        usual = str(_PORTS.get(protocol, ""))
        told = {"type": "inet", "host": reading.get(host, "name") or "", "port": port or usual}
        found.append({key: value for key, value in told.items() if value})
    return found


def _one_host(line: Line, source: Node) -> dict[str, str]:
    hosts = _hosts(line, source)
    if len(hosts) != 1:
        raise untold(source, "", "a source that has not one server")
    return hosts[0]


def _login(line: Line, source: Node, name: str) -> tuple[str | None, str | None]:
    """Take a user and the name of the object with the password."""
    auth = line.reading.child(source, "auth")
    if auth is None and (disk := source.getparent()) is not None:
        auth = line.reading.child(disk, "auth")
    if auth is None:
        return None, None
    user = line.reading.get(auth, "username")
    inner = line.reading.child(auth, "secret")
    return user, None if inner is None else secret(line, inner, f"{name}-auth-secret0")


def _nbd(line: Line, source: Node, name: str) -> Blocks:
    reading = line.reading
    told: Blocks = {"server": _one_host(line, source), "export": reading.get(source, "name")}
    if reading.get(source, "tls", YES_NO) == "yes":
        told["tls-creds"] = tls(line, source, f"obj{name}_tls0", "nbd")
        told["tls-hostname"] = reading.get(source, "tlsHostname")
    again = reading.child(source, "reconnect")
    if again is not None:
        told["reconnect-delay"] = reading.number(again, "delay")
    return told


def tls(line: Line, node: Node, name: str, use: str) -> str:
    """Add the object with the client's certificates; gives its name."""
    folder = line.need("folder", f"/etc/pki/libvirt-{use}", node)
    told = options("tls-creds-x509", id=name, dir=folder, endpoint="client",
                   **{"verify-peer": True})  # fmt: skip
    line.add("-object", told)
    return name


def _rbd(line: Line, source: Node, name: str) -> Blocks:
    reading = line.reading
    pool, _, image = (reading.get(source, "name") or "").partition("/")
    space, slash, rest = image.partition("/")
    user, password = _login(line, source, name)
    config, snapshot = reading.child(source, "config"), reading.child(source, "snapshot")
    servers = [{key: server[key] for key in ("host", "port") if key in server}
               for server in _hosts(line, source)]  # fmt: skip
    return {
        "pool": pool,
        "namespace": space if slash else None,
        "image": rest if slash else image,
        "snapshot": None if snapshot is None else reading.get(snapshot, "name"),
        "server": [{"port": "6789", **server} for server in servers] or None,
        "conf": None if config is None else reading.get(config, "file"),
        "user": user,
        "auth-client-required": ["cephx", "none"] if password else None,
        "key-secret": password,
    }


def _gluster(line: Line, source: Node, name: str) -> Blocks:  # noqa: ARG001
    volume, _, path = (line.reading.get(source, "name") or "").partition("/")
    return {"volume": volume, "path": path, "server": _hosts(line, source), "debug": 4}


def _iscsi(line: Line, source: Node, name: str) -> Blocks:
    reading, host = line.reading, _one_host(line, source)
    target, slash, lun = (reading.get(source, "name") or "").rpartition("/")
    user, password = _login(line, source, name)
    initiator = reading.child(source, "initiator")
    iqn = None if initiator is None else reading.child(initiator, "iqn")
    number = lun if slash and lun.isdecimal() else "0"
    address = host.get("host", "")
    shown = f"[{address}]" if ":" in address else address
    return {
        "portal": f"{shown}:{host.get('port', '')}",
        "target": target if slash else lun,
        "lun": int(number),
        "transport": "tcp",
        "user": user,
        "password-secret": password,
        "initiator-name": None if iqn is None else reading.get(iqn, "name"),
    }


def _curl(line: Line, source: Node, name: str) -> Blocks:
    reading, host = line.reading, _one_host(line, source)
    protocol, path = source.get("protocol"), reading.get(source, "name") or ""
    query = reading.get(source, "query")
    user, password = _login(line, source, name)
    shown = quote(path.lstrip("/"), safe=_IN_PATH)
    if query and ("#" in query or not query.isprintable()):
        raise untold(source, "query", f"the value {query!r}")
    told: Blocks = {
        "url": f"{protocol}://{_in_url(source, host)}/{shown}" + (f"?{query}" if query else ""),
        "username": user,
        "password-secret": password,
    }
    ssl = reading.child(source, "ssl")
    if ssl is not None:
        told["sslverify"] = reading.get(ssl, "verify", YES_NO) != "no"
    cookies = reading.child(source, "cookies")
    if cookies is not None:
        for cookie in reading.children(cookies, "cookie"):
            reading.get(cookie, "name")
            reading.text(cookie)
        told["cookie-secret"] = secret(line, cookies, f"{name}-httpcookie-secret0")
    for tag, attribute in (("readahead", "size"), ("timeout", "seconds")):
        inside = reading.child(source, tag)
        if inside is not None:
            told[tag] = reading.number(inside, attribute)
    return told


_IN_PATH = "/;@&=+$,!*'()~:"
"""Signs that libvirt does not escape in the path of a URL."""


def _in_url(source: Node, host: dict[str, str]) -> str:
    """Give host and port for a URL, in which other signs would begin another part."""
    name, port = host.get("host", ""), host.get("port", "")
    if not port.isascii() or not port.isdecimal():
        raise untold(source, "", f"the port {port!r} of a server")
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name.strip('[]'))}]:{port}"
        except ValueError:
            raise untold(source, "", f"the name {name!r} of a server") from None
    if not name.isprintable() or set(name) & _ENDING_HOST:
        raise untold(source, "", f"the name {name!r} of a server")
    return f"{name}:{port}"


_ENDING_HOST = frozenset(" /?#@\\[]<>\"'{}|^`%")


def _ssh(line: Line, source: Node, name: str) -> Blocks:
    reading, host = line.reading, _one_host(line, source)
    user, _ = _login(line, source, name)
    for tag, names in (("identity", ("username", "keyfile", "agentsock")),
                       ("knownHosts", ("path",))):  # fmt: skip
        inside = reading.child(source, tag)
        if inside is not None:
            user = user or inside.get("username")
            reading.set_aside(inside, *names)
    server = {key: host[key] for key in ("host", "port") if key in host}
    path = reading.get(source, "name")
    return {"path": path, "server": server, "user": user, "host-key-check": {"mode": "none"}}


def _nfs(line: Line, source: Node, name: str) -> Blocks:  # noqa: ARG001
    reading, host = line.reading, _one_host(line, source)
    identity = reading.child(source, "identity")
    told: Blocks = {"server": {"host": host.get("host"), "type": "inet"},
                    "path": reading.get(source, "name")}  # fmt: skip
    for name_ in () if identity is None else ("user", "group"):
        text = reading.get(identity, name_) or ""  # type: ignore[arg-type]
        number = text.removeprefix("+")
        if text and not number.isdecimal():
            raise untold(source, name_, "a name of a user, which has no number here")
        told[name_] = int(number) if text else None
    return told


def _reservations(line: Line, node: Node, name: str) -> str:
    """Add the helper of persistent reservations: one for all, or one of the domain's own."""
    reading = line.reading
    managed = reading.get(node, "managed", YES_NO) == "yes"
    source = reading.child(node, "source")
    path = line.made_up("pr-helper0.sock")
    helper = "pr-helper0"
    if source is not None:
        reading.get(source, "type", {"unix"})
        reading.get(source, "mode", {"client"})
        path = reading.get(source, "path") or path
    if not managed:
        helper = f"pr-helper-{name}"
    word = options("pr-manager-helper", id=helper, path=line.need("server-socket", path, node))
    if word not in line.words:
        line.add("-object", word)
    return helper


_SOURCES: dict[str, Callable[[Line, Node, str, str], Blocks]] = {
    "file": _file,
    "block": _block,
    "dir": _folder,
    "volume": _volume,
    "nvme": _nvme,
    "vhostvdpa": _vdpa,
    "network": _network,
}
SOURCES = frozenset(_SOURCES)
"""The types of disks whose content is a block device of QEMU."""
_PROTOCOLS: dict[str, Callable[[Line, Node, str], Blocks]] = {
    "nbd": _nbd,
    "rbd": _rbd,
    "gluster": _gluster,
    "iscsi": _iscsi,
    **dict.fromkeys(("http", "https", "ftp", "ftps"), _curl),
    "ssh": _ssh,
    "nfs": _nfs,
}
