"""Domains that a bare host can start: with images, sockets and folders of their own.

A start tells something of the domain only where all files that it names are there. `prepare` makes
them, in one folder, and rewrites the paths; what no bare host has (devices to hand over, servers,
cgroups, huge pages) is taken out of the domain, or the domain is left out.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element as Node

_TAKEN_OUT = (
    *("seclabel", "cputune", "memtune", "blkiotune", "numatune", "resource", "metadata"),
    *("devices/hostdev", "devices/emulator", "devices/lease", "devices/redirdev/source"),
    *("devices/disk/backingStore", "devices/disk/mirror", "devices/disk/source/seclabel"),
    *("devices/disk/source/reservations", "devices/disk/source/privateData"),
    *("memoryBacking/hugepages", "throttlegroups"),
)
_OF_OTHER_NETWORKS = (
    "source", "virtualport", "target", "script", "bandwidth", "vlan", "portForward", "guest",
    "downscript", "port", "backend", "ip", "route", "filterref", "tune", "teaming",
)  # fmt: skip
_UNSTARTABLE = (
    "os/kernel", "os/dtb", "os/initrd", "os/acpi", "devices/shmem/server", "devices/vsock",
    # what QEMU lacks of these is a warning, whatever comes of it
    "{http://libvirt.org/schemas/domain/qemu/1.0}commandline",
    "launchSecurity", "devices/tpm/backend[@type='passthrough']",
    "devices/crypto/backend[@type='lkcf']", "devices/filesystem/driver[@type='virtiofs']",
    "devices/rng/backend[@model='egd']", "devices/graphics[@type='rdp']",
    # what the client has to hand over, and what is in the database of the user's own cards
    "devices/disk/source[@fdgroup]", "devices/smartcard[@mode='host']",
    "devices/smartcard[@mode='host-certificates']", "devices/memory/source",
    "devices/tpm/backend[@type='external']", "devices/graphics[@type='sdl']",
    "devices/disk/encryption", "devices/disk/source/encryption", "devices/tpm/backend/encryption",
)  # fmt: skip
_FORMATS = {"raw", "qcow2", "qed", "vmdk", "vdi", "vpc", "qcow", "luks"}
_CHARACTERS = ("serial", "parallel", "console", "channel", "redirdev", "smartcard")
_MOST_KIB = 1 << 20
_UNITS = {
    "b": 0,
    "bytes": 0,
    "KiB": 1,
    "k": 1,
    "MiB": 1024,
    "M": 1024,
    "GiB": 1 << 20,
    "G": 1 << 20,
}


class Unstartable(Exception):  # noqa: N818 - no error: the domain is left out
    """A domain that a bare host can't start, whatever is made for it."""


class Workshop:
    """A folder in which images and the like are made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "shared").mkdir(exist_ok=True)

    def prepare(self, root: Node) -> None:
        """Rewrite a domain; raises `Unstartable`."""
        for path in _UNSTARTABLE:
            if root.find(path) is not None:
                raise Unstartable(path)
        for path in _TAKEN_OUT:
            for node in root.findall(path):
                node.getparent().remove(node)  # type: ignore[union-attr]
        self._disks(root)
        for interface in root.findall("devices/interface"):
            _as_user(interface)
        for number, node in enumerate(root.findall("devices/*")):
            if node.tag in _CHARACTERS:
                self._character(node, number)
        self._folders(root)
        _modest(root)

    def _folders(self, root: Node) -> None:
        for node in root.findall("devices/filesystem/source[@dir]"):
            node.set("dir", str(self.folder / "shared"))
        for node in root.findall("devices/rng/backend[@model='random']"):
            node.text = "/dev/urandom"
        for node in root.findall("os/nvram"):
            node.text = None

    def _disks(self, root: Node) -> None:
        for number, disk in enumerate(root.findall("devices/disk")):
            source = disk.find("source")
            if disk.get("type", "file") != "file":
                raise Unstartable(f"a disk of type {disk.get('type')}")
            if source is None or "file" not in source.attrib:
                continue
            driver = disk.find("driver")
            form = "raw" if driver is None else driver.get("type", "raw")
            source.set("file", self.image(form if form in _FORMATS else "raw", number))

    def image(self, form: str, number: int) -> str:
        """Make an image, one for each disk of a domain: QEMU locks them."""
        path = self.folder / f"{number}.{form}"
        if not path.exists():
            command = ["qemu-img", "create", "-q", "-f", form, str(path), "64M"]
            if form == "luks" or subprocess.run(command, check=False).returncode:
                with path.open("wb") as stream:
                    stream.truncate(64 << 20)
        return str(path)

    def _character(self, node: Node, number: int) -> None:
        kind, source = node.get("type", "pty"), node.find("source")
        for log in node.findall("log"):
            log.set("file", str(self.folder / f"{number}-log.log"))
        if kind in {"dev", "tcp", "udp", "pipe", "stdio", "nmdm"}:
            raise Unstartable(f"a character device of type {kind}")
        if source is None:
            return
        if kind == "file":
            source.set("path", str(self.folder / f"{number}.log"))
        elif kind == "unix":
            source.set("mode", "bind")
            if "path" in source.attrib:
                source.set("path", str(self.folder / f"{number}.socket"))


def _as_user(interface: Node) -> None:
    """Connect an interface by QEMU itself."""
    backend = interface.find("backend")
    if interface.get("type") in {"hostdev", "vdpa", "vhostuser"} or (
        backend is not None and backend.get("type") == "passt"
    ):
        raise Unstartable(f"an interface of type {interface.get('type')}")
    interface.set("type", "user")
    for tag in _OF_OTHER_NETWORKS:
        for node in interface.findall(tag):
            interface.remove(node)
    for driver in interface.findall("driver"):
        # vhost is of networks that the kernel connects
        for name in ("name", "txmode", "queues", "rss", "rss_hash_report"):
            if name in driver.attrib:
                del driver.attrib[name]


def _modest(root: Node) -> None:
    """Want no more memory than a small host has, where nothing depends on its size."""
    if root.find("cpu/numa") is not None or root.find("devices/memory") is not None:
        return
    for tag in ("memory", "currentMemory"):
        for node in root.findall(tag):
            text, unit = (node.text or "").strip(), _UNITS.get(node.get("unit", "KiB"), 0)
            if text.isdecimal() and unit and int(text) * unit > _MOST_KIB:
                node.text, node.attrib["unit"] = str(_MOST_KIB), "KiB"
