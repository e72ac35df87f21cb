"""``domcaps schema``: the JSON Schema of every document that commands print."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import click

from domcaps.cli._terminal import emit, say

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_SUFFIX = ".json"


def schema_names() -> list[str]:
    """Name the schemas that come with the package."""
    folder = files("domcaps") / "schemas"
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


def _complete(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in schema_names() if name.startswith(incomplete)]


@click.command("schema")
@click.argument("name", required=False, shell_complete=_complete)
def command(*, name: str | None) -> None:
    """Print the JSON Schema of the document NAME, or list the names.

    A schema describes the JSON that a command prints: 'domcaps schema validate' prints the schema
    of 'domcaps validate --format json'.
    """
    known = schema_names()
    if name is None:
        for one in known:
            say(one)
        return
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise click.BadParameter(f"unknown schema {name!r}; {hint}", param_hint="NAME")
    emit((files("domcaps") / "schemas" / f"{name}{_SUFFIX}").read_text(encoding="utf-8"))
