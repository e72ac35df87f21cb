"""Resolve a question to a target: fill in libvirt's defaults, refuse unsupported targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.elements.advice.remedies import emulator_package, enable_kvm
from domcaps.elements.boards.families import (
    ARCHITECTURES_SINCE,
    OLDEST_KNOWN,
    canonical_machine,
    machines_by_use,
    oldest_qemu,
    preferred_machine,
)
from domcaps.elements.boards.nearest import nearest_machine
from domcaps.errors import NoEmulatorError, UnsupportedTargetError
from domcaps.facts.arch import (
    ARCHITECTURES,
    USUAL,
    emulator_names,
    is_native,
    nearest_arch,
    same_family,
)
from domcaps.facts.emulator import ACCELERATORS, EmulatorFacts, Unanswered
from domcaps.facts.emulators import nearest_of
from domcaps.language import Target
from domcaps.language.changes.emulators import VIRTTYPE_HYPERV
from domcaps.language.dialect import dialect_for, known_dialects
from domcaps.language.wording import alternatives, listed
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from domcaps.facts.emulators import Emulators
    from domcaps.facts.host import HostFacts
    from domcaps.language import Dialect
    from domcaps.language.target import Question

_MOST_MACHINES = 6


def resolve_target(
    host: HostFacts, emulators: Emulators, question: Question, origin: str = ""
) -> Target:
    """Give the target that a question means.

    `origin` names the recording that is asked. Raises `UnknownDialectError`,
    `UnsupportedTargetError` where there is no such target, or what asking an emulator raises.
    """
    dialect = dialect_for(question.libvirt, host.record.libvirt)
    check_arch(question.arch)
    _check_virttype(question.virttype)
    path = question.emulator or default_emulator(host, emulators, question.arch, origin)
    facts = emulators.get(path)
    try:
        if question.strict:
            _check_version(facts, dialect)
        named = question.emulator is not None
        wanted = _settle_arch(facts, question.arch, host.arch, named=named)
        _check_known(wanted, dialect)
        offered = offered_virttypes(facts, dialect)
        asked = _Asked(question.virttype, wanted, dialect, strict=question.strict)
        kind = _settle_virttype(facts, offered, host, asked)
        name = _settle_machine(facts, question.machine, kind, dialect)
    except Unanswered as unanswered:
        raise UnsupportedTargetError(
            f"the recording of this emulator lacks the answer to {unanswered.question}",
            where=facts.path,
            remedy="record the emulator again",
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
    install = f"install {emulator_package(wanted)} (Debian){_instead(origin, wanted)}"
    raise (UnsupportedTargetError if emulators.paths() else NoEmulatorError)(
        f"no emulator for {wanted} guests found",
        where=origin,
        remedy=f"searched for {', '.join(names)}; {install}",
        about="arch",
    )


def _instead(origin: str, arch: str) -> str:
    """Say what helps but for installing: on a live host a recording answers as well."""
    from domcaps.facts.shipped import shipped_names

    name = f"debian13-{arch}"
    if origin or name not in shipped_names():
        return " or name an emulator"
    return f", name an emulator, or use a recording such as 'shipped:{name}'"


def find_emulator(host: HostFacts, emulators: Emulators, arch: str | None, origin: str) -> str:
    """Give what `default_emulator` gives, "" where there is none."""
    for name in emulator_names(host.arch, arch or host.arch):
        path = emulators.find(name)
        if path:
            return path
    if not origin or arch is not None:
        return ""
    recorded = emulators.paths()
    # a recording of one emulator leaves no doubt which is meant
    return recorded[0] if len(recorded) == 1 else ""


def check_arch(name: str | None) -> None:
    """Raise `UnsupportedTargetError` for an architecture that libvirt does not know."""
    if name is not None and name not in ARCHITECTURES:
        nearest = nearest_arch(name)
        known = f"known: {', '.join(USUAL)} and others"
        raise UnsupportedTargetError(
            f"{name!r} is not a known architecture",
            remedy=f"did you mean {nearest!r}? {known}" if nearest else known,
            about="arch",
            nearest=nearest,
        )


def _check_known(arch: str, dialect: Dialect) -> None:
    since = ARCHITECTURES_SINCE.get(arch)
    if since is not None and not dialect.has(since):
        raise UnsupportedTargetError(
            f"libvirt {dialect} does not know the architecture {arch!r}",
            remedy=f"use --libvirt {since.since} or later",
            about="arch",
        )


def _check_virttype(name: str | None) -> None:
    if name is not None and name not in ACCELERATORS:
        near = close_matches(name, ACCELERATORS, n=1)
        raise UnsupportedTargetError(
            f"QEMU does not support the virtualization type {name!r}",
            remedy=f"use {alternatives([repr(one) for one in near or ACCELERATORS])}",
            about="virttype",
            nearest="".join(near),
        )


def _check_version(facts: EmulatorFacts, dialect: Dialect) -> None:
    if facts.is_partial:
        # libvirt offers this emulator, and may not tell the version
        return
    if facts.version < OLDEST_KNOWN:
        version, least = (".".join(map(str, v)) for v in (facts.version, OLDEST_KNOWN))
        raise UnsupportedTargetError(
            f"QEMU {version} is too old: domcaps supports QEMU {least} and later",
            where=facts.path,
            remedy=f"use QEMU {least} or later; --libvirt does not change this",
        )
    oldest = oldest_qemu(dialect)
    if facts.version < oldest:
        version, least = (".".join(map(str, numbers)) for numbers in (facts.version, oldest))
        raise UnsupportedTargetError(
            f"libvirt {dialect} does not support QEMU {version}",
            where=facts.path,
            remedy=f"use QEMU {least} or later, or an older --libvirt",
            about="dialect",
            nearest=_newest_taking(facts.version),
        )


def _newest_taking(version: tuple[int, int, int]) -> str:
    """Name the newest libvirt that takes a version of QEMU."""
    taking = [known for known in known_dialects() if oldest_qemu(known) <= version]
    return str(taking[-1]) if taking else ""


def _settle_arch(facts: EmulatorFacts, arch: str | None, host_arch: str, *, named: bool) -> str:
    if arch is None:
        # an emulator that was named, or the only one there is, says itself whom it serves
        return host_arch if same_family(facts.arch, host_arch) else facts.arch
    if not same_family(facts.arch, arch):
        raise UnsupportedTargetError(
            f"this emulator runs {facts.arch} guests, not {arch}",
            where=facts.path,
            remedy="name another emulator"
            if named
            else f"install {emulator_package(arch)} (Debian)",
            about="emulator" if named else "arch",
        )
    return arch


def offered_virttypes(facts: EmulatorFacts, dialect: Dialect) -> tuple[str, ...]:
    """List the virtualization types of an emulator that a libvirt knows, the preferred first."""
    known = dialect.has(VIRTTYPE_HYPERV)
    return tuple(name for name in facts.virttypes if known or name != "hyperv")


class _Asked(NamedTuple):
    """A virtualization type that is asked for, None for the preferred one, and for which guest."""

    virttype: str | None
    guest: str
    dialect: Dialect
    strict: bool


def _settle_virttype(
    facts: EmulatorFacts, offered: tuple[str, ...], host: HostFacts, asked: _Asked
) -> str:
    virttype = asked.virttype
    if virttype is None:
        return offered[0] if offered else "qemu"
    if virttype == "kvm" and facts.kvm_unseen and _is_usable(host, asked.guest):
        # for the user who runs QEMU, if not for the one who asks
        return virttype
    if asked.strict and virttype not in offered:
        cause, remedy = _why_not_served(virttype, host, asked)
        instead = nearest_of("supported:", virttype, offered)
        raise UnsupportedTargetError(
            f"the virtualization type {virttype!r} is not supported here{cause}",
            where=facts.path,
            remedy="; ".join(filter(None, (remedy, instead))),
            about="virttype",
            nearest=offered[0] if offered else "",
        )
    return virttype


def _is_usable(host: HostFacts, guest: str) -> bool:
    return host.record.kvm.usable and is_native(host.arch, guest)


def _why_not_served(virttype: str, host: HostFacts, asked: _Asked) -> tuple[str, str]:
    """Tell why an emulator does not serve a virtualization type, and what would change that."""
    guest = asked.guest
    if virttype == "hvf":
        return ": hvf is for macOS hosts", ""
    if virttype == "hyperv":
        return _why_no_hyperv(asked.dialect)
    if virttype != "kvm":
        return "", ""
    if not is_native(host.arch, guest):
        return f": KVM on {host.arch} hosts does not run {guest} guests", ""
    kvm = host.record.kvm
    if not kvm.usable:
        return f": {kvm.reason or 'the host has no KVM'}", enable_kvm(kvm.reason)
    return ": this QEMU was built without KVM", ""


def _why_no_hyperv(dialect: Dialect) -> tuple[str, str]:
    since = VIRTTYPE_HYPERV
    if not dialect.has(since):
        return f": libvirt {dialect} does not support it", f"use --libvirt {since.since} or later"
    return ": it requires a host with /dev/mshv, and QEMU 10.2 or later built with it", ""


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
        nearest = nearest_machine(machine, machines)
        hint = f"did you mean {nearest!r}? " if nearest else ""
        available = machines_by_use(machines, nearest)
        raise UnsupportedTargetError(
            f"this QEMU has no machine type {machine!r}",
            where=facts.path,
            remedy=f"{hint}it has {listed(available, _MOST_MACHINES)}",
            about="machine",
            nearest=nearest,
            offered=available,
        )
    return name
