"""What ``domcaps codes`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cli._notes import note
from domcaps.cli._terminal import emit, emit_document, say
from domcaps.text import styled

if TYPE_CHECKING:
    from domcaps.validate.catalogue.codes import Code


def show(code: str | None, form: str) -> None:
    """Print the page of a code, or a list; `form` is ``text`` or ``json``."""
    from domcaps.validate.catalogue.codes import code_named, code_url, codes

    one = code_named(code) if code is not None else None
    if one is not None:
        chosen = [one]
    else:
        chosen = list(codes().values()) if code is None else _chosen(code, codes())
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
    """Give the codes that the first words, a pattern or a word match; none is named so."""
    from domcaps.validate.selection import covers

    matches = [c for c in known.values() if covers(name, c.name)]
    matches = matches or [c for c in known.values() if f"-{name.lower()}-" in f"-{c.name}-"]
    return matches or [_find(name, known)]


def _find(name: str, known: dict[str, Code]) -> Code:
    from domcaps.validate.catalogue.former import renamings
    from domcaps.validate.catalogue.lookup import present_name, unknown_code

    for text in renamings((name,)):
        note(text)
    now = present_name(name)
    if now in known:
        return known[now]
    raise unknown_code(name)


def _list(chosen: list[Code]) -> None:
    width = max(len(code.name) for code in chosen)
    for code in chosen:
        mark = {"error": " ", "warning": "w", "notice": "n"}[code.severity.value]
        say(f"{styled(f'{code.name:{width}}', bold=True)} {mark} {code.title}")


def _page(code: Code) -> None:
    from domcaps.validate.catalogue.codes import code_url

    when = "when it is started" if code.stage.value == "start" else "when it is defined"
    say(code.name, bold=True)
    word = code.severity.value
    verdict = f"refused {when}" if word == "error" else f"accepted with a {word}"
    say(f"{code.severity.value}: the domain is {verdict}; place: {code.element}", dim=True)
    say()
    emit(code.page() + "\n")
    if url := code_url(code.name):
        say()
        say(url, dim=True)
