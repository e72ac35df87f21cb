"""Messages of the findings that follow from declarations: fields, enums and unknown names.

A message says where, what is wrong, and what to write instead; the accepted values are data of the
finding, so that every output format prints them once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.finding import quoted
from domcaps.language.wording import did_you_mean, named, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language.part import Field, Part
    from domcaps.language.predicate import Predicate
    from domcaps.language.table import Choice
    from domcaps.language.world import World


def place_of(part: Part, declared: Field[object]) -> str:
    """Name a field of a part: "attribute 'type' of <model> in <video>"."""
    parent = part.node.getparent()
    outer = "" if parent is None else str(parent.tag)
    return named(f"{outer}/{part.node.tag}" if outer else str(part.node.tag), declared.path)


def invalid(place: str, text: str, expected: str, known: Sequence[str]) -> str:
    """Describe a value of the wrong form; a long list of valid values is data of the finding."""
    hint = did_you_mean(text, known)
    wrong = "which is not a valid value" if len(known) > _FEW else f"but must be {expected}"
    return f"{place} is {quoted(text)}, {wrong}{hint}"


def missing(place: str) -> str:
    """Describe a required attribute or element that is absent."""
    return f"{place} is required"


def unknown_choice(place: str, text: str, offered: Sequence[str]) -> str:
    """Describe a value that libvirt does not know."""
    return f"{place} is {quoted(text)}, which is not a known value{did_you_mean(text, offered)}"


def unsupported_choice(place: str, choice: Choice, world: World, offered: Sequence[str]) -> str:
    """Describe a known value that this QEMU, machine type or host does not support."""
    # only a finding pays for this import
    from domcaps.report.explain import causes_of, ways_of

    why = "; ".join(causes_of(choice.when, world))
    text = f"{place}: {choice.name!r} is not supported here"
    if why:
        text += f" ({why})"
    instead = next((name for name in offered if name not in _EMPTY), "")
    if instead:
        text += f". Use {instead!r}"
    return text + _how(ways_of(choice.when, world))


def with_remedy(message: str, requires: Predicate, world: World) -> str:
    """Complete the message of a rule: the fact of the host that is missing, and what to do."""
    from domcaps.report.explain import missing_of_host, ways_of

    cause = missing_of_host(requires, world)
    text = f"{message} ({cause})" if cause else message
    return text + _how(ways_of(requires, world))


def _how(ways: Sequence[str]) -> str:
    return f". To enable it: {'; '.join(ways)}" if ways else ""


_FEW = 3
_EMPTY = frozenset({"none", "default"})
"""Values that remove a device or leave it open: never the first advice."""


def likely_first(text: str, values: Sequence[str]) -> tuple[str, ...]:
    """Order accepted values: those nearest to `text` first, the others as they are listed."""
    near = nearest(text, values)
    return (*near, *(value for value in values if value not in near))
