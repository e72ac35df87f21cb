"""Two hosts side by side, and what becomes of a domain that moves from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.arguments import document
from domcaps.checked import checked
from domcaps.errors import DomainError, RequestError, UnsupportedTargetError
from domcaps.language.target import Target
from domcaps.report.diff import Difference, diff
from domcaps.report.difference_kinds import KINDS
from domcaps.validate.compare import (
    DomainDifference,
    compare_domain,
    for_migration,
)
from domcaps.validate.cpu_difference import cpu_difference
from domcaps.validate.document.comments import without_ignoring

if TYPE_CHECKING:
    from typing import Unpack

    from domcaps.hosts.host import Host
    from domcaps.language.target import TargetOptions
    from domcaps.language.world import World
    from domcaps.report.difference_kinds import DifferenceKind
    from domcaps.validate.check import Validation
    from domcaps.validate.cpu_difference import CpuDifference
    from domcaps.validate.explain import DomainExplanation

    _Reports = tuple[tuple[Difference, ...], tuple[Target, ...]]
    """Differences of two reports, and the targets that these are for."""


class Comparison(msgspec.Struct, frozen=True):
    """What differs between two hosts, and what becomes of a domain that moves.

    `differences` are the statements of their reports, which are for `targets`; `domain` is None
    where no domain was given.
    """

    differences: tuple[Difference, ...]
    domain: DomainDifference | None = None
    targets: tuple[Target, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and (self.domain is None or self.domain.is_same)

    def of_kind(self, *kinds: DifferenceKind) -> tuple[Difference, ...]:
        """Give the differences of some kinds, in their order.

        Raises `RequestError` for a kind that there is not.
        """
        for kind in kinds:
            if kind not in KINDS:
                raise RequestError(f"no kind {kind!r}", remedy=f"kinds are {', '.join(KINDS)}")
        return tuple(one for one in self.differences if one.kind in kinds)

    def __str__(self) -> str:
        """Give a line for each difference, then what becomes of the domain."""
        lines = [str(one) for one in self.differences]
        return "\n".join([*lines, *([str(self.domain)] if self.domain is not None else [])])


@checked
def compare(
    before: Host,
    after: Host,
    domain: str | bytes | None = None,
    *,
    for_domain: bool = False,
    **target: Unpack[TargetOptions],
) -> Comparison:
    """Compare what two hosts can give a guest, and how they judge a domain.

    The reports are for the same `target` options on both sides. What they leave open is the default
    of each host, as in `Host.domain_capabilities`: hosts of two architectures are compared for two
    architectures unless `arch` is given. `domain` is a ``<domain>`` document, which names its own
    target; only `libvirt` also holds for its verdicts. It is judged as one that is to be defined.
    With `for_domain` it is judged as one that runs on the first host: an already-defined domain
    with the versioned machine type that it has there, which a migrated guest keeps. The reports are
    for this target. Where a host does not have it, no reports are compared. Comments ``domcaps:
    ignore`` in the domain are not obeyed.
    Raises `UnsupportedTargetError` where a host has no such target, and `UnknownDialectError`.
    """
    libvirt = target.get("libvirt", DEFAULT_DIALECT)
    if domain is None:
        if for_domain:
            raise RequestError("for_domain needs a domain")
        differences, targets = _reports(before, after, target)
        return Comparison(differences, targets=targets)
    data = document(domain)
    sides = _Side(before, data, libvirt), _Side(after, data, libvirt)
    if for_domain:
        for side in sides:
            side.pin(sides[0].uses)
        differences, targets = _reports_for(before, after, sides[0].uses, target)
    else:
        differences, targets = _reports(before, after, target)
    named = tuple(side.uses.target for side in sides if side.uses is not None)
    rows = differences if named == targets else _rows(sides)
    found = _compared(sides, rows)
    return Comparison(differences, for_migration(found) if for_domain else found, targets)


def compare_for(data: bytes, before: tuple[Host, str], after: tuple[Host, str]) -> DomainDifference:
    """Compare how two hosts, each with a release of libvirt, judge a domain that is to be defined.

    Raises `UnknownDialectError`.
    """
    sides = _Side(before[0], data, before[1]), _Side(after[0], data, after[1])
    return _compared(sides, _rows(sides))


class _Side:
    """A domain on one host: with `pin` the one that runs, else one that is to be defined."""

    def __init__(self, host: Host, data: bytes, libvirt: str) -> None:
        self.host = host
        self.data = data
        self.libvirt = libvirt
        self.written: str | None = None
        self.pinned = ""
        self.uses = self._uses(None)

    def _uses(self, machine: str | None) -> DomainExplanation | None:
        try:
            return self.host.explain_domain(self.data, self.libvirt, machine=machine)
        except DomainError:
            return None

    def pin(self, own: DomainExplanation | None) -> None:
        """Take the machine type that the domain has where it runs."""
        if own is not None and own.target.machine:
            self.written, self.pinned = own.machine or None, own.target.machine
            self.uses = self._uses(self.pinned)

    def verdict(self) -> Validation:
        """Judge the domain as libvirt does, which obeys no comment ``domcaps: ignore``."""
        data = without_ignoring(self.data)
        if self.pinned:
            open_world = _Pinned(self.host, self.libvirt, self.written, self.pinned)
            found = self.host.judged(data, open_world, new=False)
        else:
            found = self.host.validate(data, self.libvirt)
        return msgspec.structs.replace(found, source=self.data)

    def world(self, target: Target) -> World:
        """Give the facts of the domain's target."""
        named = target.emulator, target.arch, target.machine, target.virttype
        return self.host.known_world(*named, self.libvirt)


class _Pinned:
    """Opens worlds for a domain as if it wrote the version of its machine type."""

    def __init__(self, host: Host, libvirt: str, written: str | None, machine: str) -> None:
        self.host = host
        self.libvirt = libvirt
        self.written = written
        self.machine = machine

    def __call__(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        libvirt: str = "",
    ) -> World:
        """Open one; where that version is missing, the one that the alias stands for is nearest."""
        release = libvirt or self.libvirt
        if machine != self.written:
            return self.host.known_world(emulator, arch, machine, virttype, release)
        try:
            return self.host.known_world(emulator, arch, self.machine, virttype, release)
        except UnsupportedTargetError as error:
            if error.about == "machine" and self.written != self.machine:
                other = self.host.known_world(emulator, arch, machine, virttype, release)
                error.nearest = other.target.machine
            raise


def _compared(sides: tuple[_Side, _Side], rows: tuple[Difference, ...]) -> DomainDifference:
    one, other = sides
    verdicts, uses = (one.verdict(), other.verdict()), (one.uses, other.uses)
    return compare_domain(verdicts, uses, rows, _cpu(sides))


def _cpu(sides: tuple[_Side, _Side]) -> CpuDifference | None:
    """Compare the processors of a domain on hosts that have its target."""
    one, other = (side.world(side.uses.target) if side.uses else None for side in sides)
    return None if one is None or other is None else cpu_difference(sides[0].data, one, other)


def _rows(sides: tuple[_Side, _Side]) -> tuple[Difference, ...]:
    """Compare the reports for the targets of a domain; nothing where a host has none for it."""
    one, other = (side.world(side.uses.target) if side.uses else None for side in sides)
    return diff(one, other) if one is not None and other is not None else ()


def _reports(before: Host, after: Host, target: TargetOptions) -> _Reports:
    """Compare the reports of two hosts; raises `UnsupportedTargetError` where one has no target."""
    worlds = before.world(**target), after.world(**target)
    return diff(*worlds), tuple(world.target for world in worlds)


def _reports_for(
    before: Host, after: Host, named: DomainExplanation | None, target: TargetOptions
) -> _Reports:
    """Compare the reports for the target of a domain; nothing where a host does not have it."""
    if named is None:
        return (), ()
    own = named.target
    wanted: TargetOptions = {"arch": own.arch, "machine": own.machine, "virttype": own.virttype}
    try:
        return _reports(before, after, {**wanted, **target})
    except UnsupportedTargetError:
        return (), ()
