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
    such as video. For a "no" the fewest changes are named that would make it a "yes", and other
    machine types and virtualization types of the emulator for which it is one.

    The exit code is 0 whether it can be used or not.
    """
    from domcaps.report.explain import elsewhere, explain, other_targets

    world = open_host(host_file).world(**target)
    found = explain(path, world)
    others = {
        explanation.path: elsewhere(explanation.path, other_targets(world))
        for explanation in found
        if explanation.truth.value == "no"
    }
    if form == "json":
        import msgspec

        content = [{**msgspec.to_builtins(e), "elsewhere": others.get(e.path, ())} for e in found]
        click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
        return
    for explanation in found:
        _print(explanation, others.get(explanation.path, ()))


def _print(explanation: Explanation, others: tuple[str, ...]) -> None:
    truth = explanation.truth.value
    mark, colour = _MARKS[truth]
    note = "" if explanation.spoken else " (this libvirt does not speak of it)"
    click.echo(f"{click.style(mark, fg=colour)} {click.style(explanation.path, bold=True)}{note}")
    _reason(explanation.reason, "    ")
    if explanation.changes:
        click.echo("    it would be a yes if")
        for change in explanation.changes:
            how = f": {change.how}" if change.how else ""
            effort = click.style(f"  [{change.effort}]", dim=True)
            click.echo(f"      · {change.statement}{how}{effort}")
    if others:
        click.echo(f"    it is a yes with {', '.join(others)}")


def _reason(reason: Reason, indent: str) -> None:
    mark, colour = _MARKS[reason.truth.value]
    source = click.style(f"  [{reason.seen}]", dim=True) if reason.seen else ""
    click.echo(f"{indent}{click.style(mark, fg=colour)} {reason.statement}{source}")
    for inner in reason.because:
        _reason(inner, indent + "  ")
