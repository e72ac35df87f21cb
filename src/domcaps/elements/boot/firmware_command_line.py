"""QEMU arguments for firmware: an image, or flash memory with its variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import IMAGE_FORMAT, LOADER_TYPE
from domcaps.elements.boot.firmware import chosen
from domcaps.language.command_line import YES_NO, Line, untold

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
    if wanted is None and not path:
        for node in (nvram, loader):
            if node is not None:
                raise untold(node)
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
            raise untold(nvram)
        return ["-bios", path]
    # that of the code, unless the domain names one
    form = found.mapping.executable.format if found is not None else ""
    words = _flash(line, path, 0, _form(line, loader, form), is_read_only=not is_written)
    if is_secure:
        line.machine["smm"] = "on"
        words += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    return [*words, *_variables(line, nvram, found, has_loader=wanted is None)]


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
    line: Line, node: Node | None, found: Firmware | None, *, has_loader: bool
) -> list[str]:
    """Take where the firmware keeps its variables: a copy that is made of a template before."""
    reading = line.reading
    if node is None:
        is_stateless = found is not None and found.mapping.mode in _NO_VARIABLES
        loader = line.domain.root.find("os/loader")
        says = loader is not None and loader.get("stateless") == "yes"
        if has_loader or is_stateless or says:
            return []
        form = "" if found is None or not found.mapping.template else found.mapping.template.format
        form = form or IMAGE_FORMAT
        return _flash(line, line.made_up(f"vars.{form}"), 1, form)
    if reading.get(node, "type", {"file"}) is None:
        path = reading.text(node)
    else:
        source = reading.child(node, "source")
        path = "" if source is None else reading.get(source, "file") or ""
    # the file is there already, or is copied from that
    reading.set_aside(node, "template", "templateFormat")
    form = _form(line, node, found.mapping.executable.format if found is not None else "")
    return _flash(line, path or line.made_up(f"vars.{form}"), 1, form)


def _flash(
    line: Line, path: str, number: int, form: str, *, is_read_only: bool = False
) -> list[str]:
    name = f"flash{number}"
    below: dict[str, object] = {"driver": "file", "filename": path, "node-name": f"{name}-storage"}
    above: dict[str, object] = {
        "node-name": name, "read-only": is_read_only, "driver": form, "file": f"{name}-storage",
    }  # fmt: skip
    line.machine[f"pflash{number}"] = name
    return ["-blockdev", json.dumps(below), "-blockdev", json.dumps(above)]
