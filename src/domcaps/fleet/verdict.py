"""Verdicts with places: line, column and path of each finding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.fleet.common import element_of
from domcaps.language.finding import Finding, Severity, Stage
from domcaps.validate.checks import codes_of_form
from domcaps.validate.document.parse import Unreadable, read
from domcaps.validate.document.repeated import take_repeated_away
from domcaps.validate.document.walk import DocumentWalk
from domcaps.validate.order import in_libvirts_order

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.fleet.answers import HostSet
    from domcaps.fleet.hosts import TargetFault
    from domcaps.fleet.units import UnitFinding


class Placed:
    """A domain whose findings are given their places."""

    def __init__(self, data: bytes) -> None:
        self._readable = True
        self._stopped: Finding | None = None
        try:
            self._source = source = read(data)
        except Unreadable as stopped:
            self._stopped = stopped.finding
            self._readable = False
            return
        self._every: list[Node] = list(source.root.iter())
        # paths count elements as they were written, those included that are taken away
        source.keep()
        take_repeated_away(source.root)
        self._walk = DocumentWalk(source.root)

    def findings(self, verdict: HostSet, own: dict[str, str]) -> tuple[Finding, ...]:
        """Give the findings of a host; `own` has the host's paths by the roles of emulators."""
        if not self._readable:
            return (self._stopped,) if self._stopped else ()
        resolution = verdict.faults
        faults = [self._fault(fault) for fault in resolution.faults]
        as_if = resolution.as_if
        found = [self._found(one, as_if) for one in verdict.outcome.found]
        ordered = in_libvirts_order((*faults, *found), self._source.root)
        return tuple(_with_own(f, own) for f in ordered) if own else tuple(ordered)

    def _fault(self, fault: TargetFault) -> Finding:
        root = self._source.root
        node = root.find(fault.place) if fault.place else root
        return self._at(
            Finding(fault.code, fault.message, accepted=fault.accepted),
            root if node is None else node,
            fault.attribute,
        )

    def _found(self, found: UnitFinding, as_if: str) -> Finding:
        supposed = found.as_if or as_if
        finding = Finding(
            found.code, found.message,
            Severity(found.severity), Stage(found.stage),
            accepted=found.accepted,
            as_if=supposed if supposed and found.code not in codes_of_form() else "",
        )  # fmt: skip
        node = element_of(found.element, self._walk, self._every)
        return finding if node is None else self._at(finding, node, found.attribute)

    def _at(self, finding: Finding, node: Node, attribute: str) -> Finding:
        line, column = self._source.place(node, attribute)
        return Finding(
            finding.code, finding.message, finding.severity, finding.stage,
            self._source.path(node, attribute), line, column, finding.accepted,
            as_if=finding.as_if,
        )  # fmt: skip


def _with_own(finding: Finding, own: dict[str, str]) -> Finding:
    """Name the host's own paths instead of roles."""

    def named(text: str) -> str:
        for role, path in own.items():
            # a path that a document names with more behind it is not the role's
            parts = re.split(rf"{re.escape(role)}(?![\w.\\/-])", text)
            text = path.join(parts)
            # advice names the program without its folder
            name, mine = role.rpartition("/")[2], path.rpartition("/")[2]
            if name != mine:
                text = mine.join(re.split(rf"(?<![\w/.-]){re.escape(name)}(?![\w.-])", text))
        return text

    return Finding(
        finding.code, named(finding.message), finding.severity, finding.stage, finding.path,
        finding.line, finding.column, tuple(map(named, finding.accepted)),
        as_if=named(finding.as_if),
    )  # fmt: skip
