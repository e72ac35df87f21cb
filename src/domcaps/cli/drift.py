"""``domcaps drift``: where libvirt's report is not the whole truth."""

from __future__ import annotations

import click

from domcaps.cli._terminal import emit, emit_document, say


@click.command("drift")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
)
def command(*, form: str) -> None:
    """List where libvirt's report is known to be wrong, with the evidence.

    'domcaps report' still prints what libvirt prints.
    """
    from domcaps.report.drift import drift_entries, to_markdown

    entries = drift_entries()
    if form == "json":
        emit_document({"drifts": entries})
    elif form == "markdown":
        emit(to_markdown(entries))
    else:
        for entry in entries:
            say(entry.path, bold=True)
            if entry.where:
                say(f"  where     {entry.where}")
            say(f"  reported  {entry.says}")
            say(f"  but       {entry.but}")
            say(f"  evidence  {entry.evidence}")
