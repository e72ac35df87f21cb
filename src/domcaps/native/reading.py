"""Reading a domain so that it is known what was read.

Who writes a command line takes from the domain what it tells QEMU. What nobody took would be
left out without a word: `Reading.finish` refuses a domain of which something is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.errors import UntoldError
from domcaps.validate.document.parse import path_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from lxml.etree import _Element as Node

_ITSELF = ""
_TEXT = "#text"


class Reading:
    """A domain, and what was taken of it: elements, attributes, texts."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._taken: set[tuple[Node, str]] = {(root, _ITSELF)}

    def get(self, node: Node, name: str, among: Collection[str] | None = None) -> str | None:
        """Take an attribute; raises `UntoldError` where it is not one of `among`.

        Without `among` any value is told as it stands.
        """
        value = node.get(name)
        self._taken.add((node, name))
        if value is not None and among is not None and value not in among:
            raise untold(node, name, f"the value {value!r}")
        return value

    def number(self, node: Node, name: str) -> int | None:
        """Take an attribute that is a number, in any base that libvirt reads."""
        value = self.get(node, name)
        if value is None:
            return None
        try:
            return int(value, 0)
        except ValueError:
            raise untold(node, name, f"the value {value!r}") from None

    def text(self, node: Node, among: Collection[str] | None = None) -> str:
        """Take the text of an element."""
        self._taken.add((node, _TEXT))
        value = (node.text or "").strip()
        if among is not None and value not in among:
            raise untold(node, "", f"the value {value!r}")
        return value

    def child(self, node: Node, tag: str) -> Node | None:
        """Take an element inside another one, the first of its name; None where there is none."""
        found = node.find(tag)
        if found is not None:
            self._taken.add((found, _ITSELF))
        return found

    def children(self, node: Node, tag: str) -> list[Node]:
        """Take all elements of a name inside another one."""
        found = node.findall(tag)
        self._taken.update((one, _ITSELF) for one in found)
        return found

    def set_aside(self, node: Node, *names: str) -> None:
        """Take attributes by which libvirt is meant, not QEMU."""
        self._taken.update((node, name) for name in names)

    def set_aside_whole(self, node: Node) -> None:
        """Take an element, with all inside, that says nothing about the machine."""
        for one in node.iter():
            self._taken |= {
                (one, _ITSELF),
                (one, _TEXT),
                *((one, str(name)) for name in one.attrib),
            }

    def finish(self) -> None:
        """Raise `UntoldError` for the first thing in the domain that was not taken."""
        for node in self.root.iter():
            if (node, _ITSELF) not in self._taken:
                raise untold(node)
            for name in node.attrib:
                if (node, str(name)) not in self._taken:
                    raise untold(node, str(name))
            if (node.text or "").strip() and (node, _TEXT) not in self._taken:
                raise untold(node, "", "its text")


def untold(node: Node, attribute: str = "", what: str = "") -> UntoldError:
    """Give the error for something that QEMU is not told about."""
    kind = node.get("type") or node.get("model")
    shown = f"<{node.tag} type='{kind}'>" if kind and node.get("type") else f"<{node.tag}>"
    subject = f"{attribute}= of {shown}" if attribute else shown
    subject = f"{what}: {subject}" if what else subject
    return UntoldError(f"not supported: {subject}", where=path_of(node, attribute))
