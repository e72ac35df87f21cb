"""What a file has besides its content: owner, group, mode and extended attributes."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_ACCESS_LIST = "system.posix_acl_access"


def copy_metadata(source: int, status: os.stat_result, handle: int) -> None:
    """Give an open file the owner, group, mode and extended attributes of another open file."""
    owned = _owned(handle, status)
    mode = stat.S_IMODE(status.st_mode)
    # after the owner, whose change takes set-user-ID bits away; where owner or group is another
    # one, what the old group was allowed must not become a right of the new group
    os.fchmod(handle, mode if owned else mode & 0o700)
    _copy_attributes(source, handle, skip=frozenset() if owned else frozenset({_ACCESS_LIST}))


def _owned(handle: int, status: os.stat_result) -> bool:
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) == (status.st_uid, status.st_gid):
        return True
    try:
        os.fchown(handle, status.st_uid, status.st_gid)
    except OSError:
        return False
    return True


def _copy_attributes(source: int, handle: int, skip: frozenset[str]) -> None:
    # by a path, since a file that is open without any right has no attributes; not every file
    # system has them, and not every user may set all of them
    opened = f"/proc/self/fd/{source}"
    with contextlib.suppress(OSError):
        for name in set(os.listxattr(opened)) - skip:
            with contextlib.suppress(OSError):
                os.setxattr(handle, name, os.getxattr(opened, name))


def umask() -> int:
    """Give the umask, which can be read by setting it only, or by Linux's own file."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
