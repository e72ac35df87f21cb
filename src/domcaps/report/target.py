"""Which target a question means: what libvirt fills in, and what it refuses to speak about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import (
    OLDEST_KNOWN,
    canonical_machine,
    oldest_qemu,
    preferred_machine,
)
from domcaps.errors import UnsupportedTargetError
from domcaps.facts.arch import ARCHITECTURES, emulator_names, same_family
from domcaps.facts.emulator import ACCELERATORS, EmulatorFacts, Unanswered
from domcaps.facts.emulators import nearest_of
from domcaps.language import Target, parse_dialect

if TYPE_CHECKING:
    from domcaps.facts.emulators import Emulators
    from domcaps.facts.host import HostFacts
    from domcaps.language import Dialect
    from domcaps.language.target import Question


def resolve_target(
    host: HostFacts, emulators: Emulators, question: Question, origin: str = ""
) -> Target:
    """Give the target that a question means.

    `origin` names the recording that is asked. Raises `UnknownDialectError`,
    `UnsupportedTargetError` where there is no such target, or what asking an emulator raises.
    """
    dialect = parse_dialect(question.libvirt)
    _check_name("architecture", question.arch, ARCHITECTURES, "libvirt knows")
    _check_name("virtualization type", question.virttype, tuple(ACCELERATORS), "QEMU serves")
    path = question.emulator or default_emulator(host, emulators, question.arch, origin)
    facts = emulators.get(path)
    try:
        if question.strict:
            _check_version(facts, dialect)
        named = question.emulator is not None
        wanted = _settle_arch(facts, question.arch, host.arch, named=named)
        kind = _settle_virttype(facts, question.virttype, strict=question.strict)
        name = _settle_machine(facts, question.machine, kind, dialect)
    except Unanswered as unanswered:
        raise UnsupportedTargetError(
            f"the emulator did not answer {unanswered.question}",
            where=facts.path,
            remedy="record it again",
        ) from unanswered
    return Target(path, wanted, name, kind, dialect, question.flags)


def default_emulator(
    host: HostFacts, emulators: Emulators, arch: str | None, origin: str = ""
) -> str:
    """Give the path of the emulator for an architecture, the host's own by default.

    Raises `UnsupportedTargetError` where there is none.
    """
    path = find_emulator(host, emulators, arch, origin)
    if path:
        return path
    wanted = arch or host.arch
    names = emulator_names(host.arch, wanted)
    raise UnsupportedTargetError(
        f"there is no emulator for {wanted} guests",
        where=origin,
        remedy=f"looked for {', '.join(names)}; install one, or name one",
    )


def find_emulator(host: HostFacts, emulators: Emulators, arch: str | None, origin: str) -> str:
    """Give what `default_emulator` gives, "" where there is none."""
    for name in emulator_names(host.arch, arch or host.arch):
        path = emulators.find(name)
        if path:
            return path
    recorded = emulators.paths()
    # a recording of one emulator leaves no doubt which is meant
    return recorded[0] if origin and arch is None and len(recorded) == 1 else ""


def _check_name(what: str, name: str | None, names: tuple[str, ...], text: str) -> None:
    if name is not None and name not in names:
        raise UnsupportedTargetError(
            f"{name!r} is not a known {what}", remedy=nearest_of(text, name, names)
        )


def _check_version(facts: EmulatorFacts, dialect: Dialect) -> None:
    if facts.version < OLDEST_KNOWN:
        version, least = (".".join(map(str, v)) for v in (facts.version, OLDEST_KNOWN))
        raise UnsupportedTargetError(
            f"QEMU {version} is too old for domcaps",
            where=facts.path,
            remedy=f"use QEMU {least} or later, whatever libvirt is asked for",
        )
    oldest = oldest_qemu(dialect)
    if facts.version < oldest:
        version, least = (".".join(map(str, numbers)) for numbers in (facts.version, oldest))
        raise UnsupportedTargetError(
            f"libvirt {dialect} does not take QEMU {version}",
            where=facts.path,
            remedy=f"it needs {least} or later; ask for the words of an older libvirt",
        )


def _settle_arch(facts: EmulatorFacts, arch: str | None, host_arch: str, *, named: bool) -> str:
    if arch is None:
        # an emulator that was named, or the only one there is, says itself whom it serves
        return host_arch if same_family(facts.arch, host_arch) else facts.arch
    if not same_family(facts.arch, arch):
        raise UnsupportedTargetError(
            f"it serves {facts.arch} guests, not {arch}",
            where=facts.path,
            remedy="name another emulator" if named else "install the emulator for it",
        )
    return arch


def _settle_virttype(facts: EmulatorFacts, virttype: str | None, *, strict: bool) -> str:
    offered = facts.virttypes
    if virttype is None:
        return offered[0] if offered else "qemu"
    if strict and virttype not in offered:
        raise UnsupportedTargetError(
            f"it can't serve the virtualization type {virttype!r} here",
            where=facts.path,
            remedy=nearest_of("it serves", virttype, offered),
        )
    return virttype


def _settle_machine(
    facts: EmulatorFacts, machine: str | None, virttype: str, dialect: Dialect
) -> str:
    # a type that is not served has no list of its own: take that of the first session
    machines = facts.machines(virttype) or facts.machines(
        facts.virttypes[0] if facts.virttypes else "qemu"
    )
    if machine is None:
        return preferred_machine(facts.arch, machines, dialect)
    name = canonical_machine(machine, machines)
    if name not in {known.name for known in machines}:
        names = [known.alias for known in machines if known.alias]
        names += [known.name for known in machines]
        raise UnsupportedTargetError(
            f"it has no machine type {machine!r}",
            where=facts.path,
            remedy=nearest_of("it has", machine, names),
        )
    return name
