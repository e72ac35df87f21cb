"""What QEMU wants of entries in ``<sysinfo>`` when a domain is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boot.sysinfo import Sysinfo
from domcaps.language.finding import Stage, quoted
from domcaps.language.host_files import host_file_rule, needs_file
from domcaps.language.rule import Sample, problem, rule
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.rule import Problems

_LONGEST_NAME = 55
_ENTRIES = "<sysinfo type='fwcfg'>{}</sysinfo>"
_NAMED = "<entry name='opt/com.example/{}'>value</entry>"


@rule(
    "sysinfo-entry-name-fails-at-start",
    Sysinfo,
    bad=_ENTRIES.format(_NAMED.format("a") * 2),
    good=_ENTRIES.format(_NAMED.format("a") + _NAMED.format("b")),
    stage=Stage.START,
)
def names_differ_and_are_short(sysinfo: Sysinfo) -> Problems:
    """Attribute ``name`` of a ``fw_cfg`` ``<entry>`` may have 55 bytes, and must differ."""
    seen = set()
    for entry in _entries(sysinfo):
        name = entry.get("name", "")
        if len(name.encode()) > _LONGEST_NAME:
            message = f"the name of an <entry> may have at most {_LONGEST_NAME} bytes"
            yield problem(message, entry, "@name")
        elif name in seen:
            yield problem(f"another <entry> has the name {name!r}; remove one", entry, "@name")
        seen.add(name)


_FILE = _ENTRIES.format("<entry name='opt/com.example/a' file='/a'/>")


@host_file_rule(
    "sysinfo-entry-file-missing",
    Sysinfo,
    bad=Sample(_FILE, lacking=("/a",)),
    good=Sample(_FILE, lacking=("/b",)),
)
def files_of_entries_are_there(sysinfo: Sysinfo) -> Problems:
    """Attribute ``file`` of a ``fw_cfg`` ``<entry>`` must be a file of the host at start."""
    for number, entry in enumerate(_entries(sysinfo), 1):
        path = entry.get("file", "")
        if path and not (entry.text or "").strip():
            yield from needs_file(sysinfo, path, "file of an entry", f"entry[{number}]/@file")


def _entries(sysinfo: Sysinfo) -> list[Node]:
    return sysinfo.node.findall("entry") if sysinfo.type == "fwcfg" else []


_RELEASE = late_pattern(r"\s*[+-]?\d+\.\s*[+-]?\d+")
_BIOS = (
    "<os><type>hvm</type><smbios mode='sysinfo'/></os><sysinfo type='smbios'><bios>"
    "<entry name='release'>{}</entry></bios></sysinfo>"
)


@rule(
    "sysinfo-bios-release-fails-at-start",
    Sysinfo,
    bad=_BIOS.format("new"),
    good=_BIOS.format("2.5"),
    stage=Stage.START,
)
def release_is_two_numbers(sysinfo: Sysinfo) -> Problems:
    """The ``release`` of ``<bios>`` in ``<sysinfo>`` must be two numbers, such as ``2.5``."""
    system = sysinfo.domain.root.find("os/smbios[@mode='sysinfo']")
    if sysinfo.type != "smbios" or system is None:
        return
    for entry in sysinfo.node.iterfind("bios/entry[@name='release']"):
        text = entry.text or ""
        if text and not _RELEASE.match(text):
            message = (
                f"the release of the BIOS is {quoted(text)}, but must be two numbers, as '2.5'"
            )
            yield problem(message, entry)
