"""``domcaps drift``: where libvirt's report is not the whole truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from domcaps.cli._common import format_option
from domcaps.cli._terminal import emit, emit_document, say

if TYPE_CHECKING:
    from domcaps.report.drift_page import DriftGroup


@click.command("drift")
@format_option("text", "json", "markdown")
def command(*, form: str) -> None:
    """List the values for which libvirt's report is known to be wrong, with the evidence.

    'domcaps report' prints these values as libvirt does. 'domcaps report --truth' leaves out those
    that failed in 'domcaps verify'.
    """
    from domcaps.report.drift import drift_entries
    from domcaps.report.drift_page import differences, to_markdown

    entries = drift_entries()
    if form == "json":
        emit_document({"drifts": entries})
    elif form == "markdown":
        emit(to_markdown(entries))
    else:
        for one in differences(entries):
            _print(one)


def _print(one: DriftGroup) -> None:
    first = one.entries[0]
    values = dict.fromkeys(entry.path for entry in one.entries)
    say(one.title, bold=True)
    say(f"  values    {', '.join(values)}")
    say(f"  libvirt   {one.releases}")
    if first.where:
        say(f"  where     {first.where}")
    say(f"  reported  {first.says}")
    say(f"  in fact   {first.but}")
    say(f"  instead   {first.instead}")
    say(f"  evidence  {first.evidence}")
