"""Stand-ins for what a rule sees of a host, which note what is read of it.

A read is a path of steps from the world: ``("emulator", "version")``, ``("host", ("helper",
"swtpm"))``, ``("emulator", "qom_types", ("in", "virtio-vga"))``. `look` follows such a path on any
other world.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domcaps.facts.emulator import LIBVIRT_SESSION, Unanswered
from domcaps.facts.question import report_of
from domcaps.fleet.manifest import encode, sha256
from domcaps.language.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from domcaps.fleet.tracking.recorder import ReadKey, Recorder
    from domcaps.language.predicate import Predicate
    from domcaps.language.truth import Truth

T = TypeVar("T")

_PLAIN = (bool, int, str, type(None))
_DEEP = frozenset({"record", "firmware", "schema", "kvm", "cpu", "vfio", "iommufd", "libvirt"})
"""Attributes of which a part is read, and not the whole."""


def token(value: Any) -> Any:
    """Give something small that is equal for equal values."""
    if isinstance(value, _PLAIN):
        return value
    try:
        return f"#{sha256(encode(value))}"
    except TypeError:
        return f"#{sha256(repr(_sorted(value)).encode())}"


def _sorted(value: Any) -> Any:
    """Bring sets and mappings into an order, whatever they hold."""
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if hasattr(value, "items"):
        return sorted((repr(k), _sorted(v)) for k, v in value.items())
    if isinstance(value, tuple | list):
        return [_sorted(inner) for inner in value]
    return value


class Items(tuple[Any, ...]):
    """The items of a mapping, as part of a step: steps are keys."""

    __slots__ = ()


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return Items((name, _frozen(inner)) for name, inner in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _thawed(value: Any) -> Any:
    if isinstance(value, Items):
        return {name: _thawed(inner) for name, inner in value}
    return value


def step_into(found: Any, step: Any) -> Any:
    """Follow one step of a path."""
    if isinstance(step, str):
        return getattr(found, step)
    name, *arguments = map(_thawed, step)
    if name == "call":
        method, positions, named = arguments
        return getattr(found, method)(*positions, **named)
    if name == "in":
        return arguments[0] in found
    if name == "get":
        return found.get(arguments[0])
    if name == "len":
        return len(found)
    return getattr(found, name)(*arguments)


def look(root: Any, path: tuple[Any, ...]) -> Any:
    """Follow a path and give the token of what is there, or of what was raised."""
    found = root
    try:
        for step in path:
            found = step_into(found, step)
        return token(found)
    except Unanswered as unanswered:
        return ("unanswered", str(unanswered))
    except Exception as error:  # noqa: BLE001 - a rule that reads this fails alike
        return ("failed", type(error).__name__, str(error))


class Watched:
    """An object whose attributes and methods are noted when they are used."""

    def __init__(self, found: Any, path: ReadKey, recorder: Recorder) -> None:
        self._found, self._path, self._recorder = found, path, recorder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if callable(getattr(type(self._found), name, None)):
            return self._method(name)
        return self._read(name, lambda: getattr(self._found, name))

    def _method(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            step: tuple[Any, ...] = (name, *map(_frozen, arguments))
            if named:
                step = ("call", name, tuple(map(_frozen, arguments)), _frozen(named))
            return self._read(step, lambda: step_into(self._found, step))

        return call

    def _read(self, step: Any, get: Callable[[], Any]) -> Any:
        path = (*self._path, step)
        key = id(self._found), step
        known = _ANSWERS.get(key)
        if known is None:
            try:
                value = get()
            except Exception:
                self._recorder.read(path, look(self._found, (step,)))
                raise
            if len(_ANSWERS) >= _MOST_ANSWERS:
                _ANSWERS.clear()
            known = _ANSWERS[key] = _Answer(self._found, value)
        return watched(known, step, path, self._recorder)


class _Answer:
    """What one fact says, which does not change: its token is worked out once.

    The fact is held, since its number must not be given to another object.
    """

    __slots__ = ("fact", "token", "value")

    def __init__(self, fact: Any, value: Any) -> None:
        self.fact, self.value, self.token = fact, value, None


_ANSWERS: dict[tuple[int, Any], _Answer] = {}
_MOST_ANSWERS = 100_000


def watched(answer: _Answer, step: Any, path: ReadKey, recorder: Recorder) -> Any:
    """Wrap what has parts that are read one by one; note anything else as read."""
    value = answer.value
    name = step if isinstance(step, str) else step[0]
    name = step[1] if name == "call" else name
    if name in _DEEP and not isinstance(value, _PLAIN):
        return Watched(value, path, recorder)
    if isinstance(value, frozenset) or (name in _MAPPINGS and hasattr(value, "items")):
        return WatchedCollection(value, path, recorder)
    if answer.token is None:
        answer.token = token(value)
    recorder.read(path, answer.token)
    return value


_MAPPINGS = frozenset({"properties", "object_properties", "command_line_options"})


class WatchedCollection:
    """A set or mapping of which members are looked up; going through it reads all of it."""

    def __init__(self, found: Any, path: ReadKey, recorder: Recorder) -> None:
        self._found, self._path, self._recorder = found, path, recorder

    def __contains__(self, item: Any) -> bool:
        is_there: bool = item in self._found
        self._recorder.read((*self._path, ("in", item)), is_there)
        return is_there

    def get(self, item: Any, default: Any = None) -> Any:
        """Look up one member of a mapping."""
        value = self._found.get(item)
        self._recorder.read((*self._path, ("get", item)), token(value))
        return default if value is None and item not in self._found else value

    def __getitem__(self, item: Any) -> Any:
        value = self.get(item)
        if value is None:
            return self._found[item]
        return value

    def __len__(self) -> int:
        self._recorder.read((*self._path, ("len",)), len(self._found))
        return len(self._found)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[Any]:
        return iter(self._whole())

    def __eq__(self, other: object) -> bool:
        return bool(self._whole() == other)

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole(), name)

    def __and__(self, other: Any) -> Any:
        return self._whole() & other

    def __rand__(self, other: Any) -> Any:
        return other & self._whole()

    def __or__(self, other: Any) -> Any:
        return self._whole() | other

    def __sub__(self, other: Any) -> Any:
        return self._whole() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self._whole()

    def __le__(self, other: Any) -> Any:
        return self._whole() <= other

    def __ge__(self, other: Any) -> Any:
        return self._whole() >= other

    def _whole(self) -> Any:
        self._recorder.read(self._path, token(self._found))
        return self._found


class WatchedTarget:
    """A target whose fields are noted when they are read."""

    def __init__(self, target: Any, recorder: Recorder) -> None:
        self._target, self._recorder = target, recorder

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        self._recorder.read(("target", name), token(value) if name != "dialect" else str(value))
        return value

    def matches(self, attribute: str, patterns: tuple[str, ...]) -> bool:
        """Compare a field; noted is the answer, which many targets share, and not the field."""
        is_one: bool = self._target.matches(attribute, patterns)
        self._recorder.read(("target", ("matches", attribute, patterns)), is_one)
        return is_one


class WatchedWorld(World):
    """A world that notes what is read of it."""

    __slots__ = ("_plain", "_shared", "recorder")

    def __init__(self, world: World, recorder: Recorder, target: Any = None) -> None:
        self.recorder = recorder
        emulator: Any = Watched(world.emulator, ("emulator",), recorder)
        host: Any = Watched(world.host, ("host",), recorder)
        wanted: Any = target or WatchedTarget(world.target, recorder)
        self.target, self.emulator, self.host = wanted, emulator, host
        self.kept = {}
        # files of a recorded host can't be looked at
        self.look = None
        self._truths = {}
        self._plain = world
        # what follows from the world alone holds for each document that is looked at
        self._shared = world.kept.setdefault("watched", {}) if target is None else {}

    @property
    def unknown(self) -> set[str]:  # type: ignore[override]
        """What could not be decided, by who asked."""
        return self.recorder.frame.unknown

    def truth(self, predicate: Predicate) -> Truth:
        """Evaluate a predicate once, and charge each who asks with its reads."""
        found: Truth = self.recorder.keep(
            predicate, "truth", lambda: self._evaluated(predicate), self._shared
        )
        return found

    def _evaluated(self, predicate: Predicate) -> Truth:
        told = self.told.get(id(predicate))
        return predicate.evaluate(self) if told is None else told[1]

    @property
    def told(self) -> Mapping[int, tuple[Predicate, Truth]]:  # type: ignore[override]
        """What libvirt reported; it is noted as a whole.

        Where there is no report nothing is noted: what was read for a truth then, finds something
        else on a host on which the truth is only known from a report.
        """
        told = self._plain.told
        if told:
            target = self.target
            self.emulator.answer(
                report_of(target.arch, target.machine, target.virttype), LIBVIRT_SESSION
            )
        return told

    def keep(self, name: Hashable, compute: Callable[[], T]) -> T:
        """Keep what follows from the world alone, with its reads."""
        # the class as owner: a name stands for the same in each world
        kept: T = self.recorder.keep(WatchedWorld, name, compute, self._shared)
        return kept

    def again(self) -> World:
        """Give the same world: what is noted goes to who asks, anyway."""
        return self

    def retargeted(self, **changes: str) -> World:
        """Give the same facts for another target, which depends on the whole of this one."""
        for name in self._plain.target.__struct_fields__:
            getattr(self.target, name)
        target = msgspec.structs.replace(self._plain.target, **changes)
        return WatchedWorld(
            World(target, self._plain.emulator, self._plain.host), self.recorder, target
        )
