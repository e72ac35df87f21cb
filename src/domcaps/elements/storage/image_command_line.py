"""QEMU arguments for the content of a disk: block devices, one on top of the other.

The lowest is where the image is (see `storage.source_command_line`), above it what the image's
format makes of it, and above that what libvirt puts between format and device.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import DISK_TYPE, ENCRYPTION_ENGINE, IMAGE_FORMAT
from domcaps.elements.storage.secret_command_line import secret
from domcaps.elements.storage.source_command_line import SOURCES, Blocks, source_of
from domcaps.language.command_line import ON_OFF, Line, untold
from domcaps.language.quantities import MAX_BYTES, size_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_FORMATS = {"raw", "qcow2", "qcow", "qed", "vdi", "vhdx", "vmdk", "vpc", "luks", "bochs", "cloop",
            "dmg", "parallels", "fat", "aio", "iso"}  # fmt: skip
_LAYERED = {"qcow2", "qcow", "qed", "vmdk"}
"""Formats of which an image may stand on another one."""
_PLAIN = {"fat": "raw", "aio": "raw", "iso": "raw"}
# direct, no-flush, and whether the guest sees a write cache
CACHES = {
    "none": (True, False, True),
    "writeback": (False, False, True),
    "writethrough": (False, False, False),
    "directsync": (True, False, False),
    "unsafe": (False, True, True),
}
_DRIVER = {
    "cache": {"default", *CACHES},
    "io": {"native", "threads", "io_uring"},
    "discard": {"unmap", "ignore"},
    "detect_zeroes": {"on", "off", "unmap"},
    "copy_on_read": ON_OFF,
    "discard_no_unref": ON_OFF,
}


class BlockImage:
    """The image of one disk: how it is written and read, and its block devices."""

    def __init__(self, line: Line, node: Node, number: int, kind: str, device: str) -> None:
        self._line = line
        self._number = number
        self._kind = kind
        self._device = device
        self._driver = line.reading.child(node, "driver")
        self.said = self._said()
        self._metadata: int | None = None
        if self._driver is not None:
            self._metadata = self._metadata_cache(self._driver)

    def _said(self) -> dict[str, str | None]:
        """Take how an image is to be read and written."""
        driver, reading = self._driver, self._line.reading
        if driver is None:
            return dict.fromkeys((*_DRIVER, "type"))
        reading.get(driver, "name", {"qemu"})
        told = {name: reading.get(driver, name, among) for name, among in _DRIVER.items()}
        return told | {"type": reading.get(driver, "type", _FORMATS)}

    def _metadata_cache(self, holder: Node) -> int | None:
        cache = self._line.reading.child(holder, "metadata_cache")
        size = None if cache is None else self._line.reading.child(cache, "max_size")
        if size is None:
            return None
        self._line.reading.text(size)
        self._line.reading.set_aside(size, "unit")
        return size_of(size, scale=1, limit=MAX_BYTES)

    def words(self, node: Node, source: Node, *, is_read_only: bool) -> tuple[list[str], str]:
        """Give the words for all block devices, lowest first, and the name of the highest."""
        form = self.said["type"] or IMAGE_FORMAT
        chain = self._line.reading.child(node, "backingStore")
        words: list[str] = []
        below = None
        if chain is not None:
            words, below = self._backing(chain, 1)
        told = self._layers(node, source, self._kind, form, self._number, is_read_only)
        storage, image = told
        if chain is not None and image["driver"] in _LAYERED:
            # nothing below it, whatever the image says, where the chain ends
            image["backing"] = below
        if self._metadata is not None:
            image["cache-size"] = self._metadata
        words += self._data_store(source, image)
        for block in (storage, image):
            words += ["-blockdev", _json(block)]
        return self._above(node, words, str(image["node-name"]))

    def _layers(
        self, holder: Node, source: Node, kind: str, form: str, number: int, is_read_only: bool
    ) -> tuple[Blocks, Blocks]:
        name = f"libvirt-{number}"
        storage = source_of(self._line, source, kind, self._device, f"{name}-storage")
        storage |= {"node-name": f"{name}-storage", "auto-read-only": True, "discard": "unmap"}
        image: Blocks = {"node-name": f"{name}-format", "read-only": is_read_only,
                         "driver": _PLAIN.get(form, form)}  # fmt: skip
        cache, io = CACHES.get(self.said["cache"] or ""), self.said["io"]
        if cache is not None:
            storage["cache"] = image["cache"] = {"direct": cache[0], "no-flush": cache[1]}
        if io and storage["driver"] in {"file", "host_device", "host_cdrom"}:
            storage["aio"] = io
        if self.said["discard"]:
            image["discard"] = self.said["discard"]
        if self.said["detect_zeroes"]:
            # QEMU takes 'unmap' only where discarding is on
            zeroes = self.said["detect_zeroes"]
            is_on = zeroes == "unmap" and self.said["discard"] != "unmap"
            image["detect-zeroes"] = "on" if is_on else zeroes
        if self.said["discard_no_unref"] and form == "qcow2":
            image["discard-no-unref"] = self.said["discard_no_unref"] == "on"
        self._encryption(holder, source, storage, image)
        self._slice(source, image)
        return storage, image | {"file": storage["node-name"]}

    def _encryption(self, holder: Node, source: Node, storage: Blocks, image: Blocks) -> None:
        """Take the keys: of the format, of an image inside it, or of the server's own."""
        reading = self._line.reading
        node = reading.child(source, "encryption")
        if node is None:
            node = reading.child(holder, "encryption")
        if node is None:
            return
        kind = reading.get(node, "format", {"luks", "luks2", "luks-any", "qcow", "default"}) or ""
        engine = reading.get(node, "engine", {"qemu", "librbd"}) or ENCRYPTION_ENGINE
        for tag in ("cipher", "ivgen"):
            inside = reading.child(node, tag)
            if inside is not None:
                # what the image was made with
                reading.set_aside_whole(inside)
        names = [
            secret(self._line, inner, f"{image['node-name']}-encryption-secret{place}")
            for place, inner in enumerate(reading.children(node, "secret"))
        ]
        if not names:
            raise untold(node, "", "encryption without a <secret>")
        if engine == "librbd":
            layers: Blocks | None = None
            for name in reversed(names):
                layers = {"format": kind, "key-secret": name,
                          **({"parent": layers} if layers else {})}  # fmt: skip
            storage["encrypt"] = layers
        elif image["driver"] in {"qcow2", "qcow"}:
            form = "luks" if kind == "luks" else "aes"
            image["encrypt"] = {"format": form, "key-secret": names[0]}
        else:
            image |= {"driver": "luks", "key-secret": names[0]}

    def _slice(self, source: Node, image: Blocks) -> None:
        slices = self._line.reading.child(source, "slices")
        for one in [] if slices is None else self._line.reading.children(slices, "slice"):
            self._line.reading.get(one, "type", {"storage"})
            if image["driver"] != "raw":
                raise untold(one, "", f"a slice of an image of the format {image['driver']}")
            image["offset"] = self._line.reading.number(one, "offset")
            image["size"] = self._line.reading.number(one, "size")

    def _data_store(self, source: Node, image: Blocks) -> list[str]:
        """Take the file that the data of a qcow2 image are in."""
        store = self._line.reading.child(source, "dataStore")
        if store is None:
            return []
        (number,) = self._line.blocks(1)
        words, name = self._stored(store, number, is_read_only=bool(image["read-only"]))
        image["data-file"] = name
        return words

    def _stored(self, holder: Node, number: int, *, is_read_only: bool) -> tuple[list[str], str]:
        """Take an image that stands below another one."""
        reading = self._line.reading
        reading.set_aside(holder, "index")
        kind = reading.get(holder, "type", SOURCES) or DISK_TYPE
        form, source = reading.child(holder, "format"), reading.child(holder, "source")
        if form is None or source is None:
            raise untold(holder)
        named = reading.get(form, "type", _FORMATS) or IMAGE_FORMAT
        metadata = self._metadata_cache(form)
        storage, image = self._layers(holder, source, kind, named, number, is_read_only)
        if metadata is not None:
            image["cache-size"] = metadata
        below, chain = None, reading.child(holder, "backingStore")
        words = self._data_store(source, image)
        if chain is not None:
            under, below = self._backing(chain, 1)
            words = [*under, *words]
        if chain is not None and image["driver"] in _LAYERED:
            image["backing"] = below
        for block in (storage, image):
            words += ["-blockdev", _json(block)]
        return words, str(image["node-name"])

    def _backing(self, chain: Node, depth: int) -> tuple[list[str], str | None]:
        """Take what an image stands on, None where the chain ends here."""
        self._line.reading.set_aside(chain, "index")
        if chain.find("source") is None:
            return [], None
        (number,) = self._line.blocks(depth)
        return self._stored(chain, number, is_read_only=True)

    def _above(self, node: Node, words: list[str], name: str) -> tuple[list[str], str]:
        reading = self._line.reading
        filters = reading.child(node, "throttlefilters")
        for one in [] if filters is None else reading.children(filters, "throttlefilter"):
            (number,) = self._line.blocks(1)
            group = f"throttle-{reading.get(one, 'group')}"
            told: Blocks = {"driver": "throttle", "node-name": f"libvirt-{number}-filter",
                            "throttle-group": group, "file": name}  # fmt: skip
            words += ["-blockdev", _json(told)]
            name = str(told["node-name"])
        if self.said["copy_on_read"] == "on":
            target = node.find("target")
            device = "" if target is None else target.get("dev", "")
            told = {"driver": "copy-on-read", "node-name": f"libvirt-CoR-{device}", "file": name,
                    "discard": "unmap"}  # fmt: skip
            words += ["-blockdev", _json(told)]
            name = str(told["node-name"])
        return words, name


def _json(value: Blocks) -> str:
    return json.dumps(value, separators=(",", ":"))
