"""All interleavings of a few threads, up to a number of preemptions.

Real threads run one at a time: each stops at every *step* (a lock, a look at the host, a question
to the sentry), and a schedule says which one goes on. `explore` runs every schedule that takes the
processor away from a thread that could go on at most `preemptions` times (iterative context
bounding: Musuvathi and Qadeer, PLDI 2007); most errors of locking need one or two.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PATIENCE_SECONDS = 20.0


class DeadlockError(AssertionError):
    """No thread can go on."""


class Schedule:
    """Runs threads one at a time, in the order that `choices` says, and then without preemption.

    `points` holds, for each step, which threads could go on and which did.
    """

    def __init__(self, choices: Sequence[int] = ()) -> None:
        self.choices = choices
        self.points: list[tuple[tuple[int, ...], int, int]] = []
        self.errors: list[BaseException] = []
        self._turns: list[threading.Semaphore] = []
        self._blocked: dict[int, SteppedLock] = {}
        self._ended: set[int] = set()
        self._current = -1
        self._done = threading.Semaphore(0)
        self._local = threading.local()

    def run(self, works: Sequence[Callable[[], object]]) -> None:
        """Run all to their end; raises the first error of one of them."""
        self._turns = [threading.Semaphore(0) for _ in works]
        threads = [
            threading.Thread(target=self._work, args=(number, work), daemon=True)
            for number, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        self._hand_over()
        if not self._done.acquire(timeout=_PATIENCE_SECONDS):
            raise DeadlockError(f"nothing goes on after {self.points[-3:]}")
        if self.errors:
            raise self.errors[0]

    def step(self) -> None:
        """Let another thread go on, if the schedule says so; nothing outside of its threads."""
        number = getattr(self._local, "number", None)
        if number is None:
            return
        if self._hand_over() != number:
            self._turns[number].acquire()

    def wait_for(self, lock: SteppedLock) -> None:
        """Let others go on until a lock is free."""
        number = self._local.number
        self._blocked[number] = lock
        self._hand_over()
        self._turns[number].acquire()

    def _work(self, number: int, work: Callable[[], object]) -> None:
        self._local.number = number
        self._turns[number].acquire()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed on
            self.errors.append(error)
        self._ended.add(number)
        self._hand_over()

    def _hand_over(self) -> int:
        """Choose who goes on, and wake that thread unless it runs already."""
        able = tuple(n for n in range(len(self._turns)) if self._is_able(n))
        if not able:
            if len(self._ended) < len(self._turns):
                self.errors.append(
                    DeadlockError(f"threads {sorted(self._blocked)} wait for each other")
                )
            self._done.release()
            return -1
        position = len(self.points)
        fallback = self._current if self._current in able else able[0]
        chosen = self.choices[position] if position < len(self.choices) else fallback
        self.points.append((able, fallback, chosen))
        before, self._current = self._current, chosen
        is_running = before == chosen and chosen not in self._blocked
        self._blocked.pop(chosen, None)
        if not is_running:
            self._turns[chosen].release()
        return chosen

    def _is_able(self, number: int) -> bool:
        lock = self._blocked.get(number)
        return number not in self._ended and (lock is None or lock.owner is None)


class SteppedLock:
    """A lock that may be taken again by its owner, and whose taking is a step."""

    def __init__(self, schedule: Callable[[], Schedule]) -> None:
        self._schedule = schedule
        self.owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        self._schedule().step()
        while self.owner not in {None, me}:
            self._schedule().wait_for(self)
        self.owner = me
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.owner = None


def explore(case: Callable[[Schedule], Any], preemptions: int, most: int = 1_000_000) -> int:
    """Run a case with every schedule; give how many there were.

    `case` gets a schedule, runs threads with it, and checks. A failure names the schedule.
    """
    # few preemptions first
    ahead: deque[tuple[list[int], int]] = deque([([], 0)])
    count = 0
    while ahead and count < most:
        choices, used = ahead.popleft()
        schedule = Schedule(choices)
        count += 1
        try:
            case(schedule)
        except BaseException as error:
            error.add_note(f"schedule {count}: {[chosen for _, _, chosen in schedule.points]}")
            raise
        for position in range(len(choices), len(schedule.points)):
            able, fallback, _ = schedule.points[position]
            taken = [chosen for _, _, chosen in schedule.points[:position]]
            is_free = position == 0 or schedule.points[position - 1][2] not in able
            cost = used + (not is_free)
            if cost <= preemptions:
                ahead += [([*taken, other], cost) for other in able if other != fallback]
    return count
