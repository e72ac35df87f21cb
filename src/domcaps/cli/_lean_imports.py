"""Importing libraries without what they load for cases that a command does not have.

While a library is imported, a stand-in is there for a module that it names and seldom or never
uses. The module itself is loaded when something of it is used. Each saves some hundredths of the
time of a first verdict.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


def load_msgspec() -> None:
    """Import msgspec with Python's own `typing`.

    Where `typing_extensions` is installed msgspec takes that, and it loads `inspect`. It has
    nothing that Python 3.11 lacks. `textwrap` serves for schemas, and of `platform`, which has many
    regular expressions, `uuid` wants the name of the system alone.
    """
    hidden = "typing_extensions"
    if "msgspec" in sys.modules or hidden in sys.modules:
        return
    sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        with _stand_in("textwrap"), _stand_in("platform", system=_system):
            import msgspec  # noqa: F401
    finally:
        del sys.modules[hidden]


def load_lxml() -> None:
    """Import lxml without `inspect`, of which it has one function, for targets of its parser.

    Before lxml 6 it also puts a function of its own in the place of `isgenerator`, so that its
    generators are taken for such, which domcaps never asks.
    """
    if "lxml.etree" in sys.modules:
        return
    with _stand_in("inspect", getfullargspec=None, isgenerator=None):
        import lxml.etree  # noqa: F401


def load_pathlib() -> None:
    """Import pathlib without `urllib.parse`, of which it has one function, for URIs."""
    if "pathlib" in sys.modules:
        return
    with _stand_in("urllib.parse", quote_from_bytes=None):
        import pathlib  # noqa: F401


def _system() -> str:
    return os.uname().sysname if hasattr(os, "uname") else str(_of("platform", "system")())


@contextmanager
def _stand_in(name: str, **functions: Callable[..., object] | None) -> Iterator[None]:
    """Have a stand-in for a module that is not loaded yet.

    `functions` are those that are imported by their names; one that is None is the module's own,
    for which the module is loaded when it is called. Whatever else is asked for loads it at once.
    """
    if name in sys.modules:
        yield
        return
    stand_in: Any = ModuleType(name)
    for function, own in functions.items():
        setattr(stand_in, function, own or _called_later(name, function))
    stand_in.__getattr__ = lambda attribute: _of(name, attribute)
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


def _called_later(name: str, function: str) -> Callable[..., object]:
    return lambda *arguments, **named: _of(name, function)(*arguments, **named)


def _of(name: str, attribute: str) -> Any:
    """Give what the module itself has."""
    if attribute == "__path__":
        # Python asks for it at each import by name: these are no packages
        raise AttributeError(attribute)
    found = sys.modules.get(name)
    if found is not None and getattr(found, "__spec__", None) is None:
        del sys.modules[name]
    return getattr(importlib.import_module(name), attribute)
