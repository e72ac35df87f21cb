"""What becomes of a domain that moves: to another host, another QEMU, another libvirt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.language.finding import Finding, VerdictWord
from domcaps.language.truth import Truth
from domcaps.report.diff import Difference
from domcaps.report.difference_kinds import TARGET
from domcaps.report.explain import Explanation
from domcaps.validate.check import Validation
from domcaps.validate.cpu_difference import CpuDifference
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

    def __str__(self) -> str:
        """Give one line."""
        had = "" if self.had else " (the first host lacks it, too)"
        return f"{self.line}:{self.column}: {self.what}{had}"


class DomainDifference(msgspec.Struct, frozen=True):
    """A domain on two sides: `before` and `after` are the verdicts on them, as in `Validation`.

    `gone` and `new` are findings of one side only; `validation_before` and `validation_after` have
    all, for the machine type that was judged. `changes` are all differences that concern what the
    domain uses, and its target. `lacking` is what it uses, and the second side does not have. `cpu`
    compares the processors of a domain that has its host's, None for others. `can_migrate` tells
    whether a running guest can be migrated, None where that is unknown or not asked; `obstacles`
    are the reasons where it is not true.
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


_OWN_PROCESSOR = {f"cpu.{mode}": mode for mode in ("host-model", "host-passthrough", "maximum")}
"""Modes in which a guest has the processor of its host, by the path of each."""


def own_processor(uses: DomainExplanation | None) -> str:
    """Give the CPU mode by which a domain has the processor of its host, "" for another one."""
    paths = (use.explanation.path for use in uses.uses) if uses is not None else ()
    return next((_OWN_PROCESSOR[path] for path in paths if path in _OWN_PROCESSOR), "")


def for_migration(found: DomainDifference) -> DomainDifference:
    """Tell whether a guest that runs on the first host can be migrated to the second one."""
    no = tuple(_refusals(found))
    unknown = tuple(_undecided(found))
    can = False if no else None if unknown else True
    return msgspec.structs.replace(found, can_migrate=can, obstacles=no + unknown)


def _refusals(found: DomainDifference) -> Iterator[str]:
    if found.before == "refused":
        yield f"the first host refuses the domain: {found.validation_before.errors[0].message}"
    for finding in found.validation_after.errors:
        if not finding.as_if:
            yield f"the second host refuses the domain: {finding.message}"
    cpu = found.cpu
    if cpu is None or not cpu.is_known:
        return
    if cpu.lost:
        yield f"the guest's processor would lose {', '.join(cpu.lost)}"
    if cpu.has_all is False and cpu.vendors[0] != cpu.vendors[1]:
        yield f"the processors are of different vendors: {' and '.join(cpu.vendors)}"


def _undecided(found: DomainDifference) -> Iterator[str]:
    if found.cpu is not None and not found.cpu.is_known:
        yield "it is unknown whether the second processor has all features of the first one"


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
            what = f"{explanation.path} is not supported"
            place = use.xpath, use.line, use.column
            yield Lack(explanation.path, what, *place, had.get(xpath, False), None, explanation)


def _refused(finding: Finding, use: Use | None, *, had: bool) -> Lack:
    explanation = use.explanation if use is not None else None
    path = explanation.path if explanation is not None else ""
    place = finding.path, finding.line, finding.column
    return Lack(path, finding.message, *place, had, finding, explanation)
