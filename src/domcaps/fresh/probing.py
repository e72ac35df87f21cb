"""Asking an emulator so that the answers can be proven: nothing changed while it was asked."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from domcaps.elements import questions, table
from domcaps.errors import DomcapsError
from domcaps.facts.process import OBSERVER
from domcaps.facts.record import EmulatorRecord  # noqa: TC001 - part of a type that is read at runtime
from domcaps.facts.shortage import is_shortage
from domcaps.fresh.identity import COARSE_NS, Identity, now
from domcaps.fresh.programs import (
    Mapped,
    Parts,
    Running,
    loaded_witnesses,
    mismatches,
    program_parts,
    running,
)
from domcaps.fresh.trusted import require_trusted, trusted_folders
from domcaps.fresh.witness import EnvironmentVariable, ProgramFile
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.facts.question import QmpCommand
    from domcaps.fresh.fetch import Fetch
    from domcaps.fresh.host_view import HostView
    from domcaps.fresh.witness import Seen, Witness

_ATTEMPTS = 3


class Probed(NamedTuple):
    """What an emulator answered, and what it and those that it started consisted of then."""

    record: EmulatorRecord
    files: frozenset[Mapped]
    programs: frozenset[tuple[int, int]] = frozenset()


Prober = Callable[[str, bool, bool], Probed]
"""Asks an emulator: its path, whether KVM can be used, whether the inventory is wanted."""


MEANWHILE: ContextVar[Callable[[], None] | None] = ContextVar("MEANWHILE", default=None)
"""Begins what else is to be done while an emulator of this machine answers."""


class _View(NamedTuple):
    """What was seen of a witness, in a look that began at `start`.

    `proof` is the identity of what would show a change: the file, or the folder that lacks it.
    """

    seen: Seen
    stamp: Seen
    proof: Identity | None
    start: int

    def shows(self, when: int) -> bool:
        """Tell whether a change at or after that time would show."""
        return self.proof is not None and self.proof.is_settled(when)


def probe_live(path: str, kvm: bool, inventory: bool) -> Probed:
    """Ask an emulator of this machine; raises `ProbeError`."""
    files: set[Mapped] = set()
    programs: set[tuple[int, int]] = set()

    def observe(_: str, pid: int) -> None:
        seen = running(pid)
        files.update(seen.files)
        programs.update(seen.programs)

    def ask() -> EmulatorRecord | DomcapsError:
        from domcaps.facts.probe import probe

        OBSERVER.set(observe)
        (result,) = probe([path], _questions, kvm=kvm, inventory=inventory)
        return result

    result = contextvars.copy_context().run(ask) if not _in_event_loop() else _in_thread(ask)
    if isinstance(result, DomcapsError):
        raise result
    return Probed(result, frozenset(files), frozenset(programs))


def _questions() -> frozenset[QmpCommand]:
    """Give the questions of the table, and load its elements while the emulator starts.

    From then on this process only waits for the answers.
    """
    table()
    found = questions()
    if begin := MEANWHILE.get():
        begin()
    return found


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        # there is no loop then, and to load it takes longer than to start an emulator
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_thread(
    ask: Callable[[], EmulatorRecord | DomcapsError],
) -> EmulatorRecord | DomcapsError:
    found: list[EmulatorRecord | DomcapsError] = []
    thread = threading.Thread(target=lambda: found.append(ask()), name="domcaps probe")
    thread.start()
    thread.join()
    return found[0] if found else DomcapsError("the probe ended without a result")


def probe_provably(
    fetch: Fetch, prober: Prober, path: str, *, kvm: bool, inventory: bool
) -> EmulatorRecord:
    """Ask an emulator, and note all that it consists of.

    What it consists of is known only afterwards. Should part of that have changed too shortly
    before, so that it is not certain what was asked, the emulator is asked again.
    """
    host_view = fetch.host_view
    parts = program_parts(path, host_view)
    require_trusted(path, parts, host_view)
    before = _views(parts.witnesses, host_view)
    for attempt in reversed(range(_ATTEMPTS)):
        before = _when_settled(before, host_view)
        start = now()
        try:
            probed = prober(path, kvm, inventory)
        except DomcapsError:
            # what it consists of decides when it is asked again
            _note_parts(fetch, parts, before)
            raise
        parts = program_parts(path, host_view)
        paths = [mapped.path for mapped in probed.files]
        loaded = loaded_witnesses(parts.program or path, paths, host_view)
        folders = trusted_folders((*parts.witnesses, *loaded), host_view)
        after = _views(dict.fromkeys((*parts.witnesses, *loaded, *folders)), host_view)
        steady = all(_is_same(before.get(w), view, start) for w, view in after.items())
        if (steady and _are_the_loaded(probed.files, host_view)) or not attempt:
            _doubt(fetch, parts, probed)
            return _noted(fetch, probed.record, after, is_certain=steady)
        before = after
    raise AssertionError("the last attempt returns")


def _note_parts(fetch: Fetch, parts: Parts, views: dict[Witness, _View]) -> None:
    for witness, view in views.items():
        fetch.note(witness, view.seen, view.stamp, view.start)
    for doubt in parts.doubts:
        fetch.forget(doubt)


def _doubt(fetch: Fetch, parts: Parts, probed: Probed) -> None:
    """Say why a change of what the emulator consists of might go unseen."""
    seen = Running(probed.files, probed.programs)
    for doubt in (*parts.doubts, *mismatches(parts, seen, fetch.host_view)):
        fetch.forget(doubt)


def _noted(
    fetch: Fetch, record: EmulatorRecord, views: dict[Witness, _View], *, is_certain: bool
) -> EmulatorRecord:
    for witness, view in views.items():
        fetch.note(witness, view.seen, view.stamp, view.start)
        is_large = isinstance(witness, ProgramFile) and isinstance(view.seen, Identity)
        if is_large and fetch.host_view.is_in_memory(witness.place):
            fetch.forget(
                f"{witness.place} is on a file system in memory (tmpfs), which does not tell when "
                "a file is changed through a mapping"
            )
    if not is_certain:
        fetch.forget(f"{record.path} changed while it was probed", is_momentary=True)
    for mishap in mishaps(record):
        fetch.forget(mishap, is_momentary=True)
    return record


def _views(witnesses: Iterable[Witness], host_view: HostView) -> dict[Witness, _View]:
    views = {}
    for witness in witnesses:
        start = now()
        stamp = witness.glance(host_view)
        proof = stamp if isinstance(stamp, Identity) else _nearest(witness, host_view)
        views[witness] = _View(witness.look(host_view), stamp, proof, start)
    return views


def _nearest(witness: Witness, host_view: HostView) -> Identity | None:
    """Give the identity of the folder in which a path ends that leads nowhere."""
    found, path = None, "" if isinstance(witness, EnvironmentVariable) else witness.place
    while found is None and "/" in path:
        path = path.rpartition("/")[0]
        found = host_view.identity(path or "/")
    return found


def _when_settled(before: dict[Witness, _View], host_view: HostView) -> dict[Witness, _View]:
    """Wait until a change of what is large would show; of what is small, the content counts."""
    times = [
        view.seen.ctime_ns + view.seen.window_ns
        for view in before.values()
        if isinstance(view.seen, Identity) and not view.shows(now())
    ]
    wait = min(max(times, default=0) - now(), COARSE_NS)
    if wait <= 0:
        return before
    time.sleep(wait / 1e9)
    return _views(before, host_view)


def _is_same(before: _View | None, after: _View, start: int) -> bool:
    """Tell whether something was, when the emulator started, what was seen of it afterwards."""
    if after.shows(start):
        return True
    # a large file has no content that could be compared
    return before is not None and before.seen == after.seen and not isinstance(after.seen, Identity)


def _are_the_loaded(files: frozenset[Mapped], host_view: HostView) -> bool:
    """Tell whether the files are still those that were loaded, not others of the same name."""
    for mapped in files:
        found = host_view.identity(mapped.path)
        if found is None or (mapped.inode and found.inode != mapped.inode):
            return False
    return True


def mishaps(record: EmulatorRecord) -> Iterator[str]:
    """Say what went wrong while an emulator was probed, so that its record is incomplete."""
    for session in record.sessions:
        name = f"{record.path} with {session.accelerator}"
        # not asked: the accelerator is of no use to this emulator
        if session.failure is not None and session.failure.kind in {"timeout", "died"}:
            yield f"{name}: {session.failure.text}"
        for answer in session.answers:
            failure = answer.failure
            if failure is not None and (not failure.is_answer or is_shortage(failure.text)):
                yield f"{name}, {answer.question.command}: {failure.text}"
