"""Looks at domains that are tried and thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from domcaps.choose.catalogue import something
from domcaps.choose.text import text_of
from domcaps.errors import DomcapsError
from domcaps.validate.check import validate
from domcaps.validate.document.parse import Unreadable, read
from domcaps.validate.memo.remaining import remaining_checks_once
from domcaps.validate.target import TargetNotFound, nearest_target, wanted_of

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
    """What several hosts find in one document: what any refuses, and what libvirt passes over.

    That is names that none knows but that look like known ones, and sources of another type.
    `warnings` are what works and should be otherwise.
    """

    errors: tuple[Finding, ...]
    misspelt: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()


def world_of(host: HostLike, data: bytes, libvirt: str) -> World | None:
    """Give the target of a document, or the nearest one that the host has; None without one.

    It has none for an architecture that it has no emulator for.
    """
    open_world = partial(host.known_world, libvirt=libvirt)
    try:
        world = nearest_target(read(data), open_world).world
    except (DomcapsError, TargetNotFound, Unreadable):
        return None
    return world if world.emulator.is_there else None


def targets_of(
    host: HostLike, data: bytes, libvirt: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the machine types that a domain may have, aliases first, and what runs them."""
    world = world_of(host, data, libvirt)
    if world is None:
        return (), ()
    named = wanted_of(text_of(data).root)["machine"]
    return lasting_machine_names(world, named), world.emulator.virttypes


def machine_names(world: World) -> tuple[str, ...]:
    """Give the machine types of a target's emulator, aliases first, and the preferred ones."""
    known = world.emulator.machines(world.target.virttype)
    preferred = something("os.machine")
    aliases = sorted((m.alias for m in known if m.alias), key=lambda a: (a not in preferred, a))
    return (*aliases, *(m.name for m in known))


def lasting_machine_names(world: World, named: str | None) -> tuple[str, ...]:
    """Give the same without deprecated ones, for which a domain would have to be changed again.

    The machine type that the domain names stays, so that it is known that QEMU has it.
    """
    known, names = world.emulator.machines(world.target.virttype), machine_names(world)
    own = {world.target.machine} if named is None or named in names else set()
    gone = {m.name for m in known if m.deprecated and not m.alias} - own
    return tuple(name for name in names if name not in gone)


def verdict(hosts: Sequence[HostLike], data: bytes, libvirt: str, *, new: bool) -> Verdict:
    """Give all findings for every host; `misspelt` are those of `_is_passed_over`."""
    refused: list[Finding] = []
    misspelt: tuple[Finding, ...] = ()
    warnings: dict[tuple[str, str], Finding] = {}
    for host in hosts:
        open_world = partial(host.known_world, libvirt=libvirt)
        done = validate(data, open_world, new=new, checks_of=remaining_checks_once)
        refused += _as_written(done.errors)
        alike = (f for f in done.findings if _is_passed_over(f))
        misspelt = misspelt or tuple(alike)
        for one in done.warnings:
            warnings.setdefault((one.code, one.path), one)
    return Verdict(tuple(refused), misspelt, tuple(warnings.values()))


def _is_passed_over(finding: Finding) -> bool:
    """Tell whether libvirt reads nothing where a correction is known."""
    if finding.code.startswith("unknown-"):
        return bool(finding.accepted)
    return finding.code.endswith("-source-ignored") and bool(finding.fixes)


def _as_written(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings by place, what is about the target first: other repairs depend on it."""
    return sorted(
        findings, key=lambda f: (not f.code.startswith(_TARGET), f.line, f.column, f.code)
    )


_TARGET = ("domain-type-", "emulator-", "os-arch-", "os-machine-")


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
