"""Which choices of the table a domain uses, each explained for the target that it names.

A choice is used where a domain writes its name: in a field that a part declares with its enum, or
at the place that the table gives for it. An element without choices is used where it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements import contents, table
from domcaps.elements.features.domain_features import DATED
from domcaps.errors import DomainError
from domcaps.language import Element, Enum, Reason, Rows, Target, Truth
from domcaps.language.domain import Domain
from domcaps.language.rule import PartReason
from domcaps.report.explain import (
    Explanation,
    explain_all,
    explain_choice,
    explain_element,
    explain_row,
)
from domcaps.validate.checks import all_part_checks
from domcaps.validate.document.parse import Unreadable, read
from domcaps.validate.target import TargetNotFound, resolve_domain_target, wanted_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language import World
    from domcaps.language.part import Field
    from domcaps.validate.document.parse import Source
    from domcaps.validate.target import OpenWorld


_MODE = {"cpu": "custom"}
"""What libvirt takes for an element that leaves out which of the elements in it is meant."""

_HOST_FEATURES = "cpu.host-model"
"""The row that explains each feature that QEMU can give a guest."""
_NOT_USED = frozenset({"disable", "forbid"})
"""Policies of CPU features that a guest is not to have."""


class Use(msgspec.Struct, frozen=True):
    """A choice that a domain uses: where, whether it can, why, and what else it could say there.

    `xpath`, `line` and `column` are the place in the domain; `instead` are the values that hold.
    """

    xpath: str
    line: int
    column: int
    explanation: Explanation
    instead: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give one line."""
        could = f" (could be {', '.join(self.instead)})" if self.instead else ""
        found = self.explanation
        return f"{self.line}:{self.column}: {found.path}: {found.truth.value}{could}"


class DomainExplanation(msgspec.Struct, frozen=True):
    """The target that a domain names, and all that it uses, in the order of the document.

    `machine` is the machine type as the domain writes it, which may be an alias; "" without one.
    """

    target: Target
    uses: tuple[Use, ...]
    machine: str = ""

    def __str__(self) -> str:
        """Give a line for each choice: its place, its name, and whether it can be used."""
        return "\n".join(map(str, self.uses))


def explain_domain(data: bytes, open_world: OpenWorld) -> DomainExplanation:
    """Explain every choice that a domain uses, in the world that `open_world` gives for it.

    Raises `DomainError` for what is no domain, or names no target that there is.
    """
    try:
        source = read(data)
        world = resolve_domain_target(source, open_world)
    except (Unreadable, TargetNotFound) as stopped:
        finding = stopped.finding
        raise DomainError(finding.message, where=f"{finding.line}:{finding.column}") from stopped
    uses = _Uses(source, world)
    # the table first: of several enums at one attribute it is the one that has the word
    for element in table():
        uses.element(element)
    uses.fields()
    for element in table():
        uses.alone(element)
    uses.reasons()
    uses.cpu_features()
    found = sorted(uses.found.values(), key=lambda use: (use.line, use.column))
    machine = wanted_of(source.root)["machine"] or ""
    return DomainExplanation(world.target, tuple(found), machine)


class _Uses:
    """One look at one document; a place is explained once."""

    def __init__(self, source: Source, world: World) -> None:
        self.source = source
        self.world = world
        self.dialect = world.target.dialect
        self.domain = Domain(source.root, world)
        self.explained = {e.path: e for e in explain_all(world)}
        self.paths = dict(_enum_paths())
        self.found: dict[tuple[Node, str], Use] = {}
        self.inside: set[Node] = set()
        """The elements in which something was found, and those that they stand in."""

    def fields(self) -> None:
        """Look at the fields that are declared with an enum."""
        for part_checks in all_part_checks():
            declared = [field for field in part_checks.kind.fields() if field.choice is not None]
            for part in self.domain.all(part_checks.kind) if declared else ():
                for field in declared:
                    self._field(part.node, field)

    def _field(self, node: Node, field: Field[str]) -> None:
        text, holder = field.text(node), field.holder(node)
        if text is None or holder is None or field.choice is None:
            return
        own = field.path.replace("/@", ".").lstrip("@")
        path = self.paths.get(id(field.choice), f"{node.tag}.{own}")
        self._value(field.choice, path, text, (holder, field.attribute))

    def element(self, element: Element) -> None:
        """Look where the table says that its choices stand."""
        for node in self._nodes(element):
            self._inside(element, element.name, node)

    def alone(self, element: Element) -> None:
        """Look for elements of which nothing is chosen: then it is the element that is used."""
        for node in self._nodes(element):
            if node in self.inside:
                continue
            self._add(element.name, node, "")
            if element.name not in self.explained:
                self._put((node, ""), self._unspoken(element))

    def _unspoken(self, element: Element) -> Explanation:
        """Explain an element that this release does not report, or does not read at all."""
        came = DATED.get(element.name)
        if came is None or self.dialect.has(came):
            return explain_element(element.name, element, self.world)
        statement = f"libvirt {self.dialect} knows the feature {element.name!r}"
        unread = Reason(Truth.NO, statement, "domain")
        return Explanation(element.name, Truth.NO, unread, spoken=False)

    def reasons(self) -> None:
        """Add what the table explains of whole parts, such as which firmware fits."""
        unique = {id(one): one for one in contents() if isinstance(one, PartReason)}
        for told in unique.values():
            for part in self.domain.all(told.kind):
                reason = told.explain(part)
                if reason is not None:
                    self._put((part.node, ""), Explanation(told.name, reason.truth, reason))

    def cpu_features(self) -> None:
        """Add the features that a CPU has besides those of its model, in every mode."""
        for node in self.source.root.iterfind("cpu/feature"):
            name = node.get("name", "")
            if name and node.get("policy") not in _NOT_USED and (node, "name") not in self.found:
                explanation = explain_row(f"{_HOST_FEATURES}={name}", self.world)
                if explanation is not None:
                    self._put((node, "name"), explanation)

    def _nodes(self, element: Element) -> list[Node]:
        # one that this release does not report is used all the same
        root, name = self.source.root, element.name
        places = (f"devices/{name}", name, f"features/{name}")
        return [node for place in places for node in root.findall(place)]

    def _inside(self, element: Element, path: str, node: Node) -> None:
        for part in element.content:
            if isinstance(part, Enum):
                self._enum(part, f"{path}.{part.name}", node)
            elif isinstance(part, Element):
                self._part(part, f"{path}.{part.name}", node)

    def _part(self, element: Element, path: str, node: Node) -> None:
        """Look at an element in another; of a tag of its own, it is an attribute's value."""
        if not self.dialect.has_between(element.since, element.until):
            return
        if not element.tag:
            # one that only groups has no element of its own in a domain
            for inner in node.findall(element.name) or [node]:
                self._inside(element, path, inner)
        elif node.get(element.tag, _MODE.get(str(node.tag), "")) == element.name:
            self._add(path, node, element.tag if node.get(element.tag) else "")
            for part in element.content:
                if isinstance(part, Enum):
                    self._enum(part, f"{path}.{part.name}", node)
                elif isinstance(part, Rows) and part.explain is not None:
                    self._rows(part, path, node)

    def _rows(self, rows: Rows, path: str, node: Node) -> None:
        """Look at children that computed rows are about, such as the model of a processor."""
        for child in node.findall(rows.row):
            if child.get("policy") in _NOT_USED:
                continue
            name = child.get("name") or (child.text or "").strip()
            explanation = explain_row(f"{path}={name}", self.world) if name else None
            if explanation is not None:
                self._put((child, "name" if child.get("name") else ""), explanation)

    def _enum(self, enum: Enum, path: str, node: Node) -> None:
        if not self.dialect.has_between(enum.since, enum.until):
            return
        steps, _, attribute = enum.attribute.rpartition("@")
        if not enum.attribute:
            for child in node:
                # a list of things to switch: each is an element of its own
                if enum.find(str(child.tag), self.dialect) and child.get("state") != "off":
                    self._value(enum, path, str(child.tag), (child, ""))
            return
        for holder in node.findall(steps.rstrip("/")) if steps else (node,):
            text = holder.get(attribute) if attribute else (holder.text or "").strip()
            if text and enum.find(text, self.dialect) is not None:
                self._value(enum, path, text, (holder, attribute))

    def _value(self, enum: Enum, path: str, text: str, place: tuple[Node, str]) -> None:
        if place in self.found:
            return
        full = f"{path}={text}"
        choice = enum.find(text, self.dialect)
        holding = tuple(
            other.name
            for other in enum.choices
            if self.dialect.has_between(other.since, other.until) and self.world.truth(other.when)
        )
        if choice is None:
            known = f"libvirt {self.dialect} knows the value {text!r}"
            explanation = Explanation(full, Truth.NO, Reason(Truth.NO, known, "domain"))
        else:
            explanation = self.explained.get(full) or explain_choice(full, choice, self.world)
        instead = () if explanation.truth is Truth.YES else holding
        self._put(place, explanation, instead)

    def _add(self, path: str, node: Node, attribute: str) -> None:
        explanation = self.explained.get(path)
        if explanation is not None and (node, attribute) not in self.found:
            self._put((node, attribute), explanation)

    def _put(
        self, place: tuple[Node, str], explanation: Explanation, instead: tuple[str, ...] = ()
    ) -> None:
        line, column = self.source.place(*place)
        path = self.source.path(*place)
        self.found[place] = Use(path, line, column, explanation, instead)
        # it ends at the first that is known: so are those above it
        current: Node | None = place[0]
        while current is not None and current not in self.inside:
            self.inside.add(current)
            current = current.getparent()


def _enum_paths() -> Iterator[tuple[int, str]]:
    """Give the path of every enum of the table, by the enum's identity."""

    def inside(element: Element, path: str) -> Iterator[tuple[int, str]]:
        for part in element.content:
            if isinstance(part, Enum):
                yield id(part), f"{path}.{part.name}"
            elif isinstance(part, Element):
                yield from inside(part, f"{path}.{part.name}")

    for element in table():
        yield from inside(element, element.name)
