"""QEMU arguments for ``<filesystem>``: folders of the host shared with the guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_MODES = {"passthrough": "passthrough", "mapped": "mapped", "squash": "none"}
_OF_PROGRAM = ("binary", "idmap", "openfiles", "readonly")


def write_filesystem(line: Line, node: Node, number: int) -> None:
    """Write a shared folder."""
    reading, name = line.reading, line.name(node, f"fs{number}")
    reading.get(node, "type", {"mount"})
    model = reading.get(node, "model", VIRTIO_MODELS)
    source, target = reading.child(node, "source"), reading.child(node, "target")
    driver = reading.child(node, "driver")
    kind = None if driver is None else reading.get(driver, "type", {"path", "handle", "virtiofs",
                                                                    "mtp"})  # fmt: skip
    tag = "" if target is None else reading.get(target, "dir") or ""
    for inside in ("space_hard_limit", "space_soft_limit"):
        limit = reading.child(node, inside)
        if limit is not None:
            reading.beside(limit, "a limit that a container would have")
    if kind == "virtiofs" and driver is not None:
        _virtiofs(line, node, driver, source, tag, name)
        return
    folder = None if source is None else reading.get(source, "dir")
    if not folder or source is None:
        raise untold(node)
    line.need("folder", folder, source)
    if kind == "mtp":
        read_only = reading.child(node, "readonly") is not None
        told = options("usb-mtp", id=name, rootdir=folder, desc=tag or None,
                       readonly=read_only, **line.usb_place(node))  # fmt: skip
        line.device(Turn.ATTACHED, told)
        return
    word = _of_9p(line, node, driver, kind or "path", folder, name)
    more = line.virtio_options(driver)
    line.plug_virtio(node, "virtio-9p", "-fsdev", word, model=model, id=name,
                     fsdev=f"fsdev-{name}", mount_tag=tag, **more)  # fmt: skip


def _of_9p(line: Line, node: Node, driver: Node | None, kind: str, folder: str, name: str) -> str:
    reading = line.reading
    writes = None if driver is None else reading.get(driver, "wrpolicy", {"immediate"})
    mode = reading.get(node, "accessmode", _MODES) or "passthrough"
    told: dict[str, object] = {}
    if kind == "path":
        told = {"security_model": _MODES[mode], "multidevs": reading.get(node, "multidevs", {
            "default", "remap", "forbid", "warn"})}  # fmt: skip
        for name_, option in (("fmode", "fmode"), ("dmode", "dmode")):
            told[option] = reading.get(node, name_)
    if told.get("multidevs") == "default":
        del told["multidevs"]
    read_only = "on" if reading.child(node, "readonly") is not None else None
    driver_name = "local" if kind == "path" else kind
    more = {"writeout": writes, "id": f"fsdev-{name}", "path": folder, "readonly": read_only}
    return options(driver_name, **told, **more)


def _virtiofs(
    line: Line, node: Node, driver: Node, source: Node | None, tag: str, name: str
) -> None:
    """Write a folder that the program virtiofsd serves, which listens at a socket."""
    reading = line.reading
    reading.get(node, "accessmode", {"passthrough"})
    for inside in _OF_PROGRAM:
        child = reading.child(node, inside)
        if child is not None:
            reading.set_aside_whole(child)
    path = None if source is None else reading.get(source, "socket")
    if source is not None:
        folder = reading.get(source, "dir")
        if folder:
            line.need("folder", folder, source)
    if not path:
        reading.besides[node] = "libvirt starts the program virtiofsd"
    path = line.need("virtiofs", path or line.made_up(f"{name}-fs.sock"), node)
    told = options("socket", id=f"chr-vu-{name}", path=path)
    more = line.virtio_options(driver)
    more["bootindex"] = line.boot(node, "fs")["bootindex"]
    line.plug_virtio(node, "vhost-user-fs", "-chardev", told, id=name,
                     chardev=f"chr-vu-{name}", tag=tag,
                     **{"queue-size": reading.positive(driver, "queue")}, **more)  # fmt: skip
