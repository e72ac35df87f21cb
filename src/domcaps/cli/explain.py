"""``domcaps explain``: why something can be used here, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import host_option, open_host, target_options

if TYPE_CHECKING:
    from domcaps.language import Reason
    from domcaps.report.explain import Explanation

_MARKS = {"yes": ("✓", "green"), "no": ("✗", "red"), "unknown": ("?", "yellow")}


def _complete_path(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    from domcaps.report.explain import paths

    return [path for path in paths() if path.startswith(incomplete)]


@click.command("explain")
@click.argument("path", shell_complete=_complete_path)
@host_option
@target_options
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(*, path: str, host_file: str | None, form: str, **target: Any) -> None:
    """Tell why something can be used here or not, down to what was observed.

    PATH is a choice such as video.modelType=qxl, an enum such as video.modelType, or an element
    such as video. For a "no" the fewest changes are named that would make it a "yes".

    The exit code is 0 whether it can be used or not.
    """
    found = open_host(host_file).explain(path, **target)
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for explanation in found:
        _print(explanation)


def _print(explanation: Explanation) -> None:
    truth = explanation.truth.value
    mark, colour = _MARKS[truth]
    note = "" if explanation.spoken else " (this libvirt does not speak of it)"
    click.echo(f"{click.style(mark, fg=colour)} {click.style(explanation.path, bold=True)}{note}")
    _reason(explanation.reason, "    ")
    if explanation.changes:
        click.echo("    it would be a yes if")
        for change in explanation.changes:
            click.echo(f"      · {change}")


def _reason(reason: Reason, indent: str) -> None:
    mark, colour = _MARKS[reason.truth.value]
    source = click.style(f"  [{reason.source}]", dim=True) if reason.source else ""
    click.echo(f"{indent}{click.style(mark, fg=colour)} {reason.statement}{source}")
    for inner in reason.because:
        _reason(inner, indent + "  ")
