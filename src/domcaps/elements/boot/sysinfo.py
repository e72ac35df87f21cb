"""``<sysinfo>``: what the firmware tells the guest of the machine it is in.

::

    <sysinfo type='smbios'>
      <bios><entry name='date'>03/31/2026</entry></bios>
      <system><entry name='manufacturer'>Fedora</entry></system>
      <baseBoard><entry name='serial'>CZC1065993</entry></baseBoard>
    </sysinfo>
    <sysinfo type='fwcfg'>
      <entry name='opt/com.example/name'>value</entry>
    </sysinfo>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boot.os import Os
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.part import Part, field
from domcaps.language.quantities import ANY_UUID
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import OneOf
from domcaps.language.wording import alternatives
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from uuid import UUID

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

_DATE = late_pattern(r"\s*([+-]?\d{1,9})/\s*([+-]?\d{1,9})/\s*([+-]?\d{1,9})")
_OLDEST = 1900
_OURS = "opt/"
_RESERVED = ("opt/ovmf/", "opt/org.qemu/")
_BOARD = ("manufacturer", "product", "version", "serial", "asset", "location")


class Sysinfo(Part):
    """One such description."""

    path = "sysinfo"
    knows = ("bios/entry/@name", "system/entry/@name", "baseBoard/entry/@name",
             "chassis/entry/@name", "oemStrings/entry", "entry/@name", "entry/@file")  # fmt: skip

    type = field("@type", OneOf(("smbios", "fwcfg")), required=True)


def _entry(parent: Node | None, name: str) -> Node | None:
    """Give the first entry of a name, None where there is none or it is empty."""
    for entry in parent.findall("entry") if parent is not None else ():
        if entry.get("name") == name:
            return entry if _content(entry) else None
    return None


def _content(node: Node) -> str:
    return "".join(map(str, node.itertext()))


_SMBIOS = "<sysinfo type='smbios'>{}</sysinfo>"
_DATED = _SMBIOS.format("<bios><entry name='date'>{}</entry></bios>")
_UUID = _SMBIOS.format("<system><entry name='uuid'>{}</entry></system>")
_GIVEN = "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
_FWCFG = "<sysinfo type='fwcfg'>{}</sysinfo>"
_NAMED = _FWCFG.format("<entry name='{}'>value</entry>")
_GOOD_NAME = _NAMED.format("opt/com.example/name")


@rule(
    "sysinfo-date-invalid",
    Sysinfo,
    bad=_DATED.format("31/03/2026"),
    good=_DATED.format("03/31/2026"),
)
def date_is_american(sysinfo: Sysinfo) -> Problems:
    """``<entry name='date'>`` in ``<bios>`` must be ``mm/dd/yyyy``, or ``mm/dd/yy`` for 19yy."""
    entry = _entry(sysinfo.find("bios"), "date") if sysinfo.type == "smbios" else None
    if entry is None:
        return
    found = _DATE.fullmatch(_content(entry))
    month, day, year = map(int, found.groups()) if found else (0, 0, 0)
    if not (1 <= month <= 12 and 1 <= day <= 31 and (0 <= year < 100 or year >= _OLDEST)):
        yield problem(
            "the BIOS date must be written as mm/dd/yyyy, such as 12/31/2026, or as mm/dd/yy", entry
        )


@rule(
    "sysinfo-uuid-invalid",
    Sysinfo,
    bad=_GIVEN + _UUID.format("c7a5fdbd-edaf-9455-926a-d65c16db1808"),
    good=_GIVEN + _UUID.format("c7a5fdbd-edaf-9455-926a-d65c16db1809"),
)
def uuid_is_the_domains(sysinfo: Sysinfo) -> Problems:
    """``<entry name='uuid'>`` in ``<sysinfo>`` must be the domain's ``<uuid>``."""
    entry = _entry(sysinfo.find("system"), "uuid") if sysinfo.type == "smbios" else None
    if entry is None:
        return
    try:
        told = ANY_UUID.parse(_content(entry))
    except ValueError:
        yield problem("the uuid in <sysinfo> is not a valid UUID", entry)
        return
    uuid = _uuid_of(sysinfo.domain)
    if uuid is not None and uuid != told:
        yield problem(
            f"the uuid in <sysinfo> must be the domain's: {uuid}", entry, fix=set_value(str(uuid))
        )


def _uuid_of(domain: Domain) -> UUID | None:
    try:
        return ANY_UUID.parse(domain.root.findtext("uuid") or "")
    except ValueError:
        return None


@rule(
    "sysinfo-boards-unsupported",
    Sysinfo,
    bad="<os><type>hvm</type><smbios mode='sysinfo'/></os>"
    + _SMBIOS.format("<baseBoard><entry name='serial'>1</entry></baseBoard>" * 2),
    good="<os><type>hvm</type><smbios mode='sysinfo'/></os>"
    + _SMBIOS.format("<baseBoard><entry name='serial'>1</entry></baseBoard>"),
    stage=Stage.START,
)
def there_is_one_board(sysinfo: Sysinfo) -> Problems:
    """``<sysinfo>`` may contain at most one ``<baseBoard>``."""
    system = sysinfo.domain.first(Os)
    told = next((s for s in sysinfo.domain.all(Sysinfo) if s.type == "smbios"), None)
    if system is None or system.smbios != "sysinfo" or told is None or told.node != sysinfo.node:
        return
    boards = [
        board
        for board in sysinfo.find_all("baseBoard")
        if any(_entry(board, name) is not None for name in _BOARD)
    ]
    if len(boards) > 1:
        yield problem("<sysinfo> may contain only one <baseBoard>; remove the others", boards[1])


def _entries(sysinfo: Sysinfo) -> list[Node]:
    return sysinfo.find_all("entry") if sysinfo.type == "fwcfg" else []


@rule(
    "sysinfo-entry-incomplete",
    Sysinfo,
    bad=_FWCFG.format("<entry name='opt/com.example/name'/>"),
    good=_GOOD_NAME,
)
def entries_have_name_and_value(sysinfo: Sysinfo) -> Problems:
    """A ``fw_cfg`` ``<entry>`` needs a ``name``, and text or a ``file``."""
    for entry in _entries(sysinfo):
        if entry.get("name") is None:
            yield problem("<entry> needs the attribute 'name'", entry)
        if not _content(entry).strip() and entry.get("file") is None:
            yield problem("<entry> needs text, or the attribute 'file'", entry)


@rule(
    "sysinfo-entry-name-invalid",
    Sysinfo,
    bad=_NAMED.format("etc/name"),
    good=_GOOD_NAME,
)
def names_are_free(sysinfo: Sysinfo) -> Problems:
    """Attribute ``name`` of a ``fw_cfg`` ``<entry>`` must start with ``opt/``, but not with
    ``opt/ovmf/`` or ``opt/org.qemu/``.
    """
    for entry in _entries(sysinfo):
        name = entry.get("name")
        if name is not None and (not name.startswith(_OURS) or name.startswith(_RESERVED)):
            message = (
                "attribute 'name' of <entry> must start with 'opt/', but not with "
                f"{alternatives([repr(one) for one in _RESERVED])}"
            )
            yield problem(message, entry, "@name")
