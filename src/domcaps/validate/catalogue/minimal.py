"""The smallest XML in which an attribute or element has a certain value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from lxml.etree import _Element as Node

    from domcaps.validate.schema.names import SchemaPlace

# one step of a path: a name, and what an attribute or child of it must be
_STEP = late_pattern(r"(?P<name>[^\[\]/]+)(?:\[(?P<at>@?)(?P<key>[\w:-]+)='(?P<value>[^']*)'\])?")


def element_with(path: str, values: Mapping[str, str]) -> str:
    """Give the element at a path of a domain with values at paths below it.

    `path` is that of a part, such as ``devices/video``; of it the children of ``<domain>`` or of
    ``<devices>`` are given, as a `Sample` has them. The keys of `values` are paths of fields:
    ``model/@type``, ``@type``, or ``model`` for its text.
    """
    top = etree.Element("domain")
    element = _walk(top, path)
    for where, text in values.items():
        put(element, where, text)
    if top.attrib:
        return _text(_completed(top))
    shown: Iterable[Node] = top
    if len(top) == 1 and top[0].tag == "devices" and len(top[0]):
        shown = top[0]
    return "".join(map(_text, shown))


def _text(node: Node) -> str:
    return etree.tostring(node, encoding="unicode", with_tail=False)


def domain_without(path: str) -> str | None:
    """Give a domain that lacks what every domain must have; None where `path` is no such thing."""
    if path not in _MUST:
        return None
    return _text(_completed(etree.Element("domain"), {path}))


_MUST = {"name": "sample", "memory": "1048576", "os/type": "hvm"}


def _completed(domain: Node, without: Collection[str] = ()) -> Node:
    """Add what every domain has."""
    if domain.get("type") is None:
        domain.set("type", "qemu")
    for path, text in _MUST.items():
        if path in without:
            _walk(domain, path.rpartition("/")[0])
        elif domain.find(path) is None:
            put(domain, path, text)
    return domain


def put(element: Node, where: str, text: str) -> None:
    """Write a text at a path below an element, and make what is missing on the way."""
    steps, _, attribute = where.rpartition("@") if "@" in where else (where, "", "")
    if attribute.endswith("]"):  # the @ stood in a condition of the last step
        steps, attribute = where, ""
    holder = _walk(element, steps.rstrip("/"))
    if attribute:
        holder.set(attribute, text)
    else:
        holder.text = text


def _walk(node: Node, path: str) -> Node:
    """Go down a path, and make what is missing."""
    steps = list(_STEP.finditer(path))
    for number, step in enumerate(steps):
        found = node.find(step[0])
        if found is None:
            name = step["name"]
            if name == "*":
                following = [later["name"] for later in steps[number + 1 :]]
                name = _any_name(node, following)
            found = etree.SubElement(node, name)
            if step["key"] and step["at"]:
                found.set(step["key"], step["value"])
            elif step["key"]:
                etree.SubElement(found, step["key"]).text = step["value"]
        node = found
    return node


def _any_name(parent: Node, following: list[str]) -> str:
    """Give some element that may stand in `parent` and hold what follows."""
    # most samples name all their elements: what may stand where need not be read
    from domcaps.validate.schema.vocabulary import vocabulary

    ancestors = [str(node.tag) for node in parent.iterancestors()]
    place = _down(vocabulary(), [*ancestors[-2::-1], str(parent.tag)])
    if place is not None:
        for name in sorted(place.children):
            if _down(place.children[name], following) is not None:
                return name
    return "any"


def _down(place: SchemaPlace | None, names: list[str]) -> SchemaPlace | None:
    for name in names:
        place = place.children.get(name) if place is not None else None
    return place
