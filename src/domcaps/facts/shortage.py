"""Messages of a system that has too little of something."""

from __future__ import annotations

import errno
import os

_SHORTAGES = tuple(
    os.strerror(number)
    for number in (
        errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT,
        errno.EINTR, errno.EBUSY, errno.EIO,
    )
)  # fmt: skip
_OWN_WORDS = ("failed to allocate", "out of memory", "failed to create thread")


def is_shortage(text: str) -> bool:
    """Tell whether a message speaks of a limit that was reached, which may be over the next time.

    Emulators are started with ``LC_ALL=C``: the system's messages are those of strerror(3).
    """
    lower = text.lower()
    return any(word in text for word in _SHORTAGES) or any(word in lower for word in _OWN_WORDS)
