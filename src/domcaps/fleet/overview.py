"""A fleet on one page: domains and features by classes of hosts, with counts and reasons.

Hosts of a class give the same answers, so a column for each class shows all hosts, however many
there are. The first column is the whole fleet: its cells count hosts, "48 of 50".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps._version import DEFAULT_DIALECT
from domcaps.errors import DomcapsError
from domcaps.fleet.compare import HostClass, classes
from domcaps.fleet.fleet import accepts_of
from domcaps.language.wording import counted
from domcaps.page.matrix import Block, Column, Matrix, MatrixCell, MatrixGroup, MatrixRow, State
from domcaps.report.matrix import STATES, Asked, capability_matrix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    from domcaps.fleet.answers import DomainAnswer
    from domcaps.fleet.fleet import Accepts, Fleet
    from domcaps.language import World
    from domcaps.language.target import TargetOptions

_SOME = State("some", "◐", "unsure")
_FLEET = "fleet"
_MOST_LINES = 40
_SHORT = 8
_ABOUT = (
    "The first column is the whole fleet, each other column a class: hosts that give the same "
    "answers. The rows are the domains that were checked, then the features of the default "
    "machine type. A cell such as '48 of 50' counts hosts. Click a cell, or press Enter on it, "
    "to see the reason. The first field filters rows: a domain or a feature. The second one finds "
    "the class of a host. Tab goes to the table, arrow keys move between cells, Escape closes the "
    "reason, / goes to the filter."
)


class _Classes(NamedTuple):
    """The classes of a fleet, each with its hosts as bits, and the world of its default target."""

    found: Sequence[HostClass]
    hosts: Sequence[int]
    worlds: Sequence[World | None]
    whys: Sequence[str]

    def numbers(self) -> list[int]:
        """Give the number of hosts of each class."""
        return [len(one.hosts) for one in self.found]


def overview(
    fleet: Fleet,
    domains: Iterable[tuple[str, bytes]] = (),
    title: str = "Fleet",
    **target: Unpack[TargetOptions],
) -> Matrix:
    """Give the page of a fleet; `target` is as in `Host.world`, by default each host's own."""
    libvirt = target.get("libvirt", DEFAULT_DIALECT)
    known = _classes(fleet, target)
    rows = [_domain(fleet, known, name, data, libvirt) for name, data in domains]
    groups = [MatrixGroup("domains", tuple(rows), always=True)] if rows else []
    groups += _features(known)
    about = _ABOUT
    if fleet.unread:
        names = ", ".join(one.host for one in fleet.unread[:_MOST_LINES])
        about += f" Not read, and not counted: {names}."
    return Matrix(title, (*STATES, _SOME), tuple(_columns(known)), tuple(groups), about)


def _classes(fleet: Fleet, target: TargetOptions) -> _Classes:
    hosts = fleet.hosts
    numbers = {name: number for number, name in enumerate(hosts.names)}
    found = classes(fleet)
    bits: list[int] = []
    worlds: list[World | None] = []
    whys: list[str] = []
    for one in found:
        bits.append(sum(1 << numbers[name] for name in one.hosts))
        try:
            worlds.append(fleet.deciding_host(numbers[one.hosts[0]]).world(**target))
            whys.append("")
        except DomcapsError as error:
            worlds.append(None)
            whys.append(str(error))
    return _Classes(found, bits, worlds, whys)


def _columns(known: _Classes) -> Iterator[Column]:
    total = sum(known.numbers())
    yield Column(
        _FLEET, (("hosts", str(total)), ("classes", str(len(known.found)))),
    )  # fmt: skip
    for one, world in zip(known.found, known.worlds, strict=True):
        facts = [("hosts", str(len(one.hosts))), ("QEMU", ", ".join(one.qemu)), ("CPU", one.cpu)]
        if world is not None:
            facts += [
                ("machine type", world.target.machine),
                ("type", world.target.virttype),
                ("libvirt", str(world.target.dialect)),
            ]
        yield Column(one.id[:_SHORT], tuple((k, v) for k, v in facts if v), one.hosts)


# -- domains ---------------------------------------------------------------------------------------


def _domain(fleet: Fleet, known: _Classes, name: str, data: bytes, libvirt: str) -> MatrixRow:
    answer = fleet.engine(libvirt).ask(name, data)
    accepting = answer.accepting
    cells = [
        MatrixCell("yes")
        if bits & accepting == bits
        else MatrixCell("no", blocks=tuple(_refusals(answer, bits)))
        for bits in known.hosts
    ]
    summary = accepts_of(answer, fleet.hosts, data)
    return MatrixRow(name, (_all_hosts(known, cells, tuple(_reasons(known, summary))), *cells))


def _refusals(answer: DomainAnswer, bits: int) -> Iterator[Block]:
    for one in answer.sets:
        if one.hosts & bits and not one.accepted:
            errors = sorted((message, code) for code, message in one.reasons)
            yield Block("Refused", tuple(f"{message} [{code}]" for message, code in errors))


def _reasons(known: _Classes, found: Accepts) -> Iterator[Block]:
    every = len(found.accepted) + len(found.refused)
    if found.reasons:
        lines = [reason.line(every) for reason in found.reasons]
        yield Block("Refused", tuple(lines[:_MOST_LINES]))
    taken = set(found.accepted)
    lines = [
        f"{one.id[:_SHORT]}: {counted(len(one.hosts), 'host')}"
        for one in known.found
        if one.hosts[0] in taken
    ]
    yield Block("Accepted by the classes", tuple(lines) or ("none",))


# -- features --------------------------------------------------------------------------------------


def _features(known: _Classes) -> list[MatrixGroup]:
    asked = [Asked(world) for world in known.worlds if world is not None]
    places = [n for n, world in enumerate(known.worlds) if world is not None]
    if not asked:
        return []
    found = capability_matrix(asked)
    return [
        MatrixGroup(group.name, tuple(_feature(known, places, row) for row in group.rows))
        for group in found.groups
    ]


def _feature(known: _Classes, places: list[int], row: MatrixRow) -> MatrixRow:
    by_class = dict(zip(places, row.cells, strict=True))
    cells = [
        by_class.get(n) or MatrixCell("unknown", blocks=(Block("Not known", (why,)),))
        for n, why in enumerate(known.whys)
    ]
    return MatrixRow(row.name, (_all_hosts(known, cells, ()), *cells))


def _all_hosts(
    known: _Classes, cells: Sequence[MatrixCell], blocks: tuple[Block, ...]
) -> MatrixCell:
    """Sum up a row: one state where all hosts have it, else how many say yes."""
    states = {(cell.state, cell.text) for cell in cells}
    if len(states) == 1:
        (only,) = states
        return MatrixCell(*only, blocks or (Block("The same on all hosts"),))
    numbers = known.numbers()
    by_state: dict[tuple[str, str], int] = {}
    for cell, number in zip(cells, numbers, strict=True):
        key = cell.state, cell.text
        by_state[key] = by_state.get(key, 0) + number
    yes = sum(number for (state, _), number in by_state.items() if state == "yes")
    lines = [
        f"{number} of {sum(numbers)}: {text or state}"
        for (state, text), number in sorted(by_state.items(), key=lambda item: -item[1])
    ]
    text = f"{yes} of {sum(numbers)}" if yes else f"{len(by_state)} values"
    return MatrixCell("some", text, (*blocks, Block("Hosts", tuple(lines[:_MOST_LINES]))))
