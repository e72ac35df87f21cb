"""What a guest sees of a processor that it has from its host, so that hosts can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.expansion import expansion, model_to_expand
from domcaps.cpu.hostmodel import HostCpuFacts, host_model
from domcaps.cpu.modes import HOST_MODEL
from domcaps.cpu.names import libvirt_names
from domcaps.cpu.x86map import x86_map
from domcaps.facts.arch import S390, X86
from domcaps.facts.emulator import Unanswered
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.language.dialect import Dialect


class HostCpuOfGuest(NamedTuple):
    """The features that a guest has by a CPU mode, and all that its host could give it.

    `named` are those of `has` that libvirt writes into the domain of a running guest: another
    libvirt must know them. `known` are the names that this libvirt knows.
    """

    has: frozenset[str]
    can_have: frozenset[str]
    named: frozenset[str]
    known: frozenset[str]
    vendor: str


def guest_features(
    mode: str, emulator: EmulatorFacts, accelerator: str, host: HostCpuFacts, dialect: Dialect
) -> HostCpuOfGuest | None:
    """Give what a guest has by ``host-model``, ``host-passthrough`` or ``maximum``.

    Only QEMU for x86 and for s390x tells that; None for others, and where QEMU was not asked.
    """
    try:
        if emulator.arch in X86:
            return _of_x86(mode, emulator, accelerator, host, dialect)
        return _of_s390(emulator, accelerator) if emulator.arch in S390 else None
    except Unanswered:
        return None


def _of_x86(
    mode: str, emulator: EmulatorFacts, accelerator: str, host: HostCpuFacts, dialect: Dialect
) -> HostCpuOfGuest | None:
    model = model_to_expand(accelerator)
    migratable = expansion(emulator, accelerator, model, "static")
    everything = expansion(emulator, accelerator, model, "static", {"migratable": False})
    if migratable is None:
        return None
    known = x86_map(dialect)
    on = [
        frozenset(libvirt_names(emulator.arch, (n for n, value in props.items() if value is True)))
        & frozenset(known.names)
        for props in (migratable.props, (everything or migratable).props)
    ]
    expanded = host_model(emulator, accelerator, host, dialect, expand=True)
    own = host_model(emulator, accelerator, host, dialect)
    if expanded is None or own is None:
        return None
    of_model = frozenset(one.name for one in expanded.features if one.policy == "require")
    named = frozenset(one.name for one in own.features)
    is_model = mode == HOST_MODEL
    return HostCpuOfGuest(
        of_model if is_model else on[0],
        on[0] | on[1] | of_model,
        named if is_model else frozenset(),
        frozenset(known.bits),
        own.vendor,
    )


def _of_s390(emulator: EmulatorFacts, accelerator: str) -> HostCpuOfGuest | None:
    found = expansion(emulator, accelerator, model_to_expand(accelerator), "static")
    if found is None:
        return None
    # the base model is a set of features, too
    has = frozenset((*(name for name, on in found.props.items() if on is True), found.name))
    return HostCpuOfGuest(has, has, frozenset(), frozenset(), "")
