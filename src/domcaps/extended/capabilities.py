"""The extended report of a target, as a document of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

from domcaps.extended.rows import ExtendedSection, evaluate
from domcaps.text import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.language import World
    from domcaps.validate.target import OpenWorld

NAMESPACE = "urn:domcaps:extended:1"
VERSION = 1


class ExtendedCapabilities:
    """What a target accepts beyond libvirt's report: rows of values by the name of their kind."""

    def __init__(self, world: World, open_world: OpenWorld) -> None:
        self._target = world.target
        self.sections: Mapping[str, ExtendedSection] = {
            section.name: section for section in evaluate(world, open_world)
        }

    @property
    def _about(self) -> dict[str, str]:
        target = self._target
        return {
            "path": target.emulator,
            "domain": target.virttype,
            "machine": target.machine,
            "arch": target.arch,
            "libvirt": str(target.dialect),
        }

    @property
    def json(self) -> str:
        """All rows, also those that are refused, with the first finding."""
        found = {name: [*map(_row, one.rows)] for name, one in self.sections.items()}
        return to_json({"version": VERSION, **self._about, "rows": found})

    @property
    def xml(self) -> str:
        """The rows that are accepted, in a namespace of its own."""
        names: Any = {None: NAMESPACE}  # the stubs know no default namespace
        root = etree.Element(f"{{{NAMESPACE}}}domainCapabilities", nsmap=names)
        for name, text in self._about.items():
            etree.SubElement(root, f"{{{NAMESPACE}}}{name}").text = text
        for section in self.sections.values():
            columns = " ".join(section.columns)
            inside = etree.SubElement(
                root, f"{{{NAMESPACE}}}rows", name=section.name, columns=columns
            )
            for row in section.rows:
                if row.accepted:
                    shown = {name: value for name, value in row.values.items() if value}
                    etree.SubElement(inside, f"{{{NAMESPACE}}}row", shown)
        return etree.tostring(root, encoding="unicode", pretty_print=True)


def _row(row: Any) -> dict[str, Any]:
    told = {"values": {k: v for k, v in row.values.items() if v}, "accepted": row.accepted}
    return told if row.accepted else {**told, "code": row.code, "message": row.message}
