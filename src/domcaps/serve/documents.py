"""XML that a client sends, read without entities and without the network."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.serve.faults import Code, Fault, Origin

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def parse(data: bytes, origin: Origin = Origin.QEMU) -> Node:
    """Read a document; raises `Fault` for what is no XML."""
    try:
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        raise Fault(Code.XML_ERROR, str(error), origin) from error


def uuid_of(root: Node, origin: Origin) -> bytes | None:
    """Give what its ``<uuid>`` says, None where it says nothing; raises `Fault` for no UUID."""
    text = (root.findtext("uuid") or "").strip()
    try:
        return uuid.UUID(text).bytes if text else None
    except ValueError as error:
        raise Fault(Code.XML_ERROR, "malformed uuid element", origin) from error
