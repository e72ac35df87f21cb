"""Answers about a fleet as text, JSON, CSV and one HTML page."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click
import msgspec

from domcaps.cli._common import format_option
from domcaps.cli._notes import note
from domcaps.cli._terminal import emit, emit_document, say
from domcaps.named_tuples import NamedTuple
from domcaps.text import escaped_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from domcaps.fleet.store import UnreadHost

_EXIT_REFUSED, _EXIT_UNREAD = 1, 2
FORMATS = ("text", "json", "csv", "html")

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1em; }}
table {{ border-collapse: collapse; }} .wide {{ overflow-x: auto; }}
th, td {{ text-align: left; vertical-align: top; padding: .25em .6em; border: 1px solid #8886; }}
th {{ position: sticky; top: 0; background: Canvas; }}
:root {{ color-scheme: light dark; }}
</style></head><body><h1>{title}</h1>
{tables}</body></html>
"""


class Table(NamedTuple):
    """A table of an answer: CSV has the first one only."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


fleet_format_option = format_option(*FORMATS)
"""Adds ``--format`` to a command."""


def show(
    form: str,
    title: str,
    content: Any,
    tables: Sequence[Table],
    lines: Callable[[], Iterable[str]] | None = None,
    unread: Sequence[UnreadHost] = (),
) -> None:
    """Print an answer: `content` as JSON, `tables` as CSV and HTML, `lines` or tables as text.

    `unread` are the hosts that it is not about. Of CSV they are no part, but a note.
    """
    if form == "json":
        more = {"unread": msgspec.to_builtins(unread)} if unread else {}
        emit_document({"results": msgspec.to_builtins(content), **more})
    elif form == "csv":
        emit(_csv(tables[0]))
        for one in unread:
            note(_unread_text(one))
    elif form == "html":
        rows = [(one.host, one.reason, one.key) for one in unread]
        more_tables = [Table("not read", ("host", "reason", "manifest"), rows)] if rows else []
        emit(_html(title, [*tables, *more_tables]))
    else:
        for line in lines() if lines is not None else _text(tables):
            say(line)
        for one in unread:
            say(_unread_text(one))


def _unread_text(one: UnreadHost, so: str = "is not counted") -> str:
    return f"{one.host} was not read, and {so}: {one.reason} ({one.key})"


def write(text: str, output: str | Path | None) -> None:
    """Write a document to a file, by a rename, or to standard output."""
    from domcaps.fleet.export.files import write_file

    if output is None or str(output) == "-":
        emit(text)
    else:
        write_file(output, text)


def end_document(unread: Sequence[UnreadHost], so: str, *, refused: bool = False) -> None:
    """Do as `end` does, after a note for each host that a document is not about."""
    for one in unread:
        note(_unread_text(one, so))
    end(unread, refused=refused)


def end(unread: Sequence[UnreadHost], *, refused: bool = False) -> None:
    """Set the exit code: 2 where a host was not read, 1 where the answer is a refusal."""
    if unread or refused:
        raise click.exceptions.Exit(_EXIT_UNREAD if unread else _EXIT_REFUSED)


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Give a cell that no spreadsheet takes for a formula: others wrote what stands in it."""
    text = _joined(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _html(title: str, tables: Sequence[Table]) -> str:
    return _PAGE.format(title=escaped_xml(title), tables="".join(map(_html_table, tables)))


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escaped_xml(name)}</th>" for name in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escaped_xml(_joined(cell))}</td>" for cell in row) + "</tr>\n"
        for row in table.rows
    )
    heading = f"<h2>{escaped_xml(table.title)}</h2>"
    return f'{heading}<div class="wide"><table><tr>{head}</tr>\n{body}</table></div>\n'


def _text(tables: Sequence[Table]) -> Iterable[str]:
    for number, table in enumerate(tables):
        if number:
            yield ""
        yield f"{table.title}:"
        for row in table.rows:
            yield "  " + "  ".join(filter(None, map(_joined, row)))


def some(names: Sequence[str], most: int = 8) -> str:
    """Name a few hosts, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
