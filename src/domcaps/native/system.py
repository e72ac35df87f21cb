"""What is started: firmware, kernel, boot order, and what the firmware tells of the machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.boot.firmware import chosen
from domcaps.native.line import Line, Turn, options
from domcaps.native.reading import untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.facts.firmwarefile import Firmware

_YES_NO = {"yes", "no"}
_FORMATS = {"raw", "qcow2"}
_BOOTED = {"hd", "cdrom", "network", "fd"}
_NO_VARIABLES = ("stateless", "combined")

_SMBIOS = {
    "bios": (0, ("vendor", "version", "date", "release")),
    "system": (1, ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")),
    "baseBoard": (2, ("manufacturer", "product", "version", "serial", "asset", "location")),
    "chassis": (3, ("manufacturer", "version", "serial", "asset", "sku")),
}
"""Kinds of tables that firmware has, by what a domain calls them, with the entries of each."""


def write_system(line: Line, root: Node) -> list[str]:
    """Tell of all in ``<os>``, and of what is to be said of the machine."""
    reading = line.reading
    words = [*_tables(line, root), *_number(line, root)]
    system = reading.child(root, "os")
    if system is None:
        return words
    kind = reading.child(system, "type")
    if kind is not None:
        # the target has both
        reading.text(kind, {"hvm"})
        reading.set_aside(kind, "arch", "machine")
    words += _firmware(line, system)
    for tag, option in (("kernel", "-kernel"), ("initrd", "-initrd"), ("cmdline", "-append"),
                        ("dtb", "-dtb")):  # fmt: skip
        node = reading.child(system, tag)
        if node is not None:
            words += [option, reading.text(node)]
    return [*words, *_order(line, system)]


def _order(line: Line, system: Node) -> list[str]:
    """Take the boot order; which devices it means is known when they are told."""
    reading = line.reading
    kinds = [reading.get(node, "dev", _BOOTED) or "" for node in reading.children(system, "boot")]
    own = any(node.get("order") for node in line.domain.root.iterfind("devices/*/boot"))
    if not kinds and not own and system.find("kernel") is None:
        kinds = ["hd"]
    line.bootable = {kind: number for number, kind in enumerate(dict.fromkeys(kinds), start=1)}
    told: dict[str, object] = {}
    menu, bios = reading.child(system, "bootmenu"), reading.child(system, "bios")
    if menu is not None:
        shown = {"yes": "on", "no": "off"}.get(reading.get(menu, "enable", _YES_NO) or "")
        told = {"menu": shown, "splash-time": reading.number(menu, "timeout")}
    if bios is not None:
        told["reboot-timeout"] = reading.number(bios, "rebootTimeout")
        if reading.get(bios, "useserial", _YES_NO) == "yes":
            raise untold(bios, "useserial")
    return ["-boot", options("strict=on", **told)]


# -- firmware --------------------------------------------------------------------------------------


def _firmware(line: Line, system: Node) -> list[str]:
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
    kind = reading.get(loader, "type", {"rom", "pflash"}) or "rom"
    read_only = reading.get(loader, "readonly", _YES_NO)
    reading.get(loader, "stateless", _YES_NO)
    is_secure = reading.get(loader, "secure", _YES_NO) == "yes"
    return kind, is_secure, kind == "pflash" and read_only != "yes" and bool(loader.text)


def _form(line: Line, node: Node | None, usual: str) -> str:
    return (None if node is None else line.reading.get(node, "format", _FORMATS)) or usual or "raw"


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
        form = form or "raw"
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


# -- what the guest is told of the machine ---------------------------------------------------------


def _number(line: Line, root: Node) -> list[str]:
    """Take the number by which a guest sees that it is a copy."""
    node = line.reading.child(root, "genid")
    if node is not None:
        guid = line.reading.text(node)
        line.device(Turn.ATTACHED, options("vmgenid", guid=guid or "auto", id="vmgenid0"))
    return []


def _tables(line: Line, root: Node) -> list[str]:
    """Take the tables of the firmware, where the domain wants them shown."""
    reading = line.reading
    mode = reading.child(root, "os")
    shown = None if mode is None else reading.child(mode, "smbios")
    kind = None if shown is None else reading.get(shown, "mode", {"sysinfo", "emulate"})
    tables = root.find("sysinfo[@type='smbios']")
    if kind != "sysinfo" or tables is None:
        return []
    reading.children(root, "sysinfo")
    reading.get(tables, "type")
    words = []
    for tag, (number, known) in _SMBIOS.items():
        for table in reading.children(tables, tag):
            told: dict[str, object] = {}
            for entry in reading.children(table, "entry"):
                name = reading.get(entry, "name", known) or ""
                told[name] = reading.text(entry)
            words += ["-smbios", options(f"type={number}", **told)]
    return words
