"""``domcaps fleet page``: a whole fleet as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import target_options
from domcaps.cli._files import expand
from domcaps.cli._fleet_output import end
from domcaps.cli._notes import note
from domcaps.cli._terminal import emit

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("page")
@click.argument("store", metavar="STORE")
@click.argument("names", metavar="[DOMAINS…]", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="File to write, by a rename [default: standard output].",
)
@click.option("--title", metavar="TEXT", default="Fleet", show_default=True, help="Page title.")
@target_options
def page(
    *, store: str, names: tuple[str, ...], output: str | None, title: str, **target: Any
) -> None:
    """Write one HTML page about all hosts: features, and which accept which domains.

    The page needs nothing else and no network. Its columns are classes of hosts, its rows domains
    and features; a click on a cell shows the reason.
    """
    from domcaps.fleet.fleet import Fleet
    from domcaps.fleet.overview import overview
    from domcaps.page.html import to_html

    fleet = Fleet.open(store)
    text = to_html(overview(fleet, _documents(names), title, **target))
    if output is None or output == "-":
        emit(text)
    else:
        files.replace(output, text.encode())
    for one in fleet.unread:
        note(f"{one.host} was not read, and is not part of it: {one.reason} ({one.key})")
    end(fleet.unread)


def _documents(names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    from domcaps.validate.document.parse import MAX_BYTES

    for name in expand(names):
        yield name, files.read_input(name, MAX_BYTES + 1)
