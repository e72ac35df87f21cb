"""The host-model CPU: what a domain gets that asks for "about what the host has"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from domcaps.cpu.answers import Feature, HostModel
from domcaps.cpu.expansion import MAX_TYPE, asked_for, expansion, model_to_expand
from domcaps.cpu.models import blockers_by_model, libvirt_models
from domcaps.cpu.names import libvirt_name
from domcaps.cpu.x86 import cpu_data, decode
from domcaps.cpu.x86map import x86_map
from domcaps.facts.arch import PPC64, S390, X86, is_native
from domcaps.language.changes.processor import HOST_MODEL_SORTED, MSRS_TRUSTED

if TYPE_CHECKING:
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.record import HostCpu
    from domcaps.language.dialect import Dialect

Policies = dict[str, str]
"""Policies of features by name, in the order of the definition."""

_ARCH_CAPABILITIES = "arch-capabilities"


class HostCpuFacts(Protocol):
    """What has to be known of the host: a `HostRecord` will do."""

    @property
    def arch(self) -> str:
        """Architecture by libvirt's name."""

    @property
    def cpu(self) -> HostCpu:
        """The host's CPU."""


def host_model(
    emulator: EmulatorFacts,
    accelerator: str,
    host: HostCpuFacts,
    dialect: Dialect,
    *,
    disable_deprecated: bool = False,
    expand: bool = False,
    supported: bool = False,
) -> HostModel | None:
    """Work out the host-model CPU of an emulator; None where libvirt would report none.

    The three options are the flags of libvirt's ``virConnectGetDomainCapabilities``:
    `disable_deprecated` disables the features that QEMU calls deprecated (s390x), `expand` also
    lists the features that the model itself has, `supported` adds features that the host can
    give but that host-model leaves off (``arch-capabilities`` and all in that word, on AMD).

    Raises `Unanswered` where the emulator has the question but was not asked.
    """
    if not is_native(host.arch, emulator.arch):
        return None
    found = _defined(emulator, accelerator, host, dialect)
    if found is None:
        return None
    model, policies = found
    if expand and emulator.arch in X86:
        policies = _expanded(model.model, policies, dialect)
    if disable_deprecated:
        policies |= dict.fromkeys(deprecated_features(emulator, accelerator), "disable")
    if supported and emulator.arch in X86 and model.vendor == "AMD":
        policies |= _held_back(emulator, model.model, policies, dialect)
    ordered = expand or dialect.has(HOST_MODEL_SORTED)
    names = sorted(policies) if ordered else policies
    bits = host.cpu.phys_addr_bits if accelerator != "tcg" else 0
    return HostModel(
        model.model,
        model.fallback,
        model.vendor,
        bits or None,
        tuple(Feature(policies[name], name) for name in names),
    )


def _defined(
    emulator: EmulatorFacts, accelerator: str, host: HostCpuFacts, dialect: Dialect
) -> tuple[HostModel, Policies] | None:
    """Find model, vendor and features in the way of the architecture."""
    if emulator.arch in X86:
        return _defined_x86(emulator, accelerator, dialect)
    if emulator.arch in S390:
        return _defined_s390(emulator, accelerator)
    if emulator.arch in PPC64:
        return _defined_ppc64(emulator, accelerator, host, dialect)
    # of ARM and LoongArch libvirt makes no such model, of the others it can't tell the host's
    return None


# -- x86 -----------------------------------------------------------------------------------------


def _defined_x86(
    emulator: EmulatorFacts, accelerator: str, dialect: Dialect
) -> tuple[HostModel, Policies] | None:
    props = _all_props(emulator, accelerator)
    if props is None:
        return None
    known = x86_map(dialect)
    data = cpu_data(emulator.arch, props, known)
    offered = blockers_by_model(emulator, accelerator)
    decoded = decode(data, offered, known) if data else None
    if decoded is None:
        return None
    policies = dict.fromkeys(decoded.require, "require")
    policies |= dict.fromkeys(decoded.disable, "disable")
    # once they were taken only from a QEMU that said what its model max lacks; libvirt looked at
    # the model of x86_64 alone, so that an emulator for i686 never did
    if not (dialect.has(MSRS_TRUSTED) or _tells_what_it_lacks(emulator)):
        for name in known.names_of(known.msr_features):
            policies.pop(name, None)
    return HostModel(decoded.model, "forbid", decoded.vendor), policies


def _tells_what_it_lacks(emulator: EmulatorFacts) -> bool:
    # QEMU before 3.0 has no such command
    if not emulator.schema.has("qom-list-properties") or MAX_TYPE not in emulator.qom_types:
        return False
    return "unavailable-features" in emulator.object_properties(MAX_TYPE)


def _expansions(
    emulator: EmulatorFacts, accelerator: str
) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
    """Give the properties of the host's CPU as it may migrate, and of all that it has."""
    model = model_to_expand(accelerator)
    migratable = expansion(emulator, accelerator, model, "static")
    if migratable is None:
        return None
    everything = expansion(emulator, accelerator, model, "static", {"migratable": False})
    return migratable.props, everything.props if everything else None


def _all_props(emulator: EmulatorFacts, accelerator: str) -> dict[str, Any] | None:
    """Give the properties of the host's CPU, with those on that only keep it from migrating."""
    found = _expansions(emulator, accelerator)
    if found is None:
        return None
    migratable, everything = found
    if everything is None:
        return migratable
    return {
        name: True if value is False and everything.get(name) is True else value
        for name, value in migratable.items()
    }


def told_features(
    emulator: EmulatorFacts, accelerator: str, *, migratable: bool
) -> frozenset[str] | None:
    """Name the features that an emulator of x86 tells of, whether its host has them or not.

    With `migratable` those are left out that keep a guest from migrating; None where the
    emulator does not tell which those are, or nothing at all.
    """
    found = _expansions(emulator, accelerator)
    if found is None or (migratable and found[1] is None):
        return None
    props, everything = found
    staying = {
        name
        for name, value in props.items()
        if migratable and value is False and everything and everything.get(name) is True
    }
    return frozenset(libvirt_name(emulator.arch, name) for name in props if name not in staying)


def _expanded(model: str, policies: Policies, dialect: Dialect) -> Policies:
    """Add what the model itself has; what the definition says of a feature goes first."""
    known = x86_map(dialect)
    return dict.fromkeys(known.names_of(known.models[model].features), "require") | policies


def _held_back(
    emulator: EmulatorFacts, model: str, policies: Policies, dialect: Dialect
) -> Policies:
    """Find the features of IA32_ARCH_CAPABILITIES that KVM emulates on a processor without it.

    QEMU from 10.1 on leaves the whole word off on AMD unless told to. libvirt asks KVM for it;
    here a QEMU with KVM is queried.
    """
    known = x86_map(dialect)
    everything = _expanded(model, policies, dialect)
    if everything.get(_ARCH_CAPABILITIES) == "require" or not asked_for(emulator, "kvm"):
        return {}
    told = {"migratable": False, _ARCH_CAPABILITIES: True}
    answer = expansion(emulator, "kvm", model_to_expand("kvm"), "static", told, needed=False)
    if answer is None or answer.props.get(_ARCH_CAPABILITIES) is not True:
        return {}
    enabled = (libvirt_name(emulator.arch, n) for n, value in answer.props.items() if value is True)
    names = known.names_of(known.bits_of(enabled) & known.arch_capabilities)
    return dict.fromkeys((*names, _ARCH_CAPABILITIES), "require")


# -- s390x ---------------------------------------------------------------------------------------


def _defined_s390(emulator: EmulatorFacts, accelerator: str) -> tuple[HostModel, Policies] | None:
    answer = expansion(emulator, accelerator, model_to_expand(accelerator), "static")
    if answer is None:
        return None
    policies = {
        name: "require" if value else "disable"
        for name, value in answer.props.items()
        if isinstance(value, bool)
    }
    return HostModel(answer.name, "forbid"), policies


def deprecated_features(emulator: EmulatorFacts, accelerator: str) -> tuple[str, ...]:
    """List the features that QEMU calls deprecated, of which only s390x has some."""
    if emulator.arch not in S390:
        return ()
    model = model_to_expand(accelerator)
    answer = expansion(emulator, accelerator, model, "full", needed=False)
    return answer.deprecated_props if answer else ()


# -- POWER ---------------------------------------------------------------------------------------


def _defined_ppc64(
    emulator: EmulatorFacts, accelerator: str, host: HostCpuFacts, dialect: Dialect
) -> tuple[HostModel, Policies] | None:
    """Take the host's model, if libvirt and the emulator know it: QEMU is not asked here."""
    known = libvirt_models(emulator.arch, dialect) or {}
    offered = blockers_by_model(emulator, accelerator)
    model = host.cpu.model
    if model not in known or model not in offered:
        return None
    return HostModel(model, "allow", host.cpu.vendor), {}
