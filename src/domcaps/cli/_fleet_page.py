"""``domcaps fleet page``: a whole fleet as one HTML page."""

from __future__ import annotations

from typing import Any

import click

from domcaps.cli._common import target_options
from domcaps.cli._files import documents
from domcaps.cli._fleet_output import end_document, write


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

    The page is one file and needs no network. Its columns are classes of hosts, its rows domains
    and features; a click on a cell shows the reason.
    """
    from domcaps.fleet.fleet import Fleet
    from domcaps.fleet.overview import overview
    from domcaps.page.html import to_html

    fleet = Fleet.open(store)
    text = to_html(overview(fleet, documents(names), title, **target))
    write(text, output)
    end_document(fleet.unread, "is not on the page")
