"""Recordings of many other machines at once; each may fail, or hang, without the others."""

from __future__ import annotations

import datetime
import re
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, NamedTuple

from domcaps._version import __version__
from domcaps.elements import questions
from domcaps.errors import DomcapsError, FleetError
from domcaps.facts.process import readable_text
from domcaps.facts.record import Recording
from domcaps.facts.recording import rewritten
from domcaps.fleet.collect.emulator import record_emulator
from domcaps.fleet.collect.facts import read_facts
from domcaps.fleet.collect.ssh import ssh_host, time_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from domcaps.fleet.collect.ssh import SshHost

SECONDS = 120.0
"""Time for one machine."""

JOBS = 16
_LONGEST = 240
_NAMED = re.compile(r"([^=/:@]{1,80})=(.+)")
_HOST = re.compile(r"(?:ssh://)?(?:[^@/]*@)?(\[[^]]+\]|[^:/]+)")


class PullSource(NamedTuple):
    """A machine to record: its name in the store, and the host for ssh."""

    name: str
    where: str


class Pulled(NamedTuple):
    """What came of one machine: a recording, or the reason why there is none."""

    source: PullSource
    recording: Recording | None
    error: str = ""


def named_source(text: str) -> tuple[str, str]:
    """Take ``NAME=`` from what names a machine; the name is "" where there is none."""
    named = _NAMED.fullmatch(text)
    return (named[1], named[2]) if named else ("", text)


def source_of(text: str) -> PullSource:
    """Read ``HOST`` or ``NAME=HOST``; without a name the host's is taken."""
    name, where = named_source(text)
    if not name:
        found = _HOST.match(where)
        name = found[1].strip("[]") if found else where
    return PullSource(name, where)


def pull(
    sources: Iterable[PullSource],
    *,
    options: Sequence[str] = (),
    emulators: Sequence[str] = (),
    seconds: float = SECONDS,
    jobs: int = JOBS,
    recorder: Callable[[str], Recording] | None = None,
) -> Iterator[Pulled]:
    """Record machines at the same time, `jobs` at most, and give each result as it comes in.

    `options` are added to ssh's, `emulators` are paths on the machines; without them the default
    emulator is recorded. A machine has `seconds` for all of it. `recorder` takes the place of ssh:
    it records the machine that `PullSource.where` names.
    """

    def record(source: PullSource) -> Pulled:
        try:
            if recorder is not None:
                found = recorder(source.where)
            else:
                found = record_over_ssh(ssh_host(source.where, options), emulators, seconds)
            return Pulled(source, rewritten(found, source.name))
        except (DomcapsError, OSError) as error:
            return Pulled(source, None, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a host answers, others are recorded
            said = readable_text(f"{type(error).__name__}: {error}")
            return Pulled(source, None, f"the host's answers can't be used: {said[:_LONGEST]}")

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        waiting = [pool.submit(record, source) for source in sources]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            for one in waiting:
                one.cancel()


def record_over_ssh(
    host: SshHost, emulators: Sequence[str] = (), seconds: float = SECONDS
) -> Recording:
    """Record one machine; raises `FleetError`, or the `ProbeError` of its emulator."""
    end = time.monotonic() + seconds
    found = read_facts(host, end)
    paths = list(emulators) or list(found.emulators)[:1]
    missing = [path for path in paths if path not in found.emulators]
    if missing or not paths:
        known = ", ".join(found.emulators) or "none"
        raise FleetError(f"the host has no such emulator; it has {known}")
    records = tuple(
        record_emulator(
            host, path, questions(), found.emulators[path],
            kvm=found.host.kvm.usable, seconds=_left(end),
        )
        for path in paths
    )  # fmt: skip
    return Recording(
        host=found.host,
        emulators=records,
        node=found.node,
        made_by=f"domcaps {__version__} over SSH ({found.agent})",
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise time_over()
    return left
