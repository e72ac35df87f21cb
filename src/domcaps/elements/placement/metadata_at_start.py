"""What QEMU wants of ACPI indexes and boot ROMs when a domain is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.metadata import WITHOUT_METADATA, Acpi, Rom
from domcaps.language.finding import Stage
from domcaps.language.host_files import host_file_rule, needs_file
from domcaps.language.rule import Sample, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.rule import Problems

_MOST_INDEX = 16383
_CARD = "<interface type='user'><model type='virtio'/>{}</interface>"
_INDEX = _CARD.format("<acpi index='{}'/>")


@rule(
    "acpi-index-fails-at-start",
    Acpi,
    bad=_INDEX.format(3) * 2,
    good=_INDEX.format(3) + _INDEX.format(4),
    stage=Stage.START,
)
def indexes_differ(acpi: Acpi) -> Problems:
    """Attribute ``index`` of ``<acpi>`` must be at most 16383, and differ for each device."""
    if acpi.index is None or acpi.tag in WITHOUT_METADATA:
        return
    if acpi.index > _MOST_INDEX:
        message = f"the ACPI index is {acpi.index}, but must be at most {_MOST_INDEX}"
        yield problem(message, acpi, "@index")
    elif acpi.node in acpi.domain.once(_repeated):
        message = f"another device has the ACPI index {acpi.index}; choose another"
        yield problem(message, acpi, "@index")


def _repeated(domain: Domain) -> frozenset[Node]:
    """Give the indexes that a device before has."""
    seen: set[int | None] = {None, 0}
    again = []
    for acpi in domain.all(Acpi):
        if acpi.index in seen and acpi.index:
            again.append(acpi.node)
        seen.add(acpi.index)
    return frozenset(again)


_ROM = _CARD.format("<rom {}file='/a.rom'/>")


@host_file_rule(
    "rom-file-missing",
    Rom,
    bad=Sample(_ROM.format(""), lacking=("/a.rom",)),
    good=Sample(_ROM.format("bar='off' "), lacking=("/a.rom",)),
)
def boot_roms_are_there(rom: Rom) -> Problems:
    """Attribute ``file`` of ``<rom>`` must be a file of the host at start."""
    path = rom.node.get("file", "")
    if path and rom.bar != "off" and rom.enabled != "no":
        yield from needs_file(rom, path, "boot ROM", "@file", kinds=("file",))
