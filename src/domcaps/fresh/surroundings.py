"""Where witnesses look: the host's files, the environment, the process itself."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from typing import TYPE_CHECKING

from domcaps.facts.hostfiles import SMALL, HostFiles
from domcaps.facts.trust import real_path
from domcaps.fresh.identity import Identity, identity

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOT_ID = "/proc/sys/kernel/random/boot_id"

_MOST_HANDLES = 64


class Surroundings:
    """A host to be looked at: its files, and the environment that counts there."""

    def __init__(
        self, files: HostFiles | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.files = files or HostFiles()
        self.environ = environ
        self._handles = KernelHandles() if self.files.is_live else None
        self._writable: dict[str, tuple[int, tuple[str, ...]]] = {}

    @functools.cached_property
    def boot(self) -> str:
        """The number of this boot: no process outlives it."""
        return (self.kernel_text(BOOT_ID) or b"").decode("utf-8", "backslashreplace").strip()

    def identity(self, path: str) -> Identity | None:
        """Give the identity of what a path leads to; None where it leads nowhere."""
        try:
            return identity(self.files.status(path))
        except (OSError, ValueError):
            return None

    def real_path(self, path: str) -> str:
        """Give the path of what a path leads to, links followed; a pretended host has no links."""
        return real_path(path) if self.files.is_live else path

    def is_kernel_file(self, path: str) -> bool:
        """Tell whether a file is made up by the kernel when it is read: its times say nothing."""
        return self.files.is_live and path.startswith(("/proc/", "/sys/"))

    def kernel_text(self, path: str) -> bytes | None:
        """Read a small file, of the kernel or not; None where that can't be done."""
        if self._handles is not None and self.is_kernel_file(path):
            return self._handles.read(path)
        try:
            return self.files.read(path)
        except OSError:
            return None

    def writable(self, folder: str, inode: int) -> tuple[str, ...]:
        """Give the files of a kernel's folder that may be written; they are looked for once."""
        known = self._writable.get(folder)
        if known is None or known[0] != inode:
            names = self.files.names_or_none(folder)
            paths = (f"{folder}/{name}" for name in names)
            known = (inode, tuple(path for path in paths if self._may_change(path)))
            self._writable[folder] = known
        return known[1]

    def _may_change(self, path: str) -> bool:
        found = self.identity(path)
        return found is None or bool(found.mode & 0o222)

    def after_fork(self) -> None:
        """Forget locks that other threads of the parent may have held."""
        if self._handles is not None:
            self._handles = KernelHandles()


class KernelHandles:
    """Files of the kernel that stay open: reading them again takes a tenth of opening them.

    When what a file belongs to goes away (a module is unloaded), reading it fails, and then the
    path is looked up anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}

    def read(self, path: str) -> bytes | None:
        """Read the file from its beginning; None where there is none or it can't be read."""
        with self._lock:
            handle = self._open.get(path)
            if handle is not None:
                try:
                    return os.pread(handle, SMALL, 0)
                except OSError:
                    self._close(path)
            return self._read_anew(path)

    def _read_anew(self, path: str) -> bytes | None:
        if not os.access(path, os.F_OK):
            # asking first is cheaper than to have opening fail
            return None
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        self._open[path] = handle
        try:
            return os.pread(handle, SMALL, 0)
        except OSError:
            self._close(path)
            return None
        finally:
            if len(self._open) > _MOST_HANDLES:
                self._close(next(iter(self._open)))

    def _close(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.close(self._open.pop(path))

    def __del__(self) -> None:
        for path in list(self._open):
            self._close(path)
