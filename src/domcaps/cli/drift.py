"""``domcaps drift``: where libvirt's report is not the whole truth."""

from __future__ import annotations

import click


@click.command("drift")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
)
def command(*, form: str) -> None:
    """List the places where libvirt's report is not the whole truth, with the evidence.

    A report still prints what libvirt prints.
    """
    import msgspec

    from domcaps.report.drift import drift_entries, to_markdown

    entries = drift_entries()
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(entries), indent=2).decode())
    elif form == "markdown":
        click.echo(to_markdown(entries), nl=False)
    else:
        for entry in entries:
            click.secho(entry.path, bold=True)
            if entry.where:
                click.echo(f"  where     {entry.where}")
            click.echo(f"  reported  {entry.says}\n  but       {entry.but}")
            click.echo(f"  evidence  {entry.evidence}")
