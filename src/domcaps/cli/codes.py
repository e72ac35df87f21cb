"""``domcaps codes``: every finding that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import note
from domcaps.cli._terminal import emit, emit_json, say
from domcaps.text import styled

if TYPE_CHECKING:
    from domcaps.validate.catalogue.codes import Code


def _complete_code(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001
    from click.shell_completion import CompletionItem

    from domcaps.validate.catalogue.codes import codes

    return [
        CompletionItem(name, help=code.title)
        for name, code in codes().items()
        if name.startswith(incomplete)
    ]


@click.command("codes")
@click.argument("code", required=False, shell_complete=_complete_code)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(*, code: str | None, form: str) -> None:
    """List every finding that 'domcaps validate' may have, or explain the one named CODE."""
    from domcaps.validate.catalogue.codes import codes

    known = codes()
    chosen = list(known.values()) if code is None else [_find(code, known)]
    if form == "json":
        import msgspec

        data = [{**msgspec.to_builtins(one), "title": one.title} for one in chosen]
        answer = data if code is None else data[0]
        emit_json(answer)
    elif code is None:
        _list(chosen)
    else:
        _page(chosen[0])


def _find(name: str, known: dict[str, Code]) -> Code:
    from domcaps.errors import RequestError
    from domcaps.validate.catalogue.codes import near_codes
    from domcaps.validate.catalogue.former import former_codes, renamings

    for text in renamings((name,)):
        note(text)
    now = former_codes().get(name, (name,))[0]
    if now in known:
        return known[now]
    near = near_codes(name)
    raise RequestError(
        f"there is no finding {name!r}",
        remedy=f"did you mean {near}?" if near else "'domcaps codes' lists them",
    )


def _list(chosen: list[Code]) -> None:
    width = max(len(code.name) for code in chosen)
    for code in chosen:
        mark = {"error": " ", "warning": "w", "notice": "n"}[code.severity.value]
        say(f"{styled(f'{code.name:{width}}', bold=True)} {mark} {code.title}")


def _page(code: Code) -> None:
    when = "when it is started" if code.stage.value == "start" else "when it is defined"
    say(code.name, bold=True)
    word = code.severity.value
    verdict = f"refused {when}" if word == "error" else f"accepted with a {word}"
    say(f"{code.severity.value}: the domain is {verdict}; found in {code.element}", dim=True)
    say()
    emit(code.page() + "\n")
