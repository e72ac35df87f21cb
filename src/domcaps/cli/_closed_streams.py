"""Standard streams that are closed when the tool is started (``>&-``).

Their numbers must not go to files that are opened later. What stands in their place fails as they
would: a result that can't be written is an error, and there is nothing to read. Messages are lost.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import TextIOWrapper

_RAW: list[TextIOWrapper] = []
"""The streams, which others write through: they are closed with the last reference."""


def fill_closed() -> None:
    """Open what is closed of the standard streams."""
    if sys.stdin is None:
        sys.stdin = _kept(open(_at(0, os.O_WRONLY), closefd=False, encoding="utf-8"))  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = _kept(open(_at(1, os.O_RDONLY), "w", closefd=False, encoding="utf-8"))  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = _kept(open(_at(2, os.O_WRONLY), "w", closefd=False, encoding="utf-8"))  # noqa: SIM115


def _kept(stream: TextIOWrapper) -> TextIOWrapper:
    _RAW.append(stream)
    return stream


def _at(number: int, mode: int) -> int:
    """Open nothing, under that number unless another file has it already."""
    opened = os.open(os.devnull, mode)
    try:
        os.fstat(number)
    except OSError:
        os.dup2(opened, number)
        os.close(opened)
        return number
    return opened
