"""What becomes of a domain that moves: to another host, another QEMU, another libvirt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.language.finding import Finding, VerdictWord
from domcaps.report.diff import Difference
from domcaps.report.difference_kinds import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.validate.check import Validation
    from domcaps.validate.explain import DomainExplanation


class DomainDifference(msgspec.Struct, frozen=True):
    """A domain on two sides: `before` and `after` are the verdicts on them, as in `Validation`.

    `gone` and `new` are findings of one side only, `changes` the choices that it uses and the
    parts of its target that come out otherwise.
    """

    before: VerdictWord
    after: VerdictWord
    gone: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()
    changes: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        """Give the verdicts, then a line for each finding of one side and each change."""
        lines = [f"{self.before} before, {self.after} after"]
        lines += [f"- {finding}" for finding in self.gone]
        lines += [f"+ {finding}" for finding in self.new]
        return "\n".join([*lines, *map(str, self.changes)])

    @property
    def is_same(self) -> bool:
        """Whether nothing changes."""
        return self.before == self.after and not (self.gone or self.new or self.changes)


def compare_domain(
    verdicts: tuple[Validation, Validation],
    uses: tuple[DomainExplanation | None, DomainExplanation | None],
) -> DomainDifference:
    """Put what two sides say of a domain side by side.

    `uses` are what `explain_domain` tells, None on a side that has no target for the domain.
    """
    one, other = verdicts
    known = {_key(f) for f in one.findings}, {_key(f) for f in other.findings}
    return DomainDifference(
        one.verdict,
        other.verdict,
        tuple(f for f in one.findings if _key(f) not in known[1]),
        tuple(f for f in other.findings if _key(f) not in known[0]),
        tuple(_changes(*uses)),
    )


def _key(finding: Finding) -> tuple[str, str]:
    # messages may list what a host has: that they differ is no other finding
    return finding.code, finding.path


def _changes(
    before: DomainExplanation | None, after: DomainExplanation | None
) -> Iterator[Difference]:
    if before is None or after is None:
        return
    for name in TARGET:
        old, new = (str(getattr(side.target, name)) for side in (before, after))
        if old != new:
            yield Difference(name, old, new)
    told = {use.xpath: use.explanation for use in before.uses}
    for use in after.uses:
        old_explanation, explanation = told.get(use.xpath), use.explanation
        if old_explanation is not None and old_explanation.truth is not explanation.truth:
            yield Difference(
                explanation.path,
                old_explanation.truth.value,
                explanation.truth.value,
                old_explanation.reason,
                explanation.reason,
            )
