"""What is found in a document whatever the host: elements and names that libvirt passes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.fleet.units import NOWHERE, OF_ALL, SILENT, UnitFinding, UnitOutcome
from domcaps.language.finding import Severity, Stage
from domcaps.validate.check import MAX_FINDINGS, DocumentCheck, all_checks
from domcaps.validate.document.walk import DocumentWalk

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.fix import Fix
    from domcaps.language.rule import Problem


class TooManyFindings(Exception):  # noqa: N818 - it says what happened
    """More is found than is listed, whatever the host."""


class CommonCheck(DocumentCheck):
    """The part of a check that looks at no host."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # while all elements are there: some are taken away
        self.every: list[Node] = list(self.source.root.iter())
        self.took_away = False
        self._collected: list[tuple[str, Problem, Severity]] = []

    def walk(self) -> DocumentWalk:
        """Take away what libvirt does not read, and walk over what is left."""
        self.set_aside()
        self.took_away = any(code == "repeated-element" for code, _, _ in self._collected)
        walk = DocumentWalk(self.source.root)
        self.names(walk)
        return walk

    def _add(
        self,
        code: str,
        found: Problem,
        severity: Severity = Severity.ERROR,
        stage: Stage = Stage.DEFINE,  # noqa: ARG002 - names have none
        fix: Fix | None = None,  # noqa: ARG002 - a verdict carries no repairs
        *,
        worded: bool = False,  # noqa: ARG002 - texts about names are complete
    ) -> None:
        if len(self._collected) >= MAX_FINDINGS:
            raise TooManyFindings
        self._collected.append((code, found, severity))

    def outcome(self) -> UnitOutcome:
        """Give what was found."""
        if not self._collected:
            return SILENT
        numbers = {node: number for number, node in enumerate(self.every)}
        return UnitOutcome(
            tuple(
                UnitFinding(code, found.message, severity.value, Stage.DEFINE.value,
                      OF_ALL - numbers[found.node], found.attribute, found.accepted)
                for code, found, severity in self._collected
            )
        )  # fmt: skip


class WholeCheck(DocumentCheck):
    """The whole check of a document on one host, for documents that suppress findings.

    What a comment in the document suppresses, and whether it suppresses anything, depends on all
    that is found.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._elements = {node: n for n, node in enumerate(self.source.root.iter())}
        self._nodes: list[tuple[Node, str]] = []

    def _add(
        self,
        code: str,
        found: Problem,
        severity: Severity = Severity.ERROR,
        stage: Stage = Stage.DEFINE,
        fix: Fix | None = None,
        *,
        worded: bool = False,
    ) -> None:
        before = len(self.found)
        super()._add(code, found, severity, stage, fix, worded=worded)
        if len(self.found) > before:
            self._nodes.append((found.node, found.attribute))

    def outcome(self) -> UnitOutcome:
        """Check all, and give what was found."""
        found = []
        for number, one in enumerate(self.everything(all_checks)):
            node, attribute = self._nodes[number] if number < len(self._nodes) else (None, "")
            place = NOWHERE if node is None else OF_ALL - self._elements[node]
            found.append(UnitFinding(one.code, one.message, one.severity.value, one.stage.value,
                                     place, attribute, one.accepted))  # fmt: skip
        return UnitOutcome(tuple(found), tuple(sorted(self.world.unknown)))


def element_of(number: int, walk: DocumentWalk, every: list[Node]) -> Node | None:
    """Give the element that a finding is about."""
    if number == NOWHERE:
        return None
    return walk.order[number] if number >= 0 else every[OF_ALL - number]
