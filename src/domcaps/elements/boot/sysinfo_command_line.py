"""QEMU arguments for ``<sysinfo>`` and ``<genid>``: tables of SMBIOS, and a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import Line, Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


_SMBIOS = {
    "bios": (0, ("vendor", "version", "date", "release")),
    "system": (1, ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")),
    "baseBoard": (2, ("manufacturer", "product", "version", "serial", "asset", "location")),
    "chassis": (3, ("manufacturer", "version", "serial", "asset", "sku")),
}
"""Kinds of tables that firmware has, by what a domain calls them, with the entries of each."""


def number_words(line: Line, root: Node) -> list[str]:
    """Take the number by which a guest sees that it is a copy."""
    node = line.reading.child(root, "genid")
    if node is not None:
        guid = line.reading.text(node)
        line.device(Turn.ATTACHED, options("vmgenid", guid=guid or "auto", id="vmgenid0"))
    return []


def table_words(line: Line, root: Node) -> list[str]:
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
