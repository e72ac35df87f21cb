"""What the table is made of: choices in enums in elements, and what is computed beside them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from domcaps.language.immutable import immutable
from domcaps.language.predicate import ALWAYS, AnyOf, Predicate
from domcaps.language.struct import Struct
from domcaps.language.truth import Reason, Truth, any_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from domcaps.facts.question import QmpCommand
    from domcaps.language.change import LibvirtChange
    from domcaps.language.dialect import Dialect
    from domcaps.language.qemu_args import ArgsSource, Trial
    from domcaps.language.remedy import Remedy
    from domcaps.language.world import World


class Place(enum.Enum):
    """Where in the document an element stands."""

    TOP = "top"
    DEVICES = "devices"
    FEATURES = "features"


class Drift(Struct, frozen=True):
    """A place where libvirt contradicts itself, or where libvirt and QEMU disagree.

    `says` is what libvirt's report promises, `but` what is true, `evidence` how that was seen.
    `listed` tells that the report lists what can't be used; otherwise it leaves out what can be.
    `where` limits it to some targets. `certain` tells that QEMU, or libvirt when it starts one,
    refuses it on all of them: a domain with it gets a finding. `found_by` is the code of the rule
    that finds it where the rest of the domain decides. A drift at start that is neither is a doubt:
    what comes of the choice is unknown.

    `title`, `instead` (what a user should do) and `targets` (`where` in words, "" where the rest
    says it) are for the page that lists all drifts.
    """

    says: str
    but: str
    evidence: str
    listed: bool = True
    where: Predicate = ALWAYS
    certain: bool = False
    found_by: str = ""
    title: str = ""
    instead: str = ""
    targets: str = ""


class WideDrift(Struct, frozen=True):
    """A drift of many choices at once: of all that depend on something of the target.

    `path` names them in lists, `where` says for which targets it is so.
    """

    path: str
    where: Predicate
    drift: Drift


class Choice(Struct, frozen=True):
    """One named thing that a domain may ask for.

    `when` says whether it holds. `since` is the change of libvirt that brought it, `until` the one
    that took it away. `drifts` note what the report gets wrong about what libvirt
    accepts, `at_start` what it gets wrong about what QEMU does. One that is not `listed` may be
    written in a domain though no report speaks of it. `sample` is how a domain uses it, and
    `qemu_args` are what QEMU is given for it, where that is not what the enum says.
    """

    name: str
    when: Predicate = ALWAYS
    since: LibvirtChange | None = None
    until: LibvirtChange | None = None
    drifts: tuple[Drift, ...] = ()
    at_start: tuple[Drift, ...] = ()
    listed: bool = True
    sample: str = ""
    qemu_args: ArgsSource | None = None


class Enum(Struct, frozen=True):
    """Values of one attribute or element, of which a domain picks one.

    `attribute` is where a domain writes it, as an XPath below the element. The enum is printed
    where `shown` holds, even when none of its choices does, or only with a value in it when
    `only_if_any`. `sample` is the least that a domain needs to use a value, as children of
    ``<domain>`` or ``<devices>`` with ``{value}`` for it; "" where the attribute is enough.
    `qemu_args` is the QEMU arguments for a value.
    """

    name: str
    choices: tuple[Choice, ...]
    attribute: str = ""
    shown: Predicate = ALWAYS
    only_if_any: bool = False
    since: LibvirtChange | None = None
    until: LibvirtChange | None = None
    sample: str = ""
    qemu_args: ArgsSource | None = None

    def sample_of(self, choice: Choice) -> str:
        """Give the least that a domain needs to use a choice, "" where its attribute is enough."""
        return choice.sample or self.sample.replace("{value}", choice.name)

    def spoken(self, dialect: Dialect) -> tuple[Choice, ...]:
        """Give the choices that a dialect's report may list."""
        return tuple(c for c in self.choices if c.listed and dialect.has_between(c.since, c.until))

    def find(self, name: str, dialect: Dialect) -> Choice | None:
        """Give the choice of that name in a dialect, listed or not."""
        for choice in self.choices:
            if choice.name == name and dialect.has_between(choice.since, choice.until):
                return choice
        return None


class Values(Struct, frozen=True):
    """Values that can't be listed beforehand, such as paths: computed from the facts."""

    name: str
    compute: Callable[[World], tuple[str, ...]]


class Row(Struct, frozen=True):
    """One computed child of an element: a name, attributes, and text or children."""

    name: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    rows: tuple[Row, ...] = ()


class RowReason(Struct, frozen=True):
    """Why a computed row holds or not; `remedies` are what would change a no, the easiest first."""

    reason: Reason
    remedies: tuple[Remedy, ...] = ()


class Rows(Struct, frozen=True):
    """Computed children of an element, such as CPU models or sizes.

    Where rows have reasons, `explain` gives that of the row called `row` that has a name: of a
    ``model`` for example. It gives None for a name that nothing has.
    """

    compute: Callable[[World], tuple[Row, ...]]
    since: LibvirtChange | None = None
    until: LibvirtChange | None = None
    row: str = ""
    explain: Callable[[World, str], RowReason | None] | None = None


@immutable
class AnyChoice(Predicate):
    """At least one choice of an enum holds, among those that the wanted dialect has."""

    enum: Enum

    def evaluate(self, world: World) -> Truth:
        """Stop at the first choice that holds."""
        return any_of(world.truth(c.when) for c in self.enum.spoken(world.target.dialect))

    def explain(self, world: World) -> Reason:
        """Explain every choice."""
        choices = self.enum.spoken(world.target.dialect)
        reasons = tuple(
            Reason(why.truth, f"{self.enum.name}={choice.name}", because=(why,))
            for choice in choices
            for why in (choice.when.explain(world),)
        )
        return Reason(self.evaluate(world), self.describe(), because=reasons)

    def describe(self) -> str:
        """Name the enum."""
        return f"some {self.enum.name} can be used"

    def in_world(self, world: World) -> Predicate:
        """Give the choices that the wanted dialect has."""
        return AnyOf(tuple(c.when for c in self.enum.spoken(world.target.dialect)))

    def questions(self) -> Iterator[QmpCommand]:
        """Ask what the choices ask."""
        for choice in self.enum.choices:
            yield from choice.when.questions()


Dated = tuple[str, "LibvirtChange | None", "LibvirtChange | None", Drift]
"""A drift with the path that it is about, and since and until which change that is there."""


class Element(Struct, frozen=True):
    """A part of a domain that can be reported, validated and explained.

    `supported` says whether it can be used at all; None for an element that has no such
    attribute. `shown` says whether the document speaks of it at all. `order` is its place among
    its siblings, `tag` its name in the document where that differs. `attributes` are fixed, or
    computed from the facts. `asks` names what `content` computes from, beyond its predicates.
    `qemu_args` are for an element of which the document says only whether it is supported,
    `trials` gives what else of it can be tried, and `at_start` notes what the report gets wrong
    about what is no choice.
    """

    name: str
    content: tuple[Enum | Values | Rows | Element, ...] = ()
    supported: Predicate | None = ALWAYS
    place: Place = Place.DEVICES
    order: int = 0
    tag: str = ""
    attributes: tuple[tuple[str, str], ...] | Callable[[World], tuple[tuple[str, str], ...]] = ()
    shown: Predicate = ALWAYS
    since: LibvirtChange | None = None
    until: LibvirtChange | None = None
    asks: tuple[QmpCommand, ...] = ()
    qemu_args: ArgsSource | None = None
    trials: Callable[[World], Iterable[Trial]] | None = None
    at_start: tuple[Drift, ...] = ()

    def questions(self) -> Iterator[QmpCommand]:
        """Name all that an emulator must be asked for this element."""
        yield from self.asks
        for predicate in self.predicates():
            yield from predicate.questions()
        for part in self.content:
            if isinstance(part, Element):
                yield from part.questions()

    def predicates(self) -> Iterator[Predicate]:
        """Give every predicate that the element itself mentions."""
        yield self.shown
        if self.supported is not None:
            yield self.supported
        yield from (drift.where for drift in self.at_start)
        for part in self.content:
            if isinstance(part, Enum):
                yield part.shown
                for choice in part.choices:
                    yield choice.when
                    yield from (drift.where for drift in choice.at_start)

    def choices(self, prefix: str = "") -> Iterator[tuple[str, Choice]]:
        """Give every choice with its path, such as ``hologram.modelType=laser``."""
        path = f"{prefix}{self.name}"
        for part in self.content:
            if isinstance(part, Element):
                yield from part.choices(f"{path}.")
            elif isinstance(part, Enum):
                for choice in part.choices:
                    yield f"{path}.{part.name}={choice.name}", choice

    def drifts(self, prefix: str = "", above: LibvirtChange | None = None) -> Iterator[Dated]:
        """Give every drift with the path that it is about, and the `since` and `until` of that.

        A choice of an element that is not in all reports is in none before the element; `above` is
        the `since` of the element around.
        """
        path, since = f"{prefix}{self.name}", self.since or above
        for drift in self.at_start:
            yield path, since, self.until, drift
        for part in self.content:
            if isinstance(part, Element):
                yield from part.drifts(f"{path}.", since)
            elif isinstance(part, Enum):
                for choice in part.choices:
                    for drift in (*choice.drifts, *choice.at_start):
                        where = f"{path}.{part.name}={choice.name}"
                        yield where, choice.since or since, choice.until, drift
