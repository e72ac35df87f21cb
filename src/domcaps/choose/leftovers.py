"""What an edit leaves behind that has no meaning any more, and is removed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose.applied import apply
from domcaps.choose.disk_names import BUS, fitting_name
from domcaps.choose.text import DocumentText, text_of
from domcaps.elements.base.written import NOTHING_ALONE
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.fix import Carried


def without_element(text: DocumentText, node: Node) -> bytes:
    """Remove an element, and those around it that would say nothing without it."""
    return text.remove_element(_whole(text, node))


def without_attribute(text: DocumentText, node: Node, name: str) -> bytes:
    """Remove an attribute, and its element where that would say nothing without it."""
    if node.tag in NOTHING_ALONE and len(node.keys()) == 1 and _has_nothing(node):
        return without_element(text, node)
    return text.remove_attribute(node, name)


def _whole(text: DocumentText, node: Node) -> Node:
    parent = node.getparent()
    if parent is None or parent.tag not in NOTHING_ALONE or parent.keys():
        return node
    return _whole(text, parent) if text.is_all_of(parent, node) else node


def _has_nothing(node: Node) -> bool:
    return not len(node) and not (node.text or "").strip()


def after_change(
    data: bytes, device: str, path: str, only: tuple[str, ...], companions: tuple[str, ...]
) -> bytes:
    """Remove what had a meaning with the old value alone.

    `device` is the path of the device, `path` that of the value without numbers, `only` what goes
    below the device, `companions` other devices, by their paths below ``<domain>``.
    """
    for at in only:
        for place in _all_of(data, device, at):
            data = apply(data, device, Fix(without=(place,)))
    for companion in companions:
        data = _without_companions(data, companion)
    return _renamed(data, device) if path == BUS else data


def in_other_form(data: bytes, one: Carried) -> bytes:
    """Write devices that go on beside a new value in another form."""
    places = [path_of(node) for node in text_of(data).root.iterfind(one.path)]
    for place in places:
        data = apply(data, place, one.fix)
    return data


def _renamed(data: bytes, device: str) -> bytes:
    text = text_of(data)
    found = text.node(f"{device}/target")
    name = fitting_name(text.root, found[0]) if found is not None else ""
    return apply(data, f"{device}/target", set_value(name, "@dev")) if name else data


def _all_of(data: bytes, device: str, at: str) -> list[str]:
    """Give the paths, from the root, of what stands at a path below a device, the last first."""
    found = text_of(data).node(device)
    if found is None:
        return []
    steps, _, attribute = at.partition("@")
    steps = steps.rstrip("/")
    nodes = list(found[0].iterfind(steps)) if steps else [found[0]]
    return [path_of(node, attribute) for node in reversed(nodes)]


def _without_companions(data: bytes, companion: str) -> bytes:
    while True:
        text = text_of(data)
        node = text.root.find(companion)
        if node is None:
            return data
        data = text.remove_element(node)
