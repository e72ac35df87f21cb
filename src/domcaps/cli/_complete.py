"""What several commands complete on a shell's command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem


def complete_code(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Complete the last of several codes that commas divide."""
    from click.shell_completion import CompletionItem

    from domcaps.validate.catalogue.codes import codes

    head, comma, begun = incomplete.rpartition(",")
    return [
        CompletionItem(f"{head}{comma}{name}", help=code.title)
        for name, code in codes().items()
        if name.startswith(begun)
    ]
