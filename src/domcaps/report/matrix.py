"""Reports side by side as a matrix, with the reason for every yes and no."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.language import Truth, World
from domcaps.page.matrix import (
    Block,
    Column,
    Matrix,
    MatrixCell,
    MatrixGroup,
    MatrixRow,
    ReasonNode,
    State,
)
from domcaps.report.document import build
from domcaps.report.explain import explain_all
from domcaps.report.flat import flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domcaps.language import Reason
    from domcaps.report.explain import Explanation

STATES = (
    State("yes", "✓", "good"),
    State("no", "✗", "bad"),
    State("unknown", "?", "unsure"),
    State("value", "", "plain"),
    State("not in report", "–", "none"),
)
"""``not in report``: the libvirt version does not know the feature, so its report omits it."""

_SILENT = MatrixCell("not in report")


class Asked(msgspec.Struct, frozen=True):
    """One column: a target with its facts, where they are from, and when they were read."""

    world: World
    origin: str = ""
    recorded: str = ""


class _Answer:
    """What one target's report says, statement by statement."""

    def __init__(self, asked: Asked) -> None:
        self.explained = {e.path: e for e in explain_all(asked.world) if e.spoken}
        self.values = flatten(build(asked.world))

    def cell(self, path: str) -> MatrixCell:
        """Give what it says to a statement."""
        explanation = self.explained.get(path)
        if explanation is not None:
            return MatrixCell(explanation.truth.value, "", tuple(_blocks(explanation)))
        value = self.values.get(path)
        if value is None:
            return _SILENT
        # a computed value carries its own answer, as CPU models do
        state = value if value in {"yes", "no"} else "value"
        return MatrixCell(state, "" if state == value else value)


def capability_matrix(columns: Sequence[Asked], title: str = "Domain capabilities") -> Matrix:
    """Compare the reports of several targets, in the order of libvirt's document.

    CPU models come last: there are hundreds of them.
    """
    answers = [_Answer(asked) for asked in columns]
    groups: dict[str, dict[str, None]] = {}
    for answer in answers:
        for path in (*answer.explained, *answer.values):
            groups.setdefault(_group(path), {})[path] = None
    return Matrix(
        title=title,
        states=STATES,
        columns=tuple(_columns(columns)),
        groups=tuple(
            MatrixGroup(name, tuple(MatrixRow(p, tuple(a.cell(p) for a in answers)) for p in paths))
            for name, paths in sorted(groups.items(), key=lambda group: group[0] == "cpu")
        ),
        about="Each row is a feature of libvirt's domain capabilities, each column a host, "
        "emulator, machine type or libvirt version. Click a cell, or press Enter on it, to see the "
        "reason. Tab goes to the table, arrow keys move between cells, Escape closes the reason, "
        "/ goes to the filter.",
    )


def _group(path: str) -> str:
    found = re.match(r"[^.:= ]+", path)
    return found[0] if found else path


def reason_node(reason: Reason) -> ReasonNode:
    """Give a reason as the page shows it."""
    below = tuple(map(reason_node, reason.because))
    return ReasonNode(reason.truth.value, reason.sentence, reason.seen, below)


def _blocks(explanation: Explanation) -> Iterator[Block]:
    if explanation.truth is Truth.NO and explanation.changes:
        yield Block("To enable it", tuple(map(str, explanation.changes)))
    yield Block("Because", tree=reason_node(explanation.reason))


def _columns(columns: Sequence[Asked]) -> Iterator[Column]:
    """Name each column by as little as tells it from the others."""
    facts = [_facts(asked) for asked in columns]
    telling: list[str] = []
    for name in _NAMING:
        if _different(facts, [*telling, name]) > _different(facts, telling):
            telling.append(name)
    for known in facts:
        shown = [known[name] for name in telling or ("host", "machine type") if known.get(name)]
        yield Column(", ".join(_brief(shown)), tuple(known.items()))


def _different(facts: Sequence[dict[str, str]], names: Sequence[str]) -> int:
    return len({tuple(known.get(name) for name in names) for known in facts})


# what a column can be named by, the plainest first
_NAMING = ("host", "emulator", "architecture", "machine type", "type", "libvirt")


def _brief(words: Iterable[str]) -> Iterator[str]:
    """Leave out the folder of a file, and what a word before says already."""
    said = ""
    for word in words:
        short = word.rpartition("/")[2].removeprefix("qemu-system-").removesuffix(".domcaps")
        if short not in said:
            yield short
        said = f"{said} {short}"


def _facts(asked: Asked) -> dict[str, str]:
    target, emulator = asked.world.target, asked.world.emulator
    known = {
        "host": asked.origin.removeprefix("shipped:"),
        "emulator": target.emulator,
        "QEMU": emulator.build_text,
        "architecture": target.arch,
        "machine type": target.machine,
        "type": target.virttype,
        "libvirt": str(target.dialect),
        "recorded": asked.recorded,
    }
    return {name: value for name, value in known.items() if value}
