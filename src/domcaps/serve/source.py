"""The hosts that a server speaks for: this machine, one recording, or a folder of them.

A source is asked for a host by every call, and gives one that is true now: files are looked at
again each time. What is remembered of a host goes with it.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from domcaps.api import EmulatorSource, Host
from domcaps.errors import DomcapsError, EmulatorNotFoundError, UnsupportedTargetError
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.host import HostFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from domcaps.facts.record import HostRecord

T = TypeVar("T")

SUFFIX = ".domcaps"
_MOST_ANSWERS = 512
_Stamp = tuple[int, int, int, int]


def _stamp(path: str | Path) -> _Stamp | None:
    """Identify a file and its state, None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of text as well
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Served:
    """A host in one state, and the answers that were made of it.

    `name` is what it is called on the wire.
    """

    def __init__(self, host: Host, name: str) -> None:
        self.host = host
        self.name = name
        self._answers: dict[Hashable, object] = {}
        self._lock = threading.Lock()

    def answer(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what `make` makes, which depends on nothing but the key and this host."""
        found = self._answers.get(key)
        if found is None:
            found = make()
            with self._lock:
                if len(self._answers) >= _MOST_ANSWERS:
                    self._answers.clear()
                self._answers[key] = found
        return found  # type: ignore[return-value]


class Source(ABC):
    """Gives hosts by name. May be used by many threads."""

    @abstractmethod
    def get(self, name: str) -> Served:
        """Give the host of a name, "" being the only one there is.

        Raises `DomcapsError` where there is none or it can't be read.
        """

    @staticmethod
    def _named(served: Served, name: str) -> Served:
        """Give the only host there is, unless another one is meant."""
        if name not in {"", served.name}:
            raise UnsupportedTargetError(
                f"there is no host {name!r} here", remedy=f"there is {served.name!r} only"
            )
        return served


class Recorded(Source):
    """One recording; read again when its file was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._served: Served | None = None

    def get(self, name: str) -> Served:
        """Give it, by its name or none."""
        with self._lock:
            stamp = _stamp(self._path)
            if self._served is None or stamp is None or stamp != self._stamp:
                self._served = None
                self._served = Served(Host.load(self._path), self._path.stem)
                self._stamp = stamp
            return self._named(self._served, name)


class Given(Source):
    """A host that somebody made; it does not change."""

    def __init__(self, host: Host, name: str) -> None:
        self._served = Served(host, name)

    def get(self, name: str) -> Served:
        """Give it, by its name or none."""
        return self._named(self._served, name)


class Zoo(Source):
    """A folder of recordings, each by the name of its file without the suffix."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, Recorded] = {}

    def names(self) -> tuple[str, ...]:
        """Name the recordings; raises `OSError` where the folder can't be read."""
        return tuple(sorted(path.stem for path in self._folder.glob(f"*{SUFFIX}")))

    def get(self, name: str) -> Served:
        """Give one; a name is taken only if it is that of a file in the folder."""
        if name not in self.names():
            raise UnsupportedTargetError(
                f"there is no recording {name!r} here",
                remedy=f"there are {', '.join(self.names()[:12]) or 'none'}",
            )
        with self._lock:
            recorded = self._open.setdefault(name, Recorded(self._folder / f"{name}{SUFFIX}"))
        return recorded.get(name)


class Live(Source):
    """This machine, read anew for each answer.

    Emulators are asked once for each state of their file. Modules that an emulator loads are not
    looked at.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._emulators: _LiveEmulators | None = None
        self._record: HostRecord | None = None
        self._served: Served | None = None

    def get(self, name: str) -> Served:
        """Give it, by its name or none."""
        from domcaps.facts.hostprobe import read_host

        with self._lock:
            known = self._record.helpers if self._record else ()
            record = read_host(known_helpers=known)
            emulators = self._emulators
            if emulators is None or emulators.kvm != record.kvm.usable:
                emulators = _LiveEmulators(kvm=record.kvm.usable)
            changed = emulators.refresh() or emulators is not self._emulators
            if self._served is None or changed or record != self._record:
                host = Host(HostFacts(record), emulators)
                self._served = Served(host, socket.gethostname())
            self._emulators, self._record = emulators, record
            return self._named(self._served, name)


class _LiveEmulators(EmulatorSource):
    """Emulators of this machine, each with the state of its file when it was asked."""

    def __init__(self, *, kvm: bool) -> None:
        self.kvm = kvm
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}
        self._asked: dict[str, tuple[_Stamp, EmulatorFacts]] = {}
        self._found: dict[str, str] = {}

    def refresh(self) -> bool:
        """Forget emulators whose file is another one; tell whether there were any."""
        with self._lock:
            gone = [path for path, (stamp, _) in self._asked.items() if _stamp(path) != stamp]
            for path in gone:
                del self._asked[path]
            moved = [name for name, path in self._found.items() if _which(name) != path]
            for name in moved:
                del self._found[name]
            return bool(gone or moved)

    def paths(self) -> tuple[str, ...]:
        """Name every ``qemu-system-…`` on the search path."""
        from domcaps.facts.discovery import installed_emulators

        return installed_emulators()

    def get(self, path: str) -> EmulatorFacts:
        """Ask it, or remember what it answered; whoever wants it meanwhile waits."""
        with self._lock:
            known = self._asked.get(path)
            if known is not None:
                return known[1]
            busy = self._busy.setdefault(path, threading.Lock())
        with busy:
            stamp = _stamp(path)
            with self._lock:
                known = self._asked.get(path)
                if known is not None and known[0] == stamp:
                    return known[1]
            return self._probe(path, stamp)

    def _probe(self, path: str, stamp: _Stamp | None) -> EmulatorFacts:
        from domcaps.elements import questions
        from domcaps.facts.probe import probe

        try:
            if stamp is None:
                raise EmulatorNotFoundError("there is no such emulator", where=path)
            (result,) = probe([path], questions(), kvm=self.kvm)
            if isinstance(result, DomcapsError):
                raise result
            facts = EmulatorFacts(result)
            with self._lock:
                self._asked[path] = (stamp, facts)
            return facts
        finally:
            with self._lock:
                self._busy.pop(path, None)

    def find(self, name: str) -> str:
        """Look along the search path."""
        path = _which(name)
        with self._lock:
            self._found[name] = path
        return path


def _which(name: str) -> str:
    return shutil.which(name) or ""
