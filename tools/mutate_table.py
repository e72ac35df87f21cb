"""Plant defects in the table's predicates, and see which of them recorded cases notice.

``python tools/mutate_table.py DIR``: DIR is a folder of recorded cases. Every predicate of the
report is changed in each way that a slip could change it: negated, made always or never true, one
part left out, "and" and "or" exchanged. A defect is noticed when the element comes out differently
for some case. Prints what nobody notices, by element, and ends with the counts.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

from typing import TYPE_CHECKING

from corpus import capability_cases, case_world

from domcaps.elements import table
from domcaps.language import ALWAYS, NEVER, Choice, Element, Enum, Predicate, World, parse_dialect
from domcaps.language.predicate import AllOf, AnyOf, Not
from domcaps.report.answer import Section, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator


DIALECT = parse_dialect("11.3")


def spoken(thing: Element | Enum | Choice) -> bool:
    """Tell whether the cases' dialect has a word for it: only then a case can notice."""
    return DIALECT.speaks(thing.since, thing.until)


def slips(predicate: Predicate) -> Iterator[tuple[str, Predicate]]:
    """Give every predicate that differs by one slip."""
    yield "negated", Not(predicate)
    if predicate is not ALWAYS:
        yield "always", ALWAYS
    if predicate is not NEVER:
        yield "never", NEVER
    if isinstance(predicate, AllOf | AnyOf):
        other = AnyOf if isinstance(predicate, AllOf) else AllOf
        yield "and/or exchanged", other(predicate.parts)
        kind = type(predicate)
        for position, part in enumerate(predicate.parts):
            rest = predicate.parts[:position] + predicate.parts[position + 1 :]
            yield f"without ({part.describe()})", kind(rest)
            for name, slipped in slips(part):
                if name not in {"always", "never"}:
                    parts = (*predicate.parts[:position], slipped, *predicate.parts[position + 1 :])
                    yield f"({part.describe()}) {name}", kind(parts)


def mutants(element: Element) -> Iterator[tuple[str, Element]]:
    """Give every element that differs by one slip."""
    if not spoken(element):
        return
    for how, slipped in slips(element.shown):
        yield f"{element.name} shown: {how}", replace(element, shown=slipped)
    if element.supported is not None:
        for how, slipped in slips(element.supported):
            yield f"{element.name} supported: {how}", replace(element, supported=slipped)
    for position, part in enumerate(element.content):
        for how, changed in _part_mutants(part):
            content = (*element.content[:position], changed, *element.content[position + 1 :])
            yield f"{element.name}.{how}", replace(element, content=content)


def _part_mutants(part: object) -> Iterator[tuple[str, Element | Enum]]:
    if isinstance(part, Element):
        yield from mutants(part)
    elif isinstance(part, Enum):
        for position, choice in enumerate(part.choices):
            if not spoken(part) or not spoken(choice):
                continue
            for how, changed in _choice_mutants(choice):
                choices = (*part.choices[:position], changed, *part.choices[position + 1 :])
                yield f"{part.name}={choice.name} {how}", replace(part, choices=choices)


def _choice_mutants(choice: Choice) -> Iterator[tuple[str, Choice]]:
    for how, slipped in slips(choice.when):
        yield how, replace(choice, when=slipped)


def fresh(world: World) -> World:
    """Give the same world without remembered truths."""
    return World(world.target, world.emulator, world.host)


def main() -> int:
    """Plant every defect, and count."""
    worlds = [case_world(case) for case in capability_cases(Path(sys.argv[1]))]
    noticed = unnoticed = 0
    for element in table():
        expected: list[Section | None] = [evaluate(element, fresh(world)) for world in worlds]
        for name, mutant in mutants(element):
            seen = any(
                evaluate(mutant, fresh(world)) != before
                for world, before in zip(worlds, expected, strict=True)
            )
            noticed += seen
            if not seen:
                unnoticed += 1
                print(f"unnoticed: {name}")
    print(f"{noticed} planted defects noticed, {unnoticed} not")
    return 0


if __name__ == "__main__":
    sys.exit(main())
