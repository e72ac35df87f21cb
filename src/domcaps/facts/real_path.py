"""Where a path leads to."""

from __future__ import annotations

import os


def real_path(path: str) -> str:
    """Give the absolute path of what a path leads to, links followed as the kernel follows them."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        # a loop of links or a zero byte: it leads nowhere, and no program there is trusted
        return os.path.abspath(path)  # noqa: PTH100 - the other resolves it as well
