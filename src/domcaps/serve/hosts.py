"""The hosts that a server speaks for: this machine, one recording, or a folder of them.

A source is asked for a host by every call, and gives one that is true now: files are looked at
again each time. Workers read hosts (`HostSource.get`); the server itself asks only what takes no
reading: whether there is a host of a name, what it is called, and which state it is in.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from domcaps.errors import DomcapsError, UnsupportedTargetError
from domcaps.facts.launch import ProgramsRefusedError, no_programs
from domcaps.facts.record import Libvirt
from domcaps.hosts.host import Host

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from domcaps.hosts.host import LiveHost
    from domcaps.language import Dialect

SUFFIX = ".domcaps"

_MOST_OPEN = 4
"""Recordings of a folder that are kept in memory."""

_MOST_FOUND = 4096
_MOST_ADOPTED = 64
_MOST_WAITING = 8

_Stamp = tuple[int, int, int, int]


def _stamp(path: Path) -> _Stamp | None:
    """Identify a file and its state, None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class ServedHost:
    """A host in one state; `name` is what it is called on the wire.

    Clients vouch for no emulator that they name.
    """

    def __init__(self, host: Host, name: str) -> None:
        self.host = host.for_clients()
        self.name = name

    def ready(self, options: dict[str, Any]) -> str | None:  # noqa: ARG002
        """Give a report that is known to hold, None where it has to be made."""
        return None

    def adopt(self, options: dict[str, Any]) -> None:
        """Remember a report that a worker made, if that is of use."""


class LiveHostInUse(ServedHost):
    """A host that remembers its answers itself, and knows when they no longer hold."""

    def __init__(self, host: LiveHost, name: str) -> None:
        super().__init__(host, name)
        self._live = host.for_clients()
        self._wanted: queue.Queue[dict[str, Any]] = queue.Queue(_MOST_WAITING)
        self._adopted: set[Hashable] = set()
        self._thread: threading.Thread | None = None

    def ready(self, options: dict[str, Any]) -> str | None:
        """Ask it whether it knows without looking."""
        found = self._live.ready(**options)
        return found.xml if found else None

    def adopt(self, options: dict[str, Any]) -> None:
        """Have it make the report, too: from what a worker left on the disk, in a thread.

        Once for each report, and not for more of them than it can keep.
        """
        key, path = tuple(options.values()), options["emulator"]
        # of one path there are as many spellings as somebody likes to send
        is_odd = path is not None and os.path.normpath(path) != path
        if is_odd or key in self._adopted or len(self._adopted) >= _MOST_ADOPTED:
            return
        with contextlib.suppress(queue.Full):
            self._wanted.put_nowait(options)
            self._adopted.add(key)
        if self._thread is None:
            self._thread = threading.Thread(target=self._adopt, name="domcaps-adopt", daemon=True)
            self._thread.start()

    def _adopt(self) -> None:
        while True:
            options = self._wanted.get()
            with contextlib.suppress(DomcapsError, OSError):
                # the second time it is watched by the kernel (`domcaps.fresh.build`)
                for _ in range(2):
                    self._live.domain_capabilities(**options)


class HostSource(ABC):
    """Gives hosts by name. May be used by many threads."""

    def __init__(self) -> None:
        self._found: dict[str, Hashable] = {}

    @abstractmethod
    def get(self, name: str) -> ServedHost:
        """Give the host of a name, "" being the only one there is.

        Raises `DomcapsError` where there is none or it can't be read.
        """

    def known(self, name: str) -> ServedHost | None:  # noqa: ARG002
        """Give a host if that takes no reading of a file, else None."""
        return None

    def name_of(self, name: str) -> str:
        """Say what a host is called; raises `DomcapsError` where there is none."""
        return self.get(name).name

    def state(self, name: str) -> Hashable:  # noqa: ARG002
        """Identify the state of a host, as long as which its answers hold; None for none such."""
        return None

    def prepare(self, dialect: Dialect) -> None:  # noqa: ARG002
        """Load what every worker needs, before workers are forked."""
        _load_table()

    def warm(self, dialect: Dialect) -> bool:  # noqa: ARG002
        """Know more of what workers need, without starting a program; False if that needs one."""
        return True

    def is_found(self, name: str) -> bool:
        """Tell whether a host was found in the state that it is in now."""
        state = self.state(name)
        return state is not None and self._found.get(name) == state

    def note_found(self, name: str) -> None:
        """Remember that a host can be read, in the state that it is in now."""
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        self._found[name] = self.state(name)

    @staticmethod
    def _named(served: ServedHost, name: str) -> ServedHost:
        """Give the only host there is, unless another one is meant."""
        _check_name(name, served.name)
        return served


def _check_name(name: str, own: str) -> None:
    if name not in {"", own}:
        raise UnsupportedTargetError(
            f"there is no host {name!r} here", remedy=f"there is {own!r} only"
        )


def _load_table() -> None:
    from domcaps.elements import table
    from domcaps.validate.check import validate

    table()

    def no_host(*_: object) -> Any:
        raise UnsupportedTargetError("there is no host yet")

    # whatever comes of it, everything that a validation needs is loaded then
    with contextlib.suppress(DomcapsError):
        validate(b"<domain type='qemu'><name>a</name></domain>", no_host)


_SAMPLE = """<domain type='{}'><name>a</name><memory>1</memory>
<os><type arch='{}'>hvm</type></os></domain>"""


def _use(host: Host, dialect: Dialect) -> None:
    """Ask a host something of each kind, so that workers need not load what that takes."""
    with contextlib.suppress(DomcapsError):
        for kind in ("kvm", "qemu"):
            host.validate(_SAMPLE.format(kind, host.facts.arch), str(dialect))
        host.domain_capabilities(libvirt=str(dialect))


def own_libvirt(source: HostSource) -> Libvirt:
    """Give the libvirt that the only host of a source has, none where there are several hosts.

    A source that fails is a matter of the call that asks for its host, not of the server's start.
    """
    try:
        return source.get("").host.facts.record.libvirt
    except Exception:  # noqa: BLE001 - whatever a source does, the server starts
        return Libvirt()


class RecordedHost(HostSource):
    """One recording; read again when its file was replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__()
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

    def name_of(self, name: str) -> str:
        """Give the name of its file."""
        _check_name(name, self._path.stem)
        return self._path.stem

    def state(self, name: str) -> Hashable:
        """Give what identifies its file."""
        return None if name not in {"", self._path.stem} else _stamp(self._path)

    def prepare(self, dialect: Dialect) -> None:
        """Read it."""
        super().prepare(dialect)
        with contextlib.suppress(DomcapsError, OSError):
            _use(self.get("").host, dialect)


class FixedHost(HostSource):
    """A host that somebody made; it does not change."""

    def __init__(self, host: Host, name: str) -> None:
        super().__init__()
        self._served = ServedHost(host, name)

    def get(self, name: str) -> ServedHost:
        """Give it, by its name or none."""
        return self._named(self._served, name)

    def is_found(self, name: str) -> bool:
        """It is always there."""
        return name in {"", self._served.name}

    def state(self, name: str) -> Hashable:
        """It has one only."""
        return "fixed" if name in {"", self._served.name} else None

    def prepare(self, dialect: Dialect) -> None:
        """Use it once."""
        super().prepare(dialect)
        _use(self._served.host, dialect)


class RecordingFolder(HostSource):
    """A folder of recordings, each by the name of its file without the suffix.

    Those that were asked for last are kept in memory.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[str, RecordedHost] = OrderedDict()

    def names(self) -> tuple[str, ...]:
        """Name the recordings; raises `OSError` where the folder can't be read."""
        return tuple(sorted(path.stem for path in self._folder.glob(f"*{SUFFIX}")))

    def get(self, name: str) -> ServedHost:
        """Give one; a name is taken only if it is that of a file in the folder."""
        path = self._path(name)
        if path is None:
            names = self.names()
            raise UnsupportedTargetError(
                f"there is no recording {name[:200]!r} here",
                remedy=f"there are {', '.join(names[:12]) or 'none'}",
            )
        with self._lock:
            recorded = self._open.setdefault(name, RecordedHost(path))
            self._open.move_to_end(name)
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return recorded.get(name)

    def name_of(self, name: str) -> str:
        """Give its own."""
        return name if self._path(name) is not None else self.get(name).name

    def state(self, name: str) -> Hashable:
        """Give what identifies its file."""
        path = self._path(name)
        return None if path is None else _stamp(path)

    def _path(self, name: str) -> Path | None:
        if not name or "/" in name or name.startswith("."):
            return None
        path = self._folder / f"{name}{SUFFIX}"
        return path if _stamp(path) is not None else None


class LiveHostSource(HostSource):
    """This machine. Its answers are proven anew in each call (`domcaps.fresh`).

    They are for the account `qemu_user`, as `Host.local` takes it: clients ask about guests, and
    these are not run by the user who runs the server.
    """

    def __init__(self, qemu_user: str = "") -> None:
        super().__init__()
        host = Host.local(qemu_user=qemu_user)
        self._served = LiveHostInUse(host, socket.gethostname())

    def get(self, name: str) -> ServedHost:
        """Give it, by its name or none."""
        return self._named(self._served, name)

    def warm(self, dialect: Dialect) -> bool:
        """Take what is on the disk: an emulator may take long, or for ever."""
        try:
            with no_programs():
                _use(self._served.host, dialect)
        except ProgramsRefusedError:
            return False
        return True

    def known(self, name: str) -> ServedHost | None:
        """Give it: nothing has to be read."""
        return self.get(name)

    def is_found(self, name: str) -> bool:
        """It is always there."""
        return name in {"", self._served.name}
