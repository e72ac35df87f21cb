"""Numbers of virtual CPUs that are no wish but a mistake, and what the domain says in other places.

A number just above what a machine type supports asks for much: the most that there can be is near.
One above what any machine type supports is a typo, and the most is as far from what was meant as
any other number. Then the rest of the domain may tell how many CPUs its owner has in mind.
"""

from __future__ import annotations

import contextlib
from math import prod
from typing import TYPE_CHECKING

from domcaps.elements.boards.families import machine_type
from domcaps.language.fix import set_value
from domcaps.language.quantities import CPUS
from domcaps.language.rule import Problem, problem
from domcaps.language.wording import counted
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.part import Part

MOST_OF_ANY = 4096
"""As many as the largest machine types of QEMU support, ``pc-q35-9.1`` and later."""


class Hint(NamedTuple):
    """How many CPUs another part of a domain is for, and how that part is called in a message."""

    cpus: int
    where: str


def is_mistaken(domain: Domain, count: int) -> bool:
    """Tell whether a domain has more CPUs than any machine type supports, its own included."""
    if count <= MOST_OF_ANY:
        return False
    machine = machine_type(domain.world)
    return machine is not None and 0 < machine.cpu_max < count


def mistaken(part: Part, message: str, limit: int) -> Problem:
    """Report a number that looks like a typo: only its owner, or the rest of the domain, knows."""
    message += ": it looks like a typo"
    hint = _hinted(part.domain, limit)
    if hint is None:
        return problem(f"{message}. Write how many vCPUs the guest should have", part)
    vcpus = counted(hint.cpus, "vCPU")
    advice = f"{message}. {hint.where} {vcpus}; use <vcpu>{hint.cpus}</vcpu>"
    return problem(advice, part, fix=set_value(str(hint.cpus)))


def _hinted(domain: Domain, most: int) -> Hint | None:
    """Give the number that another part of a domain tells, None where none does.

    Numbers above `most` are no help, and a pinning that leaves out a CPU does not count them.
    """
    for where, look in _LOOKS.items():
        cpus = 0
        with contextlib.suppress(ValueError):
            cpus = look(domain.root)
        if 0 < cpus <= most:
            return Hint(cpus, where)
    return None


def _of_topology(root: Node) -> int:
    topology = root.find("cpu/topology")
    if topology is None:
        return 0
    names = ("sockets", "dies", "clusters", "cores", "threads")
    return prod(int(figure) for name in names if (figure := topology.get(name)))


def _of_states(root: Node) -> int:
    return _all_of({int(state.get("id", "")) for state in root.iterfind("vcpus/vcpu")})


def _of_cells(root: Node) -> int:
    found = 0
    for cell in root.iterfind("cpu/numa/cell"):
        found |= CPUS.parse(cell.get("cpus", ""))
    return found.bit_length() if found & (found + 1) == 0 else 0


def _of_pins(root: Node) -> int:
    return _all_of({int(pin.get("vcpu", "")) for pin in root.iterfind("cputune/vcpupin")})


def _all_of(numbers: set[int]) -> int:
    """Count numbers that begin with 0 and leave none out, else 0."""
    return len(numbers) if numbers == set(range(len(numbers))) else 0


_LOOKS: dict[str, Callable[[Node], int]] = {
    "<topology> makes": _of_topology,
    "<vcpus> lists": _of_states,
    "<numa> has": _of_cells,
    "<vcpupin> pins": _of_pins,
}
"""The likeliest first: a topology has all CPUs, some of them may not be pinned."""
