"""What a page shows: rows by columns, each cell with a state, and what stands behind it.

A caller makes a `Matrix` of its results; `domcaps.page.html` writes the page::

    Matrix(
        title="Displays",
        states=(State("yes", "✓", "good"), State("no", "✗", "bad")),
        columns=(Column("pc", (("QEMU", "10.0"),)),),
        groups=(Group("video", (Row("video.modelType=vga", (Cell("yes"),)),)),),
    )
"""

from __future__ import annotations

import msgspec


class State(msgspec.Struct, frozen=True):
    """A state that a cell can be in: its name, the sign for it, and how that is meant.

    `tone` is one of ``good``, ``bad``, ``unsure``, ``plain`` and ``none``; it picks the colour.
    """

    name: str
    mark: str
    tone: str


class ReasonNode(msgspec.Struct, frozen=True):
    """A statement in a tree of reasons: the state it is in, where that was seen, what is below."""

    state: str
    text: str
    source: str = ""
    below: tuple[ReasonNode, ...] = ()


class Block(msgspec.Struct, frozen=True):
    """A part of the details of a cell: a heading, lines of text, and a tree."""

    heading: str
    lines: tuple[str, ...] = ()
    tree: ReasonNode | None = None


class MatrixCell(msgspec.Struct, frozen=True):
    """One cell; `text` stands in it beside the state's sign, or nothing does."""

    state: str
    text: str = ""
    blocks: tuple[Block, ...] = ()


class MatrixRow(msgspec.Struct, frozen=True):
    """One row: what it is about, and a cell for every column."""

    name: str
    cells: tuple[MatrixCell, ...]


class MatrixGroup(msgspec.Struct, frozen=True):
    """Rows that belong together; with `always` the filter of differences keeps all of them."""

    name: str
    rows: tuple[MatrixRow, ...]
    always: bool = False


class Column(msgspec.Struct, frozen=True):
    """One column: its short name, and what it stands for as pairs of a word and a value.

    `hosts` are the names of the hosts that it stands for, if they are many: the page finds columns
    by them.
    """

    name: str
    facts: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()


class Matrix(msgspec.Struct, frozen=True):
    """All of it. Every state that a cell or node names is one of `states`."""

    title: str
    states: tuple[State, ...]
    columns: tuple[Column, ...]
    groups: tuple[MatrixGroup, ...]
    about: str = ""
