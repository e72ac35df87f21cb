"""Processes that descend from an emulator, wherever they went, so that none is left behind.

A process can leave its group and session (setsid), and its parent can end so that it is nobody's
child any more. Three ways lead to it (Linux):

- its parents, as long as these live: ``/proc/PID/task/*/children``;
- a mark in its environment, unless that was cleared;
- *this* process becomes its parent when its own ends (a sub-reaper, see prctl(2)). A program that
  merely uses this package may have children of its own, which cannot be distinguished from those.
  So nothing is killed for this reason alone unless `Adoption.is_alone` says that all children are
  ours.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER = 36, 37
_PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.002


class Adoption:
    """Makes this process the parent of what is orphaned below it, while emulators run.

    `is_alone` is set by this package's own programs: every child was started by this package.
    """

    def __init__(self) -> None:
        self.is_alone = False
        self._lock = threading.Lock()
        self._running: set[int] = set()
        self._before = 0

    def begin(self, pid: int) -> None:
        """An emulator runs, or what it needs; every child that is started has to be registered."""
        with self._lock:
            if not self._running:
                self._before = _set_subreaper(1)
            self._running.add(pid)

    def end(self, pid: int) -> None:
        """An emulator is gone. With the last one go those that were orphaned."""
        with self._lock:
            self._running.discard(pid)
            if self._running:
                return
            if self.is_alone:
                with _CHILDREN.lock:
                    end_all(lambda: _children(os.getpid()) - _CHILDREN.started)
            _set_subreaper(self._before)

    def after_fork(self) -> None:
        """Begin anew in a child: what runs is its parent's."""
        self._lock = threading.Lock()
        self._running = set()


class _Children:
    """The children of this process that are waited for elsewhere."""

    def __init__(self) -> None:
        self.after_fork()

    def after_fork(self) -> None:
        """Begin anew: the children of a parent are not those of its child."""
        self.lock = threading.Lock()
        self.started: set[int] = set()


ADOPTION = Adoption()
_CHILDREN = _Children()


@contextlib.contextmanager
def starting() -> Iterator[Callable[[int], None]]:
    """Start a child, and take note of it with what this gives: it is waited for elsewhere.

    Until it is noted it cannot be distinguished from an orphan, so no orphans are ended meanwhile.
    """
    with _CHILDREN.lock:
        yield _CHILDREN.started.add


def _after_fork() -> None:
    _CHILDREN.after_fork()
    ADOPTION.after_fork()


os.register_at_fork(after_in_child=_after_fork)


def family(pid: int) -> set[int]:
    """Give a process and those that it started, as far as their parents still live."""
    found, ahead = {pid}, [pid]
    while ahead:
        new = _children(ahead.pop()) - found
        found |= new
        ahead += new
    return found


def marked(mark: bytes) -> set[int]:
    """Give the processes with a mark in their environment; those of other users can't be seen."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                found.add(int(folder.name))
    return found


def kill(pids: Iterable[int]) -> None:
    """Kill processes, also those that are gone or not ours to kill."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def end_all(find: Callable[[], set[int]]) -> None:
    """Kill all that is found, and look again until there is nothing: a process may have forked."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while (found := find()) and time.monotonic() < limit:
        kill(found)
        _reap(found)
        time.sleep(_PAUSE_SECONDS)


def _reap(pids: Iterable[int]) -> None:
    """Wait for those that became children of this process."""
    for pid in set(pids) - _CHILDREN.started:
        with contextlib.suppress(OSError):
            os.waitpid(pid, os.WNOHANG)


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    for task in _tasks(pid):
        with contextlib.suppress(OSError, ValueError):
            found |= {int(child) for child in (task / "children").read_text().split()}
    return found


def _tasks(pid: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from Path(f"/proc/{pid}/task").iterdir()


def _set_subreaper(value: int) -> int:
    """Set whether orphans become children of this process; give what was set before."""
    if sys.platform != "linux":
        return 0
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int(0)
    libc.prctl(_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    if before.value != value:
        libc.prctl(_SET_CHILD_SUBREAPER, value, 0, 0, 0)
    return before.value


if TYPE_CHECKING:
    from collections.abc import Callable
