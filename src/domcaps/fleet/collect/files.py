"""The files of another machine, seen through the interface by which a host's facts are read.

What is read is not known before it is read: a folder's listing tells which files follow. So facts
are read again and again from what is known, what is not known counts as absent and is noted, and is
asked for in the next round; see `domcaps.fleet.collect.facts`.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from domcaps.errors import FleetError
from domcaps.facts.hostfiles import SMALL, HostFiles
from domcaps.fleet.collect.requests import malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.fleet.collect.requests import Reply, Request

_NUMBERS = 6
_MOST_NAMES = 100_000
_MODES = range(1 << 16)
USERS = range(1 << 32)
_SIZES = range(-(1 << 63), 1 << 63)
"""Numbers that a status can have: others can be neither compared with modes nor stored."""


class _Status(NamedTuple):
    """The status of a file, and what the user there may do with it: some of ``rwx``."""

    status: os.stat_result
    may: str


class RemoteFiles(HostFiles):
    """Files of which replies are known; `missed` are requests whose replies are not."""

    def __init__(self) -> None:
        super().__init__("/", uname=("", "", ""))
        self.known: dict[Request, Reply] = {}
        self.missed: dict[Request, None] = {}

    @property
    def is_live(self) -> bool:
        """Tell that these are not the files of this machine."""
        return False

    def named(self, machine: str, release: str, version: str) -> None:
        """Set what the kernel there calls itself."""
        self._uname = machine, release, version

    def real(self, path: str) -> str:
        """Give no name: nothing of the other machine has one here."""
        return f"/dev/null/{path.lstrip('/')}"

    def ask(self, *request: str) -> bytes:
        """Give the data of a reply; raises the `OSError` that it is."""
        if "\n" in request[1]:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        reply = self.known.get(request)
        if reply is None:
            self.missed[request] = None
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if reply.error:
            number = getattr(errno, reply.error, errno.EIO)
            raise OSError(number, os.strerror(number))
        return reply.data

    def read(self, path: str, limit: int = SMALL) -> bytes:
        """Give at most `limit` bytes of a regular file; raises `OSError`."""
        return self.ask("read_file", path, str(limit))[:limit]

    def names(self, path: str) -> tuple[str, ...]:
        """List a folder in the order of file names; raises `OSError`."""
        found = os.fsdecode(self.ask("names", path)).split("\n")
        if len(found) > _MOST_NAMES:
            raise FleetError(f"the folder {path} has more than {_MOST_NAMES} files")
        return tuple(sorted((n for n in found if n and "/" not in n), key=os.fsencode))

    def status(self, path: str) -> os.stat_result:
        """Look at a file, through symbolic links; raises `OSError`."""
        return self._look(path).status

    def _look(self, path: str) -> _Status:
        words = self.ask("status", path).decode("ascii", "replace").split()
        try:
            mode, (size, user, group, seconds, rest) = int(words[0], 16), map(int, words[1:6])
            may = words[_NUMBERS]
        except (IndexError, ValueError) as error:
            raise malformed() from error
        is_status = mode in _MODES and user in USERS and group in USERS and size in _SIZES
        if not is_status or seconds * 10**9 + rest not in _SIZES:
            raise malformed()
        mtime = seconds * 10**9 + rest
        plain = (mode, 0, 0, 1, user, group, size, seconds, seconds, seconds)
        times = {"st_atime_ns": mtime, "st_mtime_ns": mtime, "st_ctime_ns": mtime}
        return _Status(os.stat_result(plain, times), may)

    def exists(self, path: str) -> bool:
        """Tell whether there is anything of that name, through symbolic links."""
        try:
            self._look(path)
        except OSError:
            return False
        return True

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder of that name."""
        try:
            return stat.S_ISDIR(self.status(path).st_mode)
        except OSError:
            return False

    def program(self, path: str) -> os.stat_result | None:
        """Look at a file that the user there may execute; None where there is none."""
        try:
            found = self._look(path)
        except OSError:
            return None
        is_program = stat.S_ISREG(found.status.st_mode) and "x" in found.may
        return found.status if is_program else None

    def may_use(self, path: str) -> bool:
        """Tell whether the user there may read and write a file."""
        try:
            return {"r", "w"} <= set(self._look(path).may)
        except OSError:
            return False

    def control(self, path: str, requests: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Send requests to a device; raises `OSError` where that can't be done."""
        found = self.number("control", path, json.dumps([list(one) for one in requests]))
        if not isinstance(found, list) or len(found) != len(requests):
            raise malformed()
        return tuple(int(one) for one in found)

    def number(self, *request: str) -> object:
        """Give a reply that is JSON of numbers; raises `OSError`."""
        data = self.ask(*request)
        try:
            found: object = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise malformed() from error
        listed = found if isinstance(found, list) else [found]
        if not all(type(one) is int and -1 <= one < 1 << 64 for one in listed):
            raise malformed()
        return found
