"""Messages of the findings that follow from declarations: fields, enums and unknown names.

A message says where, what is wrong, and what to write instead; the accepted values are data of the
finding, so that every output format prints them once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.finding import quoted
from domcaps.language.node_path import tag_of
from domcaps.language.wording import did_you_mean, listed, named, one_of, signless
from domcaps.validate.advice import says_what_to_do

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language.part import Field, Part
    from domcaps.language.predicate import Predicate
    from domcaps.language.table import Choice
    from domcaps.language.world import World
    from domcaps.validate.alternatives import LeftBehind


def place_of(part: Part, declared: Field[object]) -> str:
    """Name a field of a part: "attribute 'type' of <model> in <video>"."""
    parent = part.node.getparent()
    own = tag_of(part.node)
    return named(own if parent is None else f"{tag_of(parent)}/{own}", declared.path)


def invalid(place: str, text: str, expected: str, known: Sequence[str]) -> str:
    """Describe a value of the wrong form; of `known` values the likely ones are listed."""
    must = one_of(known) if known else expected
    hint = did_you_mean(text, known) if known else signless(text)
    return f"{place} is {quoted(text)}, but must be {must}{hint}"


def of_no_release(place: str, text: str, dialect: str) -> str:
    """Describe a value where the release of libvirt takes none, as all of them came later."""
    return f"{place} is {quoted(text)}, but libvirt {dialect} supports no value there; remove it"


def missing(place: str, expected: str) -> str:
    """Describe a required attribute or element that is absent, and what to write."""
    return f"{place} is required: {expected}"


def unknown_choice(place: str, text: str, offered: Sequence[str], world: World) -> str:
    """Describe a value that libvirt does not know."""
    if not offered:
        what = f"{place} is {quoted(text)}, but this QEMU supports no value there; remove it"
        return naming(what, world)
    return invalid(place, text, "", offered)


def unsupported_choice(
    place: str, choice: Choice, world: World, instead: str, left: LeftBehind
) -> str:
    """Describe a known value that this QEMU, machine type or host does not support.

    `instead` is the value to use, `left` names what has no meaning with it, or another form.
    """
    # only a finding pays for this import
    from domcaps.report.explain import causes_of, ways_of

    why = "; ".join(causes_of(choice.when, world))
    text = f"{place}: {choice.name!r} is not supported here"
    if why:
        text += f" ({why})"
    if instead:
        text += f"; use {instead!r}"
        if left.removed:
            text += f", and remove {listed(left.removed)} (of no use with {instead!r})"
        text += "".join(f", and give {one}" for one in left.carried)
    ways = ways_of(choice.when, world)
    if instead and ways:
        return f"{text}; or, to keep {choice.name!r}: {'; '.join(ways)}"
    return text + _how(text, ways)


def naming(message: str, world: World) -> str:
    """Name the machine type and the libvirt version that a message of a rule points at.

    Of a QEMU that the host does not have only the machine type can have decided.
    """
    if "this " not in message:
        return message
    machine = f"the machine type {world.target.machine!r}"
    if not world.emulator.is_there:
        message = message.replace("this QEMU and machine type", machine)
        message = message.replace("this QEMU", machine)
    message = message.replace("this machine type", machine)
    return message.replace("this libvirt version", f"libvirt {world.target.dialect}")


def with_remedy(message: str, requires: Predicate, world: World) -> str:
    """Complete the message of a rule: the fact of the host that is missing, and what to do."""
    from domcaps.report.explain import missing_of_host, ways_of

    cause = missing_of_host(requires, world)
    text = f"{message} ({cause})" if cause else message
    return text + _how(message, ways_of(requires, world))


def cause_of(message: str) -> str:
    """Give what a message says is wrong, without what to write instead or to install."""
    ends = (message.find(mark) for mark in _ADVICE)
    cause = message[: min((end for end in ends if end > 0), default=len(message))]
    is_wrong, listing, _ = cause.partition(_LISTING)
    return f"{is_wrong}, which is not accepted there" if listing else cause


_LISTING = ", but must be one of "


_ADVICE = (
    "; use ",
    "; or use ",
    "; or, to keep ",
    "; remove ",
    "; add ",
    "; set ",
    "; write ",
    ". Use ",
    ". To enable it: ",
    "; did you mean ",
    "; supported: ",
    "; Available: ",
)


def _how(message: str, ways: Sequence[str]) -> str:
    """Say how the host gets what is missing; after another way this is the second one."""
    if not ways:
        return ""
    start = "; or, to keep it: " if says_what_to_do(message) else ". To enable it: "
    return start + "; ".join(ways)
