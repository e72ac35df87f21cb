"""The hosts that a server speaks for: this machine, one recording, or a folder of them.

A source is asked for a host by every call, and gives one that is true now: files are looked at
again each time. What is remembered of a host goes with it.
"""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.errors import UnsupportedTargetError
from domcaps.hosts.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from domcaps.hosts.host import LiveHost


T = TypeVar("T")

SUFFIX = ".domcaps"
_MOST_ANSWERS = 512
_Stamp = tuple[int, int, int, int]


def _stamp(path: Path) -> _Stamp | None:
    """Identify a file and its state, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class ServedHost:
    """A host in one state, and the answers that were made of it.

    `name` is what it is called on the wire. Clients vouch for no emulator that they name.
    """

    def __init__(self, host: Host, name: str) -> None:
        self.host = host.for_clients()
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

    def ready(self, key: Hashable, options: dict[str, Any]) -> str | None:  # noqa: ARG002
        """Give a report that is known already, None where it has to be made."""
        found = self._answers.get(key)
        return found if isinstance(found, str) else None


class LiveHostInUse(ServedHost):
    """A host that remembers its answers itself, and knows when they no longer hold."""

    def __init__(self, host: LiveHost, name: str) -> None:
        super().__init__(host, name)
        self._live = host.for_clients()

    def ready(self, key: Hashable, options: dict[str, Any]) -> str | None:  # noqa: ARG002
        """Ask it whether it knows without looking."""
        found = self._live.ready(**options)
        return found.xml if found else None

    def answer(self, key: Hashable, make: Callable[[], T]) -> T:  # noqa: ARG002
        """Ask it."""
        return make()


class HostSource(ABC):
    """Gives hosts by name. May be used by many threads."""

    @abstractmethod
    def get(self, name: str) -> ServedHost:
        """Give the host of a name, "" being the only one there is.

        Raises `DomcapsError` where there is none or it can't be read.
        """

    def known(self, name: str) -> ServedHost | None:  # noqa: ARG002
        """Give a host if that takes no reading of a file, else None."""
        return None

    @staticmethod
    def _named(served: ServedHost, name: str) -> ServedHost:
        """Give the only host there is, unless another one is meant."""
        if name not in {"", served.name}:
            raise UnsupportedTargetError(
                f"there is no host {name!r} here", remedy=f"there is {served.name!r} only"
            )
        return served


class RecordedHost(HostSource):
    """One recording; read again when its file was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._served: ServedHost | None = None

    def get(self, name: str) -> ServedHost:
        """Give it, by its name or none."""
        with self._lock:
            stamp = _stamp(self._path)
            if self._served is None or stamp is None or stamp != self._stamp:
                self._served = None
                self._served = ServedHost(Host.load(self._path), self._path.stem)
                self._stamp = stamp
            return self._named(self._served, name)


class FixedHost(HostSource):
    """A host that somebody made; it does not change."""

    def __init__(self, host: Host, name: str) -> None:
        self._served = ServedHost(host, name)

    def get(self, name: str) -> ServedHost:
        """Give it, by its name or none."""
        return self._named(self._served, name)


class RecordingFolder(HostSource):
    """A folder of recordings, each by the name of its file without the suffix."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, RecordedHost] = {}

    def names(self) -> tuple[str, ...]:
        """Name the recordings; raises `OSError` where the folder can't be read."""
        return tuple(sorted(path.stem for path in self._folder.glob(f"*{SUFFIX}")))

    def get(self, name: str) -> ServedHost:
        """Give one; a name is taken only if it is that of a file in the folder."""
        if name not in self.names():
            raise UnsupportedTargetError(
                f"there is no recording {name!r} here",
                remedy=f"there are {', '.join(self.names()[:12]) or 'none'}",
            )
        with self._lock:
            recorded = self._open.setdefault(name, RecordedHost(self._folder / f"{name}{SUFFIX}"))
        return recorded.get(name)


class LiveHostSource(HostSource):
    """This machine. Its answers are proven anew in each call (`domcaps.fresh`)."""

    def __init__(self) -> None:
        self._served = LiveHostInUse(Host.local(), socket.gethostname())

    def get(self, name: str) -> ServedHost:
        """Give it, by its name or none."""
        return self._named(self._served, name)

    def known(self, name: str) -> ServedHost | None:
        """Give it: nothing has to be read."""
        return self.get(name)
