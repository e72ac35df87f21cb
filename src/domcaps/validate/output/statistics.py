"""How often each code was found, instead of the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.text import one_line, styled, to_json
from domcaps.validate.catalogue.codes import codes

if TYPE_CHECKING:
    from collections import Counter


class CodeCount(msgspec.Struct, frozen=True):
    """How often a code was found."""

    code: str
    count: int
    title: str


class StatisticsDocument(msgspec.Struct, frozen=True):
    """What ``domcaps validate --statistics --format json`` prints."""

    version: int
    statistics: tuple[CodeCount, ...]


def as_text(counts: Counter[str]) -> str:
    """Give a line for each code: the number of findings, the code and its title."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    width = max((len(name) for name, _ in rows), default=0)
    lines = [
        f"{number:6}  {styled(f'{name:{width}}', bold=True)}  {_title(name)}"
        for name, number in rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def as_json(counts: Counter[str]) -> str:
    """Give the same as a document."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    listed = tuple(CodeCount(name, number, _title(name)) for name, number in rows)
    return to_json(StatisticsDocument(1, listed)) + "\n"


def _title(name: str) -> str:
    code = codes().get(name)
    return one_line(code.title) if code else ""
