"""The identity of a file: what shows that it was changed, replaced or restored.

Device and inode number show another file under the same name. The time of the last status change
(``ctime``) shows every change of content or attributes; unlike the time of modification it can't
be set by a program. Linux takes both from a clock that advances with the timer tick, so that two
changes within one tick look alike: a file that was changed just before it was read may be changed
once more without a trace. Such an identity is not *settled*, and its users must check the
content again.
"""

from __future__ import annotations

import time

from domcaps.facts.plain_record import PlainRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

FINE_NS = 50_000_000
"""A change that is older than this, in nanoseconds, is distinguished from later ones.

The slowest timer tick of Linux is 10 ms."""

COARSE_NS = 2_100_000_000
"""The same for file systems that keep whole seconds, or every second one as FAT does."""

_SECOND_NS = 1_000_000_000


class Identity(PlainRecord):
    """What ``stat`` tells of a file, as far as it changes when the file does."""

    device: int
    inode: int
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    def is_settled(self, when: int) -> bool:
        """Tell whether a change at or after the time `when` would show.

        `when` is in nanoseconds, as of `now`. A time that lies ahead, since the clock was wrong
        once, is as good as one that is past: what changes now gets the present time.
        """
        return abs(when - self.ctime_ns) >= self.window_ns

    @property
    def window_ns(self) -> int:
        """Give the nanoseconds after its last change in which another one may not show."""
        return COARSE_NS if self.ctime_ns % _SECOND_NS == 0 else FINE_NS


def identity(status: os.stat_result) -> Identity:
    """Take the identity out of a status."""
    return Identity(
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def now() -> int:
    """Give the time in nanoseconds, by the clock that stamps files."""
    return time.time_ns()
