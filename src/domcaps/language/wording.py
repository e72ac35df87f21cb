"""Phrases that titles, messages and explanations share, so that each is worded once.

Titles and docstrings mark up XML and values with double backticks, as reStructuredText does;
`plain` turns them into what a terminal shows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.language.spelling import nearest
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_LISTED = 8
"""A sentence names up to that many values; the rest are counted."""

MOST_NAMED = 24
"""A message names up to that many valid values, the likely ones first.

A reader whose value is wrong needs the list. Of more values the message gives examples.
"""

MOST_TITLED = 18
"""A title names up to that many; the manual lists them all."""

_MARKED = late_pattern(r"``(.+?)``", re.DOTALL)
_CONDITION = late_pattern(r"\[@([\w:-]+='[^']*')\]")
_TOP = frozenset({"", "devices", "domain", "*"})

# verbs in the order in which they are looked for at one place of a sentence, with their negation
_NEGATIONS = {
    "has": "does not have",
    "have": "do not have",
    "can": "cannot",
    "is": "is not",
    "are": "are not",
    "was": "was not",
    "offers": "does not offer",
    "offer": "do not offer",
    "knows": "does not know",
    "runs": "does not run",
    "includes": "does not include",
    "supports": "does not support",
    "fits": "does not fit",
}
_VERB = late_pattern(rf"(?<![\w'-])({'|'.join(_NEGATIONS)})(?![\w'-])")
_SOME = late_pattern(r"an? (?=\w)")
_QUOTED = late_pattern(r"'[^']*'")


def plain(text: str) -> str:
    """Render double backticks for a terminal: XML as it is, other values in single quotes."""
    return _MARKED.sub(lambda found: _shown(found[1]), text)


def _shown(code: str) -> str:
    return code if code.startswith("<") or "'" in code else f"'{code}'"


def named(part: str, path: str = "") -> str:
    """Name what stands at `path` below the part at XPath `part`, for people.

    >>> named("devices/hologram", "model/@type")
    "attribute 'type' of <model> in <hologram>"
    >>> named("devices/hologram", "size")
    '<size> in <hologram>'
    """
    steps, at, attribute = path.rpartition("@") if "@" in path else (path, "", "")
    inner = [step for step in steps.split("/") if step not in {"", ".", ".."}]
    outer = [_tag(step) for step in _steps(part) if step not in _TOP]
    elements = [*outer[-1:], *map(_tag, inner[-1:])] if inner else outer[-2:]
    text = " in ".join(f"<{element}>" for element in reversed(elements)) or _whole(part)
    return f"attribute {attribute!r} of {text}" if at else text


def _whole(part: str) -> str:
    return "any device" if part.startswith("devices/") else "<domain>"


def _steps(path: str) -> list[str]:
    """Split a path at the slashes that are not inside a condition."""
    return re.split(r"/(?![^\[]*\])", path)


def _tag(step: str) -> str:
    """Write ``hologram[@bus='isa']`` as ``hologram bus='isa'``."""
    return re.sub(r"\[.*\]", "", _CONDITION.sub(r" \1", step))


def one_of(values: Sequence[str], most: int = MOST_NAMED) -> str:
    """List values as alternatives: ``'yes' or 'no'``, ``one of 'a', 'b', 'c'``.

    Of more than `most` the first are examples: ``a value such as 'a' or 'b' (20 are valid)``. An
    empty value comes last.
    """
    shown = [repr(value) for value in values if value]
    empty = ", or be empty" if "" in values else ""
    if len(shown) > most + 1:
        few = alternatives(shown[:MOST_LISTED])
        return f"a value such as {few} ({len(shown)} are valid){empty}"
    if len(shown) <= 2:
        return (" or ".join(shown) + empty) if shown else "empty"
    return f"one of {', '.join(shown)}{empty}"


def listed(names: Sequence[str], most: int = MOST_LISTED) -> str:
    """Join names by commas; of more than `most` the first, and how many more there are."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def counted(number: int, noun: str) -> str:
    """Count things: "1 host", "2 hosts"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def only(number: int, noun: str) -> str:
    """Say which numbered things a domain has: "only the vCPUs 0 to 3", "no NUMA cell"."""
    if number < 1:
        return f"no {noun}"
    return f"only the {noun} 0" if number == 1 else f"only the {noun}s 0 to {number - 1}"


def alternatives(names: Sequence[str]) -> str:
    """Join names as they are: ``a, b or c``; of many the first, and how many more there are."""
    if len(names) > MOST_LISTED + 1:
        return listed(names)
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Suggest the known name that is nearest to a misspelt one: "; did you mean 'q35'?", or "".

    Names that differ only in case, hyphens and underscores are always near.
    """
    near = nearest(text, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def denied(statement: str) -> str:
    """Negate a statement by its first verb: "QEMU has the type 'laser'" → "QEMU does not have …".

    Of "a descriptor fits" the opposite is "no descriptor fits"; what begins with "requires" or
    "no" says already what is missing.
    """
    if statement.startswith(("requires ", "no ")):
        return statement
    if existing := _SOME.match(statement):
        return f"no {statement[existing.end() :]}"
    masked = _QUOTED.sub(lambda found: "'" + "_" * (len(found[0]) - 2) + "'", statement)
    verb = _VERB.search(masked)
    if verb is None:
        return f"not true: {statement}"
    rest = statement[verb.end() :]
    return f"{statement[: verb.start()]}{_NEGATIONS[verb[0]]}{rest}"


def signless(text: str) -> str:
    """Say of a zero with a minus sign what to write: libvirt takes it for no number at all.

    Returns "" for every other text.
    """
    return "; write '0', without a minus sign" if re.fullmatch(r"\s*-0+", text) else ""
