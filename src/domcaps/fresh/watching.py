"""Waiting for an answer to change, and telling what changed in it and why."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.errors import DomcapsError
from domcaps.fresh.build import Observer
from domcaps.fresh.store import UNSEEN
from domcaps.fresh.witness import (
    DeviceNode,
    EnvironmentVariable,
    Existence,
    Listing,
    RunnableProgram,
)
from domcaps.report.cpumodels import joined
from domcaps.report.diff import Difference
from domcaps.report.flat import flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.fresh.build import Build
    from domcaps.fresh.witness import Seen, Witness
    from domcaps.report.document import Document

SETTLE_SECONDS = 0.1
"""After the first event, how long to wait for those that come with it: a package is many files."""

_MOST_CAUSES = 4


class Event(msgspec.Struct, frozen=True):
    """A statement that an answer makes no longer, or makes now.

    `sign` is ``+``, ``-`` or ``~``, `text` the statement, `because` what was seen to change.
    `error` stands for an answer that can't be given any more, with the reason.
    """

    at: str
    sign: str
    text: str
    because: tuple[str, ...]
    snapshot: str
    error: str = ""

    def __str__(self) -> str:
        """Give one line, such as ``+ os.firmware=efi (60-edk2-x86_64.json installed)``."""
        shown = ", ".join(self.because[:_MOST_CAUSES])
        more = len(self.because) - _MOST_CAUSES
        shown += f" and {more} more" if more > 0 else ""
        return f"{self.sign} {self.text}" + (f" ({shown})" if shown else "")


class Causes(Observer):
    """Gathers what was seen to change."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def changed(self, witness: Witness, before: Seen, after: Seen) -> None:
        """Take note of a change."""
        self._found |= dict.fromkeys(describe_change(witness, before, after))

    def take(self) -> tuple[str, ...]:
        """Give what was gathered since the last time."""
        found, self._found = tuple(self._found), {}
        return found


def describe_change(witness: Witness, before: Seen, after: Seen) -> Iterator[str]:
    """Say what happened to a witness, in a few words each."""
    name = witness.place.rpartition("/")[2] or witness.place
    if isinstance(witness, Listing):
        yield from _names_changed(witness.place, before, after)
    elif isinstance(witness, DeviceNode):
        able = not _is_missing(after) and all(isinstance(part, int) for part in _parts(after))
        yield f"{witness.place} {'answers' if able and after else 'can not be used'}"
    elif isinstance(witness, EnvironmentVariable):
        yield f"{witness.place} {'unset' if after is None else 'set'}"
    elif (
        isinstance(witness, Existence | RunnableProgram)
        or _is_missing(before)
        or _is_missing(after)
    ):
        yield f"{name} {_came_or_went(before, after)}"
    else:
        yield f"{name} changed"


def _names_changed(folder: str, before: Seen, after: Seen) -> Iterator[str]:
    old = before if isinstance(before, tuple) else ()
    new = after if isinstance(after, tuple) else ()
    yield from (f"{name} installed" for name in new if name not in old)
    yield from (f"{name} removed" for name in old if name not in new)
    if set(old) == set(new):
        yield f"{folder} {_came_or_went(before, after)}"


def _parts(seen: Seen) -> tuple[Seen, ...]:
    return seen if isinstance(seen, tuple) else ()


def _is_missing(seen: Seen) -> bool:
    return seen is None or seen is False or (isinstance(seen, str) and seen.startswith("error "))


def _came_or_went(before: Seen, after: Seen) -> str:
    if _is_missing(after):
        return "removed"
    return "installed" if _is_missing(before) and before is not UNSEEN else "changed"


class Watcher:
    """Follows one answer. `ask` gives it; its witnesses are those of `build`."""

    def __init__(self, build: Build, ask: Callable[[], Any]) -> None:
        self._build = build
        self._ask = ask
        self._causes = Causes()
        self._build.observer = self._causes
        self._known: dict[str, str] = {}
        self.snapshot = ""
        self.error = ""

    def start(self) -> None:
        """Take the present answer as the base for changes."""
        self._look()
        # the second time, the sentry is set
        self._look()
        self._causes.take()

    def changes(self) -> tuple[Event, ...]:
        """Answer anew, and tell what is different."""
        before, error = self._known, self.error
        self._look()
        because = self._causes.take()
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        if self.error:
            event = Event(at, "-", "the answer", because, "", self.error)
            return () if self.error == error else (event,)
        found = [
            Difference(path, before.get(path, ""), self._known.get(path, ""))
            for path in dict.fromkeys((*before, *self._known))
            if before.get(path, "") != self._known.get(path, "")
        ]
        return tuple(
            Event(at, one.sign, str(one).removeprefix(f"{one.sign} "), because, self.snapshot)
            for one in found
        )

    def wait(self, settle: float = SETTLE_SECONDS) -> None:
        """Wait until something happens, and a moment longer; raises `OSError`."""
        self._build.wait()
        time.sleep(settle)

    def _look(self) -> None:
        try:
            caps = self._ask()
        except DomcapsError as error:
            self.error, self.snapshot = str(error), ""
            return
        document: Document = caps.document
        self._known = {**_target(document), **joined(flatten(document))}
        self.error, self.snapshot = "", caps.snapshot


def _target(document: Document) -> dict[str, str]:
    return {
        "emulator": document.path,
        "machine": document.machine,
        "virttype": document.domain,
        "arch": document.arch,
    }
