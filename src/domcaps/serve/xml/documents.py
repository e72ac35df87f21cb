"""XML that a client sends, read without entities and without the network."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def parse(data: str | bytes, domain: ErrorDomain = ErrorDomain.QEMU) -> Node:
    """Read a document; raises `LibvirtError` for what is no XML."""
    try:
        # text that declares an encoding would be refused
        data = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        raise LibvirtError(
            ErrorNumber.XML_DETAIL, f"at line {error.lineno}: {error.msg}", domain
        ) from error


def uuid_of(root: Node, domain: ErrorDomain) -> bytes | None:
    """Give the ``<uuid>`` of an element, None where absent; raises `LibvirtError` for no UUID."""
    text = (root.findtext("uuid") or "").strip()
    try:
        return uuid.UUID(text).bytes if text else None
    except ValueError as error:
        raise LibvirtError(ErrorNumber.XML_ERROR, "malformed uuid element", domain) from error
