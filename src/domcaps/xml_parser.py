"""The parser for XML that others wrote, of which elements and texts alone count."""

from __future__ import annotations

from lxml import etree


def elements_parser() -> etree.XMLParser:
    """Give a parser without entities and without the network; it drops comments and the like."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
