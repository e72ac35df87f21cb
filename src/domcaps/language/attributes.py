"""The form of attributes that libvirt reads in some cases only, or that come in tables.

::

    PROJECTOR = Attributes({"depth": UNSIGNED, "colour": ON_OFF})
    …
    if hologram.is_projected:
        yield from PROJECTOR.problems(hologram.find("projector"))

What libvirt reads in every case is better declared as a field of its part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.finding import quoted
from domcaps.language.rule import problem
from domcaps.language.struct import Struct
from domcaps.language.value_types import Text, fits
from domcaps.language.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Node

    from domcaps.language.rule import Problems
    from domcaps.language.value_types import ValueType

_MOST_DIGITS = 60
"""A longer number is not read: Python refuses some, and libvirt counts none so large."""


class Attributes(Struct, frozen=True):
    """Attributes of one element by name, each with its form; `required` ones must be present."""

    kinds: Mapping[str, ValueType[Any]]
    required: tuple[str, ...] = ()

    def problems(self, node: Node | None) -> Problems:
        """Give what is missing or malformed at an element; nothing where there is no element."""
        if node is None:
            return
        for name in self.required:
            if node.get(name) is None:
                such = _such(self.kinds.get(name))
                message = f"<{node.tag}> needs the attribute {name!r}{such}; add it"
                yield problem(message, node, f"@{name}", accepted=_names(self.kinds.get(name)))
        for name, kind in self.kinds.items():
            text = node.get(name)
            if text is not None and not fits(kind, text):
                yield problem(
                    f"attribute {name!r} of <{node.tag}> is {quoted(text)}, but must be "
                    f"{kind.expected}{did_you_mean(text, _names(kind))}",
                    node,
                    f"@{name}",
                    accepted=_names(kind),
                    fix=kind.fixes(text, f"@{name}", node.get("unit") or ""),
                )


def number(node: Node | None, name: str, default: int = 0) -> int:
    """Give a decimal attribute, the default where it is absent or no number."""
    text = None if node is None else node.get(name)
    try:
        return default if text is None or len(text) > _MOST_DIGITS else int(text)
    except ValueError:
        return default


def _such(kind: ValueType[Any] | None) -> str:
    """Complete "needs the attribute x" with what to write; "" where that is any text."""
    if kind is None or (isinstance(kind, Text) and not kind.pattern and kind.expected == "text"):
        return ""
    return f": {kind.expected}"


def _names(kind: ValueType[Any] | None) -> tuple[str, ...]:
    return tuple(getattr(kind, "names", ()))
