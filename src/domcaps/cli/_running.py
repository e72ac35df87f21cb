"""Running a command: harmless output, and errors as one line with an exit code.

This is the same for all commands. `_group` gives it what click runs, `_plain` what needs no click.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from domcaps.cli._terminal import HarmlessStream, install, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.cli._replayed import Rerun

_NEW_OBJECTS = 50_000


def run(command: Callable[[], int | None], rerun: Rerun | None = None) -> NoReturn:
    """Run a command that gives its exit code; an error is one line and exit code 2.

    `rerun` keeps what is printed for the next process.
    """
    from domcaps.errors import DomcapsError
    from domcaps.facts.descendants import ADOPTION
    from domcaps.one_call import one_call

    install()
    copies = _copies() if rerun is not None else ()
    # every child of this process descends from a program that it started
    ADOPTION.is_alone = True
    # the table stays for the whole run: collecting garbage in it costs a tenth of the start
    gc.set_threshold(max(_NEW_OBJECTS, gc.get_threshold()[0]))
    try:
        with one_call():
            code = command()
        if rerun is not None and len(copies) == 2:
            sys.stdout.flush()
            out, err = map("".join, copies)
            rerun.keep(out, err, code or 0)
        sys.exit(code)
    except KeyboardInterrupt:
        say("domcaps: interrupted", err=True)
        sys.exit(130)
    except DomcapsError as error:
        say(f"domcaps: {error}", err=True)
        for text in getattr(error, "__notes__", ()):
            say(f"domcaps: {text}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # the reader of standard output closed it: exit code 1 would mean "no"
        drop_output()
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"domcaps: {place}{error.strerror or error}", err=True)
        try:
            sys.stdout.flush()
        except OSError:
            drop_output()
        sys.exit(2)
    finally:
        # the interpreter searches all objects for garbage when it ends: a sixth of a first verdict
        gc.freeze()


def _copies() -> tuple[list[str], ...]:
    """Have standard output and error copy what is written to them."""
    copies = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, HarmlessStream):
            stream.copy = []
            copies.append(stream.copy)
    return tuple(copies)


def drop_output() -> None:
    """Discard unprinted output, so that the interpreter does not fail on it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
