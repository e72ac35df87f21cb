"""Edits that may mend a finding, the least harmful first.

A value is replaced before it is taken away, an attribute is taken away before its element, and a
device as a whole only when nothing else is left. Elements without which there is no domain stay.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.choose.catalogue import decisions
from domcaps.language.node_path import path_of
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.rules import parts
from domcaps.validate.catalogue.samples import domain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.choose.text import Text
    from domcaps.language.finding import Finding
    from domcaps.language.part import Field

_ESSENTIAL = frozenset({"domain", "name", "os", "devices"})
_MOST_VALUES = 16
_SEVERAL = frozenset({"devices", "domain"})

# how much harm an edit does: the value at fault, its absence, one that the manual shows, …
_HERE, _GONE, _SHOWN, _ADDED, _NEAR, _INSIDE, _KIND, _ELSEWHERE, _TARGET = (
    10, 15, 17, 20, 25, 30, 45, 60, 70,
)  # fmt: skip
# attributes that make a thing another thing
_KINDS = frozenset({"type", "bus", "device", "model", "mode"})


@dataclass(frozen=True)
class Edit:
    """One edit: what it does, where, to which text, and how much harm it does."""

    what: str
    path: str
    harm: int
    apply: Callable[[], bytes]

    @property
    def is_removal_here(self) -> bool:
        """Whether it takes away what was found, of which there may be more."""
        return _GONE * 100 <= self.harm < _SHOWN * 100


@functools.cache
def _fields() -> dict[str, list[Field[object]]]:
    """Give what is declared about each attribute and text, by its path without numbers."""
    found: dict[str, list[Field[object]]] = {}
    for part in parts():
        base = "/".join(filter(None, ("/domain", part.path)))
        for declared in part.fields():
            path = f"{base}/{declared.path}".rstrip("/")
            found.setdefault(_plain(path), []).append(declared)
    return found


def _plain(path: str) -> str:
    return "/".join(step.partition("[")[0] for step in path.split("/"))


def values_of(path: str) -> list[str]:
    """Give the values that an attribute or text may have by its declaration."""
    found: dict[str, None] = {}
    for declared in _fields().get(_plain(path), ()):
        if declared.choice is not None:
            found |= dict.fromkeys(choice.name for choice in declared.choice.choices)
        found |= dict.fromkeys(getattr(declared.kind, "names", ()))
    return list(found)


@functools.cache
def _ranks() -> dict[str, dict[str, int]]:
    """Give the order in which the table prefers values, by the path of the attribute."""
    found: dict[str, dict[str, int]] = {}
    by_enum = {id(d.enum): d for d in decisions() if d.enum is not None}
    for path, declared in _fields().items():
        for one in declared:
            decision = by_enum.get(id(one.choice)) if one.choice is not None else None
            if decision is not None:
                ranks = found.setdefault(path, {})
                for number, option in enumerate(decision.options):
                    ranks.setdefault(option.value, number)
    return found


@functools.lru_cache(maxsize=1024)
def _sample(code: str) -> Node | None:
    """Give the domain by which the manual of a finding shows how it is right."""
    known = codes().get(code)
    if known is None or known.good is None:
        return None
    return etree.fromstring(domain_of(known.good).encode())


@functools.lru_cache(maxsize=1024)
def _shown(code: str, path: str) -> tuple[str, ...]:
    """Give the value that the manual of a finding shows at a place, where it shows one."""
    root = _sample(code)
    if root is None:
        return ()
    steps, _, attribute = path.removeprefix("/domain").lstrip("/").partition("@")
    found = root.findall(steps.rstrip("/")) if steps else [root]
    values = [node.get(attribute) if attribute else (node.text or "").strip() for node in found]
    return tuple(dict.fromkeys(value for value in values if value))


def _ordered(path: str, old: str, values: Iterable[str]) -> list[str]:
    """Put values that look like the old one first, then those that the table prefers."""
    listed = [value for value in dict.fromkeys(values) if value not in {old, ""}]
    near = difflib.get_close_matches(old, listed, n=2, cutoff=0.75)
    ranks = _ranks().get(_plain(path), {})
    rest = sorted(
        (value for value in listed if value not in near),
        key=lambda value: ranks.get(value, len(ranks) + listed.index(value)),
    )
    return (near + rest)[:_MOST_VALUES]


class Edits:
    """Edits of one text."""

    def __init__(self, text: Text, machines: Sequence[str], kinds: Sequence[str]) -> None:
        self.text = text
        self.kinds = kinds
        self.machines = machines

    def mending(self, finding: Finding, *, wide: bool = False) -> list[Edit]:
        """Give the edits that may mend a finding, the least harmful first.

        With `wide` they are looked for in all that the domain says beside its devices, as well.
        """
        place = self.text.node(finding.path)
        if place is None:
            return []
        node, attribute = place
        found = list(self._at(node, attribute, finding))
        device = self._device(node)
        for inner in self._around(node, device):
            own = inner is node
            for name in inner.keys():  # noqa: SIM118 - an element is not its attributes
                if not own or name != attribute:
                    harm = _KIND if name in _KINDS else _NEAR
                    found += self._values(inner, str(name), (), harm=harm)
                    found.append(self._without_attribute(inner, str(name), harm=harm - own))
            if not own:
                found += self._texts(inner, (), harm=_NEAR)
                found += self._without(inner, harm=_INSIDE)
        inside = node is not device and not attribute
        found += self._without(node, harm=_GONE if inside else _INSIDE)
        found += self._added(node, finding.code)
        if wide:
            found += self._elsewhere()
        found += self._target()
        unique: dict[tuple[str, str], Edit] = {}
        for edit in found:
            known = unique.get((edit.what, edit.path))
            if known is None or edit.harm < known.harm:
                unique[edit.what, edit.path] = edit
        return sorted(unique.values(), key=lambda edit: edit.harm)

    def all(self) -> Iterator[Edit]:
        """Give every edit of a value and every removal, whatever was found."""
        for node in self.text.root.iter():
            for name in node.keys():  # noqa: SIM118 - an element is not its attributes
                yield from self._values(node, str(name), (), harm=20)
                yield self._without_attribute(node, str(name), harm=30)
            yield from self._texts(node, (), harm=20)
            yield from self._without(node, harm=40)
        yield from self._target()

    def _at(self, node: Node, attribute: str, finding: Finding) -> Iterator[Edit]:
        accepted, path = finding.accepted, path_of(node, attribute)
        shown = _shown(finding.code, _plain(path))
        if attribute:
            sure = bool(accepted) or attribute not in _KINDS
            yield from self._values(node, attribute, accepted, harm=_HERE if sure else _KIND)
            if node.get(attribute) is not None:
                yield self._without_attribute(node, attribute, harm=_GONE)
            yield from self._values(node, attribute, shown, harm=_SHOWN)
        else:
            yield from self._texts(node, accepted, harm=_HERE)
            yield from self._texts(node, shown, harm=_SHOWN)

    def _values(
        self, node: Node, name: str, accepted: tuple[str, ...], *, harm: int
    ) -> Iterator[Edit]:
        path = path_of(node, name)
        old = node.get(name)
        values = accepted or values_of(path)
        if node.tag == "domain" and name == "type":
            values = tuple(self.kinds)
        if node.tag == "type" and name == "machine":
            values = tuple(self.machines)
        for number, value in enumerate(_ordered(path, old or "", values)):
            what = f"{name}='{value}'" + (f" instead of '{old}'" if old is not None else " added")
            yield Edit(
                what, path, harm * 100 + number,
                functools.partial(self.text.set_attribute, node, name, value),
            )  # fmt: skip

    def _texts(self, node: Node, accepted: tuple[str, ...], *, harm: int) -> Iterator[Edit]:
        if len(node):
            return
        path = path_of(node)
        old = (node.text or "").strip()
        for number, value in enumerate(_ordered(path, old, accepted or values_of(path))):
            yield Edit(
                f"<{node.tag}> {value!r} instead of {old!r}", path, harm * 100 + number,
                functools.partial(self.text.set_text, node, value),
            )  # fmt: skip

    def _added(self, node: Node, code: str) -> Iterator[Edit]:
        """Add what the manual of a finding has at this place, and the domain lacks."""
        sample = _sample(code)
        if sample is None:
            return
        steps = _plain(path_of(node)).removeprefix("/domain").lstrip("/")
        for shown in sample.findall(steps) if steps else [sample]:
            for name, value in ((str(n), str(v)) for n, v in shown.items()):
                if node.get(name) is None:
                    yield Edit(
                        f"{name}='{value}' added", path_of(node, name), _ADDED * 100,
                        functools.partial(self.text.set_attribute, node, name, value),
                    )  # fmt: skip
            for child in shown:
                if node.find(child.tag) is None:
                    xml = etree.tostring(child, encoding="unicode", with_tail=False)
                    yield Edit(
                        f"{' '.join(xml.split())} added", path_of(node), _ADDED * 100 + len(xml),
                        functools.partial(self.text.add_element, node, " ".join(xml.split())),
                    )  # fmt: skip

    def _without_attribute(self, node: Node, name: str, *, harm: int) -> Edit:
        return Edit(
            f"{name}='{node.get(name)}' taken away",
            path_of(node, name),
            harm * 100,
            functools.partial(self.text.remove_attribute, node, name),
        )

    def _without(self, node: Node, *, harm: int) -> Iterator[Edit]:
        """Take an element away, or one that it stands in; larger ones do more harm."""
        current: Node | None = node
        while current is not self.text.root and current is not None:
            if current.tag in _ESSENTIAL:
                return
            size = sum(1 + len(inner.keys()) for inner in current.iter())
            yield Edit(
                f"<{current.tag}> taken away",
                path_of(current),
                harm * 100 + 10 * size,
                functools.partial(self.text.remove_element, current),
            )
            harm += 10
            current = current.getparent()

    def _target(self) -> Iterator[Edit]:
        """Change the machine type, which is a part of nothing that was found."""
        kind = self.text.root.find("os/type")
        if kind is not None:
            yield from self._values(kind, "machine", tuple(self.machines), harm=_TARGET)

    def _elsewhere(self) -> Iterator[Edit]:
        """Change what the domain says of itself: a feature may be what a device misses."""
        for top in self.text.root:
            if top.tag in _ESSENTIAL:
                continue
            for inner in top.iter():
                for name in inner.keys():  # noqa: SIM118 - an element is not its attributes
                    yield from self._values(inner, str(name), (), harm=_ELSEWHERE)
                yield from self._without(inner, harm=_ELSEWHERE)

    def _device(self, node: Node) -> Node:
        """Give the device or child of <domain> that an element belongs to."""
        current = node
        while True:
            parent = current.getparent()
            if parent is None or parent.tag in _SEVERAL:
                return current
            current = parent

    def _around(self, node: Node, device: Node) -> Iterator[Node]:
        """Give the elements near one: what is inside, then the rest of the device."""
        if device.tag in _SEVERAL:
            yield node
            return
        seen = set()
        for inner in (*node.iter(), *device.iter()):
            if inner not in seen:
                seen.add(inner)
                yield inner
