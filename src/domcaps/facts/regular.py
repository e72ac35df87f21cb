"""Opening what should be a regular file: a pipe would be waited for, a device may do anything."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def regular_handle(path: str) -> int:
    """Open a regular file for reading; raises `OSError` for all else, `ValueError` for no name."""
    # non-blocking, since opening a pipe for reading waits for a writer
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "not a regular file")
    except BaseException:
        os.close(handle)
        raise
    return handle


def open_regular(path: str) -> BinaryIO:
    """Open such a file as Python does; raises as `regular_handle`."""
    return os.fdopen(regular_handle(path), "rb")
