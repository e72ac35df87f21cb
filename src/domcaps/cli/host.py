"""``domcaps host``: what was found, and why not what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from domcaps.cli._common import format_option, host_option
from domcaps.cli._notes import open_host
from domcaps.cli._terminal import emit_document, say
from domcaps.text import styled

if TYPE_CHECKING:
    from domcaps.report.hostinfo import HostRow, HostSection

_MARKS = {True: ("yes", "green"), False: ("no", "red"), None: ("", None)}


@click.command("host")
@host_option
@format_option("text", "json")
def command(*, host_file: str | None, form: str) -> None:
    """Show what a host offers to guests: emulators, KVM, firmware, helper programs, memory.

    For each "no", the reason is given. For a recording, the output also says when it was made, and
    which of its data identify the host.
    """
    from domcaps.report.hostinfo import describe_host, describe_recording

    host = open_host(host_file)
    sections = describe_host(host.facts, host.emulators.paths())
    if host.recording is not None:
        sections = (describe_recording(host.recording), *sections)
    if form == "json":
        data = {section.title: section.rows for section in sections}
        emit_document(data)
    else:
        _print(sections)


def _print(sections: tuple[HostSection, ...]) -> None:
    for section in sections:
        say(section.title, bold=True)
        width = max((len(row.name) for row in section.rows), default=0)
        for row in section.rows:
            say(f"  {row.name:{width}}  {_mark(row)}  {_detail(row)}".rstrip())


def _mark(row: HostRow) -> str:
    mark, colour = _MARKS[row.usable]
    return styled(f"{mark:3}", fg=colour)


def _detail(row: HostRow) -> str:
    return ", ".join(part for part in (row.detail, row.reason) if part)
