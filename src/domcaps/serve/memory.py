"""What the C library keeps of memory that was given back."""

from __future__ import annotations

import contextlib
import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 1024 * 1024
"""More than a read of a socket takes, which happens all the time."""


def give_back() -> None:
    """Have large blocks returned to the system at once (glibc; others are left as they are).

    By default glibc keeps blocks of up to 32 MiB once one of that size was freed, so that a few
    large messages would make a server large for good.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, 2)
