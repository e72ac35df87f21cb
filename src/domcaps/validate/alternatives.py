"""Which accepted value is the likeliest one: for the messages of findings, and for repairs.

Both read the same tables, so that a message recommends what a repair would write: values that can
stand in for others (`Substitutes`), and values that new domains prefer (`Decision`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.elements import contents
from domcaps.language.fix import Substitutes
from domcaps.language.node_path import tag_of, without_positions
from domcaps.language.preference import Decision
from domcaps.language.spelling import nearest
from domcaps.language.truth import Truth
from domcaps.named_tuples import NamedTuple
from domcaps.validate.catalogue.rules import parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language.fix import Carried
    from domcaps.language.part import Field
    from domcaps.language.world import World

_EMPTY = frozenset({"", "none", "default"})
"""Values that remove a device or leave it open: never the first advice."""


@functools.cache
def decisions() -> tuple[Decision, ...]:
    """Give every decision about a new domain, in the order in which they are made."""
    found = {value.name: value for value in contents() if isinstance(value, Decision)}
    return tuple(sorted(found.values(), key=lambda decision: decision.order))


@functools.cache
def substitutes() -> dict[str, Substitutes]:
    """Give what the table says of values that can stand in for others, by path."""
    known = list(contents())
    found = [value for value in known if isinstance(value, Substitutes)]
    for value in known:
        if isinstance(value, tuple) and value and isinstance(value[0], Substitutes):
            found += value
    return {f"/domain/{one.path}": one for one in found}


def stand_ins(
    path: str, old: str, arch: str = "", domain: Node | None = None
) -> tuple[str, ...] | None:
    """Give what can stand in for a value at a path; None where the table says nothing of it."""
    rule = substitutes().get(without_positions(path))
    return rule.of(old, arch, domain) if rule is not None else None


@functools.cache
def fields_by_path() -> dict[str, list[Field[object]]]:
    """Give what is declared about each attribute and text, by its path without numbers."""
    found: dict[str, list[Field[object]]] = {}
    for part in parts():
        for declared in part.fields():
            found.setdefault(path_of_field(part.path or "", declared.path), []).append(declared)
    return found


def path_of_field(part: str, field: str) -> str:
    """Give the path of a field without numbers and conditions: ``/domain/devices/disk/@type``."""
    return without_positions("/".join(filter(None, ("/domain", part, field))))


@functools.cache
def _ranks() -> dict[str, dict[str, int]]:
    """Give the order in which the table prefers values, by the path of the attribute."""
    found: dict[str, dict[str, int]] = {}
    by_enum = {id(d.enum): d for d in decisions() if d.enum is not None}
    for path, declared in fields_by_path().items():
        for one in declared:
            decision = by_enum.get(id(one.choice)) if one.choice is not None else None
            if decision is not None:
                ranks = found.setdefault(path, {})
                for number, option in enumerate(decision.options):
                    ranks.setdefault(option.value, number)
    return found


def preferred(path: str, known: Iterable[str]) -> list[str]:
    """Give values in the order in which new domains prefer them; those that are empty last."""
    ranks = _ranks().get(path, {})
    return sorted(
        dict.fromkeys(known),
        key=lambda value: (value in _EMPTY, ranks.get(value, len(ranks))),
    )


def likely_first(
    path: str, old: str, known: Sequence[str], arch: str = "", domain: Node | None = None
) -> tuple[str, ...]:
    """Order the values that may stand at a path instead of `old`, the likeliest first.

    Those that look like it come first, then those that serve the guest as well, then those that new
    domains prefer. `arch` is the guest's architecture, `domain` the element of the whole domain.
    """
    where = without_positions(path)
    rule = substitutes().get(where)
    meant = _meant(where, old)
    instead = stand_ins(where, old, arch, domain) or ()
    # a word that has a meaning there is no typo
    near = () if rule is not None and old in rule.order else nearest(old, known)
    order = (meant, *near, *instead, *preferred(where, known))
    return tuple(value for value in dict.fromkeys(order) if value in known)


def _meant(path: str, old: str) -> str:
    """Give the value that another name of it stands for, "" where it is none."""
    rule = substitutes().get(path)
    return rule.slips.get(old.lower(), "") if rule is not None and rule.slips else ""


def advised(
    path: str, old: str, accepted: Sequence[str], arch: str = "", domain: Node | None = None
) -> str:
    """Give the value to recommend instead of `old`, "" where no value stands in for it.

    `accepted` is in the order of `likely_first`.
    """
    instead, meant = stand_ins(path, old, arch, domain), _meant(without_positions(path), old)
    for value in accepted:
        if value not in _EMPTY and (instead is None or value in (*instead, meant)):
            return value
    return ""


class LeftBehind(NamedTuple):
    """What has no meaning once a value replaces another, and what goes on in another form."""

    removed: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()


def left_behind(path: str, old: str, new: str, part: Node, world: World) -> LeftBehind:
    """Name what has no meaning once a value replaces another: attributes, elements, devices.

    `part` is the device, or another element, that the value belongs to; `path` that of the value.
    """
    where = without_positions(path)
    rule = substitutes().get(where)
    if rule is None:
        return LeftBehind()
    device = root = part
    while (above := root.getparent()) is not None:
        device, root = (root, above) if above.tag == "devices" else (device, above)
    own = _named_below(device, rule.gone_with(old, new))
    others = (rule.companions or {}).get(old, ())
    if not others or _count(root, where, old) > 1:
        return LeftBehind(tuple(own))
    carried = {
        node: one.says
        for one in rule.carried_to(new, root)
        if can_go_on(one, world)
        for node in root.iterfind(one.path)
    }
    gone = [node for at in others for node in root.iterfind(at) if node not in carried]
    return LeftBehind(
        (*own, *map(_with_line, gone)),
        tuple(f"{_with_line(node)} {says}" for node, says in carried.items()),
    )


def can_go_on(one: Carried, world: World) -> bool:
    """Tell whether libvirt and QEMU have the other form of a device."""
    return world.target.dialect.has(one.since) and world.truth(one.when) is not Truth.NO


def _with_line(node: Node) -> str:
    return f"<{tag_of(node)}> (line {node.sourceline})"


def _named_below(part: Node, paths: Sequence[str]) -> list[str]:
    named = []
    for at in paths:
        steps, _, attribute = at.rpartition("@") if "@" in at else (at, "", "")
        holder = part.find(steps.rstrip("/")) if steps else part
        if holder is not None and (not attribute or holder.get(attribute) is not None):
            named.append(attribute or f"<{tag_of(holder)}>")
    return named


def _count(root: Node, path: str, value: str) -> int:
    """Count how often a value stands at a path without numbers, such as a type of graphics."""
    steps, _, attribute = path.removeprefix("/domain/").partition("/@")
    return sum(node.get(attribute) == value for node in root.iterfind(steps))
