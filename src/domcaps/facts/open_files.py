"""The limit of open files, met: an error that says what to do, instead of `OSError`."""

from __future__ import annotations

import contextlib
import errno
import functools
import inspect
import os
import resource
from typing import TYPE_CHECKING, Any, TypeVar, cast

from domcaps.errors import DomcapsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

F = TypeVar("F", bound="Callable[..., Any]")
C = TypeVar("C", bound="type[Any]")

_LEAST = 12
"""Descriptors that an event loop and an emulator need at the same time."""
_FULL = (errno.EMFILE, errno.ENFILE)


class OpenFilesError(DomcapsError):
    """The process, or the system, may open no more files."""


def says_open_files(function: F) -> F:
    """Have a function raise `OpenFilesError` where it can open no more files."""
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            with _said():
                yield from function(*arguments, **named)
    else:

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return function(*arguments, **named)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                raise _said_of(error) from error

    return cast("F", call)


def methods_say_open_files(made: C) -> C:
    """Have each public method that a class itself defines do so."""
    for name, value in list(vars(made).items()):
        if name.startswith("_"):
            continue
        if inspect.isfunction(value):
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


@contextlib.contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _said_of(error) from error


def _said_of(error: OSError) -> OpenFilesError:
    if error.errno == errno.ENFILE:
        return OpenFilesError(
            "the system may open no more files", remedy="raise fs.file-max, or end programs"
        )
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return OpenFilesError(
        f"this process may open no more files: its limit is {limit}",
        remedy="raise the limit: 'ulimit -n 1024' in a shell, LimitNOFILE= in a unit of systemd",
    )
