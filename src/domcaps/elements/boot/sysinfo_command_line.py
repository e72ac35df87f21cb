"""QEMU arguments for ``<sysinfo>`` and ``<genid>``: tables of SMBIOS, blobs, and a number."""

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
_STRINGS = 11


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
    system = root.find("os")
    shown = None if system is None else reading.child(system, "smbios")
    kind = None if shown is None else reading.get(shown, "mode", {"sysinfo", "emulate", "host"})
    words = []
    if kind == "host" and shown is not None:
        reading.besides[shown] = "libvirt shows the tables of the host"
    for info in reading.children(root, "sysinfo"):
        if reading.get(info, "type", {"smbios", "fwcfg"}) == "fwcfg":
            words += _blobs(line, info)
        elif kind == "sysinfo":
            words += _tables(line, info)
        else:
            # they are not shown
            reading.set_aside_whole(info)
    return words


def _tables(line: Line, info: Node) -> list[str]:
    reading, words = line.reading, []
    for tag, (number, known) in _SMBIOS.items():
        for table in reading.children(info, tag):
            told: dict[str, object] = {}
            for entry in reading.children(table, "entry"):
                name = reading.get(entry, "name", known) or ""
                told[name] = reading.text(entry)
            words += ["-smbios", options(None, type=number, **told)]
    strings = reading.child(info, "oemStrings")
    texts = [] if strings is None else [reading.text(e) for e in reading.children(strings, "entry")]
    if texts:
        shown = "".join(f",{options(None, value=text)}" for text in texts)
        words += ["-smbios", f"type={_STRINGS}{shown}"]
    return words


def _blobs(line: Line, info: Node) -> list[str]:
    """Take what is handed to firmware and guest under a name."""
    reading, words = line.reading, []
    for entry in reading.children(info, "entry"):
        name, file = reading.get(entry, "name") or "", reading.get(entry, "file")
        text = reading.text(entry)
        told = {"file": line.need("file", file, entry)} if file else {"string": text}
        words += ["-fw_cfg", options(None, name=name, **told)]
    return words
