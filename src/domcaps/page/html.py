"""Writing a matrix as one HTML page: style, script and data are inside, nothing is fetched.

The data is JSON in which no character has a meaning to HTML, and the script puts it on the page as
text only. A content security policy names the two things that may have an effect, by their hashes:
so not even a mistake in either would let a string of a recording become a script.

Strings, nodes and cells that occur often are written once and named by their number. The columns
of a report say mostly the same, so this makes the page many times smaller.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps._version import __version__
from domcaps.files import package_text
from domcaps.text import harmless

if TYPE_CHECKING:
    from collections.abc import Hashable

    from domcaps.page.matrix import Block, Matrix, MatrixCell, ReasonNode

# what could end the data's element or begin another, and what JavaScript once took for line ends
_MEANINGFUL = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="domcaps {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript><p>This page is a table that a script inside it draws: it needs JavaScript.</p></noscript>
<main id="page"></main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def to_html(matrix: Matrix) -> str:
    """Write the page; the same matrix gives the same page."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(
        policy=escape(policy),
        version=escape(__version__),
        title=escape(_printable(matrix.title)),
        style=style,
        data=_json(_Shared().matrix(matrix)),
        script=script,
    )


def _asset(name: str) -> str:
    return package_text("domcaps.page", name)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _json(content: Any) -> str:
    return msgspec.json.encode(content).decode().translate(_MEANINGFUL)


def _printable(text: str) -> str:
    """Replace what can't be written as UTF-8, and what changes the direction of writing."""
    return harmless(text)


class _Numbered:
    """Things by number, each once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self.content: list[Any] = []

    def number(self, content: Any) -> int:
        """Give the number of what JSON shall hold; lists are written as tuples here."""
        known = self._numbers.get(content)
        if known is None:
            known = self._numbers[content] = len(self.content)
            self.content.append(content)
        return known


class _Shared:
    """A matrix in the making: the script's data, with tables of what is shared."""

    def __init__(self) -> None:
        self._texts = _Numbered()
        self._nodes = _Numbered()
        self._cells = _Numbered()
        self._states: dict[str, int] = {}
        self._known: dict[int, tuple[ReasonNode, int]] = {}

    def matrix(self, matrix: Matrix) -> dict[str, Any]:
        """Give what the script reads."""
        self._states = {state.name: number for number, state in enumerate(matrix.states)}
        groups = [
            (
                self._text(group.name),
                [self._row(row.name, row.cells) for row in group.rows],
                group.always,
            )
            for group in matrix.groups
        ]
        return {
            "title": _printable(matrix.title),
            "about": _printable(matrix.about),
            "states": [(_printable(s.name), s.mark, s.tone) for s in matrix.states],
            "columns": [
                (
                    self._text(c.name),
                    [(self._text(n), self._text(v)) for n, v in c.facts],
                    [_printable(host) for host in c.hosts],
                )
                for c in matrix.columns
            ],
            "groups": groups,
            "cells": self._cells.content,
            "nodes": self._nodes.content,
            "texts": self._texts.content,
        }

    def _text(self, text: str) -> int:
        return self._texts.number(_printable(text))

    def _row(self, name: str, cells: tuple[MatrixCell, ...]) -> tuple[int, list[int]]:
        return self._text(name), [self._cell(cell) for cell in cells]

    def _cell(self, cell: MatrixCell) -> int:
        blocks = tuple(self._block(block) for block in cell.blocks)
        return self._cells.number((self._states[cell.state], self._text(cell.text), blocks))

    def _block(self, block: Block) -> tuple[int, tuple[int, ...], int]:
        tree = -1 if block.tree is None else self._node(block.tree)
        return self._text(block.heading), tuple(map(self._text, block.lines)), tree

    def _node(self, node: ReasonNode) -> int:
        """Number what is below first, so that a node only names nodes before it."""
        # a node object that is met again is known without a second look at what is below it
        known = self._known.get(id(node))
        if known is not None:
            return known[1]
        below = tuple(self._node(inner) for inner in node.below)
        content = (self._states[node.state], self._text(node.text), self._text(node.source), below)
        number = self._nodes.number(content)
        self._known[id(node)] = (node, number)
        return number
