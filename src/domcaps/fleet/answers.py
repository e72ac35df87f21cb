"""Verdicts of a fleet: one for each set of hosts that a domain can't tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.hosts import bits
from domcaps.language.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.fleet.hosts import Resolution
    from domcaps.fleet.partitions import Reason
    from domcaps.fleet.units import UnitFinding, UnitOutcome


class HostSet(NamedTuple):
    """Hosts with one verdict: what is wrong with the target, and what is found besides."""

    hosts: int
    faults: Resolution
    outcome: UnitOutcome

    @property
    def errors(self) -> tuple[UnitFinding, ...]:
        """Give findings for which the domain is refused."""
        return self.outcome.errors

    @property
    def warnings(self) -> tuple[UnitFinding, ...]:
        """Give findings in spite of which the domain is accepted."""
        return tuple(f for f in self.outcome.found if f.severity == Severity.WARNING.value)

    @property
    def accepted(self) -> bool:
        """Tell whether the hosts would define and start the domain."""
        return not self.faults.faults and not self.outcome.refuses

    @property
    def reasons(self) -> set[Reason]:
        """Give code and message of all that the hosts refuse the domain for."""
        faults = {(one.code, one.message) for one in self.faults.faults}
        return faults | {(one.code, one.message) for one in self.outcome.errors}

    def numbers(self) -> Iterator[int]:
        """Give the numbers of the hosts."""
        return bits(self.hosts)


class DomainAnswer:
    """The verdicts on one domain; together the sets hold every host once.

    Sets may be given as a function, which is called when they are first wanted. `accepting` and
    `reasons` may be known before.
    """

    __slots__ = ("_accepting", "_reasons", "_sets", "name")

    def __init__(
        self,
        name: str,
        sets: tuple[HostSet, ...] | Callable[[], tuple[HostSet, ...]],
        accepting: int | None = None,
        reasons: Callable[[], dict[Reason, int]] | None = None,
    ) -> None:
        self.name = name
        self._sets = sets
        self._accepting = accepting
        self._reasons = reasons

    def __reduce__(self) -> tuple[Any, ...]:
        """Work all out before it goes to another process."""
        return DomainAnswer, (self.name, self.sets)

    def __eq__(self, other: object) -> bool:
        """Compare the verdicts."""
        if not isinstance(other, DomainAnswer):
            return NotImplemented
        return (self.name, self.sets) == (other.name, other.sets)

    def __hash__(self) -> int:
        """Follow the name."""
        return hash(self.name)

    def named(self, name: str) -> DomainAnswer:
        """Give the same verdicts on a domain of another name; nothing is worked out for that."""
        return DomainAnswer(name, lambda: self.sets, self._accepting, self._reasons)

    @property
    def sets(self) -> tuple[HostSet, ...]:
        """The hosts with one verdict each."""
        if callable(self._sets):
            self._sets = self._sets()
        return self._sets

    def of(self, host: int) -> HostSet:
        """Give the verdict of a host by its number."""
        return next(one for one in self.sets if one.hosts >> host & 1)

    @property
    def reasons(self) -> dict[Reason, int]:
        """Give code and message of each error, with the hosts that find it."""
        if self._reasons is not None:
            return self._reasons()
        found: dict[Reason, int] = {}
        for one in self.sets:
            for reason in one.reasons:
                found[reason] = found.get(reason, 0) | one.hosts
        return found

    @property
    def accepting(self) -> int:
        """Give the hosts that accept the domain."""
        if self._accepting is None:
            self._accepting = 0
            for one in self.sets:
                if one.accepted:
                    self._accepting |= one.hosts
        return self._accepting


def joined_answer(
    name: str, before: DomainAnswer | None, found: DomainAnswer, numbers: list[int]
) -> DomainAnswer:
    """Add to what is known the verdicts of some hosts; `numbers` are those of these hosts.

    Where these are all hosts, `DomainAnswer.named` does the same, and sooner.
    """

    def renumbered(hosts: int) -> int:
        return sum(1 << numbers[number] for number in bits(hosts))

    def sets() -> tuple[HostSet, ...]:
        new = tuple(one._replace(hosts=renumbered(one.hosts)) for one in found.sets)
        return new if before is None else before.sets + new

    accepting = renumbered(found.accepting) | (0 if before is None else before.accepting)
    return DomainAnswer(name, sets, accepting)
