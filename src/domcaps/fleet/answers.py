"""Verdicts of a fleet: one for each set of hosts that a domain can't tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.fleet.hosts import bits
from domcaps.language.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.fleet.hosts import Resolution
    from domcaps.fleet.units import UnitFinding, UnitOutcome


class HostSet(NamedTuple):
    """Hosts with one verdict: what is wrong with the target, and what is found besides."""

    hosts: int
    faults: Resolution
    outcome: UnitOutcome

    @property
    def errors(self) -> tuple[UnitFinding, ...]:
        """Give findings for which the domain is refused."""
        return tuple(f for f in self.outcome.found if f.severity == Severity.ERROR.value)

    @property
    def warnings(self) -> tuple[UnitFinding, ...]:
        """Give findings in spite of which the domain is accepted."""
        return tuple(f for f in self.outcome.found if f.severity == Severity.WARNING.value)

    @property
    def accepted(self) -> bool:
        """Tell whether the hosts would define and start the domain."""
        return not self.faults.faults and not any(
            f.severity == Severity.ERROR.value for f in self.outcome.found
        )

    def numbers(self) -> Iterator[int]:
        """Give the numbers of the hosts."""
        return bits(self.hosts)


class DomainAnswer(NamedTuple):
    """The verdicts on one domain; together the sets hold every host once."""

    name: str
    sets: tuple[HostSet, ...]

    def of(self, host: int) -> HostSet:
        """Give the verdict of a host by its number."""
        return next(one for one in self.sets if one.hosts >> host & 1)

    @property
    def accepting(self) -> int:
        """Give the hosts that accept the domain."""
        found = 0
        for one in self.sets:
            if one.accepted:
                found |= one.hosts
        return found
