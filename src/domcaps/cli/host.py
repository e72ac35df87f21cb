"""``domcaps host``: what was found, and why not what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from domcaps.cli._common import host_option, open_host

if TYPE_CHECKING:
    from domcaps.report.hostinfo import HostRow, HostSection

_MARKS = {True: ("yes", "green"), False: ("no", "red"), None: ("", None)}


@click.command("host")
@host_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(*, host_file: str | None, form: str) -> None:
    """Show what was found on a host, with the reason for each "no".

    Emulators, accelerators, firmware, device assignment, helper programs and memory: everything
    besides QEMU that a report depends on.
    """
    import msgspec

    from domcaps.report.hostinfo import describe_host

    host = open_host(host_file)
    sections = describe_host(host.facts, host.emulators.paths())
    if form == "json":
        data = msgspec.json.encode({section.title: section.rows for section in sections})
        click.echo(msgspec.json.format(data, indent=2).decode())
    else:
        _print(sections)


def _print(sections: tuple[HostSection, ...]) -> None:
    for section in sections:
        click.secho(section.title, bold=True)
        width = max((len(row.name) for row in section.rows), default=0)
        for row in section.rows:
            click.echo(f"  {row.name:{width}}  {_mark(row)}  {_detail(row)}".rstrip())


def _mark(row: HostRow) -> str:
    mark, colour = _MARKS[row.usable]
    return click.style(f"{mark:3}", fg=colour)


def _detail(row: HostRow) -> str:
    return ", ".join(part for part in (row.detail, row.reason) if part)
