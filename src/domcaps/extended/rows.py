"""Rows with their verdicts: each is validated as the smallest domains that say nothing else.

A row is accepted if one of these domains is.
"""

from __future__ import annotations

import itertools
from functools import cache, partial
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.extended.accepted import first_error, is_accepted, without_files
from domcaps.extended.kinds import MACHINE, UNSAID, RowKind, kinds, values_of
from domcaps.language.rule import Sample
from domcaps.validate.catalogue.minimal import put
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language import World
    from domcaps.validate.target import OpenWorld

Values = tuple[tuple[str, str], ...]
"""The columns of a row with their values; one that is left out has the value ""."""


class ExtendedRow(msgspec.Struct, frozen=True):
    """Values that are used together, and whether a domain with them is accepted.

    `domain` is the domain that was accepted, or the smallest one that was not; `code` and `message`
    are of the first finding about it then.
    """

    values: dict[str, str]
    accepted: bool
    domain: str
    code: str = ""
    message: str = ""


class ExtendedSection(msgspec.Struct, frozen=True):
    """All rows of a kind."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[ExtendedRow, ...]


def evaluate(
    world: World, open_world: OpenWorld, some: tuple[RowKind, ...] = ()
) -> tuple[ExtendedSection, ...]:
    """Validate every row of every kind, or of `some`, for a target."""
    judge = _Judge(world, open_world)
    return tuple(
        ExtendedSection(
            kind.name,
            tuple(column.name for column in kind.columns),
            tuple(judge.row(kind, values) for values in rows_of(kind, world)),
        )
        for kind in some or kinds()
    )


def rows_of(kind: RowKind, world: World) -> Iterator[Values]:
    """Give every combination of the values of a kind."""
    names = [column.name for column in kind.columns]
    if kind.rows:
        yield from (tuple(zip(names, values, strict=True)) for values in kind.rows)
        return
    choices = [[(c.name, value) for value in values_of(c, world)] for c in kind.columns]
    for values in itertools.product(*choices):
        if any(value for _, value in values):
            yield values


def domains_of(kind: RowKind, values: Values, world: World) -> Iterator[str]:
    """Give the domains of a row, the smallest first: then those that the samples of rules have."""
    target = world.target
    machine = dict(values).get(MACHINE, target.machine)
    seen: set[str] = set()
    for xml in (*kind.around, *_samples(kind).get(_placed(kind, values), ())):
        sample = Sample(xml, target.arch, machine, target.virttype)
        domain = etree.fromstring(domain_of(sample))
        for path, value in _placed(kind, values):
            if value != UNSAID:
                put(domain, path, value)
        text = etree.tostring(domain, encoding="unicode")
        if text not in seen:
            seen.add(text)
            yield text


_MOST = 6
"""How many samples are tried for a row: the shortest ones."""
Placed = tuple[tuple[str, str], ...]


def _placed(kind: RowKind, values: Values) -> Placed:
    """Give the values by their places, without that of the machine type."""
    pairs = zip(kind.columns, values, strict=True)
    return tuple((c.path, value) for c, (_, value) in pairs if c.path != MACHINE)


@cache
def _samples(kind: RowKind) -> dict[Placed, tuple[str, ...]]:
    """Give the samples of rules that use values of a kind, by these values."""
    found: dict[Placed, dict[str, None]] = {}
    paths = [column.path for column in kind.columns if column.path != MACHINE]
    if kind.name.startswith("virtio-"):
        return {}
    for xml, domain in _good_samples():
        for nodes in _owners(domain, paths):
            texts = tuple((path, _text(nodes, path)) for path in paths)
            if any(text for _, text in texts):
                found.setdefault(texts, {})[xml] = None
    return {texts: tuple(sorted(samples, key=len)[:_MOST]) for texts, samples in found.items()}


@cache
def _good_samples() -> tuple[tuple[str, Node], ...]:
    """Give the samples that rules accept, each once, with the domains that they stand for."""
    good = (rule.good for of_part in rules().values() for rule in of_part)
    texts = {one.xml: one for one in good if one is not None}
    shown = (one for one in texts.values() if not one.xml.lstrip().startswith("<domain"))
    return tuple((one.xml, etree.fromstring(domain_of(one))) for one in shown)


def _owners(domain: Node, paths: list[str]) -> Iterator[dict[str, Node]]:
    """Give the first element of each place that the paths begin with."""
    tops = {path: _top(path) for path in paths}
    nodes = {path: domain.find(top) for path, top in tops.items()}
    if all(node is not None for node in nodes.values()):
        yield {path: node for path, node in nodes.items() if node is not None}


def _top(path: str) -> str:
    """Give the device, or the child of the domain, that a path begins with."""
    first, _, rest = path.partition("/")
    return f"{first}/{rest.partition('/')[0]}" if first == "devices" else first


def _text(nodes: dict[str, Node], path: str) -> str:
    below = path.removeprefix(f"{_top(path)}/")
    steps, _, attribute = below.rpartition("@")
    holder = nodes[path].find(steps.rstrip("/")) if steps else nodes[path]
    return "" if holder is None else holder.get(attribute, "")


class _Judge:
    """Validates rows for one target."""

    def __init__(self, world: World, open_world: OpenWorld) -> None:
        self._world = world
        self._open = partial(without_files, world.target.emulator, open_world)

    def row(self, kind: RowKind, values: Values) -> ExtendedRow:
        """Validate the domains of a row until one is accepted."""
        first = ""
        for domain in domains_of(kind, values, self._world):
            if is_accepted(domain.encode(), self._open):
                return ExtendedRow(dict(values), True, domain)
            first = first or domain
        error = first_error(first.encode(), self._open)
        return ExtendedRow(dict(values), False, first, error.code, error.message)
