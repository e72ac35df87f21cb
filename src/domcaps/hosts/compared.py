"""Two hosts side by side, and what becomes of a domain that moves from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.checked import checked
from domcaps.errors import DomainError
from domcaps.language.target import Target
from domcaps.report.diff import Difference, diff
from domcaps.validate.compare import DomainDifference, compare_domain

if TYPE_CHECKING:
    from typing import Unpack

    from domcaps.hosts.host import Host
    from domcaps.language.target import TargetOptions
    from domcaps.validate.explain import DomainExplanation


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

    def __str__(self) -> str:
        """Give a line for each difference, then what becomes of the domain."""
        lines = [str(one) for one in self.differences]
        return "\n".join([*lines, *([str(self.domain)] if self.domain is not None else [])])


@checked
def compare(
    before: Host,
    after: Host,
    domain: str | bytes | None = None,
    **target: Unpack[TargetOptions],
) -> Comparison:
    """Compare what two hosts can give a guest, and how they judge a domain.

    The reports are for the same `target` options on both sides. What they leave open is the default
    of each host, as in `Host.domain_capabilities`: hosts of two architectures are compared for two
    architectures unless `arch` is given. `domain` is a ``<domain>`` document, which names its own
    target; only `libvirt` also holds for its verdicts.
    Raises `UnsupportedTargetError` where a host has no such target, and `UnknownDialectError`.
    """
    libvirt = target.get("libvirt", DEFAULT_DIALECT)
    worlds = before.world(**target), after.world(**target)
    differences, targets = diff(*worlds), tuple(world.target for world in worlds)
    if domain is None:
        return Comparison(differences, targets=targets)
    verdicts = before.validate(domain, libvirt), after.validate(domain, libvirt)
    uses = _uses(before, domain, libvirt), _uses(after, domain, libvirt)
    return Comparison(differences, compare_domain(verdicts, uses), targets)


def _uses(host: Host, domain: str | bytes, libvirt: str) -> DomainExplanation | None:
    try:
        return host.explain_domain(domain, libvirt)
    except DomainError:
        return None
