"""Two hosts side by side, and what becomes of a domain that moves from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.checked import checked
from domcaps.errors import DomainError, RequestError, UnsupportedTargetError
from domcaps.language.target import Target
from domcaps.report.diff import Difference, diff
from domcaps.validate.compare import DomainDifference, compare_domain

if TYPE_CHECKING:
    from typing import Unpack

    from domcaps.hosts.host import Host
    from domcaps.language.target import TargetOptions
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
    target; only `libvirt` also holds for its verdicts. With `for_domain` the reports are for the
    target that the domain has on the first host, with the versioned machine type: a migrated guest
    keeps it. Where a host does not have it, no reports are compared.
    Raises `UnsupportedTargetError` where a host has no such target, and `UnknownDialectError`.
    """
    libvirt = target.get("libvirt", DEFAULT_DIALECT)
    if domain is None:
        if for_domain:
            raise RequestError("for_domain needs a domain")
        differences, targets = _reports(before, after, target)
        return Comparison(differences, targets=targets)
    uses = _uses(before, domain, libvirt), _uses(after, domain, libvirt)
    differences, targets = (
        _reports_for(before, after, uses[0], target)
        if for_domain
        else _reports(before, after, target)
    )
    verdicts = before.validate(domain, libvirt), after.validate(domain, libvirt)
    return Comparison(differences, compare_domain(verdicts, uses), targets)


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


def _uses(host: Host, domain: str | bytes, libvirt: str) -> DomainExplanation | None:
    try:
        return host.explain_domain(domain, libvirt)
    except DomainError:
        return None
