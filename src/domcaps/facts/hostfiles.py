"""The host's files, seen through one small interface.

Everything that is read of a host goes through `HostFiles`: a test gives it a temporary folder as
root, or overrides a method or two, and has a pretended host.
"""

from __future__ import annotations

import fcntl
import os
import stat

from domcaps.facts.regular import regular_handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = 64 * 1024
"""How much of a file of ``/proc`` or ``/sys`` is read at most, in bytes."""


class HostFiles:
    """The files below `root`, named as the host itself names them: by absolute paths.

    `uname` has the host's machine, release and version; a pretended host gives its own.
    """

    def __init__(
        self, root: str | os.PathLike[str] = "/", *, uname: tuple[str, str, str] | None = None
    ) -> None:
        self._root = os.fspath(root).rstrip("/")
        self._uname = uname

    @property
    def uname(self) -> tuple[str, str, str]:
        """Give the kernel's names; they may differ between processes (personality(2))."""
        if self._uname is not None:
            return self._uname
        found = os.uname()
        return found.machine, found.release, found.version

    @property
    def is_live(self) -> bool:
        """Tell whether these are the files of the machine that this program runs on."""
        return not self._root

    def real(self, path: str) -> str:
        """Give the name under which this program reaches a file of the host."""
        return f"{self._root}/{path.lstrip('/')}"

    def read(self, path: str, limit: int = SMALL) -> bytes:
        """Read a regular file, at most `limit` bytes of it; raises `OSError`.

        A pipe or a device is refused: reading it could wait for ever.
        """
        handle = regular_handle(self.real(path))
        try:
            return _read_all(handle, limit)
        finally:
            os.close(handle)

    def text(self, path: str, limit: int = SMALL) -> str:
        """Read a small text file without the blanks around it; "" where that can't be done."""
        try:
            return self.read(path, limit).decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def names(self, path: str) -> tuple[str, ...]:
        """List a folder in the order of file names; raises `OSError`."""
        return tuple(sorted(os.listdir(self.real(path)), key=os.fsencode))  # noqa: PTH208

    def names_or_none(self, path: str) -> tuple[str, ...]:
        """List a folder; nothing where that can't be done."""
        try:
            return self.names(path)
        except OSError:
            return ()

    def status(self, path: str) -> os.stat_result:
        """Look at a file, through symbolic links; raises `OSError`."""
        # not through pathlib, which takes longer than the system call: there are hundreds to see
        return os.stat(self.real(path))  # noqa: PTH116

    def exists(self, path: str) -> bool:
        """Tell whether there is anything of that name, through symbolic links."""
        try:
            return os.access(self.real(path), os.F_OK)
        except ValueError:
            # no file name, such as one with a zero byte
            return False

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder of that name."""
        return os.path.isdir(self.real(path))  # noqa: PTH112

    def program(self, path: str) -> os.stat_result | None:
        """Look at a file that this user may execute; None where there is none."""
        real = self.real(path)
        try:
            found = os.stat(real)  # noqa: PTH116 - as above
        except (OSError, ValueError):
            return None
        if stat.S_ISREG(found.st_mode) and os.access(real, os.X_OK):
            return found
        return None

    def control(self, path: str, requests: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Open a device for reading and writing and send it ``ioctl`` requests.

        `requests` are pairs of a request number and its argument. Gives the answers, -1 for a
        request that the device refused; raises `OSError` where it can't be opened.
        """
        handle = os.open(self.real(path), os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return tuple(_request(handle, *request) for request in requests)
        finally:
            os.close(handle)


def _read_all(handle: int, limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    while left > 0 and (part := os.read(handle, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _request(handle: int, number: int, argument: int) -> int:
    try:
        return fcntl.ioctl(handle, number, argument)
    except OSError:
        return -1
