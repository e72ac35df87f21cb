"""The XML of some elements of a domain, for those who need a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.errors import RequestError
from domcaps.similar import close_matches
from domcaps.validate.catalogue.rules import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

_INDENT = "  "


def elements_of(xml: str, name: str) -> tuple[str, ...]:
    """Give the elements of a name in ``<domain>`` and ``<devices>``, each without indentation.

    Raises `RequestError` for a name that no such element has.
    """
    root = etree.fromstring(xml)
    known = {*_names(), *(node.tag for at in ("*", "devices/*") for node in root.iterfind(at))}
    if name not in known:
        near = close_matches(name, known, n=1)
        raise RequestError(
            f"a domain has no element <{name}>",
            remedy=f"did you mean {near[0]!r}?" if near else "name one such as 'video' or 'cpu'",
        )
    return tuple(_text(node) for at in (name, f"devices/{name}") for node in root.iterfind(at))


def _names() -> Iterator[str]:
    for part in parts():
        steps = (part.path or "").split("/")
        if steps[0] == "devices":
            steps = steps[1:]
        if len(steps) == 1 and steps[0].isidentifier():
            yield steps[0]


def _text(node: etree._Element) -> str:
    node.tail = None
    etree.indent(node, _INDENT)
    return etree.tostring(node, encoding="unicode")
