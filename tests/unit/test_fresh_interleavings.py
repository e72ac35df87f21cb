"""An answer reflects a state of the host that is not older than the begin of the call.

This holds for every interleaving of the engine's steps: two calls beside a change of the host, with
every schedule up to a number of preemptions. See the rules at the head of `domcaps.fresh.build`.
"""

from __future__ import annotations

import os
import types
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.fresh import store
from domcaps.fresh.build import Build
from domcaps.fresh.guard import Cover
from domcaps.fresh.host_view import HostView
from domcaps.fresh.key import Key
from domcaps.fresh.witness import Witness
from interleavings import DeadlockError, Schedule, SteppedLock, explore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domcaps.fresh.fetch import Fetch
    from domcaps.fresh.store import Sighting

State = tuple[int, ...]
MOST = int(os.environ.get("INTERLEAVINGS", "250"))
"""Schedules of each case; every one with two preemptions takes some 20,000."""


class World:
    """What is looked at: some numbers, all states that they had, and who runs."""

    now: World

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.history: list[State] = [(0, 0)]
        self.sentry = StandIn(self)

    def change(self, index: int, number: int) -> None:
        """Change a number; the kernel's event is there at the same moment."""
        self.schedule.step()
        state = list(self.history[-1])
        state[index] = number
        self.history.append(tuple(state))
        if index in self.sentry.watched:
            self.sentry.events += 1


class Cell(Witness):
    """One of the numbers."""

    at: int

    def look(self, host_view: HostView) -> int:
        world = World.now
        world.schedule.step()
        seen = world.history[-1][self.at]
        world.schedule.step()
        return seen

    @property
    def place(self) -> str:
        return f"number {self.at}"


class StandIn:
    """A sentry that knows of every change of what it was set on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.watched: set[int] = set()
        self.events = 0

    def generation(self, state: object = None) -> int:
        self._world.schedule.step()
        return self.events

    def cover(self, sightings: Iterable[Sighting], host_view: HostView) -> Cover:
        generation = self.generation()
        found = {}
        for sighting in sightings:
            assert isinstance(sighting.witness, Cell)
            self.watched.add(sighting.witness.at)
            found[id(sighting)] = True
        return Cover(generation, found)


class Named(Key[Any], frozen=True):
    """A key by its name; its task is in `TASKS`."""

    name: str

    def task(self, fetch: Fetch) -> Any:
        return TASKS[self.name](fetch)

    @property
    def text(self) -> str:
        return self.name


def _either(fetch: Fetch) -> Any:
    return "off" if fetch.look(Cell(0)) == 0 else f"on {fetch.look(Cell(1))}"


def _perhaps(fetch: Fetch) -> Any:
    if fetch.look(Cell(0)) == 1:
        raise LookupError("there is none")
    return "there"


def _without(fetch: Fetch) -> Any:
    try:
        return fetch(Named("perhaps"))
    except LookupError:
        return "nothing"


TASKS: dict[str, Callable[[Fetch], Any]] = {
    "left": lambda fetch: fetch.look(Cell(0)),
    "right": lambda fetch: fetch.look(Cell(0)),
    "top": lambda fetch: (fetch(Named("left")), fetch(Named("right"))),
    "either": _either,
    "above": lambda fetch: ("above", fetch(Named("either"))),
    "perhaps": _perhaps,
    "without": _without,
    "pair": lambda fetch: (fetch.look(Cell(0)), fetch.look(Cell(1))),
    "over": lambda fetch: fetch(Named("pair")),
}
RIGHT: dict[str, Callable[[State], Any]] = {
    "left": lambda state: state[0],
    "right": lambda state: state[0],
    "top": lambda state: (state[0], state[0]),
    "either": lambda state: "off" if state[0] == 0 else f"on {state[1]}",
    "above": lambda state: ("above", RIGHT["either"](state)),
    "perhaps": lambda state: "LookupError" if state[0] == 1 else "there",
    "without": lambda state: "nothing" if state[0] == 1 else "there",
    "pair": lambda state: state,
    "over": lambda state: state,
}
CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[int, int], ...]]] = {
    "the same question twice": (("top",), ("top",), ((0, 1),)),
    "a part of the other's question": (("top",), ("right",), ((0, 1),)),
    "there and back": (("top",), ("left", "top"), ((0, 1), (0, 0))),
    "another way through the task": (("above",), ("either", "above"), ((0, 1), (1, 1))),
    "two numbers": (("over",), ("pair",), ((0, 1), (1, 1))),
    "a task that fails": (("without",), ("perhaps", "without"), ((0, 1),)),
    "a task that fails no more": (("without",), ("perhaps",), ((0, 1), (0, 0))),
}


@pytest.fixture(autouse=True)
def _stepped(monkeypatch: pytest.MonkeyPatch) -> None:
    def lock() -> SteppedLock:
        return SteppedLock(lambda: World.now.schedule)

    monkeypatch.setattr(store, "threading", types.SimpleNamespace(Lock=lock, RLock=lock))


def _asked(build: Build, name: str) -> Any:
    try:
        return build.get(Named(name))
    except LookupError as error:
        return type(error).__name__


def _check(build: Build, world: World, name: str) -> None:
    begin = len(world.history) - 1
    got = _asked(build, name)
    possible = [RIGHT[name](state) for state in world.history[begin:]]
    assert got in possible, f"{name} is {got!r}, but since the call began: {possible}"


def _run(
    schedule: Schedule,
    calls: tuple[tuple[str, ...], tuple[str, ...]],
    changes: tuple[tuple[int, int], ...],
    *,
    sentry: bool,
    warm: int,
) -> None:
    world = World.now = World(schedule)
    build = Build(HostView(), sentry=False)
    if sentry:
        build._sentry = world.sentry  # type: ignore[assignment]
    names = dict.fromkeys((*calls[0], *calls[1]))
    for _ in range(warm):
        for name in names:
            _check(build, world, name)

    def ask(each: tuple[str, ...]) -> None:
        for name in each:
            _check(build, world, name)

    def change() -> None:
        for index, number in changes:
            world.change(index, number)

    schedule.run([partial(ask, calls[0]), partial(ask, calls[1]), change])
    for _ in range(3):
        for name in names:
            _check(build, world, name)


@pytest.mark.parametrize("warm", [0, 3], ids=["first calls", "later calls"])
@pytest.mark.parametrize("sentry", [True, False], ids=["sentry", "no sentry"])
@pytest.mark.parametrize("case", CASES)
def test_no_answer_is_older_than_its_call(case: str, sentry: bool, warm: int) -> None:
    first, second, changes = CASES[case]

    def run(schedule: Schedule) -> None:
        _run(schedule, (first, second), changes, sentry=sentry, warm=warm)

    assert explore(run, preemptions=2, most=MOST) > 50


# -- the scheduler itself --------------------------------------------------------------------


def test_every_interleaving_is_tried() -> None:
    found = set()

    def case(schedule: Schedule) -> None:
        order: list[str] = []

        def work(name: str) -> None:
            for number in (1, 2):
                schedule.step()
                order.append(f"{name}{number}")

        schedule.run([lambda: work("a"), lambda: work("b")])
        found.add(" ".join(order))

    explore(case, preemptions=4)
    # four steps of which two are one thread's: 4 over 2
    assert len(found) == 6


def test_a_lost_update_is_found() -> None:
    def case(schedule: Schedule) -> None:
        number = [0]

        def work() -> None:
            schedule.step()
            seen = number[0]
            schedule.step()
            number[0] = seen + 1

        schedule.run([work, work])
        assert number == [2]

    with pytest.raises(AssertionError, match=r"assert \[1\]"):
        explore(case, preemptions=1)


def test_a_deadlock_is_found() -> None:
    def case(schedule: Schedule) -> None:
        one, two = SteppedLock(lambda: schedule), SteppedLock(lambda: schedule)

        def work(outer: SteppedLock, inner: SteppedLock) -> None:
            with outer, inner:
                schedule.step()

        schedule.run([lambda: work(one, two), lambda: work(two, one)])

    with pytest.raises(DeadlockError):
        explore(case, preemptions=1)
