"""A fix as an edit of a text: elements are merged, values set, what has no meaning is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.choose.text import text_of
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.fix import Fix

_KEYS = ("name", "id")
"""Attributes that identify an element among others of its name; without them it occurs once."""


def apply(data: bytes, path: str, fix: Fix) -> bytes:
    """Give the text after a fix for a finding at `path`; the same text where nothing is left to do.

    Raises `LookupError` where the element of the finding, or one that a value belongs to, is not
    there.
    """
    element = path.partition("/@")[0]
    for at, name in fix.renames:
        data = _rename(data, place(element, at), name)
    for at, text in fix.values:
        data = _set(data, place(element, at), text)
    for at in fix.without:
        data = _remove(data, place(element, at))
    if fix.add:
        for child in etree.fromstring(f"<x>{fix.add}</x>"):
            data = _merge(data, "/domain", child)
    return data


def place(element: str, at: str) -> str:
    """Give the path that one below an element of a finding, or from the root, means."""
    if at.startswith("/"):
        return at
    while at.startswith(".."):
        element, at = element.rpartition("/")[0], at[2:].removeprefix("/")
    return f"{element}/{at}" if at else element


def _set(data: bytes, path: str, value: str) -> bytes:
    text = text_of(data)
    steps, _, attribute = path.partition("/@")
    found = text.node(steps)
    if found is None:
        above, _, tag = steps.rpartition("/")
        if text.node(above) is None:
            raise LookupError(path)
        child = etree.Element(tag.partition("[")[0], {attribute: value} if attribute else {})
        child.text = None if attribute else value
        return text.add_element(text.node(above)[0], child)  # type: ignore[index]
    node = found[0]
    return text.set_attribute(node, attribute, value) if attribute else text.set_text(node, value)


def _rename(data: bytes, path: str, name: str) -> bytes:
    text = text_of(data)
    found = text.node(path)
    if found is None or found[0].get(found[1]) is None:
        raise LookupError(path)
    return text.rename_attribute(*found, name)


def _remove(data: bytes, path: str) -> bytes:
    text = text_of(data)
    found = text.node(path)
    if found is None:
        return data
    node, attribute = found
    if not attribute:
        return text.remove_element(node)
    return text.remove_attribute(node, attribute) if node.get(attribute) is not None else data


def _merge(data: bytes, parent: str, child: Node) -> bytes:
    """Put an element into the one at a path, and into the one of its kind that is there."""
    text = text_of(data)
    found = text.node(parent)
    if found is None:
        raise LookupError(parent)
    known = None if parent.endswith("/devices") else _known(found[0], child)
    if known is None:
        return text.add_element(found[0], child)
    path = path_of(known)
    for name, value in child.items():
        if known.get(name) != value:
            data = _set(data, f"{path}/@{name!s}", str(value))
    inner = (child.text or "").strip()
    if inner and not (known.text or "").strip():
        data = _set(data, path, inner)
    for one in child:
        data = _merge(data, path, one)
    return data


def _known(parent: Node, child: Node) -> Node | None:
    key = next((name for name in _KEYS if child.get(name) is not None), None)
    for one in parent.iterchildren(child.tag):
        if key is None or one.get(key) == child.get(key):
            return one
    return None
