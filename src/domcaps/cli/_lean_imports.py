"""Importing libraries without what they load for cases that a command does not have.

Both save a twentieth of the time of a first verdict.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INSPECT = "inspect"


def load_msgspec() -> None:
    """Import msgspec with Python's own `typing`.

    Where `typing_extensions` is installed msgspec takes that, and it loads `inspect`. It has
    nothing that Python 3.11 lacks.
    """
    hidden = "typing_extensions"
    if "msgspec" in sys.modules or hidden in sys.modules:
        return
    sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules[hidden]


def load_lxml() -> None:
    """Import lxml without `inspect`, of which it has one function, for targets of its parser.

    That function is loaded when it is called. What else lxml asks of the module is loaded at once.
    """
    if "lxml.etree" in sys.modules or _INSPECT in sys.modules:
        return
    stand_in: Any = ModuleType(_INSPECT)
    stand_in.getfullargspec = lambda function: _of_inspect("getfullargspec")(function)
    stand_in.__getattr__ = _of_inspect
    sys.modules[_INSPECT] = stand_in
    try:
        import lxml.etree  # noqa: F401
    finally:
        if sys.modules.get(_INSPECT) is stand_in:
            del sys.modules[_INSPECT]


def _of_inspect(name: str) -> Any:
    """Give what the module itself has under a name."""
    stand_in = sys.modules.get(_INSPECT)
    if stand_in is not None and getattr(stand_in, "__file__", None) is None:
        del sys.modules[_INSPECT]
    import inspect

    return getattr(inspect, name)
