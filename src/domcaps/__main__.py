"""The command line tool as a process: ``python -m domcaps``, and what pip installs."""

from __future__ import annotations

import atexit
import os
import sys

from domcaps.cli import main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    """Run the tool and end the process."""
    try:
        main()
        code = 0
    except SystemExit as ended:
        if isinstance(ended.code, str) or not _is_alone():
            raise
        code = ended.code or 0
    _end(code)


def _is_alone() -> bool:
    """Tell whether nothing else runs that Python would wait for or tell of the end."""
    threading = sys.modules.get("threading")
    is_watched = sys.getprofile() or sys.gettrace() or sys.flags.inspect
    return not is_watched and (threading is None or threading.active_count() == 1)


def _end(code: int) -> NoReturn:
    """End the process at once: taking apart all that it made takes a sixteenth of a verdict."""
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public name for it
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        # Python says what is wrong, with an exit code of its own
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    run()
