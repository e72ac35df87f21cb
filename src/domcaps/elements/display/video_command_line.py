"""QEMU arguments for ``<video>``: the device, its memory and screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import video_model
from domcaps.elements.display.video import MODEL_TYPE, WITH_SCREENS
from domcaps.language.command_line import Line, Turn, options, untold
from domcaps.language.qemu_args import QemuArgs, alternatives_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

WITHOUT_MEMORY = frozenset({"cirrus", "virtio"})
"""Cards whose memory adds no QEMU argument."""
VIDEO_MEMORY = {
    "vga": (("vram", "vgamem_mb"),),
    "vmvga": (("vram", "vgamem_mb"),),
    "bochs": (("vram", "vgamem"),),
    "qxl": (
        ("ram", "ram_size"),
        ("vram", "vram_size"),
        ("vram64", "vram64_size_mb"),
        ("vgamem", "vgamem_mb"),
    ),
}
"""Sizes of memory that a card may have, by model: what a domain and what QEMU calls them."""
WITH_VGA = {"virtio-gpu-pci": "virtio-vga", "qxl": "qxl-vga"}
"""What the first card of a PC is instead, so that it is there before a driver is."""
_KIB = 1024


def write_video(line: Line, node: Node, number: int) -> None:
    """Write a display adapter; the first of a PC is there before its driver is."""
    reading = line.reading
    model = reading.child(node, "model")
    kind = video_model(node, line.domain)
    choice = MODEL_TYPE.find(kind, line.domain.world.target.dialect)
    if model is None or choice is None or choice.qemu_args is None:
        raise untold(node, "", "a video card that libvirt chooses")
    reading.set_aside(model, "type")
    primary = reading.get(model, "primary", {"yes", "no"}) == "yes"
    if not primary and number == 0:
        primary = not any(
            m.get("primary") == "yes" for m in line.domain.find("devices/video/model")
        )
    if primary and number:
        raise untold(model, "primary", "a primary card that is not the first")
    ways = alternatives_of(choice.qemu_args, line.domain.world, kind)
    words = next((way.args.split() for way in ways if isinstance(way, QemuArgs)), None)
    if kind == "none":
        return
    if words is None or len(words) != len(("-device", "driver")):
        raise untold(model, "type", f"the video card {kind!r}")
    driver = words[1]
    if primary and line.is_x86:
        driver = WITH_VGA.get(driver, driver)
    more = _of_card(line, node, model, kind)
    if kind == "ramfb":
        line.device(Turn.ATTACHED, options(driver, id=f"video{number}"))
    else:
        line.plug(node, driver, id=f"video{number}", **more)


def _of_card(line: Line, node: Node, model: Node, kind: str) -> dict[str, object]:
    """Take how much memory and how many screens a card has."""
    reading = line.reading
    told: dict[str, object] = {}
    heads = reading.number(model, "heads") or 1
    if kind in WITH_SCREENS:
        told["max_outputs"] = heads if heads > 1 else None
    elif heads > 1:
        raise untold(model, "heads")
    for name, option in VIDEO_MEMORY.get(kind, ()):
        size = reading.number(model, name)
        if (size or 0) % _KIB and option.endswith("_mb"):
            raise untold(model, name, "a part of a MiB")
        if size is not None:
            told[option] = size // _KIB if option.endswith("_mb") else size * _KIB
    if kind in WITHOUT_MEMORY:
        # libvirt writes it into every domain, and tells QEMU nothing of it
        reading.set_aside(model, "vram")
    screen, speed = reading.child(model, "resolution"), reading.child(model, "acceleration")
    if screen is not None:
        told |= {"xres": reading.number(screen, "x"), "yres": reading.number(screen, "y")}
    if speed is not None:
        reading.get(speed, "accel3d", {"no"})
        reading.get(speed, "accel2d", {"no"})
    if kind == "virtio":
        told |= line.virtio_options(reading.child(node, "driver"))
    return told
