"""One domain judged for several hosts: the verdicts become one, the worst counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.validate.check import Validation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domcaps.language.finding import Finding


class HostVerdict(msgspec.Struct, frozen=True):
    """Whether one host accepts a domain, and the number of errors and warnings there."""

    host: str
    libvirt: str
    accepted: bool
    definable: bool
    errors: int
    warnings: int


class Judged(msgspec.Struct, frozen=True):
    """The validation of a domain for one host."""

    host: str
    libvirt: str
    validation: Validation

    @property
    def verdict(self) -> HostVerdict:
        """Give what the host says, without the findings."""
        done = self.validation
        return HostVerdict(
            self.host,
            self.libvirt,
            done.accepted,
            done.definable,
            len(done.errors),
            len(done.warnings),
        )


def merged(judged: Sequence[Judged]) -> Validation:
    """Make one validation: each finding once, with the hosts on which it was found.

    Findings that differ in anything but the reason stay apart. For one host it is its own.
    """
    if len(judged) == 1:
        return judged[0].validation
    unknown = sorted({text for one in judged for text in one.validation.unknown})
    return Validation(
        tuple(_merged((one.host, one.validation.findings) for one in judged)),
        tuple(unknown),
        judged[0].validation.source,
        tuple(_merged((one.host, one.validation.notices) for one in judged)),
    )


def _merged(found: Iterable[tuple[str, tuple[Finding, ...]]]) -> Iterator[Finding]:
    first: dict[Finding, Finding] = {}
    hosts: dict[Finding, list[str]] = {}
    for host, findings in found:
        for finding in findings:
            key = msgspec.structs.replace(finding, reason=None, fixes=())
            first.setdefault(key, finding)
            hosts.setdefault(key, []).append(host)
    for key in sorted(first, key=lambda f: (f.line, f.column, f.code)):
        yield msgspec.structs.replace(first[key], hosts=tuple(dict.fromkeys(hosts[key])))
