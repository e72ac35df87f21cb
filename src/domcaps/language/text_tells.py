"""What a text or an attribute of an element tells, for rules that ask no more of it than that.

A name or a path is another one in every domain. A rule that reads it is looked at again for each;
one that asks whether it is empty gets the same answer for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

T = TypeVar("T")


def text_tells(root: Node, path: str, tell: Callable[[str], T]) -> T:
    """Give what a function makes of the text of the first element at a path, or of "".

    `tell` is a function of a module that looks at nothing but the text.
    """
    node: Any = root.find(path)
    if node is None:
        return tell("")
    # watched elements note the answer, and not the text
    told: Callable[[Callable[[str], T]], T] | None = getattr(node, "told", None)
    return tell(node.text or "") if told is None else told(tell)


def attribute_tells(node: Node | None, name: str, tell: Callable[[str], T]) -> T:
    """Give what a function makes of an attribute of an element, or of "" where there is none.

    `tell` is a function of a module that looks at nothing but the text.
    """
    if node is None:
        return tell("")
    watched: Any = node
    told: Callable[[str, Callable[[str], T]], T] | None = getattr(watched, "told_by", None)
    return tell(node.get(name) or "") if told is None else told(name, tell)
