"""Values that may stand at a place instead of one at fault, each with what it loses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.candidates import (
    misspelt,
    numbers,
    of_same_family,
    preferred,
    shown,
    values_of,
)
from domcaps.choose.catalogue import something
from domcaps.choose.protected import says_what_it_is
from domcaps.language.node_path import without_positions
from domcaps.validate.alternatives import stand_ins, substitutes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding

KINDS = frozenset({"type", "bus", "device", "model", "mode"})
"""Attributes that make a thing another thing."""

NUMBER = re.compile(r"-?\d{1,19}")
_SWITCHES = dict.fromkeys(("yes", "on", "true", "1", "enabled", "enable", "y"), True) | (
    dict.fromkeys(("no", "off", "false", "0", "disabled", "disable", "n"), False)
)
_FAR = 3
"""A number that is so many times smaller is another one: its owner should look at it."""
_MANY = 100
"""A smaller number is easily looked at anyway, such as one of monitors."""
CHECK_THIS = "CHECK THIS NUMBER"
"""How a remark begins on a number that only the owner of a domain can know."""
_TWICE = "-duplicate"
"""How codes end of findings about what stands there twice: another value makes it another thing."""


def ranked(
    path: str, old: str, known: Sequence[str], finding: Finding, arch: str, domain: Node
) -> Iterator[tuple[str, int]]:
    """Give values for the place of a finding, and what each loses, in no order.

    `known` are the values that may stand there, `arch` is the guest's architecture, `domain`
    the element of the whole domain.
    """
    where = without_positions(path)
    if where == "/domain/os/type/@machine":
        yield from _machines(old, known, finding)
        return
    rule = substitutes().get(where)
    if rule is not None and rule.slips and old.lower() in rule.slips:
        yield rule.slips[old.lower()], losses.SLIP
        return
    if switched := _switched(old, known):
        yield switched, losses.SLIP
        return
    # a word that has a meaning there is no typo
    exact = says_what_it_is(where)
    known_word = old in values_of(path) or (rule is not None and old in rule.order)
    words = (*known, *values_of(path))
    slips = () if known_word else misspelt(old, words, exact=True)
    meant = [word for word in misspelt(old, words) if word in slips] or slips
    # a word that this host does not support is corrected first, and replaced in its turn
    near = () if known_word else meant or misspelt(old, known, exact=exact)
    yield from ((value, losses.SLIP + n) for n, value in enumerate(near))
    if finding.code.endswith(_TWICE):
        return
    instead, least = stand_ins(where, old, arch, domain), losses.SUBSTITUTE
    if meant:
        least = losses.PREFERRED
    for number, value in enumerate(instead or ()):
        yield value, least + number
    if not exact:
        yield from ((value, losses.NUMBER) for value in numbers(where, old))
    if old.isdigit() and finding.fixes:
        return  # the finding itself says which numbers are permitted
    if instead is None and not exact:
        yield from _guessed(where, old, known, finding)


def if_far_less(value: str, old: str) -> str:
    """Give a remark where a number is no longer near the one that it replaces, "" elsewhere."""
    both = NUMBER.fullmatch(value) and NUMBER.fullmatch(old)
    if not both or int(value) <= 0 or int(old) < _MANY or int(value) * _FAR > int(old):
        return ""
    return f" ({CHECK_THIS}: {old} is far beyond the limit)"


def _switched(old: str, known: Sequence[str]) -> str:
    """Give the word of a switch for another one, as 'on' for 'yes'; "" of what is no switch."""
    for yes, no in (("yes", "no"), ("on", "off")):
        if {yes, no} <= set(known) and old not in known:
            meant = _SWITCHES.get(old.lower())
            return "" if meant is None else (yes if meant else no)
    return ""


def _guessed(
    where: str, old: str, known: Sequence[str], finding: Finding
) -> Iterator[tuple[str, int]]:
    """Give values of which the table does not say what they can stand in for."""
    kind = where.rpartition("@")[2] in KINDS and not finding.accepted
    base = losses.KIND if kind else losses.PREFERRED
    listed = preferred(where, old, known)
    if NUMBER.fullmatch(old):
        # words, such as 'host', mean something else than the nearest number
        listed.sort(key=lambda value: _distance(value, int(old)))
    yield from ((v, base + n) for n, v in enumerate(listed))
    for number, value in enumerate(shown(finding.code, where)):
        if not NUMBER.fullmatch(value):
            # other texts, such as a password, are those of the manual's own domain
            if value in known or repr(value) in finding.message:
                yield value, losses.SHOWN + number
        elif NUMBER.fullmatch(old) and not finding.accepted:
            # a number that is missing, or can't be read, is its owner's matter
            yield value, losses.NUMBER + number


def _distance(value: str, wanted: int) -> float:
    return abs(int(value) - wanted) if NUMBER.fullmatch(value) else float("inf")


def _machines(old: str, known: Sequence[str], finding: Finding) -> Iterator[tuple[str, int]]:
    """Give machine types: the one that the finding names, those of the family, or usual boards.

    A board of another family is another computer: a guest that was made for one that QEMU has is
    not moved to it.
    """
    family = of_same_family(old, known)
    yield from ((value, losses.MACHINE + n) for n, value in enumerate(family))
    if old in known:
        return
    for value in finding.accepted[:1]:
        if repr(value) in finding.message:
            yield value, losses.MACHINE - 1 if family else losses.SLIP
    usual = (value for value in something("os.machine") if value in known)
    yield from ((value, 2 * losses.MACHINE + n) for n, value in enumerate(usual))
