"""Why something holds or not, down to what was observed, and what would turn a no into a yes."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

import msgspec

from domcaps.elements import elements_named, table
from domcaps.elements.advice.remedies import advise
from domcaps.errors import RequestError
from domcaps.language import Element, Enum, Reason, Rows, Truth
from domcaps.language.observed import HostFact
from domcaps.language.predicate import AllOf, AnyOf, Not, Predicate
from domcaps.language.reason_lines import shown_lines
from domcaps.language.remedy import Effort, EffortWord
from domcaps.language.table import AnyChoice
from domcaps.language.truth import ALL, all_of
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from domcaps.language import Choice, World


_OF_THE_DOMAIN: Final[tuple[EffortWord, ...]] = (
    "domain", "machine type", "virtualization type", "architecture", "nothing helps",
)  # fmt: skip
"""Efforts that change nothing on the host."""


class NeededChange(msgspec.Struct, frozen=True):
    """A statement that would have to come out otherwise, by what effort, and how.

    `how` is advice for people, "" where there is none; `cause` says what was observed instead.
    """

    statement: str
    effort: EffortWord
    how: str = ""
    cause: str = ""

    @property
    def is_on_host(self) -> bool:
        """Whether it is done on the host, and no change of the domain or its target."""
        return self.effort not in _OF_THE_DOMAIN

    def __str__(self) -> str:
        """Give one line."""
        return f"{self.statement} [{self.effort}: {self.how}]" if self.how else self.statement


class Explanation(msgspec.Struct, frozen=True):
    """One thing that a report can say, whether it says it, and why.

    `path` names it as ``video.modelType=vga``, or as ``video`` for an element. `spoken` tells
    whether the wanted libvirt has a word for it. `changes` are the statements that would have to
    come out otherwise to turn a no into a yes: of all ways the one of least effort.
    """

    path: str
    truth: Truth
    reason: Reason
    spoken: bool = True
    changes: tuple[NeededChange, ...] = ()

    @property
    def element(self) -> str:
        """The element or enum of the path: ``video.modelType``."""
        return self.path.partition("=")[0]

    @property
    def value(self) -> str:
        """The value of the path, such as ``qxl``; "" for an element."""
        return self.path.partition("=")[2]

    @property
    def listed(self) -> bool:
        """Whether the report lists it: the host has it, and the release of libvirt says so."""
        return self.spoken and self.truth is Truth.YES

    @property
    def why(self) -> tuple[str, ...]:
        """The reason for people: a line for each requirement that is not met, or that is."""
        return shown_lines(self.reason)

    @property
    def short(self) -> str:
        """The reason in one line: the first three facts that decide, and how many there are."""
        return short_reason(self.reason)

    def __str__(self) -> str:
        """Give the path with yes, no or unknown, and the reason below it."""
        lines = [f"{self.path}: {self.truth.value}"]
        lines += [f"  {line}" for line in str(self.reason).splitlines()]
        lines += [f"  would be a yes if: {change}" for change in self.changes]
        return "\n".join(lines)


_MOST_SHORT = 3


def short_reason(reason: Reason) -> str:
    """Give a reason in one line: the first three facts that decide, and how many there are."""
    told = list(dict.fromkeys(leaf.sentence for leaf in _deciding(reason)))
    more = f"; and {len(told) - _MOST_SHORT} more" if len(told) > _MOST_SHORT else ""
    return "; ".join(told[:_MOST_SHORT]) + more


def _deciding(reason: Reason) -> Iterator[Reason]:
    """Give the facts that have the truth of the whole."""
    alike = [inner for inner in reason.because if inner.truth is reason.truth]
    for inner in alike:
        yield from _deciding(inner)
    if not alike:
        yield reason


def explain(path: str, world: World) -> tuple[Explanation, ...]:
    """Explain a value, all values of an enum (``video.modelType``), or an element with its enums.

    A bare name such as ``qxl`` stands for every value, element or CPU model of that name.

    A computed row that has reasons is named by its element and its name: ``cpu.custom=EPYC`` or
    ``cpu.host-model=aes``. Raises `RequestError` for a path that the table does not have, with the
    nearest ones, and for one that the release of libvirt does not have.
    """
    row = explain_row(path, world)
    if row is not None:
        return (row,)
    names = {_first_name(path)}
    found = [e for e in _explain_some(world, names) if _matches(e.path, path)]
    found = found or _by_name(path, world) or _unlisted(path, world)
    if not found and is_path(path):
        raise RequestError(
            f"libvirt {world.target.dialect} does not have {path!r}",
            remedy="name another release with --libvirt",
        )
    if not found:
        raise RequestError(f"no feature is named {path!r}", remedy=_nearest(path))
    return tuple(found)


def _by_name(name: str, world: World) -> list[Explanation]:
    """Explain every value, element and CPU model of that name, wherever it is: ``qxl``."""
    if not name or set(name) & set(".="):
        return []
    wanted = {path for path in paths() if re.split("[.=]", path)[-1].lower() == name.lower()}
    elements = {_first_name(path) for path in wanted}
    found = [e for e in _explain_some(world, elements) if e.path in wanted] if wanted else []
    rows = (explain_row(f"{path}={name}", world) for path in _rows())
    return [*found, *(row for row in rows if row is not None)]


def _unlisted(path: str, world: World) -> list[Explanation]:
    """Explain a value that no report lists, such as ``video.modelType=default``."""
    element, _, name = path.partition("=")
    owner, _, enum_name = element.rpartition(".")
    for top in elements_named((_first_name(path),)) if name else ():
        for inner, found in _elements(top, ""):
            for enum in found.content if inner == owner else ():
                if isinstance(enum, Enum) and enum.name == enum_name:
                    choice = enum.find(name, world.target.dialect)
                    if choice is not None and not choice.listed:
                        return [explain_choice(path, choice, world)]
    return []


def explain_row(path: str, world: World) -> Explanation | None:
    """Explain one computed row, such as a CPU model; None for what is none or has no reasons.

    Takes the form ``cpu.custom=EPYC`` and that of a flat report, ``cpu.custom model EPYC``.
    """
    words = path.split(" ") if " " in path else path.split("=")
    found = _rows_of(_first_name(words[0])).get(words[0])
    if found is None or found.explain is None or words[1:-1] not in ([], [found.row]):
        return None
    told = found.explain(world, words[-1]) if len(words) > 1 else None
    if told is None:
        return None
    truth = told.reason.truth
    changes = tuple(NeededChange(remedy.how, remedy.effort.word) for remedy in told.remedies)
    return Explanation(f"{words[0]}={words[-1]}", truth, told.reason, changes=changes)


def _rows() -> dict[str, Rows]:
    """Give the computed rows that have reasons, by the path of their element."""
    return {path: rows for one in table() for path, rows in _rows_of(one.name).items()}


@functools.cache
def _rows_of(name: str) -> dict[str, Rows]:
    """Give those of one element of the report."""
    return {
        path: part
        for element in elements_named((name,))
        for path, inner in _elements(element, "")
        for part in inner.content
        if isinstance(part, Rows) and part.explain is not None
    }


def _elements(element: Element, prefix: str) -> Iterator[tuple[str, Element]]:
    path = f"{prefix}{element.name}"
    yield path, element
    for part in element.content:
        if isinstance(part, Element):
            yield from _elements(part, f"{path}.")


def explain_choice(path: str, choice: Choice, world: World) -> Explanation:
    """Explain a choice by itself, such as one that no report lists."""
    return _explained(path, (choice.when,), world, spoken=False)


def explain_element(path: str, element: Element, world: World) -> Explanation:
    """Explain an element by itself, such as one that the release of libvirt does not report."""
    needed = (element.shown,) if element.supported is None else (element.shown, element.supported)
    return _explained(path, needed, world, spoken=False)


def explain_all(world: World) -> Iterator[Explanation]:
    """Explain everything that stands in the table."""
    return _explain_some(world, None)


def _explain_some(world: World, names: Collection[str] | None) -> Iterator[Explanation]:
    for element in table() if names is None else elements_named(names):
        yield from _element(element, world, "", ())


def paths() -> tuple[str, ...]:
    """Give every path that can be explained."""
    return tuple(dict.fromkeys(path for element in table() for path in _paths(element, "")))


def is_path(text: str) -> bool:
    """Tell whether something of the table is named so."""
    for element in elements_named((_first_name(text),)):
        if any(_matches(path, text) for path in _paths(element, "")):
            return True
    return text.partition("=")[0] in _rows_of(_first_name(text))


def _first_name(path: str) -> str:
    """Give the name of the element of the report that a path begins with."""
    return path.partition("=")[0].partition(".")[0]


def _paths(element: Element, prefix: str) -> Iterator[str]:
    yield f"{prefix}{element.name}"
    for part in element.content:
        if isinstance(part, Element):
            yield from _paths(part, f"{prefix}{element.name}.")
        elif isinstance(part, Enum):
            for choice in part.choices:
                yield f"{prefix}{element.name}.{part.name}={choice.name}"


def _matches(path: str, wanted: str) -> bool:
    return path == wanted or path.startswith((f"{wanted}.", f"{wanted}="))


def _nearest(path: str) -> str:

    known = paths() if "=" in path else dict.fromkeys(name.partition("=")[0] for name in paths())
    near = close_matches(path, known, n=3, cutoff=0.3)
    return f"did you mean {' or '.join(near)}?" if near else "see docs/table.md"


def _element(
    element: Element, world: World, prefix: str, above: tuple[Predicate, ...]
) -> Iterator[Explanation]:
    path = f"{prefix}{element.name}"
    dialect = world.target.dialect
    if not dialect.has_between(element.since, element.until):
        return
    needed = (*above, element.shown)
    if element.supported is not None:
        needed = (*needed, element.supported)
    yield _explained(path, needed, world, spoken=True)
    for part in element.content:
        if isinstance(part, Element):
            yield from _element(part, world, f"{path}.", needed)
        elif isinstance(part, Enum):
            yield from _enum(part, world, path, needed)


def _enum(
    enum: Enum, world: World, path: str, above: tuple[Predicate, ...]
) -> Iterator[Explanation]:
    dialect = world.target.dialect
    spoken = dialect.has_between(enum.since, enum.until)
    for choice in enum.choices:
        if choice.listed and dialect.has_between(choice.since, choice.until):
            # whatever the element needs, its choices need too, unless it only asks for one of them
            needed = tuple(p for p in _each(above) if not isinstance(p, AnyChoice))
            needed = (*needed, enum.shown, choice.when)
            yield _explained(f"{path}.{enum.name}={choice.name}", needed, world, spoken=spoken)


def _each(predicates: Iterable[Predicate]) -> Iterator[Predicate]:
    """Take apart what needs all of several."""
    for predicate in predicates:
        yield from predicate.parts if isinstance(predicate, AllOf) else (predicate,)


def _explained(
    path: str, needed: tuple[Predicate, ...], world: World, *, spoken: bool
) -> Explanation:
    reasons = [world.reason(p) for p in needed]
    truth = all_of(reason.truth for reason in reasons)
    # what needs nothing says nothing, unless it is all there is
    telling = [r for r in reasons if r.source or r.because or r.truth is not Truth.YES]
    telling = telling or reasons[-1:]
    reason = telling[0] if len(telling) == 1 else Reason(truth, ALL, "", tuple(telling))
    changes: tuple[NeededChange, ...] = ()
    if truth is Truth.NO:
        changes = tuple(dict.fromkeys(_to_make(AllOf(needed), world, wanted=True)))
    return Explanation(path, truth, reason, spoken, changes)


def _to_make(predicate: Predicate, world: World, *, wanted: bool) -> tuple[NeededChange, ...]:
    """Give the leaves that have to come out otherwise, of least effort."""
    told = world.told.get(id(predicate))
    if told is not None:
        # libvirt's report has no reasons
        return ()
    predicate = predicate.in_world(world)
    if predicate.evaluate(world) is Truth.of(wanted):
        return ()
    if isinstance(predicate, Not):
        return _to_make(predicate.part, world, wanted=not wanted)
    if isinstance(predicate, AllOf | AnyOf):
        every = isinstance(predicate, AllOf) is wanted
        ways = [_to_make(part, world, wanted=wanted) for part in predicate.parts]
        if every:
            return tuple(change for way in ways for change in way)
        return min((way for way in ways if way), key=_effort, default=())
    text = predicate.describe()
    remedy = advise(predicate, world, wanted=wanted)
    cause = _cause(predicate, world) if wanted else text
    statement = text if wanted else f"not ({text})"
    return (NeededChange(statement, remedy.effort.word, remedy.how, cause),)


def _cause(leaf: Predicate, world: World) -> str:
    """Say what is missing; of the host's facts their value says more, such as a permission."""
    reason = leaf.explain(world)
    return (reason.value if isinstance(leaf, HostFact) else "") or reason.sentence


def causes_of(predicate: Predicate, world: World) -> tuple[str, ...]:
    """Say what keeps a predicate from holding, a sentence each; at most two."""
    return _first_of(change.cause for change in _to_make(predicate, world, wanted=True))


_NO_WAY = frozenset({Effort.ARCH, Effort.NOTHING})


def ways_of(predicate: Predicate, world: World) -> tuple[str, ...]:
    """Say what would make a predicate hold, by the way of least effort; at most two steps.

    Nothing is said where only guests of another architecture have it: no domain is moved there
    for a device.
    """
    changes = tuple(_to_make(predicate, world, wanted=True))
    if any(Effort(change.effort) in _NO_WAY for change in changes):
        return ()
    return _first_of(_in_xml(change.how) for change in changes)


def _in_xml(how: str) -> str:
    """Word advice for a domain XML: ``--machine q35`` is an option of the command line."""
    option, _, value = how.partition(" ")
    names = {"--machine": "machine", "--virttype": "<domain type", "--arch": "arch"}
    if option not in names or not value:
        return how
    end = ">" if option == "--virttype" else ""
    return f"use {names[option]}={value!r}{end}"


def missing_of_host(predicate: Predicate, world: World) -> str:
    """Say which fact of the host keeps a predicate from holding; "" where it is QEMU's."""
    leaves = _leaves(predicate.in_world(world), world)
    values = (leaf.value(world) for leaf in leaves if isinstance(leaf, HostFact))
    return next(filter(None, values), "")


def _leaves(predicate: Predicate, world: World) -> Iterator[Predicate]:
    """Give the statements of a conjunction or choice that do not hold."""
    parts = predicate.parts if isinstance(predicate, AllOf | AnyOf) else (predicate,)
    for part in parts:
        if part is not predicate:
            yield from _leaves(part, world)
        elif world.truth(part) is Truth.NO:
            yield part


def _first_of(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))[:2]


def _effort(way: tuple[NeededChange, ...]) -> tuple[int, int]:
    """Compare ways by what has to be done, then by their length; what is the same counts once."""
    changes = set(way)
    return sum(Effort(change.effort).cost for change in changes), len(changes)


def elsewhere(
    wanted: Iterable[str], worlds: Iterable[tuple[str, World]]
) -> dict[str, tuple[str, ...]]:
    """Name for each path those of the worlds in which it is a yes, by what to call them."""
    found: dict[str, list[str]] = {path: [] for path in wanted}
    names = {_first_name(path) for path in found}
    for name, world in worlds if found else ():
        for explanation in _explain_some(world, names):
            if explanation.path in found and explanation.truth is Truth.YES:
                found[explanation.path].append(name)
    return {path: tuple(others) for path, others in found.items()}


def other_targets(world: World) -> Iterator[tuple[str, World]]:
    """Give the same question for the emulator's other boards and virtualization types.

    Of the versions of a board only the newest is taken: the one with an alias.
    """
    target, emulator = world.target, world.emulator
    for virttype in emulator.virttypes:
        if virttype != target.virttype:
            yield f"--virttype {virttype}", world.retargeted(virttype=virttype)
    for machine in emulator.machines(target.virttype):
        is_newest = machine.alias or not re.search(r"-\d+\.\d+", machine.name)
        if is_newest and machine.name != target.machine and not machine.deprecated:
            name = machine.alias or machine.name
            yield f"--machine {name}", world.retargeted(machine=machine.name)
