"""QEMU arguments for ``<os>``: kernel, boot order, and the firmware and tables beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import S390
from domcaps.elements.boot.firmware_command_line import firmware_words
from domcaps.elements.boot.sysinfo_command_line import number_words, table_words
from domcaps.language.command_line import YES_NO, Line, doubled, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


_BOOTED = {"hd", "cdrom", "network", "fd"}
_PLAIN = "raw"
_TABLES = {"slic": "sig=SLIC,", "msdm": "sig=MSDM,", "raw": "", "rawset": ""}
_KERNEL = (("kernel", "-kernel"), ("initrd", "-initrd"), ("cmdline", "-append"), ("dtb", "-dtb"),
           ("shim", "-shim"))  # fmt: skip


def write_system(line: Line, root: Node) -> list[str]:
    """Write all in ``<os>``, and what is to be said of the machine."""
    reading = line.reading
    words = [*table_words(line, root), *number_words(line, root)]
    system = reading.child(root, "os")
    if system is None:
        return words
    kind = reading.child(system, "type")
    if kind is not None:
        # the target has both
        reading.text(kind, {"hvm"})
        reading.set_aside(kind, "arch", "machine")
    words += firmware_words(line, system)
    for tag, option in _KERNEL:
        node = reading.child(system, tag)
        if node is not None and (text := reading.text(node)):
            words += [option, text if tag == "cmdline" else line.need("file", text, node)]
    return [*words, *_tables(line, system), *_order(line, system)]


def _tables(line: Line, system: Node) -> list[str]:
    """Take tables of ACPI that are handed over as they are."""
    reading, words = line.reading, []
    acpi = reading.child(system, "acpi")
    for node in [] if acpi is None else reading.children(acpi, "table"):
        kind = reading.get(node, "type", _TABLES) or _PLAIN
        path = doubled(line.need("file", reading.text(node), node))
        if ":" in path:
            # QEMU divides it into several files there
            raise untold(node, "", f"the path {path!r}")
        words += ["-acpitable", f"{_TABLES[kind]}{'data' if kind == 'raw' else 'file'}={path}"]
    return words


def _order(line: Line, system: Node) -> list[str]:
    """Take the boot order; which devices it means is known when their arguments are written."""
    reading = line.reading
    kinds = [reading.get(node, "dev", _BOOTED) or "" for node in reading.children(system, "boot")]
    own = any(node.get("order") for node in line.domain.root.iterfind("devices/*/boot"))
    if not kinds and not own:
        kinds = ["hd"]
    line.bootable = {kind: number for number, kind in enumerate(dict.fromkeys(kinds), start=1)}
    told: dict[str, object] = {}
    menu, bios = reading.child(system, "bootmenu"), reading.child(system, "bios")
    if menu is not None:
        shown = {"yes": "on", "no": "off"}.get(reading.get(menu, "enable", YES_NO) or "")
        told = {"menu": shown, "splash-time": reading.number(menu, "timeout")}
    words = []
    if bios is not None:
        told["reboot-timeout"] = reading.number(bios, "rebootTimeout")
        if reading.get(bios, "useserial", YES_NO) == "yes":
            # a program of the firmware's that shows the screen at the serial port
            words = ["-device", "sga"]
    for node in system.iterfind("boot"):
        if reading.get(node, "loadparm") is not None:
            _loadparm(line, node)
    return ["-boot", options(None, strict="on", **told), *words]


def _loadparm(line: Line, node: Node) -> None:
    if not line.holds(S390):
        raise untold(node, "loadparm")
    line.machine["loadparm"] = (node.get("loadparm") or "").upper()
