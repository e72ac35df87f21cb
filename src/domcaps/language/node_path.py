"""Paths of what stands in a document, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def path_of(node: Node, attribute: str = "") -> str:
    """Give an XPath of an element or attribute, with positions where tags repeat."""
    steps = []
    current: Node | None = node
    while current is not None:
        step = str(current.tag)
        before = sum(1 for _ in current.itersiblings(step, preceding=True))
        if before or next(current.itersiblings(step), None) is not None:
            step += f"[{before + 1}]"
        steps.append(step)
        current = current.getparent()
    return with_attribute("/" + "/".join(reversed(steps)), attribute)


def tag_of(node: Node) -> str:
    """Give the name of an element as the document writes it, with its prefix: ``qemu:del``."""
    name = str(node.tag).rpartition("}")[2]
    return f"{node.prefix}:{name}" if node.prefix else name


def line_of(node: Node) -> int:
    """Give the line of an element as its parser counted it, 0 where it has none."""
    line: Any = node.sourceline  # the stubs do not know its type
    return line or 0


def plain_path_of(node: Node) -> str:
    """Give the path of an element without positions, for which no siblings are counted."""
    steps = [str(node.tag), *(str(outer.tag) for outer in node.iterancestors())]
    return without_positions("/" + "/".join(reversed(steps)))


def without_positions(path: str) -> str:
    """Give a path without positions and conditions: ``/domain/devices/hologram/@bus``."""
    return "/".join(step.partition("[")[0] for step in path.split("/"))


def with_attribute(path: str, attribute: str) -> str:
    """Give the path of an attribute, that of the element itself for "" as its name."""
    return f"{path}/@{attribute}" if attribute else path
