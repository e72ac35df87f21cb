"""Where witnesses look: the host's files, the environment, the process itself."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import select
import sys
from _thread import allocate_lock

from domcaps.facts.hostfiles import SMALL, HostFiles
from domcaps.facts.passed import passed
from domcaps.facts.real_path import real_path
from domcaps.fresh.identity import Identity, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BOOT_ID = "/proc/sys/kernel/random/boot_id"

_MOST_HANDLES = 64

# linux/magic.h
_IN_MEMORY = frozenset({0x01021994, 0x858458F6, 0x958458F6})  # tmpfs, ramfs, hugetlbfs
_OF_KERNEL = frozenset({0x9FA0, 0x62656572})  # proc, sysfs


class HostView:
    """A host to be looked at: its files, and the environment that counts there.

    `mount_changes` counts how often mounts were seen to change.
    """

    def __init__(
        self, files: HostFiles | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.files: HostFiles = files or HostFiles()
        self.environ = environ
        self.checks_owner: bool = self.files.is_live
        self._handles = KernelHandles() if self.files.is_live else None
        self._mounts = Mounts() if self.files.is_live else None
        self.mount_changes = 0
        self._kinds: dict[int, int] = {}
        self._masked: dict[str, bool] = {}
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

    def stamp(self, path: str, large: int = -1) -> Identity | None:
        """Give a file's identity if each change of its content changes that; None otherwise.

        A write through shared memory (mmap) changes no time on a file system in memory, and on
        others only the first one to each page does. Only its owner and those who may write to it
        can do that: a file that root alone may write is taken to be written as packages are. Of a
        file with more bytes than `large` the identity must do: see `is_in_memory`.
        """
        try:
            status = self.files.status(path)
        except (OSError, ValueError):
            return None
        found = identity(status)
        if not self.checks_owner or (large >= 0 and found.size > large):
            return found
        if not _is_roots_alone(status) or self._is_kind_in_memory(path, found.device):
            return None
        return found

    def is_private(self, path: str) -> bool:
        """Tell whether only root may write to a file, so that no user writes through memory."""
        if not self.checks_owner:
            return True
        try:
            return _is_roots_alone(self.files.status(path))
        except (OSError, ValueError):
            # what comes there later is an event
            return True

    def is_in_memory(self, path: str) -> bool:
        """Tell whether a file's times don't show that it was written to through memory."""
        found = self.identity(path) if self.checks_owner else None
        return found is not None and self._is_kind_in_memory(path, found.device)

    def _is_kind_in_memory(self, path: str, device: int) -> bool:
        kind = self._kinds.get(device)
        if kind is None:
            kind = self._kinds[device] = kind_of_file_system(self.files.real(path))
        return kind in _IN_MEMORY

    def is_masked(self, path: str) -> bool:
        """Tell whether something else is mounted over a file of the kernel's."""
        if not self.files.is_live:
            return False
        known = self._masked.get(path)
        if known is None:
            known = self._masked[path] = kind_of_file_system(path) not in _OF_KERNEL
        return known

    def refresh(self) -> None:
        """Forget what depends on mounts, if these changed since the last time."""
        if self._mounts is not None and self._mounts.changed():
            self.forget_mounts()

    def forget_mounts(self) -> None:
        """Forget what depends on mounts: files that are open, kinds of file systems."""
        self.mount_changes += 1
        self._kinds.clear()
        self._masked.clear()
        if self._handles is not None:
            self._handles = KernelHandles()

    def real_path(self, path: str) -> str:
        """Give the path of what a path leads to, links followed; a pretended host has no links."""
        return real_path(path) if self.files.is_live else path

    def passed(self, name: str) -> str | None:
        """Give the value of a variable that a program gets that is executed here."""
        value = self.environ.get(name)
        return passed(name, value) if self.files.is_live and value is not None else value

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
        self.forget_mounts()
        if self._mounts is not None:
            self._mounts = Mounts()


def _is_roots_alone(status: os.stat_result) -> bool:
    # an access control list that lets others write shows in the bits of the group
    return status.st_uid == 0 and not status.st_mode & 0o022


def kind_of_file_system(path: str) -> int:
    """Give the number that names a file system's kind (``f_type`` of statfs); 0 if unknown."""
    libc = ctypes.CDLL(None, use_errno=True)
    # more than any system's struct statfs; the kind is its first word
    found = (ctypes.c_ulong * 64)()
    if sys.platform != "linux" or libc.statfs(os.fsencode(path), ctypes.byref(found)) != 0:
        return 0
    word = int(found[0])
    # two words of 32 bits on s390x
    shift = 32 if os.uname().machine == "s390x" else 0
    return (word >> shift) & 0xFFFFFFFF


class Mounts:
    """The mounts that the thread sees which made this, and whether they changed since."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._handle = -1
        self._poll: select.poll | None = None
        with contextlib.suppress(OSError):
            self._handle = os.open("/proc/thread-self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
            self._poll = select.poll()
            self._poll.register(self._handle, select.POLLPRI | select.POLLERR)

    def changed(self) -> bool:
        """Tell whether something was mounted or unmounted since this was asked last."""
        with self._lock:
            return self._poll is not None and bool(self._poll.poll(0))

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)


class KernelHandles:
    """Files of the kernel that stay open: reading them again takes a tenth of opening them.

    When what a file belongs to goes away (a module is unloaded), reading it fails, and then the
    path is looked up anew.
    """

    def __init__(self) -> None:
        self._lock = allocate_lock()
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
