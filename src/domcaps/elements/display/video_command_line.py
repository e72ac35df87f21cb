"""QEMU arguments for ``<video>``: the device, its memory and screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import video_model
from domcaps.elements.display.video import device_named, model_named
from domcaps.language.command_line import ON_OFF, YES_NO, Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_KIB = 1024


def write_videos(line: Line, devices: Node) -> None:
    """Write the display adapters, also the one that libvirt adds to a screen."""
    nodes = line.reading.children(devices, "video")
    if not nodes and devices.find("graphics") is not None:
        kind = video_model(None, line.domain)
        if _is_written(kind):
            more = _memory(line, None, kind)
            _write(line, "video", None, kind, _outputs(kind, 1) | more | {"id": "video0"})
        return
    # the one that firmware shows comes first
    nodes.sort(key=lambda node: not _is_marked(node))
    for number, node in enumerate(nodes):
        _video(line, node, number)


def _is_written(kind: str) -> bool:
    return kind == "virtio" or bool(device_named(kind))


def _is_marked(node: Node) -> bool:
    model = node.find("model")
    return model is not None and model.get("primary") == "yes"


def _video(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    model, kind = reading.child(node, "model"), video_model(node, line.domain)
    driver = reading.child(node, "driver")
    more: dict[str, object] = {}
    if driver is not None:
        reading.set_aside(driver, "vgaconf")
    if model is not None:
        reading.set_aside(model, "type")
        reading.get(model, "primary", YES_NO)
        more = _of_card(line, node, model, kind)
    else:
        more = _outputs(kind, 1) | _memory(line, None, kind)
    if kind == "none":
        return
    name = line.name(node, f"video{number}")
    if not _is_written(kind):
        raise untold(node, "", f"a display adapter {kind!r}")
    _write(line, node, driver, kind, more | {"id": name}, is_first=not number)


def _write(
    line: Line, owner: Node | str, driver: Node | None, kind: str, more: dict[str, object],
    *, is_first: bool = True,
) -> None:  # fmt: skip
    """Write a card; the first is there before its driver is, where it can be."""
    is_3d = more.pop("3d", None)
    other = None if driver is None else line.reading.get(driver, "name", {"qemu", "vhostuser"})
    if kind == "ramfb":
        line.device(Turn.ATTACHED, options("ramfb", id=more["id"]))
    elif kind == "qxl":
        line.plug(owner, "qxl-vga" if is_first else "qxl", **more)
    elif kind != "virtio":
        line.plug(owner, device_named(kind), **more)
    elif other == "vhostuser" and not isinstance(owner, str):
        _in_program(line, owner, more, is_first=is_first)
    else:
        _virtio(line, owner, more, is_first=is_first, is_3d=bool(is_3d))


def _virtio(
    line: Line, owner: Node | str, more: dict[str, object], *, is_first: bool, is_3d: bool
) -> None:
    on_pci = line.kind(owner) in {"pci", ""}
    gl = "-gl" if is_3d and line.has_type("virtio-gpu-gl-pci", "virtio-gpu-gl-device") else ""
    if is_3d and not gl:
        more["virgl"] = True
    if is_first and on_pci and line.has_type("virtio-vga"):
        line.plug(owner, f"virtio-vga{gl}", **more)
    else:
        line.plug_virtio(owner, f"virtio-gpu{gl}", **more)


def _in_program(line: Line, node: Node, more: dict[str, object], *, is_first: bool) -> None:
    """Write a card that another program draws, which listens at a socket."""
    name = f"chr-vu-{more['id']}"
    path = line.need("vhost-user", line.made_up(f"{more['id']}-vhost-user-gpu.sock"), node)
    line.reading.besides[node] = "libvirt starts the program vhost-user-gpu"
    told = options("socket", id=name, path=path)
    more |= {"chardev": name}
    if is_first and line.has_type("vhost-user-vga"):
        # which takes no option of virtio
        for option in ("iommu_platform", "ats", "packed", "page-per-vq"):
            more.pop(option, None)
        line.plug(node, "vhost-user-vga", "-chardev", told, **more)
    else:
        line.plug_virtio(node, "vhost-user-gpu", "-chardev", told, **more)


def _outputs(kind: str, heads: int) -> dict[str, object]:
    return {"max_outputs": heads} if model_named(kind).screens else {}


def _memory(line: Line, model: Node | None, kind: str) -> dict[str, object]:
    """Take how much memory a card has."""
    told: dict[str, object] = {}
    for name, option, usual in model_named(kind).memory:
        given = None if model is None else line.reading.number(model, name)
        size = usual if given is None else given
        if kind == "qxl" and name != "vram64":
            # libvirt takes powers of two
            size = 1 << max(size - 1, 0).bit_length()
        told[option] = size // _KIB if option.endswith("_mb") else size * _KIB
    return told


def _of_card(line: Line, node: Node, model: Node, kind: str) -> dict[str, object]:
    """Take what a card has besides its kind."""
    reading = line.reading
    heads = reading.number(model, "heads") or 1
    if heads > 1 and not model_named(kind).screens:
        raise untold(model, "heads")
    told = _outputs(kind, heads) | _memory(line, model, kind)
    # libvirt writes sizes into every domain, and QEMU has none for some cards
    reading.set_aside(model, "vram", "ram", "vgamem", "vram64")
    screen, speed = reading.child(model, "resolution"), reading.child(model, "acceleration")
    if screen is not None:
        told |= {"xres": reading.positive(screen, "x"), "yres": reading.positive(screen, "y")}
    if speed is not None:
        told["3d"] = reading.get(speed, "accel3d", YES_NO) == "yes"
        reading.get(speed, "accel2d", YES_NO)
        render = reading.get(speed, "rendernode")
        if render:
            line.need("render-node", render, speed)
    told["edid"] = reading.get(model, "edid", ON_OFF)
    told["blob"] = reading.get(model, "blob", ON_OFF)
    if kind == "virtio":
        told |= line.virtio_options(reading.child(node, "driver"))
    return told
