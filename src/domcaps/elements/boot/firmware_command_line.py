"""QEMU arguments for firmware: an image, or flash memory with its variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import IMAGE_FORMAT, LOADER_TYPE
from domcaps.elements.boot.firmware import chosen
from domcaps.elements.storage.source_command_line import Blocks, source_of
from domcaps.language.changes.boot import FIRMWARE_REWORKED
from domcaps.language.command_line import YES_NO, Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.facts.firmwarefile import Firmware

_FORMATS = {"raw", "qcow2"}
_NO_VARIABLES = ("stateless", "combined")


def firmware_words(line: Line, system: Node) -> list[str]:
    """Take the image that the domain names, or the one of the descriptor that it gets."""
    reading = line.reading
    loader, nvram = reading.child(system, "loader"), reading.child(system, "nvram")
    wanted = reading.get(system, "firmware", {"efi", "bios"})
    wishes = reading.child(system, "firmware")
    for wish in [] if wishes is None else reading.children(wishes, "feature"):
        # the descriptor is chosen by them
        reading.set_aside(wish, "name", "enabled")
    path = "" if loader is None else reading.text(loader)
    _variable_store(line, system)
    if wanted is None and not path:
        if loader is not None:
            _loader(line, loader)
        if nvram is not None:
            # there is no flash memory that it could be for
            reading.set_aside_whole(nvram)
        return []
    found = chosen(line.domain)
    kind, is_secure, is_written = _loader(line, loader)
    if not path:
        if found is None:
            raise untold(system, "firmware", "firmware of which no descriptor is known")
        path = found.image
        kind = "pflash" if found.mapping.device == "flash" else "rom"
        is_secure = is_secure or found.has("requires-smm")
    if kind == "rom":
        if nvram is not None:
            reading.set_aside_whole(nvram)
        return ["-bios", line.need("firmware", path, system if loader is None else loader)]
    # that of the code, unless the domain names one
    form = found.mapping.executable.format if found is not None else ""
    below: Blocks = {"driver": "file", "filename": path}
    line.need("firmware", path, system if loader is None else loader)
    words = _flash(line, below, 0, _form(line, loader, form), is_read_only=not is_written)
    if is_secure:
        line.machine["smm"] = "on"
        words += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    return [*words, *_variables(line, system, nvram, found, has_loader=wanted is None)]


def _loader(line: Line, loader: Node | None) -> tuple[str, bool, bool]:
    """Take what is said of an image: its kind, whether it is secure, whether it is written to."""
    if loader is None:
        return "rom", False, False
    reading = line.reading
    kind = reading.get(loader, "type", {"rom", "pflash"}) or LOADER_TYPE
    read_only = reading.get(loader, "readonly", YES_NO)
    reading.get(loader, "stateless", YES_NO)
    is_secure = reading.get(loader, "secure", YES_NO) == "yes"
    return kind, is_secure, kind == "pflash" and read_only != "yes" and bool(loader.text)


def _form(line: Line, node: Node | None, usual: str) -> str:
    return (
        (None if node is None else line.reading.get(node, "format", _FORMATS))
        or usual
        or IMAGE_FORMAT
    )


def _variables(
    line: Line, system: Node, node: Node | None, found: Firmware | None, *, has_loader: bool
) -> list[str]:
    """Take where the firmware keeps its variables: a copy that is made of a template before."""
    reading = line.reading
    if node is None:
        is_stateless = found is not None and found.mapping.mode in _NO_VARIABLES
        loader = system.find("loader")
        says = loader is not None and loader.get("stateless") == "yes"
        own = loader is not None and loader.get("type") == "pflash"
        is_read_only = own and loader is not None and loader.get("readonly") == "yes"
        if is_stateless or says or (has_loader and not is_read_only):
            return []
        form = "" if found is None or not found.mapping.template else found.mapping.template.format
        form = form or IMAGE_FORMAT
        made = line.made_up(f"vars.{form}")
        path = line.need("variables", made, system, _template(found))
        return _flash(line, {"driver": "file", "filename": path}, 1, form)
    # the file is there already, or is copied from that
    reading.set_aside(node, "template", "templateFormat")
    form = _form(line, node, found.mapping.executable.format if found is not None else "")
    kind = reading.get(node, "type", {"file", "block", "network"})
    source = reading.child(node, "source")
    if source is None or kind is None:
        path = reading.text(node) or line.made_up(f"vars.{form}")
        line.need("variables", path, node, node.get("template") or _template(found))
        return _flash(line, {"driver": "file", "filename": path}, 1, form)
    below = source_of(line, source, kind, "disk", "libvirt-pflash1-storage")
    return _flash(line, below, 1, form)


def _template(found: Firmware | None) -> str:
    """Give the file that the variables of firmware are copied from, "" if none is known."""
    template = None if found is None else found.mapping.template
    return "" if template is None else template.filename


def _variable_store(line: Line, system: Node) -> None:
    """Write the device that keeps variables, where firmware has one instead of flash memory."""
    reading = line.reading
    store = reading.child(system, "varstore")
    if store is None:
        return
    if not line.domain.world.target.dialect.has(FIRMWARE_REWORKED):
        reading.beside(store, "this libvirt does not know <varstore>, and ignores it")
        return
    if system.find("loader") is None and not system.get("firmware"):
        reading.beside(store, "there is no firmware to use it")
        return
    reading.set_aside(store, "template")
    path = reading.get(store, "path") or line.made_up("vars.json")
    kind = "uefi-vars-x64" if line.is_x86 else "uefi-vars-sysbus"
    told = options(kind, jsonfile=line.need("store", path, store))
    line.device(Turn.ATTACHED, told)


def _flash(
    line: Line, below: Blocks, number: int, form: str, *, is_read_only: bool = False
) -> list[str]:
    name = f"libvirt-pflash{number}"
    below |= {"node-name": f"{name}-storage", "auto-read-only": True, "discard": "unmap"}
    above: Blocks = {
        "node-name": f"{name}-format", "read-only": is_read_only, "driver": form,
        "file": f"{name}-storage",
    }  # fmt: skip
    line.machine[f"pflash{number}"] = f"{name}-format"
    return ["-blockdev", json.dumps(below), "-blockdev", json.dumps(above)]
