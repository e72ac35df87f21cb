"""What a message says to do: the value that stands in for another, or the first repair of a rule.

A message that says already what to write is left as it is. So a reader of the verdict alone knows
what ``domcaps fix`` would try first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.language.node_path import tag_of
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language.fix import Fix

_VERBS = (
    "use|remove|set|add|write|choose|raise|lower|keep|change|install|rename|enable|load|record|"
    "move|give|select|replace|swap|merge|shorten|number|leave|put|connect|start|stop|name|correct|"
    "share|run|build|free|unload|bind|upgrade|create|check|define"
)
_STEP = late_pattern(
    rf"(?:^|[;:,.)] |\bor )(?:{_VERBS})\b(?! (?:the same|another|others|different)\b)|such as ",
    re.IGNORECASE,
)
"""An order to the reader, or an example, after what is wrong; "use another" is no order."""
_VAGUE = late_pattern(
    r"; (?:(?:use|choose|write) (?:the same|another|others|different)\b[^;]*|make them equal)$"
)
_REQUIRED = late_pattern(r"(?:requires|needs) (<[^>…]+>|[\w:]+='[^'…]*'(?: of <[\w:]+>)?)$")
_DONE = ("did you mean ", " is required: ")
"""What else says what to write."""


def says_what_to_do(message: str) -> bool:
    """Tell whether a message names the next step."""
    return any(words in message for words in _DONE) or _STEP.search(message) is not None


def with_value(message: str, attribute: str, advised: str, accepted: Sequence[str]) -> str:
    """Complete a message with the value to recommend, unless the message names one already.

    A limit that is named is no order yet, where it is the only value.
    """
    is_limit = advised.isdigit() and len(accepted) == 1 and bool(attribute)
    named = any(_is_named(value, message) for value in accepted)
    if (
        not advised
        or says_what_to_do(message)
        or not (is_limit or not (advised.isdigit() or named))
    ):
        return message
    return f"{message}; use {attribute}={advised!r}"


def _is_named(value: str, message: str) -> bool:
    """Tell whether a message has a value as a word of its own: ``virtio-net`` is not ``virtio``.

    Words such as ``no`` and ``on`` are values in quotes only.
    """
    if value.isalpha():
        return f"'{value}'" in message
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", message) is not None


def with_requirement(message: str) -> str:
    """Complete a message that ends with the XML that is required with the order to write it."""
    found = _REQUIRED.search(message)
    if found is None or says_what_to_do(message):
        return message
    return f"{message}; {'add it' if found[1].endswith('/>') else 'use that'}"


def with_fix(message: str, fixes: Sequence[Fix], node: Node) -> str:
    """Complete a message of a rule with the first repair that changes something."""
    if not fixes or says_what_to_do(message):
        return message
    for fix in fixes:
        written = list(_written(fix, node))
        if written or fix.add:
            new = [text for text in (*written, fix.add) if text and text not in message]
            order = f"use {' and '.join(new)}" if written else f"add {fix.add}"
            known = "set that" if written else "add it"
            return f"{_VAGUE.sub('', message)}; {order if new else known}"
        if gone := [said for at in fix.without if (said := _named(at, node))]:
            return f"{message}; remove {' and '.join(gone)}"
    return message


def _written(fix: Fix, node: Node) -> Iterator[str]:
    """Name what a fix writes and what does not stand there already, element by element."""
    places: dict[str, dict[str, str]] = {}
    for at, text in fix.values:
        steps, name = _split(at)
        places.setdefault(steps, {})[name] = text
    for steps, values in places.items():
        holder = _holder(node, steps)
        new = {name: text for name, text in values.items() if _text(holder, name) != text}
        tag = steps.rpartition("/")[2].partition("[")[0] if holder is None else tag_of(holder)
        if "" in new or (new and holder is None):
            yield _element(tag, new)
        elif new:
            said = " and ".join(f"{name}='{text}'" for name, text in new.items())
            yield said if holder is node else f"{said} of <{tag}>"


def _element(tag: str, values: dict[str, str]) -> str:
    """Write an element with attributes, and the text under the name ""."""
    start = " ".join([tag, *(f"{name}='{text}'" for name, text in values.items() if name)])
    return f"<{start}>{values['']}</{tag}>" if values.get("") else f"<{start}/>"


def _named(at: str, node: Node) -> str:
    """Name what stands at a path that a fix clears, "" where nothing does."""
    steps, name = _split(at)
    holder = _holder(node, steps)
    text = _text(holder, name)
    if holder is None or text is None:
        return ""
    return f"{name}='{text}'" if name else f"<{tag_of(holder)}>"


def _split(at: str) -> tuple[str, str]:
    """Split a path into that of an element and the name of an attribute, "" for the text."""
    steps, _, name = at.rpartition("@") if "@" in at else (at, "", "")
    return steps.rstrip("/"), name


def _text(holder: Node | None, name: str) -> str | None:
    if holder is None:
        return None
    return holder.get(name) if name else (holder.text or "").strip()


def _holder(node: Node, steps: str) -> Node | None:
    """Find the element at a path from the finding's element, or from the root."""
    if not steps.startswith("/"):
        return node.find(steps) if steps else node
    below = steps.removeprefix("/domain").lstrip("/")
    while (parent := node.getparent()) is not None:
        node = parent
    return node.find(below) if below else node
