"""The lint of language: phrases that readers stumbled on, and where people read text.

A phrase is banned where it says something in words of its own that the field has a word for:
"passes over" for *ignores*, "can be had" for *is available*. The list is short on purpose; it names
what was found in reviews, and nothing that a plain sentence needs.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BANNED = (
    r"nobody",
    r"whoever",
    r"(?:is|are|was|were|be|been) told",
    r"what (?:was|is) wanted",
    r"can(?:'t|not)? be had",
    r"this one offers",
    r"slips? of the pen",
    r"passed over",
    r"pass(?:es)? over (?:it|them|names|the|those)",
    r"in whose words",
    r"whose words",
    r"for long",
    r"of two minds",
    r"mean no good",
    r"without a word",
    r"finds? fault",
    r"mend(?:s|ed|ing)?",
    r"goes without saying",
    r"it would be a yes",
    r"is no known",
    r"must be there",
    r"stands here a second time",
    r"not a (?:known|valid) value",
    r"by definition",
    r"somebody else",
    r"soldered on",
    r"takes no notice",
)
_PHRASES = "|".join(BANNED).replace(" ", r"\s+")
_PATTERN = re.compile(rf"(?<![\w'-])(?:{_PHRASES})(?![\w'-])", re.IGNORECASE)
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def stumbles(text: str) -> list[str]:
    """Give the banned phrases in a text, as they stand; markup of code is not read."""
    return [" ".join(found[0].split()) for found in _PATTERN.finditer(_CODE.sub("`", text))]


# an element with an attribute that has no value: no document of libvirt or XML writes it so
_LOOSE = re.compile(r"<[a-zA-Z][\w:-]*(?: [a-zA-Z_][\w-]*)+/?>")
# the limits of integer types, with a sign or not
_LIMIT = re.compile(
    r"(?<!\d)(?:2147483647|2147483648|4294967295|9223372036854775807|18446744073709551615)(?!\d)"
)


def loose_xml(text: str) -> list[str]:
    """Give what looks like XML and is none: ``<driver queues>``, an attribute without a value."""
    return _LOOSE.findall(text)


def limits_of_types(text: str) -> list[str]:
    """Give the limits of integer types in a text: they help no reader."""
    return _LIMIT.findall(text)


def in_markdown(text: str) -> list[str]:
    """Give the banned phrases of a Markdown document, without its code blocks."""
    return stumbles(text)


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Give every text of a module that people may read, with its line: docstrings, messages, help.

    Those are its strings with more than one word.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def documents(root: Path) -> Iterator[Path]:
    """Give the documents that people read: the README, how to contribute, and docs/."""
    yield root / "README.md"
    yield root / "CONTRIBUTING.md"
    yield from sorted((root / "docs").rglob("*.md"))
