"""The leaves of predicates: statements about what was observed, and about the target.

Each function here makes one predicate. A device, property or schema path that is mentioned in the
table is asked about because it is mentioned: no second list has to be kept.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from domcaps.facts.emulator import EmulatorFacts, Unanswered
from domcaps.facts.question import QmpCommand, device_properties_of, object_properties_of
from domcaps.language.immutable import immutable
from domcaps.language.predicate import AnyOf, Predicate
from domcaps.language.remedy import Adviser, Remedy  # noqa: TC001
from domcaps.language.truth import Reason, Truth
from domcaps.language.wording import alternatives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.facts.host import HostFacts
    from domcaps.language.world import World

T = TypeVar("T")


class Observation(Predicate):
    """A statement that one look at the facts decides, unless the emulator was not asked."""

    @abstractmethod
    def holds(self, world: World) -> bool:
        """Look; raises `Unanswered` if it was not probed."""

    @abstractmethod
    def source(self) -> str:
        """Say where: the QMP command, the file, or the target."""

    def evaluate(self, world: World) -> Truth:
        """Look, and note what could not be decided."""
        try:
            return Truth.of(self.holds(world))
        except Unanswered as unanswered:
            world.unknown.add(f"{self.describe()}: {unanswered.question} has no answer")
            return Truth.UNKNOWN

    def at(self) -> str:
        """Say where in there: the path in a reply, the key in a file."""
        return ""

    def value(self, world: World) -> str:  # noqa: ARG002 - most look at a world
        """Say what was found there; raises `Unanswered` if it was not probed."""
        return ""

    def remedy(self, world: World, *, wanted: bool) -> Remedy | None:  # noqa: ARG002
        """Tell how it could be made to hold, or not; None where there is no more to say."""
        return None

    def explain(self, world: World) -> Reason:
        """Look, and tell where, and what was found there."""
        truth = self.evaluate(world)
        try:
            value = self.value(world)
        except Unanswered as unanswered:
            value = f"{unanswered.question} has no answer"
        return Reason(truth, self.describe(), self.source(), at=self.at(), value=value)


@immutable
class QomType(Observation):
    """The emulator has a type of that name."""

    name: str

    def holds(self, world: World) -> bool:
        """Look among all types."""
        return self.name in world.emulator.qom_types

    def describe(self) -> str:
        """Name the type."""
        return f"QEMU has the type {self.name!r}"

    def source(self) -> str:
        """Name the command."""
        return "qom-list-types"

    def at(self) -> str:
        """Name the key of the list's entries."""
        return "[].name"

    def value(self, world: World) -> str:
        """Give the name, or among how many it is not."""
        types = world.emulator.qom_types
        return repr(self.name) if self.name in types else f"not among {len(types)} types"


@immutable
class TypeProperty(Observation):
    """A type of the emulator has that property."""

    question: QmpCommand
    typename: str
    name: str
    creatable: bool = True

    def holds(self, world: World) -> bool:
        """Look among the type's properties."""
        try:
            return self.name in world.emulator.properties(self.question)
        except Unanswered:
            # nobody asks a type that isn't there; abstract ones are never listed
            if self.creatable and self.typename not in world.emulator.qom_types:
                return False
            raise

    def describe(self) -> str:
        """Name type and property."""
        return f"QEMU's {self.typename!r} has the property {self.name!r}"

    def at(self) -> str:
        """Name the key of the list's entries."""
        return "[].name"

    def value(self, world: World) -> str:
        """Give the name, or why there is none."""
        if self.creatable and self.typename not in world.emulator.qom_types:
            return f"there is no type {self.typename!r}"
        known = world.emulator.properties(self.question)
        return repr(self.name) if self.name in known else f"not among {len(known)} properties"

    def source(self) -> str:
        """Name the command."""
        return str(self.question)

    def questions(self) -> Iterator[QmpCommand]:
        """Ask for the type's properties."""
        yield self.question


@immutable
class QapiPath(Observation):
    """The emulator's QAPI schema has that path (see `domcaps.facts.qapi`)."""

    path: str

    def holds(self, world: World) -> bool:
        """Walk the schema."""
        return world.emulator.schema.has(self.path)

    def describe(self) -> str:
        """Name the path."""
        return f"QEMU's QAPI schema has {self.path!r}"

    def at(self) -> str:
        """Give the path as far as it is a place: its last step is what is looked for."""
        return self.path.rpartition("/")[0]

    def value(self, world: World) -> str:
        """Tell how far the path leads."""
        reached = world.emulator.schema.reach(self.path)
        if reached == self.path:
            return f"has {self.path.rpartition('/')[2]!r}"
        missing = self.path[len(reached) :].lstrip("/").partition("/")[0]
        return f"no {missing!r} in {reached!r}" if reached else f"no {missing!r}"

    def source(self) -> str:
        """Name the command."""
        return "query-qmp-schema"


@immutable
class CommandLineOption(Observation):
    """The emulator's command line has that option, and where named, that parameter of it."""

    option: str
    parameter: str = ""

    def holds(self, world: World) -> bool:
        """Look among the option groups."""
        parameters = world.emulator.command_line_options.get(self.option)
        return parameters is not None and (not self.parameter or self.parameter in parameters)

    def describe(self) -> str:
        """Name option and parameter."""
        parameter = f" {self.parameter}=…" if self.parameter else ""
        return f"QEMU has the option -{self.option}{parameter}"

    def at(self) -> str:
        """Name the key of the list's entries."""
        return "[].parameters[].name" if self.parameter else "[].option"

    def value(self, world: World) -> str:
        """Tell what is there."""
        options = world.emulator.command_line_options
        if self.option not in options:
            return f"{self.option!r} is not among {len(options)} options"
        if not self.parameter:
            return repr(self.option)
        if self.parameter in options[self.option]:
            return repr(self.parameter)
        return f"-{self.option} has {', '.join(sorted(options[self.option])) or 'none'}"

    def source(self) -> str:
        """Name the command."""
        return "query-command-line-options"


@immutable
class _Fact(Observation, Generic[T]):
    """Anything that a function finds out; `key` says where it looks, the advice what to do."""

    text: str
    origin: str
    look: Callable[[T], bool]
    show: Callable[[T], str] | None = None
    key: str = ""
    advice: Adviser | None = None
    advice_against: Adviser | None = None

    @abstractmethod
    def observed(self, world: World) -> T:
        """Give what it is looked for in."""

    def holds(self, world: World) -> bool:
        """Look."""
        return self.look(self.observed(world))

    def describe(self) -> str:
        """Say what is looked for."""
        return self.text

    def source(self) -> str:
        """Name the command, file or program."""
        return self.origin

    def at(self) -> str:
        """Name the key."""
        return self.key

    def value(self, world: World) -> str:
        """Show what is there."""
        return self.show(self.observed(world)) if self.show else ""

    def remedy(self, world: World, *, wanted: bool) -> Remedy | None:
        """Ask who made the statement."""
        advice = self.advice if wanted else self.advice_against
        return advice(world) if advice else None


class EmulatorFact(_Fact["EmulatorFacts"]):
    """Anything else that the emulator answered."""

    __slots__ = ()

    def observed(self, world: World) -> EmulatorFacts:
        """Look at the emulator."""
        return world.emulator


class HostFact(_Fact["HostFacts"]):
    """Something that was read of the host."""

    __slots__ = ()

    def observed(self, world: World) -> HostFacts:
        """Look at the host."""
        return world.host


class WorldFact(_Fact["World"]):
    """Something that host and emulator tell only together, or for that target only."""

    __slots__ = ()

    def observed(self, world: World) -> World:
        """Look at all."""
        return world


@immutable
class TargetIs(Observation):
    """The target's architecture, machine type or virtualization type is one of those named."""

    attribute: str
    patterns: tuple[str, ...]

    def holds(self, world: World) -> bool:
        """Compare; names may hold ``*``."""
        return world.target.matches(self.attribute, self.patterns)

    def explain(self, world: World) -> Reason:
        """Compare, and tell what the target has."""
        value, truth = getattr(world.target, self.attribute), self.evaluate(world)
        statement = f"{self.describe()} (here: {value})"
        return Reason(truth, statement, self.source(), at=self.attribute, value=value)

    def describe(self) -> str:
        """Name the required values."""
        return f"the guest's {_SPOKEN[self.attribute]} is {alternatives(self.patterns)}"

    def source(self) -> str:
        """Point to the target."""
        return "target"


_SPOKEN = {"arch": "architecture", "machine": "machine type", "virttype": "virtualization type"}


def device(*names: str) -> Predicate:
    """QEMU has one of these device types."""
    return qom_type(*names)


def qom_type(*names: str) -> Predicate:
    """QEMU has one of these types: devices, back ends, objects."""
    parts = tuple(QomType(name) for name in names)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def device_property(typename: str, name: str) -> Predicate:
    """A device type of QEMU takes that property (QMP ``device-list-properties``)."""
    return TypeProperty(device_properties_of(typename), typename, name)


def object_property(typename: str, name: str, *, abstract: bool = False) -> Predicate:
    """Any type of QEMU has that property (QMP ``qom-list-properties``).

    `abstract` tells that the type is one of those that QEMU does not list.
    """
    return TypeProperty(object_properties_of(typename), typename, name, creatable=not abstract)


def qapi(path: str) -> Predicate:
    """QEMU's QAPI schema has that path; `domcaps.facts.qapi` explains the form."""
    return QapiPath(path)


def option(name: str, parameter: str = "") -> Predicate:
    """QEMU's command line has that option (QMP ``query-command-line-options``)."""
    return CommandLineOption(name, parameter)


def arch(*names: str) -> Predicate:
    """The guest's architecture is one of these."""
    return TargetIs("arch", names)


def machine(*patterns: str) -> Predicate:
    """The guest's machine type is one of these; ``*`` stands for anything."""
    return TargetIs("machine", patterns)


def virttype(*names: str) -> Predicate:
    """The guest's virtualization type is one of these."""
    return TargetIs("virttype", names)
