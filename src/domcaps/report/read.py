"""Reading ``<domainCapabilities>`` of any origin into the parts that a report is made of.

The table tells which elements have which; what it does not know is read all the same, so that a
comparison sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

from domcaps.elements import table
from domcaps.errors import InputError
from domcaps.language import Element, Place, Row, Values
from domcaps.report.answer import EnumAnswer, Section, ValuesAnswer
from domcaps.report.document import Document
from domcaps.xml_parser import elements_parser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as Node

_HEAD = ("path", "domain", "machine", "arch")
_GROUPS = ("devices", "features")
_SUPPORTED = {"yes": True, "no": False}
MAX_BYTES = 16 << 20
"""Bytes that a document may have."""


def read_report(data: bytes, where: str, libvirt: str = "") -> Document:
    """Read a document; `libvirt` is the release that wrote it.

    Raises `InputError` for what is no ``<domainCapabilities>``; `where` names it then.
    """
    root = _root(data, where)
    known = {place: [e for e in table() if e.place is place] for place in Place}
    path, domain, machine, arch = ((root.findtext(name) or "").strip() for name in _HEAD)
    top = [node for node in _elements(root) if node.tag not in {*_HEAD, *_GROUPS}]
    groups = {name: _elements(root.find(name)) for name in _GROUPS}
    return Document(
        path=path,
        domain=domain,
        machine=machine,
        arch=arch,
        libvirt=libvirt,
        top=tuple(_sections(top, known[Place.TOP])),
        devices=tuple(_sections(groups["devices"], known[Place.DEVICES])),
        features=tuple(_sections(groups["features"], known[Place.FEATURES])),
    )


def _root(data: bytes, where: str) -> Node:
    if len(data) > MAX_BYTES:
        raise InputError(f"it has more than {MAX_BYTES} bytes", where=where)
    try:
        root = etree.fromstring(data, elements_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"it is not XML: {error}", where=where) from error
    if root.tag != "domainCapabilities":
        raise InputError(
            f"it is <{root.tag}>, not <domainCapabilities>", where=where,
            remedy="'virsh domcapabilities' prints such a document",
        )  # fmt: skip
    return root


def _elements(node: Node | None) -> list[Node]:
    # comments and instructions are not read in
    return [] if node is None else list(node)


def _sections(nodes: Iterable[Node], known: Iterable[Element]) -> Iterator[Section]:
    for node in nodes:
        yield _section(node, _element_of(node, known))


def _element_of(node: Node, known: Iterable[Element]) -> Element | None:
    """Find the table's element: by its tag, and by its name where several have one tag."""
    for element in known:
        if (element.tag or element.name) != node.tag:
            continue
        fixed = dict(element.attributes) if isinstance(element.attributes, tuple) else {}
        if fixed.get("name") in {None, node.get("name")}:
            return element
    return None


def _section(node: Node, element: Element | None) -> Section:
    pairs = [(str(name), str(value)) for name, value in node.attrib.items()]
    content = () if element is None else element.content
    inner = [part for part in content if isinstance(part, Element)]
    named = next((part.name for part in content if isinstance(part, Values)), "")
    return Section(
        name=element.name if element is not None else str(node.tag),
        tag=str(node.tag),
        supported=_SUPPORTED.get(node.get("supported", "")),
        attributes=tuple(pair for pair in pairs if pair[0] != "supported"),
        # an element that ends on a line of its own
        has_body=bool(len(node) or node.text),
        parts=tuple(_parts(node, inner, named)),
    )


def _parts(node: Node, known: list[Element], named: str) -> Iterator[Any]:
    values = tuple((one.text or "").strip() for one in node.iterfind("value"))
    if values:
        yield ValuesAnswer(named, values)
    for child in _elements(node):
        if child.tag == "value":
            continue
        if child.tag == "enum":
            held = ((one.text or "").strip() for one in child.iterfind("value"))
            yield EnumAnswer(child.get("name", ""), tuple(held))
        elif (element := _element_of(child, known)) is not None:
            yield _section(child, element)
        elif child.get("supported") in _SUPPORTED and child.find("enum") is not None:
            yield _section(child, None)
        else:
            yield _row(child)


def _row(node: Node) -> Row:
    pairs = tuple((str(name), str(value)) for name, value in node.attrib.items())
    rows = tuple(_row(child) for child in _elements(node))
    return Row(str(node.tag), (node.text or "").strip(), pairs, rows)
