"""Numbers of virtual CPUs that are no wish but a mistake, and what the domain says in other places.

A number above what a machine type supports may ask for much: the most that there can be is near.
It is a typo where no machine type supports it, or where the rest of the domain is
made for far fewer CPUs. Then the most is as far from what was meant as any other number: the rest
of the domain may tell how many CPUs its owner has in mind, or only the owner knows.
"""

from __future__ import annotations

import contextlib
from math import prod
from typing import TYPE_CHECKING

from domcaps.elements.boards.families import machine_type
from domcaps.language.fix import set_value
from domcaps.language.quantities import CPUS, shown_size, size_of
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

_FAR = 4
"""A domain that pins so many times fewer CPUs than it has is made for fewer."""
_LEAST_MEMORY = 64 * 1024**2
"""Less memory for each CPU than that is no guest of so many CPUs."""


class Hint(NamedTuple):
    """What another part of a domain says against a number of CPUs.

    `says` is a clause. `cpus` is the number that was meant, 0 where only the owner knows it.
    """

    says: str
    cpus: int = 0


def is_mistaken(domain: Domain, count: int) -> bool:
    """Tell whether a number of CPUs that the machine type does not support is no wish."""
    machine = machine_type(domain.world)
    if machine is None or not 0 < machine.cpu_max < count:
        return False
    return count > MOST_OF_ANY or _hinted(domain, count, machine.cpu_max) is not None


def doubted(part: Part, needs: str, count: int) -> Problem | None:
    """Report what a number of CPUs needs where the rest of the domain speaks against the number.

    Nothing is fitted to it then. None where nothing speaks against it.
    """
    hint = contradiction(part.domain, count)
    if hint is None:
        return None
    why = f"{needs}, and {hint.says}: {count} looks like a typo"
    return problem(f"{why}. Write how many vCPUs the guest should have", part)


def mistaken(part: Part, most: str, count: int, limit: int) -> Problem:
    """Report a number that looks like a typo: only its owner, or the rest of the domain, knows.

    `most` says what the machine type supports. What supports the number is of no interest then.
    """
    hint = _hinted(part.domain, count, limit)
    beyond = count > MOST_OF_ANY
    if hint is not None and hint.cpus:
        said = f"no machine type supports {count}" if beyond else f"{count} looks like a typo"
        return problem(
            f"{most}, and {said}. {_capital(hint.says)}; use <vcpu>{hint.cpus}</vcpu>",
            part,
            fix=set_value(str(hint.cpus)),
        )
    reasons = [f"no machine type supports {count}"] if beyond else []
    reasons += [hint.says] if hint is not None else []
    looks = f"{', and '.join([most, *reasons])}: {count} looks like a typo"
    return problem(f"{looks}. Write how many vCPUs the guest should have", part)


def _capital(clause: str) -> str:
    return clause if clause.startswith("<") else clause[0].upper() + clause[1:]


def _hinted(domain: Domain, count: int, most: int) -> Hint | None:
    """Give what another part of the domain tells, None where nothing speaks against the number.

    Where one part has as many CPUs, they are wanted. Numbers above `most` are no help.
    """
    told = {}
    for where, look in _LOOKS.items():
        with contextlib.suppress(ValueError):
            told[where] = look(domain.root)
    if count in told.values():
        return None
    for where, cpus in told.items():
        if 0 < cpus <= most:
            return Hint(f"{where} {counted(cpus, 'vCPU')}", cpus)
    return contradiction(domain, count)


def contradiction(domain: Domain, count: int) -> Hint | None:
    """Give what of a domain is made for far fewer CPUs, and does not tell how many."""
    return _of_pins(domain.root, count) or _of_memory(domain.root, count)


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


def _all_of(numbers: set[int]) -> int:
    """Count numbers that begin with 0 and leave none out, else 0."""
    return len(numbers) if numbers == set(range(len(numbers))) else 0


_LOOKS: dict[str, Callable[[Node], int]] = {
    "<topology> makes": _of_topology,
    "<vcpus> lists": _of_states,
    "<numa> has": _of_cells,
}
"""What has all CPUs of a domain, and tells how many are meant; the likeliest first."""


def _of_pins(root: Node, count: int) -> Hint | None:
    """Give what the pinning tells: not how many CPUs there are, as some may not be pinned."""
    numbers: set[int] = set()
    with contextlib.suppress(ValueError):
        numbers = {int(pin.get("vcpu", "")) for pin in root.iterfind("cputune/vcpupin")}
    if not numbers or max(len(numbers), max(numbers) + 1) * _FAR > count:
        return None
    return Hint(f"<cputune> pins only {counted(len(numbers), 'vCPU')}")


def _of_memory(root: Node, count: int) -> Hint | None:
    """Compare the memory, where libvirt has had the domain before.

    Such a domain had a number that its machine type supports. A text that is new may ask for
    many CPUs and still have the memory of an example.
    """
    memory = root.find("memory")
    if memory is None or not _was_written_by_libvirt(root):
        return None
    size = size_of(memory)
    if not size or size >= count * _LEAST_MEMORY:
        return None
    return Hint(f"the guest has only {shown_size(size)} of memory")


def _was_written_by_libvirt(root: Node) -> bool:
    """Tell whether a domain has all that libvirt adds: UUID, root bus, and a place for each device.

    The memory balloon stands for them: few people write one.
    """
    places = ("uuid", "devices/controller[@type='pci'][@index='0']",
              "devices/memballoon/address[@type='pci']")  # fmt: skip
    return all(root.find(place) is not None for place in places)
