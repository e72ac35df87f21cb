"""The one way by which text leaves the command line tool, harmless to a terminal.

`install` puts a stream in the place of standard output and of standard error that replaces
everything that a terminal would obey, from a command, click or a traceback. Commands
print with `say` (a line), `emit` (a document) and `emit_json`, and colour text with
`domcaps.text.styled`, whose styles are the only commands that get through.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from domcaps.patterns import late_pattern
from domcaps.text import escaped, one_line, revealed, styled, to_compact_json, to_json

if TYPE_CHECKING:
    import click


def say(text: str = "", *, err: bool = False, **style: Any) -> None:
    """Print one line: a line end in the text is escaped, and does not begin another line."""
    _print((styled(one_line(text), **style) if style else one_line(text)) + "\n", err=err)


def emit(text: str, *, err: bool = False) -> None:
    """Print a document as it is, line ends included."""
    _print(text, err=err)


def emit_json(content: Any, *, compact: bool = False) -> None:
    """Print JSON, with `compact` as one line."""
    emit_portable((to_compact_json if compact else to_json)(content) + "\n")


def emit_portable(text: str) -> None:
    """Print a document that programs read as UTF-8: where the locale is another, as ASCII.

    What stands outside of ASCII is written as JSON, or of a document that begins with ``<`` as XML,
    writes it.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    if encoding != "utf8" and not text.isascii():
        if text.lstrip()[:1] == "<":
            text = text.encode("ascii", "xmlcharrefreplace").decode()
        else:
            text = _BEYOND_ASCII.sub(lambda found: escaped(found[0]), text)
    _print(text, err=False)


_BEYOND_ASCII = late_pattern(r"[^\x00-\x7f]+")


def emit_document(content: Any, *, compact: bool = False) -> None:
    """Print a JSON object with the version of its form (`docs/json.md`) before its own keys."""
    import msgspec

    emit_json({"version": 1, **msgspec.to_builtins(content)}, compact=compact)


def _print(text: str, *, err: bool) -> None:
    # where the stream is another one, as in tests, click takes away what it is not to show
    stream = sys.stderr if err else sys.stdout
    known = isinstance(stream, HarmlessStream)
    if known:
        stream.write(text)
        stream.flush()
        return
    import click

    click.echo(revealed(text, colour=True), nl=False, err=err)


class HarmlessStream(io.TextIOWrapper):
    """A stream that writes no command to a terminal but the tool's own styles."""

    colour = False
    copy: list[str] | None = None
    """What was written, for who wants to print it once more."""
    is_for_messages = False
    """Whether what can't be written is lost: a result is a result without its messages."""

    def write(self, text: str, /) -> int:
        """Write text; gives the number of characters that were to be written."""
        shown = revealed(text, colour=self.colour)
        try:
            super().write(shown)
        except OSError:
            self._lose()
        if self.copy is not None:
            self.copy.append(shown)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except OSError:
            self._lose()

    def _lose(self) -> None:
        """Have messages go nowhere; an error that is about a result goes on."""
        if not self.is_for_messages:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


_AS_JSON = "domcaps.as-json"
"""The way in which signs are written that an encoding has not: as JSON writes them."""


def _as_json(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return escaped(error.object[error.start : error.end]), error.end


codecs.register_error(_AS_JSON, _as_json)


def install() -> None:
    """Replace standard output and standard error; raw streams stay in ``sys.__stderr__``."""
    sys.stdout = _harmless(sys.stdout)
    sys.stderr = _harmless(sys.stderr)
    if isinstance(sys.stderr, HarmlessStream):
        sys.stderr.is_for_messages = True


def wants_colour() -> bool:
    """Tell whether colour is wanted where it can be shown (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return forces_colour() or os.environ.get("TERM") != "dumb"


def forces_colour() -> bool:
    """Tell whether colour is wanted everywhere, as in a CI's log (https://force-color.org)."""
    forced = os.environ.get("FORCE_COLOR", os.environ.get("CLICOLOR_FORCE", ""))
    return forced not in {"", "0"} and not os.environ.get("NO_COLOR")


def raw_standard_error() -> TextIO:
    """Give standard error for a progress bar, which moves the cursor; its text must be harmless."""
    return sys.__stderr__ or sys.stderr


def _harmless(stream: TextIO | None) -> Any:
    """Wrap a stream; None, where the file is closed, stays None."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, HarmlessStream):
        return stream
    stream.flush()
    # what can't be written in the encoding, such as a byte of a file's name, is written as \u00ff
    wrapped = HarmlessStream(
        stream.buffer,
        encoding=stream.encoding,
        errors=_AS_JSON,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    wrapped.colour = _shows_colour(stream, "auto")
    return wrapped


def colour_option() -> click.Option:
    """Give ``--color``, which every command takes."""
    import click

    return click.Option(
        ["--color"],
        type=click.Choice(COLOURS),
        metavar="WHEN",
        expose_value=False,
        is_eager=True,
        callback=_set_colour,
        help="Use color: always, never or auto (on a terminal; NO_COLOR and FORCE_COLOR override "
        "this) [default: auto].",
    )


COLOURS = ("auto", "always", "never")


def _set_colour(ctx: click.Context, _param: click.Parameter, when: str | None) -> None:
    """Set the colour of a command's output; what the command line says overrides variables."""
    if when is None:
        return
    ctx.color = {"always": True, "never": False}.get(when, default_colour())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, HarmlessStream):
            stream.colour = _shows_colour(stream, when)


def default_colour() -> bool | None:
    """Give the colour that the environment asks for, None where it depends on the stream."""
    if forces_colour():
        return True
    return None if wants_colour() else False


def _shows_colour(stream: TextIO, when: str) -> bool:
    if when != "auto":
        return when == "always"
    return forces_colour() or (stream.isatty() and wants_colour())


def has_colour(stream: TextIO) -> bool:
    """Tell whether a stream shows colour."""
    return isinstance(stream, HarmlessStream) and stream.colour
