"""Two hosts side by side, and what becomes of a domain that moves from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps import arguments
from domcaps._version import DEFAULT_DIALECT
from domcaps.errors import DomainError
from domcaps.language.target import TargetOptions
from domcaps.report.diff import Difference, diff
from domcaps.validate.compare import DomainDifference, compare_domain

if TYPE_CHECKING:
    from typing import Unpack

    from domcaps.hosts.host import Host
    from domcaps.validate.explain import DomainExplanation


class Comparison(msgspec.Struct, frozen=True):
    """What differs between two hosts, and what becomes of a domain that moves.

    `differences` are the statements of their reports; `domain` is None where no domain was given.
    """

    differences: tuple[Difference, ...]
    domain: DomainDifference | None = None

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and (self.domain is None or self.domain.is_same)

    def __str__(self) -> str:
        """Give a line for each difference, then what becomes of the domain."""
        lines = [str(one) for one in self.differences]
        return "\n".join([*lines, *([str(self.domain)] if self.domain is not None else [])])


def compare(
    before: Host,
    after: Host,
    domain: str | bytes | None = None,
    **target: Unpack[TargetOptions],
) -> Comparison:
    """Compare what two hosts can give a guest, and how they judge a domain.

    The reports are for the same `target` on both sides, with the defaults of
    `Host.domain_capabilities`; `domain` is a ``<domain>`` document, which names its own target.
    Raises `UnsupportedTargetError` where a host has no such target, and `UnknownDialectError`.
    """
    arguments.host("before", before)
    arguments.host("after", after)
    arguments.options("compare", target, TargetOptions)
    libvirt = target.get("libvirt", DEFAULT_DIALECT)
    differences = diff(before.world(**target), after.world(**target))
    if domain is None:
        return Comparison(differences)
    verdicts = before.validate(domain, libvirt), after.validate(domain, libvirt)
    uses = _uses(before, domain, libvirt), _uses(after, domain, libvirt)
    return Comparison(differences, compare_domain(verdicts, uses))


def _uses(host: Host, domain: str | bytes, libvirt: str) -> DomainExplanation | None:
    try:
        return host.explain_domain(domain, libvirt)
    except DomainError:
        return None
