"""``domcaps explain``: why something can be used here, or not."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from domcaps.cli._common import format_option, host_option, target_options


def _complete_path(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    from domcaps.report.explain import paths

    found = [CompletionItem(path) for path in paths() if path.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


@click.command("explain")
@click.argument("path", metavar="PATH|FILE", shell_complete=_complete_path)
@host_option
@target_options
@format_option("text", "json")
def command(*, path: str, host_file: str | None, form: str, **target: Any) -> None:
    """Explain why a feature is supported or not, down to the observed facts.

    PATH is a value such as video.modelType=qxl, an enum such as video.modelType, an element such as
    video, or just a name such as qxl. CPU models are named cpu.custom=EPYC, features of the host
    model cpu.host-model=aes. For unsupported values the easiest way to enable them is shown, and
    the machine types and virtualization types that support them.

    FILE is a domain XML, or - for standard input. Every value that the domain uses is explained,
    for the architecture, machine type and virtualization type that the domain names. Options
    override these.

    Exit code: 0 whether the feature is supported or not, 2 on error.
    """
    from domcaps.cli._explaining import explain

    explain(path, host_file, form, target)
