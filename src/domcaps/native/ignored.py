"""What libvirt does not read of a domain: names that it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.validate.document.walk import DocumentWalk

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Reading

_KNOWN_NAMESPACE = "{http://libvirt.org/schemas/domain/qemu/"
_IGNORED = "libvirt does not know this, and ignores it"


def pass_over(reading: Reading, root: Node) -> None:
    """Note what libvirt ignores, so that it needs no argument."""
    for part in root.iterchildren("*"):
        # metadata is kept for others, whatever it is
        for node in part.iter("*") if part.tag != "metadata" else ():
            if _is_foreign(node) and not reading.is_taken(node):
                reading.beside(node, _IGNORED)
    for node, attribute, _ in DocumentWalk(root).unknown:
        if attribute:
            reading.beside_attribute(node, attribute, _IGNORED)
        else:
            reading.beside(node, _IGNORED)


def _is_foreign(node: Node) -> bool:
    """Tell whether an element is in a namespace that libvirt does not know."""
    tag = str(node.tag)
    return tag.startswith("{") and not tag.startswith(_KNOWN_NAMESPACE)
