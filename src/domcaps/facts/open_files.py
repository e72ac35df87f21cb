"""The limit of open files, met: an error that says what to do, instead of `OSError`."""

from __future__ import annotations

import errno
import functools
import os
import resource
from types import FunctionType, GeneratorType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from domcaps.errors import DomcapsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

F = TypeVar("F", bound="Callable[..., Any]")
C = TypeVar("C", bound="type[Any]")

_LEAST = 12
"""Descriptors that an event loop and an emulator need at the same time."""


class OpenFilesError(DomcapsError):
    """The process, or the system, may open no more files."""


def says_open_files(function: F) -> F:
    """Have a function raise `OpenFilesError` where it can open no more files."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            found = function(*arguments, **named)
        except OSError as error:
            _say(error)
        # what a generator does comes later; its arguments are checked now
        return _guarded(found) if isinstance(found, GeneratorType) else found

    return cast("F", call)


def _guarded(found: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from found
    except OSError as error:
        _say(error)


def methods_say_open_files(made: C) -> C:
    """Have each public method that a class itself defines do so."""
    for name, value in list(vars(made).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, FunctionType):
            setattr(made, name, says_open_files(value))
        elif isinstance(value, classmethod | staticmethod):
            setattr(made, name, type(value)(says_open_files(value.__func__)))
        elif isinstance(value, property):
            setattr(made, name, property(value.fget and says_open_files(value.fget)))
        elif isinstance(value, functools.cached_property):
            value.func = says_open_files(value.func)
    return made


def require_open_files() -> None:
    """Raise `OSError` where an emulator could not be asked: before anything is half made."""
    handles: list[int] = []
    try:
        for _ in range(_LEAST):
            handles.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401
    finally:
        for handle in handles:
            os.close(handle)


def _say(error: OSError) -> NoReturn:
    """Raise an error that says what to do where no more files can be opened, else the error."""
    if error.errno == errno.ENFILE:
        raise OpenFilesError(
            "the system may open no more files", remedy="raise fs.file-max, or end programs"
        ) from error
    if error.errno != errno.EMFILE:
        raise error
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    raise OpenFilesError(
        f"this process may open no more files: its limit is {limit}",
        remedy="raise the limit: 'ulimit -n 1024' in a shell, LimitNOFILE= in a unit of systemd",
    ) from error
