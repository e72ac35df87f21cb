"""One walk over a domain: which parts stand where, what they look like, which names nobody knows.

A *site* is a place of a domain, with all that is known of it: which names may stand there, by the
vocabulary, which values they may have, and the plans of the parts that stand there. Sites are made
when a document leads to them, since places may hold themselves: an image may be backed by an image.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from domcaps.language.domain import split_path
from domcaps.validate.checks import plans, values_of
from domcaps.validate.document.shape_ids import (
    APART,
    NO_SHAPE,
    NO_TEXT,
    SOME_TEXT,
    SOME_VALUE,
    TELLING,
    names_of,
    number_of,
    outline,
)
from domcaps.validate.schema.vocabulary import Place, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.dialect import Dialect
    from domcaps.language.part import Part
    from domcaps.validate.checks import PartPlan


NO_VALUES: frozenset[str] = frozenset()
PLAIN = re.compile(r"[\w-]+(?:/[\w-]+)*")
"""A path of names alone."""


class Planned(NamedTuple):
    """A plan for parts; with an attribute, for those that have that value of it."""

    plan: PartPlan
    attribute: str
    value: str


class Branch:
    """What is planned at a path and below it; ``*`` stands for any name.

    `values` are those of attributes that have only a few, and under "" those of the text.
    """

    def __init__(self) -> None:
        self.planned: list[Planned] = []
        self.values: dict[str, frozenset[str]] = {}
        self.branches: dict[str, Branch] = {}

    def at(self, path: str) -> Branch:
        """Give the branch at a path, made where it is new."""
        branch = self
        for name in filter(None, path.split("/")):
            branch = branch.branches.setdefault(name, Branch())
        return branch

    def below(self, name: str) -> Iterator[Branch]:
        """Give what there is for a name."""
        for step in (name, "*"):
            if step in self.branches:
                yield self.branches[step]


class Site:
    """One place of a domain; `place` is None where the vocabulary knows nothing of it.

    `values` has the attributes that may stand there, `texts` the values of the text. `inside` tells
    that it is part of something of which others may look the same.
    """

    __slots__ = (
        "_branches",
        "_elsewhere",
        "inside",
        "place",
        "planned",
        "sites",
        "texts",
        "values",
    )

    def __init__(
        self, place: Place | None, branches: tuple[Branch, ...], *, inside: bool = False
    ) -> None:
        self.place = place
        self.planned = tuple(planned for branch in branches for planned in branch.planned)
        self.inside = inside or any(not planned.plan.whole for planned in self.planned)
        self.values = dict.fromkeys(() if place is None else place.attributes, NO_VALUES)
        for branch in branches:
            for name, values in branch.values.items():
                self.values[name] = self.values.get(name, NO_VALUES) | values
        self.texts = self.values.pop("", NO_VALUES)
        self.sites: dict[str, Site | None] = {}
        self._branches = branches
        self._elsewhere: Site | None = None

    def enter(self, name: str) -> Site | None:
        """Give the site of an element inside, None where nothing is known of it or below it."""
        place = None
        if self.place is not None:
            place = self.place.children.get(name) or self.place.children.get("*")
        named = any(name in branch.branches for branch in self._branches)
        if place is None and not named:
            # names are the document's: none is remembered that only one document may have
            return self._others()
        site = self._site(place, tuple(b for branch in self._branches for b in branch.below(name)))
        if named or (self.place is not None and name in self.place.children):
            self.sites[name] = site
        return site

    @property
    def leads_on(self) -> bool:
        """Whether parts can stand here or below."""
        return bool(self.planned or self._branches)

    def _others(self) -> Site | None:
        if self._elsewhere is None:
            branches = tuple(b for branch in self._branches for b in branch.below("*"))
            self._elsewhere = self._site(None, branches)
        return self._elsewhere if self._elsewhere.leads_on else None

    def _site(self, place: Place | None, branches: tuple[Branch, ...]) -> Site:
        key = id(place), tuple(map(id, branches)), self.inside
        found = _SITES.get(key)
        if found is None:
            found = _SITES[key] = Site(place, branches, inside=self.inside)
        return found


_SITES: dict[tuple[int, tuple[int, ...], bool], Site] = {}


@functools.cache
def domain_site() -> Site:
    """Give the site of ``<domain>`` itself."""
    _SITES.clear()
    root = Branch()
    for plan in plans():
        text = plan.kind.path or ""
        path = split_path(text)
        if path is None and text:
            continue
        here = root.at(f"{path.above}/{path.tag}" if path else "")
        if path is not None:
            here.planned.append(Planned(plan, path.attribute, path.value))
        for planned in plan.look.fields:
            declared = planned.declared
            if PLAIN.fullmatch(declared.steps or "plain"):
                there = here.at(declared.steps).values
                name = declared.attribute
                there[name] = there.get(name, NO_VALUES) | values_of(declared)
    return Site(vocabulary(), (root,))


def site_of(node: Node) -> Site | None:
    """Give the site of an element, None where nothing is known of it."""
    above = [*node.iterancestors()]
    site: Site | None = domain_site()
    for step in (*reversed(above[:-1]), node) if above else ():
        site = None if site is None else site.enter(str(step.tag))
    return site


@functools.cache
def other_plans() -> tuple[PartPlan, ...]:
    """Give the plans of the domain itself, and of parts whose path is more than names."""
    return tuple(plan for plan in plans() if split_path(plan.kind.path or "") is None)


@functools.cache
def placed_kinds() -> frozenset[type[Part]]:
    """Give the classes of parts that a walk finds."""
    return frozenset(p.kind for p in plans() if split_path(p.kind.path or "") is not None)


class Found:
    """What a walk found.

    `nodes` are the elements by the plan of their parts, in the order of the document, `shapes` the
    shapes of those that have one; `unknown` are the elements that the vocabulary does not have, and
    attributes with their elements. `order` are all elements of which something is known, `skeleton`
    is what they look like together: the shapes of those that stand in no part, innermost first.
    """

    __slots__ = ("nodes", "order", "shapes", "skeleton", "unknown")

    def __init__(self, root: Node) -> None:
        self.nodes: dict[PartPlan, list[Node]] = {}
        self.shapes: dict[Node, int] = {}
        self.unknown: list[tuple[Node, str, Place]] = []
        self.order: list[Node] = []
        self.skeleton: list[str | int] = []
        self._visit(root, domain_site())

    def shape_of(self, node: Node) -> int:
        """Give the shape of an element in which a part stands."""
        return self.shapes.get(node, NO_SHAPE)

    def plans(self, dialect: Dialect) -> Iterator[PartPlan]:
        """Give the plans of all parts that may be there and that a dialect knows."""
        for plan in (*other_plans(), *self.nodes):
            if dialect.has_between(plan.kind.since, plan.kind.until):
                yield plan

    def _visit(self, node: Node, site: Site) -> int:
        self.order.append(node)
        if site.planned:
            self._parts(node, site)
        place, sites = site.place, site.sites
        shape = self._start(node, site)
        for child in node:
            tag: str = child.tag
            inner = sites.get(tag) or site.enter(tag)
            if inner is None:
                shape.append(outline(child))
                if place is not None and tag[0] != "{":
                    self.unknown.append((child, "", place))
                continue
            if inner.place is None and place is not None and tag[0] != "{":
                self.unknown.append((child, "", place))
            shape.append(self._visit(child, inner))
        if not site.inside:
            self.skeleton += (len(shape), *shape)
            return APART
        number = number_of(shape)
        if site.planned:
            self.shapes[node] = number
        return number

    def _start(self, node: Node, site: Site) -> list[str | int]:
        """Look at all but the elements inside."""
        values = site.values
        shape: list[str | int] = [node.tag]
        for name in names_of(node):
            few = values.get(name)
            if few is None:
                few = NO_VALUES
                # those of another namespace are somebody else's
                if site.place is not None and name[0] != "{" and "*" not in values:
                    self.unknown.append((node, name, site.place))
            if few or name in TELLING:
                value = node.get(name, "")
                shape += name, value if name in TELLING or value in few else SOME_VALUE
            else:
                shape += name, SOME_VALUE
        text = node.text
        shape.append(NO_TEXT if not text else text if text in site.texts else SOME_TEXT)
        return shape

    def _parts(self, node: Node, site: Site) -> None:
        for plan, attribute, value in site.planned:
            if not attribute or node.get(attribute) == value:
                known = self.nodes.get(plan)
                if known is None:
                    self.nodes[plan] = [node]
                else:
                    known.append(node)
