"""Accepted values of findings, without those that the rest of the domain rules out.

An enum knows what QEMU supports, and a form what libvirt reads. Whether a value is accepted here is
decided by rules as well: a disk that is no floppy drive cannot be on the bus ``fdc``. So each value
is put into the domain, and the domain is checked again. Files of the host are not looked at.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from domcaps.language.domain import Domain
from domcaps.language.finding import Severity
from domcaps.language.wording import one_of
from domcaps.validate.check import all_checks
from domcaps.validate.document.parse import read
from domcaps.validate.document.walk import DocumentWalk
from domcaps.validate.memo.dependent import dependent_checks, dependent_parts
from domcaps.validate.silent_check import SilentCheck
from domcaps.validate.target import nearest_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding
    from domcaps.language.rule import Problem
    from domcaps.language.world import World
    from domcaps.validate.check import ChecksOf, Validation
    from domcaps.validate.document.parse import Source
    from domcaps.validate.target import OpenWorld

MOST_TRIED = 100
"""So many values are tried for a document: each costs about as much as a verdict."""
MOST_TAGS = 6_000
"""So many tags are checked again for a document: a large one gets fewer trials, or none."""
_FEW = 3
"""So many values are tried with all checks: to find out which depend on them takes longer."""
MOST_VALUES = 40
"""Longer lists, such as those of CPU models, are left as they are."""
_TARGET = ("/domain/@type", "/domain/os/type/@", "/domain/devices/emulator")
"""Values at these places name another target: what the emulator has is listed."""
_RULED_OUT = ("-unsupported", "-unavailable", "-conflict", "-fails-at-start", "-duplicate")
"""How codes end of values that cannot be here at all.

Values with other codes are valid once another part is changed: messages name them.
"""


def with_fitting_values(
    done: Validation, open_world: OpenWorld, *, new: bool = True, most: int = MOST_TRIED
) -> Validation:
    """Leave out the accepted values that the rest of the domain rules out."""
    most = min(most, MOST_TAGS // max(done.source.count(b"<"), 1))
    if not most or not any(_has_values(finding) for finding in done.findings):
        return done
    source = read(done.source)
    world = nearest_target(source, open_world).world
    world.look = None
    # before repeated elements are taken away, with which paths change
    elements = _Elements(source.root)
    places = [_place(elements, finding) for finding in done.findings]
    trials = _Trials(source, world, _codes_by_path(done), most, new=new)
    findings = tuple(map(trials.fitted, done.findings, places))
    return msgspec.structs.replace(done, findings=findings)


def _codes_by_path(done: Validation) -> dict[str, frozenset[str]]:
    """Give the codes of the errors at each place: other errors there say their own values."""
    found: dict[str, set[str]] = {}
    for one in done.errors:
        found.setdefault(one.path, set()).add(one.code)
    return {path: frozenset(codes) for path, codes in found.items()}


def _has_values(finding: Finding) -> bool:
    return (
        0 < len(finding.accepted) <= MOST_VALUES
        and finding.severity is Severity.ERROR
        and not finding.path.startswith(_TARGET)
        and not finding.code.startswith(("schema-", "unknown-"))
        # a size with its unit is no text of an attribute
        and not any(" " in value for value in finding.accepted)
    )


class _Elements:
    """The elements of a document by their paths: those inside an element are listed once."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._inside: dict[Node, dict[str, list[Node]]] = {}

    def at(self, path: str) -> Node | None:
        """Give the element at a path, such as ``/domain/devices/disk[2]``."""
        node = self._root
        for step in path.removeprefix("/domain").strip("/").split("/"):
            name, _, position = step.partition("[")
            alike = self._named(node, name) if name else [node]
            number = int(position[:-1]) if position else 1
            if number > len(alike):
                return None
            node = alike[number - 1]
        return node

    def _named(self, node: Node, name: str) -> list[Node]:
        if node not in self._inside:
            inside: dict[str, list[Node]] = {}
            for child in node:
                inside.setdefault(str(child.tag), []).append(child)
            self._inside[node] = inside
        return self._inside[node].get(name, [])


def _place(elements: _Elements, finding: Finding) -> tuple[Node, str] | None:
    """Find the attribute, or the element without others inside, that is at fault."""
    steps, _, attribute = finding.path.partition("/@")
    if not _has_values(finding) or "{" in steps or ":" in steps:
        return None
    found = elements.at(steps)
    return None if found is None or (len(found) and not attribute) else (found, attribute)


class _Trials:
    """A document into which values are put, one after the other."""

    def __init__(
        self,
        source: Source,
        world: World,
        codes: Mapping[str, frozenset[str]],
        most: int,
        *,
        new: bool,
    ) -> None:
        self._source, self._world, self._new = source, world, new
        self._codes, self._left = codes, most
        self._check = _PlacesOfErrors(source, self._fresh())
        self._check.set_aside()

    def fitted(self, finding: Finding, place: tuple[Node, str] | None) -> Finding:
        """Give a finding with the values of its list that are accepted in the domain."""
        values = finding.accepted
        if place is None or self._left < len(values):
            return finding
        self._left -= len(values)
        others = self._codes.get(finding.path, frozenset()) - {finding.code}
        codes = self._refused(*place, values)
        refused = {value: codes[value] - others for value in values}
        fitting = tuple(value for value in values if not refused[value])
        if fitting == values:
            return finding
        named = tuple(v for v in values if not any(c.endswith(_RULED_OUT) for c in refused[v]))
        message = finding.message
        if named:
            message = message.replace(one_of(values), one_of(named))
        return msgspec.structs.replace(finding, message=message, accepted=fitting)

    def _refused(
        self, node: Node, attribute: str, values: tuple[str, ...]
    ) -> dict[str, frozenset[str]]:
        """Give the codes of errors at a place for each value that it may have."""
        before = node.get(attribute) if attribute else node.text
        try:
            _write(node, attribute, values[0])
            walk = DocumentWalk(self._source.root)
            known = self._dependent(walk, node, attribute) if len(values) > _FEW else None
            found = {}
            for value in values:
                _write(node, attribute, value)
                if known is None:
                    walk = DocumentWalk(self._source.root)
                domain, checks_of = self._fresh(), known or all_checks
                found[value] = self._check.codes_at(node, attribute, domain, walk, checks_of)
        finally:
            _write(node, attribute, before)
        return found

    def _dependent(self, walk: DocumentWalk, node: Node, attribute: str) -> ChecksOf | None:
        """Give the checks that depend on the value at a place, None where that is not known."""
        found = dependent_checks(walk, self._world, node, attribute, new=self._new)
        return None if found is None else lambda domain, _: dependent_parts(domain, found)

    def _fresh(self) -> Domain:
        return Domain(self._source.root, self._world, new=self._new)


def _write(node: Node, attribute: str, value: str | None) -> None:
    if not attribute:
        node.text = value
    elif value is None:
        del node.attrib[attribute]
    else:
        node.set(attribute, value)


class _PlacesOfErrors(SilentCheck):
    """A check that keeps where errors are, without words for them."""

    def __init__(self, source: Source, domain: Domain) -> None:
        super().__init__(source, domain, frozenset(), math.inf, schema=False)
        self._codes: dict[tuple[Node, str], set[str]] = {}

    def codes_at(
        self,
        node: Node,
        attribute: str,
        domain: Domain,
        walk: DocumentWalk,
        checks_of: ChecksOf,
    ) -> frozenset[str]:
        """Check a domain, and give the codes of errors at one place."""
        self.domain = domain
        self.malformed.clear()
        self._codes.clear()
        self._parts(walk, checks_of)
        return frozenset(self._codes.get((node, attribute), ()))

    def note_error(self, code: str, found: Problem) -> None:
        """Keep the code of an error by its place."""
        self._codes.setdefault((found.node, found.attribute), set()).add(code)
