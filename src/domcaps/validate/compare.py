"""What becomes of a domain that moves: to another host, another QEMU, another libvirt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.cpu.modes import CUSTOM
from domcaps.language.finding import Finding, VerdictWord
from domcaps.language.truth import Truth
from domcaps.report.diff import Difference
from domcaps.report.difference_kinds import TARGET
from domcaps.report.explain import Explanation, short_reason
from domcaps.validate.catalogue.rules import codes_of_hosts
from domcaps.validate.check import Validation
from domcaps.validate.cpu_difference import CpuDifference, vendors_differ
from domcaps.validate.target import CODES_OF_LACKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.validate.explain import DomainExplanation, Use

    _Uses = tuple[DomainExplanation | None, DomainExplanation | None]


class Lack(msgspec.Struct, frozen=True):
    """Something that a domain uses, and that the second host does not have.

    `path` names it as `Host.explain` does, "" where only a `finding` tells of it; `what` says it
    for people. `xpath`, `line` and `column` are the place in the domain. `had` tells whether the
    first host has it. `finding` is the error for which the second host refuses the domain, None
    where it accepts it; `explanation` says why the host lacks it, None where nothing is known.
    """

    path: str
    what: str
    xpath: str
    line: int
    column: int
    had: bool
    finding: Finding | None = None
    explanation: Explanation | None = None

    @property
    def why(self) -> tuple[str, ...]:
        """The reason for people, a line each; empty where no fact of the host decided."""
        if self.explanation is not None:
            return self.explanation.why
        return () if self.finding is None else self.finding.why

    @property
    def short(self) -> str:
        """The reason in one line: the first three facts that decide, and how many there are.

        "" where no fact of the host decided.
        """
        if self.explanation is not None:
            return self.explanation.short
        reason = None if self.finding is None else self.finding.reason
        return "" if reason is None else short_reason(reason)

    def __str__(self) -> str:
        """Give one line."""
        had = "" if self.had else " (the first host lacks it, too)"
        return f"{self.line}:{self.column}: {self.what}{had}"


class DomainDifference(msgspec.Struct, frozen=True):
    """A domain on two sides: `before` and `after` are the verdicts on them, as in `Validation`.

    `gone` and `new` are findings of one side only; `validation_before` and `validation_after` have
    all, for the machine type that was judged. `changes` are all differences that concern what the
    domain uses, and its target. `lacking` is what it uses, and the second side does not have. `cpu`
    compares what the guest has of its processor, None where a side lacks the target. `can_migrate`
    tells whether a running guest can be migrated, None where that is unknown or not asked;
    `obstacles` are the reasons where it is not true.
    """

    before: VerdictWord
    after: VerdictWord
    validation_before: Validation
    validation_after: Validation
    gone: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()
    changes: tuple[Difference, ...] = ()
    lacking: tuple[Lack, ...] = ()
    cpu: CpuDifference | None = None
    can_migrate: bool | None = None
    obstacles: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give the verdicts, a line for each finding of one side and each change, the outcome."""
        lines = [f"{self.before} before, {self.after} after"]
        lines += [f"- {finding}" for finding in self.gone]
        lines += [f"+ {finding}" for finding in self.new]
        lines += map(str, self.changes)
        if self.can_migrate is not None or self.obstacles:
            word = {True: "yes", False: "no", None: "unknown"}[self.can_migrate]
            lines.append("; ".join([f"can be migrated: {word}", *self.obstacles]))
        return "\n".join(lines)

    @property
    def is_same(self) -> bool:
        """Whether nothing changes."""
        return self.before == self.after and not (self.gone or self.new or self.changes)


def compare_domain(
    verdicts: tuple[Validation, Validation],
    uses: _Uses,
    rows: Iterable[Difference] = (),
    cpu: CpuDifference | None = None,
) -> DomainDifference:
    """Put what two sides say of a domain side by side.

    `uses` are what `explain_domain` tells, None on a side that has no target for the domain; `rows`
    are the differences of the reports for its targets, `cpu` is that of its processors.
    """
    one, other = verdicts
    known = {_key(f) for f in one.findings}, {_key(f) for f in other.findings}
    return DomainDifference(
        one.verdict,
        other.verdict,
        one,
        other,
        tuple(f for f in one.findings if _key(f) not in known[1]),
        tuple(f for f in other.findings if _key(f) not in known[0]),
        tuple(_changes(uses, rows, one.source)),
        tuple(_lacking(verdicts, uses)),
        cpu,
    )


def _key(finding: Finding) -> tuple[str, str]:
    # messages may list what a host has: that they differ is no other finding
    return finding.code, finding.path


def _changes(uses: _Uses, rows: Iterable[Difference], domain: bytes) -> Iterator[Difference]:
    before, after = uses
    if before is None or after is None:
        return
    for name in TARGET:
        old, new = (str(getattr(side.target, name)) for side in (before, after))
        if old != new:
            yield Difference(name, old, new)
    machine = before.target.machine if before.target.machine == after.target.machine else ""
    used = _Used((*before.uses, *after.uses), machine, domain)
    found = [row for row in rows if used.concerns(row)]
    yield from found
    yield from _of_choices(before, after, {row.choice for row in found})


def _of_choices(
    before: DomainExplanation, after: DomainExplanation, known: set[str]
) -> Iterator[Difference]:
    """Give what differs though no report lists it."""
    told = {use.xpath: use.explanation for use in before.uses}
    for use in after.uses:
        old, new = told.get(use.xpath), use.explanation
        if old is not None and old.truth is not new.truth and new.path not in known:
            values = old.truth.value, new.truth.value
            yield Difference(new.path, *values, old.reason, new.reason)


class _Used:
    """What a domain uses, by which rows of a comparison are judged."""

    def __init__(self, uses: Iterable[Use], machine: str, domain: bytes) -> None:
        self.paths = {use.explanation.path for use in uses}
        self.elements = {above for path in self.paths for above in _above(path)}
        self.machine = machine
        self.domain = domain

    def concerns(self, row: Difference) -> bool:
        """Tell whether a row is about something that the domain uses."""
        kind = row.kind
        if kind == "machine type":
            return row.name == self.machine
        if kind == "host CPU":
            return not self.paths.isdisjoint(_OWN_PROCESSOR)
        if ": " in row.path:
            # a file, such as a firmware image: what the domain names is not listed by the table
            return row.name.encode() in self.domain
        if kind in {"element", "figure"}:
            return row.choice in self.elements
        return row.choice in self.paths


_OWN_PROCESSOR = frozenset({"cpu.host-model", "cpu.host-passthrough", "cpu.maximum"})
"""Modes in which a guest has the processor of its host."""


def for_migration(found: DomainDifference) -> DomainDifference:
    """Tell whether a guest that runs on the first host can be migrated to the second one."""
    no = tuple(_refusals(found))
    unknown = () if no else tuple(_undecided(found))
    can = False if no else None if unknown else True
    return msgspec.structs.replace(found, can_migrate=can, obstacles=no + unknown)


def _refusals(found: DomainDifference) -> Iterator[str]:
    if found.before == "refused":
        yield f"the first host refuses the domain: {found.validation_before.errors[0].message}"
    elif found.before != "accepted":
        yield from _never_started(found.validation_before.errors)
    for finding in found.validation_after.errors:
        if not finding.as_if:
            yield f"the second host refuses the domain: {finding.message}"
    cpu = found.cpu
    if cpu is None or not cpu.is_known:
        return
    if cpu.lost:
        yield f"the guest's processor would lose {', '.join(cpu.lost)}"
    if cpu.mode != CUSTOM and vendors_differ(cpu):
        yield f"the processors are of different vendors: {' and '.join(cpu.vendors)}"


def _never_started(errors: Iterable[Finding]) -> Iterator[str]:
    """Give what keeps a domain from running at all on the first host.

    Files are not counted: those of a running guest may have been moved since, and are elsewhere
    for a look from another machine.
    """
    for finding in errors:
        if not finding.as_if and finding.code not in codes_of_hosts():
            yield f"the guest cannot run on the first host: {finding.message}"


def _undecided(found: DomainDifference) -> Iterator[str]:
    cpu = found.cpu
    if cpu is None:
        return
    if not cpu.is_known:
        yield "it is unknown whether the second processor has all features of the first one"
    elif cpu.mode == CUSTOM and vendors_differ(cpu):
        vendors = " and ".join(cpu.vendors)
        yield (
            f"the processors are of different vendors, {vendors}: libvirt accepts that, and the "
            "guest's system may not"
        )


def _above(path: str) -> Iterator[str]:
    """Name an element and those that it stands in: of ``cpu.custom=EPYC`` they are two."""
    name = path.partition("=")[0]
    while name:
        yield name
        name = name.rpartition(".")[0]


def _lacking(verdicts: tuple[Validation, Validation], uses: _Uses) -> Iterator[Lack]:
    before, after = uses
    had = {use.xpath: use.explanation.truth is Truth.YES for use in before.uses} if before else {}
    wrong = {_key(finding) for finding in verdicts[0].errors}
    without = (
        {use.xpath: use for use in after.uses if use.explanation.truth is Truth.NO} if after else {}
    )
    told: set[str] = set()
    for finding in verdicts[1].errors:
        if finding.as_if:
            # it may follow from the target that is lacking
            continue
        use = without.get(finding.path)
        is_new = _key(finding) not in wrong
        is_of_host = finding.reason is not None or finding.code in CODES_OF_LACKING
        if is_new or use is not None or is_of_host:
            told.add(finding.path)
            yield _refused(finding, use, had=is_new)
    for xpath, use in without.items():
        if xpath not in told:
            explanation = use.explanation
            what = _not_supported(explanation)
            place = use.xpath, use.line, use.column
            yield Lack(explanation.path, what, *place, had.get(xpath, False), None, explanation)


def _not_supported(found: Explanation) -> str:
    if found.element == "cpu.host-model":
        return f"QEMU cannot provide the CPU feature {found.value!r} on this host"
    return f"{found.path} is not supported"


def _refused(finding: Finding, use: Use | None, *, had: bool) -> Lack:
    explanation = use.explanation if use is not None else None
    path = explanation.path if explanation is not None else ""
    place = finding.path, finding.line, finding.column
    return Lack(path, finding.message, *place, had, finding, explanation)
