"""``domcaps completion``: shell completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from domcaps.cli._shells import register
from domcaps.cli._terminal import emit


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    """Print a shell completion script.

    \b
      domcaps completion bash >~/.local/share/bash-completion/completions/domcaps
      domcaps completion zsh >"${fpath[1]}/_domcaps"
      domcaps completion fish >~/.config/fish/completions/domcaps.fish
    """  # noqa: D301 - click takes the character, not its name
    register()
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - the choices above are those that exist
        raise click.UsageError(f"no completion for {shell}")
    root = ctx.find_root().command
    emit(kind(root, {}, "domcaps", "_DOMCAPS_COMPLETE").source() + "\n")
