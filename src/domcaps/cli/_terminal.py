"""The one way by which text leaves the command line tool, harmless to a terminal.

`install` puts a stream in the place of standard output and of standard error that replaces
everything that a terminal would obey, whoever prints it: a command, click, a traceback. Commands
print with `say` (a line), `emit` (a document) and `emit_json`, and colour text with
`domcaps.text.styled`, whose styles are the only commands that get through.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

import click

from domcaps.text import one_line, revealed, styled, to_compact_json, to_json


def say(text: str = "", *, err: bool = False, **style: Any) -> None:
    """Print one line: a line end in the text is escaped, and does not begin another line."""
    _print((styled(one_line(text), **style) if style else one_line(text)) + "\n", err=err)


def emit(text: str, *, err: bool = False) -> None:
    """Print a document as it is, line ends included."""
    _print(text, err=err)


def emit_json(content: Any, *, compact: bool = False) -> None:
    """Print JSON, with `compact` as one line."""
    _print((to_compact_json if compact else to_json)(content) + "\n", err=False)


def emit_document(content: Any, *, compact: bool = False) -> None:
    """Print a JSON object with the version of its form (`docs/json.md`) before its own keys."""
    import msgspec

    emit_json({"version": 1, **msgspec.to_builtins(content)}, compact=compact)


def _print(text: str, *, err: bool) -> None:
    # where the stream is another one, as in tests, click takes away what it is not to show
    stream = sys.stderr if err else sys.stdout
    known = isinstance(stream, HarmlessStream)
    click.echo(text if known else revealed(text, colour=True), nl=False, err=err)


class HarmlessStream(io.TextIOWrapper):
    """A stream that writes no command to a terminal but the tool's own styles."""

    colour = False

    def write(self, text: str, /) -> int:
        """Write text; gives the number of characters that were to be written."""
        super().write(revealed(text, colour=self.colour))
        return len(text)


def install() -> None:
    """Replace standard output and standard error; raw streams stay in ``sys.__stderr__``."""
    sys.stdout = _harmless(sys.stdout)
    sys.stderr = _harmless(sys.stderr)


def wants_colour() -> bool:
    """Tell whether colour is wanted where it can be shown (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def raw_standard_error() -> TextIO:
    """Give standard error for a progress bar, which moves the cursor; its text must be harmless."""
    return sys.__stderr__ or sys.stderr


def _harmless(stream: TextIO | None) -> Any:
    """Wrap a stream; None, where the file is closed, stays None."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, HarmlessStream):
        return stream
    stream.flush()
    # what can't be written in the encoding, such as a byte of a file's name, is written as \xff
    wrapped = HarmlessStream(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    wrapped.colour = stream.isatty() and wants_colour()
    return wrapped
