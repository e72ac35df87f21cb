"""Looks at domains that are tried and thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from domcaps.validate.check import validate
from domcaps.validate.memo.remaining import remaining_checks_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language import World
    from domcaps.language.finding import Finding


class HostLike(Protocol):
    """What is asked of a host."""

    origin: str

    def known_world(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        libvirt: str,
    ) -> World:
        """Give a target with its facts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What several hosts find in one document: what any refuses, and names that none knows."""

    errors: tuple[Finding, ...]
    misspelt: tuple[Finding, ...]


def verdict(hosts: Sequence[HostLike], data: bytes, libvirt: str, *, new: bool) -> Verdict:
    """Give all findings for every host; `misspelt` are those that look like known names."""
    refused: list[Finding] = []
    misspelt: tuple[Finding, ...] = ()
    for host in hosts:
        open_world = partial(host.known_world, libvirt=libvirt)
        done = validate(data, open_world, new=new, checks_of=remaining_checks_once)
        refused += done.errors
        alike = (f for f in done.findings if f.code.startswith("unknown-") and f.accepted)
        misspelt = misspelt or tuple(alike)
    return Verdict(tuple(refused), misspelt)


def refusals(
    hosts: Sequence[HostLike], data: bytes, libvirt: str, *, new: bool = True, only: str = ""
) -> list[Finding]:
    """Give what any host refuses, as its `validate` does; with `only` what has that code."""
    found: list[Finding] = []
    for host in hosts:
        open_world = partial(host.known_world, libvirt=libvirt)
        found += validate(
            data, open_world, new=new, checks_of=remaining_checks_once, only=only
        ).errors
    return [one for one in found if one.code == only] if only else found
