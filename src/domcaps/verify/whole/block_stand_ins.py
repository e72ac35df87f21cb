"""Disk images: those of the host are opened read-only, those that are missing are made up.

A file of the host is never written to, and never locked: QEMU opens it with ``force-share``, and
where the guest may write, a temporary image lies above it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.verify.whole.images import (
    USUAL_SIZE,
    is_qcow2,
    virtual_size,
    write_empty,
    write_qcow2,
)
from domcaps.verify.whole.scene import LEFT_OUT, is_folder, is_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.verify.whole.qemu_option import QemuOption, Settings
    from domcaps.verify.whole.scene import Scene

_OF_HOST = {"file", "host_device", "host_cdrom"}
_FILTERS = {"throttle", "copy-on-read", "null-co", "null-aio"}
_FORMATS = {"raw", "qcow2", "qcow", "qed", "vdi", "vhdx", "vmdk", "vpc", "luks", "bochs", "cloop",
            "dmg", "parallels"}  # fmt: skip
_FLASH = "libvirt-pflash"
_VARIABLES = 0x84000
"""What a PC takes as flash memory for variables."""
_CODE = 0x37C000
_FLASH_SIZES = {
    "aarch64": (1 << 26, 1 << 26),
    "armv7l": (1 << 26, 1 << 26),
    "riscv64": (1 << 25, 1 << 25),
    "riscv32": (1 << 25, 1 << 25),
    "loongarch64": (1 << 28, 1 << 24),
}
"""Flash memory of boards that have it in one size only: for code, and for variables."""
_COPIED = 1 << 28
"""The most that is copied of a file."""
_LONGEST_NAME = 31
_LAYERS = {"qcow2", "qcow", "qed", "vmdk"}
"""Formats of images that may lie above other ones."""
_KEYS = ("encrypt", "key-secret", "data-file")
_COMMON = ("node-name", "discard", "detect-zeroes", "read-only")
_DRIVE = {"if", "index", "bus", "unit", "id", "media", "readonly"}


class BlockStandIns:
    """The block devices of one command."""

    def __init__(self, scene: Scene, options: Iterable[QemuOption]) -> None:
        """Read which block device is on top of which."""
        self._scene = scene
        blocks = [(one, one.settings()) for one in options if one.name == "blockdev"]
        self._nodes = {s.text("node-name"): s for _, s in blocks}
        self._above = {s.text("file"): s for _, s in blocks if isinstance(s.get("file"), str)}
        self._made_up: set[str] = set()
        self._decide()

    def _decide(self) -> None:
        """Say which images are made up: all whose files are not there, or need a key."""
        for name, node in self._nodes.items():
            if node.get("driver") not in _FORMATS:
                continue
            below = [self._nodes.get(node.text(key)) for key in ("file", "data-file")]
            if (
                any(one is not None and not _is_there(one) for one in below)
                or {*_KEYS[:2]} & node.names()
            ):
                self._made_up.add(name)

    def block(self, option: QemuOption) -> Iterator[QemuOption]:
        """Give what a ``-blockdev`` becomes."""
        settings = option.settings()
        name, driver = settings.text("node-name"), settings.text("driver")
        inner = settings.get("file")
        if name.startswith(_FLASH):
            yield from self._flash(option, settings)
        elif name in self._above and self._above[name].get("driver") in _FORMATS:
            yield self._storage(option, settings, self._above[name])
        elif driver in _FORMATS and isinstance(inner, str) and inner in self._nodes:
            yield from self._image(option, settings)
        elif driver in _FILTERS and (inner is None or isinstance(inner, str)):
            yield option
        else:
            self._scene.say(option, f"block device {name!r} ({driver})", "an empty disk")
            yield option._replace(value=_nothing(settings, USUAL_SIZE))

    def _storage(self, option: QemuOption, settings: Settings, image: Settings) -> QemuOption:
        if image.text("node-name") not in self._made_up:
            settings.drop("auto-read-only", "pr-manager")
            settings.set("read-only", True)
            settings.set("force-share", True)
            return option.told(settings)
        what = _named(settings)
        if _empty_form(image) != "qcow2":
            self._scene.say(option, what, "an empty disk")
            return option._replace(value=_nothing(settings, _size_of(image)))
        self._scene.say(option, what, "an empty image of qcow2")
        settings.keep(_COMMON)
        settings.set("driver", "file")
        settings.set("filename", write_qcow2(self._scene.new_path(".qcow2")))
        return option.told(settings)

    def _image(self, option: QemuOption, settings: Settings) -> Iterator[QemuOption]:
        name = settings.text("node-name")
        if name in self._made_up:
            settings.drop(*_KEYS)
            settings.set("driver", _empty_form(settings))
            yield option.told(settings)
            return
        settings.set("force-share", True)
        if settings.is_on("read-only"):
            yield option.told(settings)
            return
        below = self._nodes[settings.text("file")]
        size = virtual_size(below.text("filename"), settings.text("driver"))
        base = f"base-{name}"[:_LONGEST_NAME]
        settings.set("read-only", True)
        settings.set("node-name", base)
        yield option.told(settings)
        self._scene.say(option, _named(below), "a temporary image above it, which is read only")
        path = write_qcow2(self._scene.new_path(".qcow2"), size)
        yield option._replace(value=_layer(name, path, base))

    def _flash(self, option: QemuOption, settings: Settings) -> Iterator[QemuOption]:
        """Take flash memory: firmware of the host as it is, variables as a copy."""
        name = settings.text("node-name")
        image = self._above.get(name)
        if image is None:
            # this is the upper one: its format is that of what was copied
            below = self._nodes.get(settings.text("file"))
            if below is not None and below.get("copied"):
                settings.set("driver", "qcow2" if is_qcow2(below.text("copied")) else "raw")
            elif settings.is_on("read-only"):
                settings.set("force-share", True)
            yield option.told(settings)
            return
        path = settings.text("filename")
        if image.is_on("read-only") and is_readable(path):
            settings.drop("auto-read-only")
            settings.set("read-only", True)
            settings.set("force-share", True)
            yield option.told(settings)
            return
        copy = self._copied(option, path)
        self._nodes[name].set("copied", copy)
        settings.keep(_COMMON)
        settings.set("driver", "file")
        settings.set("filename", copy)
        yield option.told(settings)

    def _copied(self, option: QemuOption, path: str) -> str:
        """Copy what QEMU would write to, or the template of it."""
        target = self._scene.new_path(".flash")
        template = self._scene.templates.get(path, "")
        for source in (path, template):
            if source and is_readable(source) and Path(source).stat().st_size <= _COPIED:
                self._scene.say_named(option, path, f"a copy of {source}")
                shutil.copyfile(source, target)
                return str(target)
        self._scene.say_named(option, path, "empty flash memory")
        return write_empty(target, self._flash_size(option))

    def _flash_size(self, option: QemuOption) -> int:
        """Give how much flash memory the board has for an image: any on a PC, up to 8 MiB."""
        is_code = f"{_FLASH}0" in (option.value or "")
        arch = self._scene.world.target.arch
        if arch in _FLASH_SIZES:
            return _FLASH_SIZES[arch][0 if is_code else 1]
        return _CODE if is_code else _VARIABLES

    def drive(self, option: QemuOption) -> Iterator[QemuOption]:
        """Give what a ``-drive`` becomes: its place stays, its content does not."""
        settings = option.settings()
        path = settings.text("file")
        if settings.get("if") == "pflash":
            if not is_readable(path):
                self._scene.say(option, path, LEFT_OUT)
                return
            if not (settings.is_on("readonly") or settings.is_on("read-only")):
                settings.set("file", self._copied(option, path))
            settings.keep({"if", "unit", "index", "format", "readonly", "read-only", "file"})
            yield option.told(settings)
            return
        self._scene.say(option, path or settings.text("file.filename") or "drive", "an empty disk")
        settings.keep(_DRIVE)
        empty = write_empty(self._scene.new_path(".img"))
        settings.pairs += [("format", "raw"), ("file.driver", "file"), ("file.filename", empty)]
        yield option.told(settings)


def _empty_form(image: Settings) -> str:
    """Give the format of what stands in for an image: one above another one stays above it."""
    form = image.text("driver")
    return "qcow2" if form == "qcow2" or (form in _LAYERS and "backing" in image) else "raw"


def _is_there(storage: Settings) -> bool:
    driver = storage.get("driver")
    if driver == "vvfat":
        return is_folder(storage.text("dir"))
    return driver in _OF_HOST and is_readable(storage.text("filename"))


def _named(storage: Settings) -> str:
    named = storage.get("filename") or storage.get("dir") or storage.get("device")
    return str(named or f"the {storage.text('driver')} disk {storage.text('node-name')}")


def _size_of(image: Settings) -> int:
    """Give the size of a disk that is made up: as large as a slice of it needs."""
    end = sum(int(image.get(name) or 0) for name in ("offset", "size"))
    return max(USUAL_SIZE, end)


def _nothing(settings: Settings, size: int) -> str:
    """Write a disk of zeros that takes no space."""
    kept = {name: settings.get(name) for name in _COMMON if name in settings}
    # the driver has no unmapping that could be detected
    kept.pop("detect-zeroes", None)
    return json.dumps({"driver": "null-co", "size": size, "read-zeroes": True, **kept})


def _layer(name: str, path: str, base: str) -> str:
    """Write an image above another one."""
    return json.dumps({"driver": "qcow2", "node-name": name, "backing": base,
                       "file": {"driver": "file", "filename": path}})  # fmt: skip
