"""What the present thread may do and where it looks: part of every answer, though no file shows it.

Descriptors that it may no longer read, a mount namespace of its own, another root folder: a stamp
of a file says nothing of these. An answer is only used in the state in which it was made.
"""

from __future__ import annotations

import ctypes
import functools
import os
import resource
import struct
import sys

from domcaps.facts.plain_record import PlainRecord

_CAPABILITY_VERSION_3 = 0x20080522
_LIMITS = tuple(
    sorted({number for name, number in vars(resource).items() if name.startswith("RLIMIT_")})
)
"""Limits that a program inherits, and that keep it from answering whole."""


class ProcessState(PlainRecord):
    """Rights and limits, by which answers are kept apart on the disk, and the view of the host.

    `machine` is what the kernel says that it is, which personality(2) changes, `filters` stands
    for filters of system calls. `root` and `mounts` are numbers of this boot: another process never
    has the same by chance.
    """

    users: tuple[int, ...]
    groups: tuple[int, ...]
    capabilities: bytes
    limits: tuple[tuple[int, int], ...]
    root: tuple[int, int]
    mounts: str
    machine: str
    filters: str

    @property
    def rights(self) -> tuple[object, ...]:
        """Give what another process can share: identities of files show the rest."""
        return self.users, self.groups, self.capabilities.hex(), self.limits, self.filters


def process_state() -> ProcessState:
    """Look at the present thread; takes some microseconds."""
    root = os.stat("/")  # noqa: PTH116 - a Path costs more than the call
    return ProcessState(
        (*_users(), *_groups_of_process()),
        tuple(os.getgroups()),
        _capabilities(),
        _limits(),
        (root.st_dev, root.st_ino),
        _mounts(),
        os.uname().machine,
        _filters(),
    )


def _users() -> tuple[int, ...]:
    return os.getresuid() if hasattr(os, "getresuid") else (os.getuid(), os.geteuid())


def _groups_of_process() -> tuple[int, ...]:
    return os.getresgid() if hasattr(os, "getresgid") else (os.getgid(), os.getegid())


def _limits() -> tuple[tuple[int, int], ...]:
    return tuple(map(resource.getrlimit, _LIMITS))


def _mounts() -> str:
    try:
        # that of the thread, which may have left the others'
        return os.readlink("/proc/thread-self/ns/mnt")  # noqa: PTH115
    except OSError:
        return ""


def _capabilities() -> bytes:
    """Give the effective and permitted capabilities (capget(2)); b"" where there are none."""
    if sys.platform != "linux":
        return b""
    data = ctypes.create_string_buffer(24)
    return data.raw if _libc().capget(_HEADER, data) == 0 else b""


def _filters() -> str:
    """Tell the filters of system calls (seccomp) apart, which may keep QEMU from what it offers.

    The kernel does not show what they forbid. Where there are some, their number and the control
    group stand for them: a unit of systemd and a container have one of their own. That memory may
    not become executable (``MemoryDenyWriteExecute=``) keeps QEMU from emulating, too.
    """
    if sys.platform != "linux":
        return ""
    denied = "write-execute denied" if _libc().prctl(_GET_MDWE, 0, 0, 0, 0) > 0 else ""
    if _libc().prctl(_GET_SECCOMP, 0, 0, 0, 0) != _WITH_FILTERS:
        return denied
    return "\n".join(
        [denied]
        + [
            line
            for path in ("/proc/thread-self/status", "/proc/thread-self/cgroup")
            for line in _lines(path)
            if path.endswith("cgroup") or line.startswith("Seccomp_filters")
        ]
    )


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - text in
            return file.read().split("\n")
    except OSError:
        return []


_GET_SECCOMP, _WITH_FILTERS, _GET_MDWE = 21, 2, 66
_HEADER = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), 8)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
