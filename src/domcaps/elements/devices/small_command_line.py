"""QEMU arguments for small devices: sockets, shared memory, cryptography, stores of crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.boards.defaults import FEATURE_STATE
from domcaps.language.command_line import ON_OFF, YES_NO, Line, options, untold
from domcaps.language.quantities import MIB, size_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_SHMEMS = {"ivshmem", "ivshmem-plain", "ivshmem-doorbell"}
_FIRST_CID = 3
_SHMEM_SIZE = 4 * MIB


def write_vsock(line: Line, node: Node) -> None:
    """Write a socket between guest and host."""
    reading, name = line.reading, line.name(node, "vsock0")
    model = reading.get(node, "model", VIRTIO_MODELS)
    cid = reading.child(node, "cid")
    number = None if cid is None else reading.number(cid, "address")
    if cid is not None and reading.get(cid, "auto", YES_NO) == "yes":
        reading.besides[cid] = "libvirt chooses a number that is free"
    line.need("vsock", "/dev/vhost-vsock", node)
    more = line.virtio_options(reading.child(node, "driver"))
    line.plug_virtio(node, "vhost-vsock", model=model, id=name,
                     **{"guest-cid": number or _FIRST_CID}, **more)  # fmt: skip


def write_shmem(line: Line, node: Node, number: int) -> None:
    """Write memory that guests share, by itself or through a server."""
    reading, name = line.reading, line.name(node, f"shmem{number}")
    holder, size, server = (reading.child(node, tag) for tag in ("model", "size", "server"))
    kind = None if holder is None else reading.get(holder, "type", _SHMEMS)
    shared = reading.get(node, "name") or ""
    role = reading.get(node, "role", {"master", "peer"})
    if size is not None:
        reading.text(size)
        reading.set_aside(size, "unit")
    if kind == "ivshmem-doorbell" or server is not None:
        _doorbell(line, node, server, name, shared)
        return
    length = None if size is None else size_of(size, scale=MIB)
    path = line.need("memory", f"/dev/shm/{shared}", node)  # noqa: S108 - where libvirt has it
    told = options("memory-backend-file", id=f"shmmem-{name}", **{"mem-path": path},
                   size=length or _SHMEM_SIZE, share=True)  # fmt: skip
    master = {"master": "on", "peer": "off"}.get(role or "")
    line.plug(node, "ivshmem-plain", "-object", told, id=name, memdev=f"shmmem-{name}",
              master=master)  # fmt: skip


def _doorbell(line: Line, node: Node, server: Node | None, name: str, shared: str) -> None:
    reading = line.reading
    msi = reading.child(node, "msi")
    path = None if server is None else reading.get(server, "path")
    path = line.need("server-socket", path or f"/var/lib/libvirt/shmem-{shared}-sock", node)
    told = options("socket", id=f"char{name}", path=path)
    more: dict[str, object] = {"ioeventfd": "on"}
    if msi is not None:
        if reading.get(msi, "enabled", YES_NO) == "no":
            raise untold(msi, "enabled")
        more = {"vectors": reading.positive(msi, "vectors"),
                "ioeventfd": reading.get(msi, "ioeventfd", ON_OFF) or FEATURE_STATE}  # fmt: skip
    line.plug(node, "ivshmem-doorbell", "-chardev", told, id=name, chardev=f"char{name}", **more)


def write_crypto(line: Line, node: Node, number: int) -> None:
    """Write a device for cryptography."""
    reading, name = line.reading, line.name(node, f"crypto{number}")
    model = reading.get(node, "model", {"virtio"})
    reading.get(node, "type", {"qemu"})
    backend = reading.child(node, "backend")
    if backend is None:
        raise untold(node)
    kind = reading.get(backend, "model", {"builtin", "lkcf"})
    queues = reading.number(backend, "queues")
    told = options(f"cryptodev-backend-{kind}", id=f"obj{name}",
                   queues=queues if queues and queues > 1 else None)  # fmt: skip
    more = line.virtio_options(reading.child(node, "driver"))
    line.plug_virtio(node, "virtio-crypto", "-object", told, model=model, id=name,
                     cryptodev=f"obj{name}", **more)  # fmt: skip


def write_pstore(line: Line, node: Node) -> None:
    """Write a store in which a guest leaves what it said before a crash."""
    reading, name = line.reading, line.name(node, "pstore0")
    reading.get(node, "backend", {"acpi-erst"})
    path, size = reading.child(node, "path"), reading.child(node, "size")
    if size is None:
        raise untold(node)
    reading.text(size)
    reading.set_aside(size, "unit")
    file = line.made_up("pstore.raw") if path is None else reading.text(path)
    length = size_of(size) or 0
    where = line.need("memory", file, node)
    more = {"mem-path": where, "size": length, "share": True}
    told = options("memory-backend-file", id=f"{name}-backend", **more)
    line.plug(node, "acpi-erst", "-object", told, id=name, memdev=f"{name}-backend")


def write_nvram(line: Line, node: Node) -> None:
    """Write the memory that a board of POWER keeps: its place is all that is to be said."""
    register = line.place(node).get("reg")
    if register is not None:
        line.add("-global", f"spapr-nvram.reg={register}")


def write_lease(line: Line, node: Node) -> None:
    """Note a lease, which libvirt asks a manager of locks for."""
    line.reading.beside(node, "libvirt asks a manager of locks for it")
