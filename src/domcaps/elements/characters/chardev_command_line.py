"""QEMU arguments for character devices, whatever in the guest they are connected to."""

from __future__ import annotations

from domcaps.elements.qemu.fragments import SERIAL, SPICE_SERVER, on_any_bus
from domcaps.language.qemu_args import QemuArgs

# the words of -chardev, and what else is needed for it
_BACKENDS: dict[str, tuple[str, str]] = {
    "null": ("null", ""),
    "vc": ("vc", ""),
    "pty": ("pty", ""),
    # any terminal will do; this one is there everywhere
    "dev": ("serial,path=/dev/ptmx", ""),
    "file": ("file,path={dir}/file", ""),
    "pipe": ("pipe,path={dir}/pipe", ""),
    "stdio": ("stdio", ""),
    "udp": ("udp,host=127.0.0.1,port=9,localaddr=127.0.0.1,localport=0", ""),
    "tcp": ("socket,host=127.0.0.1,port=0,server=on,wait=off", ""),
    "unix": ("socket,path={dir}/socket,server=on,wait=off", ""),
    "spicevmc": ("spicevmc,name=vdagent", SPICE_SERVER),
    "spiceport": ("spiceport,name=org.example.0", SPICE_SERVER),
    "qemu-vdagent": ("qemu-vdagent", ""),
    "dbus": ("dbus,name=org.example.0", "-display dbus,p2p=on"),
}
_NO_TERMINALS = (
    ("Failed to create PTY", "the host has no terminals"),
    ("Could not open '/dev/ptmx'", "the host has no terminals"),
)
_SINGLE = frozenset({"stdio", "spicevmc", "spiceport", "dbus"})


def _chardev(kind: str) -> str:
    words, before = _BACKENDS[kind]
    backend, _, options = words.partition(",")
    return f"{before} -chardev {backend},id={{id}}p{',' if options else ''}{options}"


def _port(kind: str, device: str) -> tuple[QemuArgs, ...]:
    """Tell of a port of a virtio controller."""
    return on_any_bus(
        f"{_chardev(kind)} {SERIAL} -device {device},bus={{id}}s.0,chardev={{id}}p",
        alone=kind in _SINGLE,
        files=_files(kind),
        lacks=_NO_TERMINALS,
    )


def _files(kind: str) -> tuple[tuple[str, int], ...]:
    return (("pipe", 0),) if kind == "pipe" else ()


def console(kind: str) -> tuple[QemuArgs, ...]:
    """Tell of a console, of virtio or else at a serial port of the board."""
    serial = f"{_chardev(kind)} -serial chardev:{{id}}p"
    files = _files(kind)
    return (
        *_port(kind, "virtconsole"),
        QemuArgs(serial, alone=True, files=files, lacks=_NO_TERMINALS),
    )


def channel(kind: str) -> tuple[QemuArgs, ...]:
    """Tell of a channel."""
    return _port(kind, "virtserialport")
