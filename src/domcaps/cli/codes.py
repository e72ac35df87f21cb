"""``domcaps codes``: every finding that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from domcaps.cli._common import note
from domcaps.cli._complete import complete_code
from domcaps.cli._terminal import emit, emit_document, say
from domcaps.text import styled

if TYPE_CHECKING:
    from domcaps.validate.catalogue.codes import Code


@click.command("codes")
@click.argument("code", required=False, shell_complete=complete_code)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(*, code: str | None, form: str) -> None:
    """List every finding that 'domcaps validate' may have, or explain the one named CODE.

    CODE may also be the words that codes begin with (video) or a pattern ('*-unsupported'), which
    lists these.
    """
    from domcaps.validate.catalogue.codes import code_url, codes

    known = codes()
    chosen = list(known.values()) if code is None else _chosen(code, known)
    if form == "json":
        import msgspec

        data = [
            {**msgspec.to_builtins(one), "title": one.title, "url": code_url(one.name)}
            for one in chosen
        ]
        emit_document(data[0] if code and len(chosen) == 1 else {"codes": data})
    elif len(chosen) > 1:
        _list(chosen)
    else:
        _page(chosen[0])


def _chosen(name: str, known: dict[str, Code]) -> list[Code]:
    """Give the code of a name, or those that it stands for."""
    from domcaps.validate.selection import covers

    if name not in known and (listed := [c for c in known.values() if covers(name, c.name)]):
        return listed
    return [_find(name, known)]


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
