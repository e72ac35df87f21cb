"""What can be decided about a domain for one target: variables, and the values they may have.

A variable's assignments are in the order in which they are preferred: first those that suit the
guest, then the others, last those of which it is unknown whether they hold. A value that is known
not to hold is rejected, and the reason is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from domcaps.choose.catalogue import enums
from domcaps.choose.start_failures import choice_of, fails_at_start
from domcaps.errors import RequestError
from domcaps.language.preference import Decision, Option
from domcaps.language.truth import Truth
from domcaps.similar import close_matches
from domcaps.validate.alternatives import decisions
from domcaps.validate.catalogue.values import xml_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from domcaps.choose.wishes import Wish
    from domcaps.language import World
    from domcaps.language.finding import Finding
    from domcaps.language.predicate import Predicate
    from domcaps.language.preference import Guest
    from domcaps.language.truth import Reason


NARROWING = frozenset({"set", "narrow"})
"""Wishes that leave fewer assignments to a variable."""

_SILENCE = frozenset({""})


@dataclass(frozen=True, eq=False)
class Assignment:
    """One value of a variable: the XML that says it, and why it is wanted."""

    variable: str
    value: str
    why: str
    xml: str
    given: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dev: str = ""
    shortcoming: str = ""
    unknown: bool = False
    is_item: bool = False

    @property
    def decision(self) -> str:
        """The decision that its variable is about."""
        return self.variable.partition("[")[0]

    @property
    def element(self) -> str:
        """The element that it is about."""
        return self.variable.partition(".")[0]

    @property
    def signature(self) -> tuple[str, str]:
        """What it says to which variable, whatever the target."""
        return self.variable, self.xml


class Rejected:
    """A value that is no assignment, and why not."""

    def __init__(self, value: str, tell: Callable[[], str]) -> None:
        self.value = value
        self._tell = tell

    @cached_property
    def why(self) -> str:
        """What is not so."""
        return self._tell()


class Variable:
    """One thing to decide. `wish` is the one that it is there for, if any.

    Its assignments are worked out when they are needed: most variables of a wish that can't be met
    are never assigned.
    """

    def __init__(
        self, name: str, decision: Decision, wish: Wish | None, space: SearchSpace
    ) -> None:
        self.name = name
        self.title = decision.title or decision.name
        self.decision = decision
        self.wish = wish
        self._space = space
        self._made: dict[int, Assignment | Rejected] = {}

    @cached_property
    def _options(self) -> tuple[Option, ...]:
        options = self._space.options(self.decision, self.wish)
        return tuple(option for option in options if self._space.applies(option))

    def _judged(self, number: int) -> Assignment | Rejected:
        """Make an assignment of an option, or say why it is none."""
        known = self._made.get(number)
        if known is None:
            known = self._made[number] = self._space.judged(self, self._options[number])
        return known

    def assignments(self, values: frozenset[str] | None = None) -> list[Assignment]:
        """Give the assignments, those that are wanted most first; with `values` only those."""
        tiers: tuple[list[Assignment], ...] = ([], [], [])
        seen: set[tuple[str, str]] = set()
        for number, option in enumerate(self._options):
            assignment = self._judged(number) if values is None or option.value in values else None
            if not isinstance(assignment, Assignment):
                continue
            if (assignment.value, assignment.xml) in seen and not assignment.given:
                continue
            if not assignment.shortcoming and not assignment.given:
                seen.add((assignment.value, assignment.xml))
            tiers[2 if assignment.unknown else 1 if assignment.shortcoming else 0].append(
                assignment
            )
        return _distinct([assignment for tier in tiers for assignment in tier])

    def silent(self) -> list[Assignment]:
        """Give the assignments that put nothing into the domain."""
        return [assignment for assignment in self.assignments(_SILENCE) if not assignment.xml]

    @cached_property
    def rejected(self) -> list[Rejected]:
        """The values that are no assignments."""
        judged = (self._judged(number) for number in range(len(self._options)))
        return [one for one in judged if isinstance(one, Rejected)]

    def named(self) -> list[Assignment | Rejected]:
        """Judge each of the enum's values as if a wish named it."""
        return self._space.named(self)

    @property
    def lacking(self) -> dict[str, str]:
        """What the guest would need for a value, where it does not have it."""
        found: dict[str, str] = {}
        for assignment in map(self._judged, range(len(self._options))):
            if isinstance(assignment, Assignment) and assignment.shortcoming:
                found.setdefault(assignment.value, assignment.shortcoming)
        return found


class VariableDomain:
    """A variable that some wishes leave, with the assignments that they leave."""

    def __init__(self, variable: Variable, values: frozenset[str] | None) -> None:
        self.variable = variable
        self.name = variable.name
        self._values = values

    @cached_property
    def assignments(self) -> list[Assignment]:
        """The assignments, those that are wanted most first."""
        return self.variable.assignments(self._values)

    @property
    def is_wanted(self) -> bool:
        """Whether somebody cares which assignment is given."""
        return self.variable.wish is not None or self._values is not None

    @property
    def contradicts(self) -> bool:
        """Whether no value is everything that is wanted."""
        return self._values is not None and not self._values

    def may_be_wanted(self, rejected: Rejected) -> bool:
        """Tell whether somebody may have wanted a value."""
        return self._values is None or rejected.value in self._values

    def least(self) -> Iterator[Assignment]:
        """Give the assignments, those that put nothing into the domain first."""
        silent = self.variable.silent() if self._values is None else []
        yield from silent
        yield from (assignment for assignment in self.assignments if assignment not in silent)


class SearchSpace:
    """All variables for a target, the same objects for every subset of the wishes."""

    def __init__(self, worlds: Sequence[World], guest: Guest, wishes: Sequence[Wish]) -> None:
        self.worlds = worlds
        self.guest = guest
        self.wishes = wishes
        self._values: dict[str, list[str]] = {}
        for wish in wishes:
            if wish.kind in NARROWING:
                self._values.setdefault(wish.name, []).extend(wish.values)
        self.variables = list(self._variables())

    def _variables(self) -> Iterator[Variable]:
        for decision in decisions():
            if decision.name == "os.machine":
                continue
            if not decision.each:
                yield Variable(decision.name, decision, None, self)
                continue
            items = [w for w in self.wishes if w.kind == "item" and w.name == decision.each]
            for number, wish in enumerate(items):
                name = f"{decision.name}[{number}]" if len(items) > 1 else decision.name
                yield Variable(name, decision, wish, self)
        known = {decision.name for decision in decisions()}
        for wish in self.wishes:
            if wish.kind == "set" and wish.name not in known:
                yield self._setting(wish)

    def _setting(self, wish: Wish) -> Variable:
        """Make a variable of a value that no decision is about."""
        enum = enums().get(wish.name)
        if enum is None:
            near = close_matches(wish.name, enums(), n=4)
            raise RequestError(
                f"the table has no {wish.name!r}", remedy=f"near it are {', '.join(near)}" if near
                else "'domcaps explain' lists what it has",
            )  # fmt: skip
        value = wish.values[0]
        xml = xml_of(enum, value)
        if xml is None:
            raise RequestError(f"no domain says {wish.name!r}: it can't be set")
        decision = Decision(wish.name, enum, xml=xml, options=(Option(value, "wanted", xml=xml),))
        return Variable(wish.name, decision, wish, self)

    def judged(self, variable: Variable, option: Option) -> Assignment | Rejected:
        """Make an assignment of an option, or say why it is none."""
        refusal, unknown = self._refusal(variable.decision, option)
        if refusal is not None:
            return Rejected(option.value, refusal)
        xml, dev = _filled(variable.decision, option, variable.wish)
        return Assignment(
            variable.name,
            option.value,
            option.why,
            xml,
            option.given,
            dev,
            "" if option.guest is None else option.guest.shortcoming(self.guest),
            unknown,
            bool(variable.decision.each),
        )

    def named(self, variable: Variable) -> list[Assignment | Rejected]:
        """Judge the values of an enum, held to nothing that they usually go with."""
        decision = variable.decision
        if decision.enum is None:
            return []
        names = [one.name for one in decision.enum.spoken(self.worlds[0].target.dialect)]
        return [self._named(variable, name) for name in names]

    def _named(self, variable: Variable, name: str) -> Assignment | Rejected:
        decision = variable.decision
        xml = None if decision.xml else xml_of(decision.enum, name)
        if not xml and not decision.xml:
            return Rejected(name, "it is not known how a domain names it".__str__)
        return self.judged(variable, Option(name, "", xml=xml))

    def options(self, decision: Decision, wish: Wish | None) -> list[Option]:
        """Give the options, and what somebody wants that none of them is."""
        options = list(decision.options)
        wanted = list(self._values.get(decision.name, ()))
        if wish is not None and wish.bus:
            wanted.append(wish.bus)
        known = {option.value for option in options}
        # what is asked for by name is not held to what it usually goes with
        known -= {w.values[0] for w in self.wishes if w.kind == "set" and w.name == decision.name}
        for value in wanted:
            if value not in known and (decision.xml or decision.enum is not None):
                xml = None if decision.xml else xml_of(decision.enum, value)
                options.append(Option(value, "wanted", xml=xml))
        if wish is not None and wish.implied:
            options.append(Option("", "there is none that the board could have", xml=""))
        return options

    def applies(self, option: Option) -> bool:
        """Tell whether an option is one for this target."""
        return all(world.truth(option.when) is not Truth.NO for world in self.worlds)

    def _refusal(self, decision: Decision, option: Option) -> tuple[Callable[[], str] | None, bool]:
        """Tell why a value is none of the enum's, and whether it is unknown that it is."""
        if decision.enum is None or not option.value:
            return None, False
        unknown = False
        for world in self.worlds:
            dialect = world.target.dialect
            spoken = dialect.has_between(decision.enum.since, decision.enum.until)
            choice = choice_of(decision.enum, option.value, world)
            if choice is None and not spoken:
                unknown = True
                continue
            if choice is None:
                return partial("libvirt {} knows no such value".format, dialect), False
            truth = world.truth(choice.when)
            if truth is Truth.NO:
                return partial(_because, choice.when, world), False
            unknown = unknown or truth is Truth.UNKNOWN
            wont = fails_at_start(choice, world)
            if wont:
                return partial("it would not start: {}".format, wont), False
        return None, unknown

    def narrowing(self, decision: str) -> list[Wish]:
        """Give the wishes that limit a decision to some values."""
        return [w for w in self.wishes if w.kind in NARROWING and w.name == decision]

    def active(self, wishes: Sequence[Wish]) -> list[VariableDomain]:
        """Give the variables that some of the wishes leave, each with its assignments."""
        chosen = {id(wish) for wish in wishes}
        values: dict[str, frozenset[str]] = {}
        for wish in wishes:
            if wish.kind in NARROWING:
                wanted = frozenset(wish.values)
                values[wish.name] = values.get(wish.name, wanted) & wanted
        found = []
        for variable in self.variables:
            there_for = variable.wish
            if there_for is not None and id(there_for) not in chosen:
                continue
            left = values.get(variable.decision.name)
            if there_for is not None and there_for.bus:
                bus = frozenset({there_for.bus})
                left = bus if left is None else left & bus
            found.append(VariableDomain(variable, left))
        return found


def _because(when: Predicate, world: World) -> str:
    """Give the innermost statement that decided, in a few words."""
    texts = _deciding(when.explain(world))
    return "; ".join(texts[:3])


def with_reason(finding: Finding) -> str:
    """Say what was found, with what decided it."""
    if finding.reason is None:
        return finding.message
    return f"{finding.message}: {'; '.join(_deciding(finding.reason)[:2])}"


def _deciding(reason: Reason) -> list[str]:
    inner = [r for r in reason.because if r.truth is reason.truth]
    if not inner:
        return [reason.sentence]
    return [text for one in inner for text in _deciding(one)]


def _filled(decision: Decision, option: Option, wish: Wish | None) -> tuple[str, str]:
    """Give the XML of an option with its blanks filled, but the name of the disk's target."""
    xml = option.xml if option.xml is not None else decision.xml if option.value else ""
    blanks = dict(wish.blanks) if wish is not None and wish.kind == "item" else {}
    settings = dict(option.settings)
    for name, text in ({"value": option.value} | blanks).items():
        xml = xml.replace("{" + name + "}", text)
    return xml, settings.get("dev", "sd" if "{dev}" in xml else "")


def _distinct(assignments: list[Assignment]) -> list[Assignment]:
    seen = set()
    found = []
    for assignment in assignments:
        key = (assignment.value, assignment.xml, assignment.given)
        if key not in seen:
            seen.add(key)
            found.append(assignment)
    return found
