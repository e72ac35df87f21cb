"""Taking away what libvirt ignores, because another element of its name came first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.schema.repeated import (
    CONTINUED,
    FIRST_CHILDREN_WIN,
    FIRST_WINS,
    FIRST_WINS_IN_DEVICES,
    MERGED,
    MERGED_ATTRIBUTES,
    MERGED_CHILDREN,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node


_ONCE_INSIDE = ("type", "topology", "maxphysaddr", "loader", "nvram", "varstore")
"""What counts once in ``<cpu>`` and ``<os>``."""


def take_away(root: Node) -> Iterator[Node]:
    """Take away what is ignored; each is given before it goes, the first one while all are."""
    for node in (*_of_domain(root), *_of_devices(root)):
        parent = node.getparent()
        if parent is None:
            continue
        yield node
        if node.tag in MERGED:
            _complete(root.find(node.tag), node)
        elif node.tag == "cpu":
            _continue(root.find(node.tag), node)
        parent.remove(node)


def take_repeated_away(root: Node) -> None:
    """Take away what is ignored."""
    for _ in take_away(root):
        pass


def _repeated(root: Node, path: str) -> list[Node]:
    """Give the second and later ones at a path, within each element that they stand in."""
    nodes = root.findall(path)
    if len(nodes) < 2:
        return []
    parents = {node.getparent(): None for node in nodes}
    tag = path.rpartition("/")[2]
    return [node for parent in parents for node in parent.findall(tag)[1:]]  # type: ignore[union-attr]


def _of_domain(root: Node) -> Iterator[Node]:
    tags = [child.tag for child in root]
    # most domains have one of each, and no NUMA: a few looks instead of one for each
    if len(set(tags)) < len(tags) or _may_repeat_inside(root):
        for path in FIRST_WINS:
            yield from _repeated(root, path)
    for path in FIRST_CHILDREN_WIN:
        for around in root.iterfind(path):
            yield from _repeated_children(around)


def _may_repeat_inside(root: Node) -> bool:
    """Tell whether something can be repeated though no child of the domain is."""
    for around in root.iterchildren("cpu", "os"):
        tags = [child.tag for child in around]
        if "numa" in tags:
            return True
        if len(set(tags)) < len(tags) and any(tags.count(name) > 1 for name in _ONCE_INSIDE):
            return True
    return root.find("devices/disk/source/cookies") is not None


def _of_devices(root: Node) -> Iterator[Node]:
    for device in root.iterfind("devices/*"):
        if len(device) < 2:
            continue
        tags = [child.tag for child in device]
        for tag in FIRST_WINS_IN_DEVICES if len(set(tags)) < len(tags) else ():
            yield from device.findall(tag)[1:]


def _repeated_children(node: Node) -> list[Node]:
    """Give the second and later children of each name."""
    tags: set[str] = set()
    found = []
    for child in node:
        if child.tag in tags:
            found.append(child)
        tags.add(str(child.tag))
    return found


def _continue(first: Node | None, other: Node | None) -> None:
    """Add to an element what libvirt reads in another one of its name, too."""
    inner = CONTINUED.get(str(other.tag), "") if other is not None else ""
    if first is None or other is None:
        return
    here, there = first.find(inner) if inner else None, other.find(inner) if inner else None
    if there is None:
        return
    if here is None:
        first.append(there)
        return
    _continue(here, there)
    for child in list(there):
        if child.tag != CONTINUED.get(str(there.tag)):
            here.append(child)


def _complete(first: Node | None, other: Node) -> None:
    """Add to an element what only another one of its name has."""
    if first is None:
        return
    _add_attributes(first, other)
    for child in list(other):
        known = first.find(child.tag)
        if child.tag in MERGED_CHILDREN or known is None:
            first.append(child)
        elif child.tag in MERGED_ATTRIBUTES:
            _add_attributes(known, child)


def _add_attributes(first: Node, other: Node) -> None:
    for name, text in other.items():
        if first.get(name) is None:
            first.set(name, text)
