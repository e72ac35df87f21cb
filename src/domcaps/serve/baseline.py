"""The CPU that all of some hosts, or emulators, can give a guest.

What the CPUs have in common is a set of features; the model that describes it shortest is found as
for host-model (`domcaps.cpu.x86`). Of other architectures libvirt compares names only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.cpu.data import cpu_data, known_in
from domcaps.cpu.x86 import CpuData, decode
from domcaps.facts.arch import ARM, PPC64
from domcaps.language.changes.processor import BASELINE_WITHOUT_TOPOLOGY
from domcaps.serve.comparison import features_of, model_of
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.xml.cpu import Baseline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from domcaps.cpu.x86map import X86Map
    from domcaps.language.dialect import Dialect
    from domcaps.serve.xml.cpu import Described

_LEFT_OUT = frozenset({"cmt", "mbm_total", "mbm_local", "osxsave", "ospke"})
"""Features of a host that no guest can be given by name."""
_TOPOLOGY = frozenset({"ht", "cmp_legacy"})
"""So are these, which follow from a guest's topology: not in 11.3, since when is not known."""


def check_models(cpus: Sequence[Described]) -> None:
    """Refuse descriptions of no CPU, or of one without a model."""
    if not cpus:
        raise LibvirtError(ErrorNumber.INVALID_ARG, "no CPUs are given")
    for number, cpu in enumerate(cpus):
        if not cpu.model:
            raise LibvirtError(ErrorNumber.INVALID_ARG, f"the CPU at index {number} has no model")


def baseline_x86(
    cpus: Sequence[Described],
    known: X86Map,
    *,
    offered: Mapping[str, Iterable[str]] | None = None,
    told: Iterable[str] | None = None,
    migratable: bool = False,
) -> Baseline:
    """Find the baseline of CPUs of x86; raises `LibvirtError` where there is none.

    `offered` are the models of an emulator with what each lacks here, `told` the features that it
    can be asked for; without them any will do. With `migratable` features are left out that keep a
    guest from migrating.
    """
    common = _features(cpus[0], known)
    vendor, is_shown = _vendor(cpus[0].vendor, known), bool(cpus[0].vendor)
    for cpu in cpus[1:]:
        common &= _features(cpu, known)
        vendor = _agreed(vendor, cpu, known)
        is_shown &= bool(cpu.vendor)
    if told is not None:
        common &= known.bits_of(told)
    if not common:
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, "the CPUs have nothing in common")
    preferred = tuple(dict.fromkeys(cpu.model for cpu in cpus))
    found = decode(CpuData(common, vendor, 0, 0, 0), offered, known, preferred)
    if found is None:
        raise LibvirtError(
            ErrorNumber.INTERNAL_ERROR, "no CPU model describes what the CPUs have in common"
        )
    features = [(name, "require") for name in found.require]
    features += [(name, "disable") for name in found.disable]
    if migratable:
        staying = set(known.names_of(known.immovable))
        features = [feature for feature in features if feature[0] not in staying]
    return Baseline(
        found.model,
        found.vendor if is_shown else "",
        "forbid" if preferred == (found.model,) else "allow",
        tuple(features),
    )


def _features(cpu: Described, known: X86Map) -> int:
    features = model_of(cpu.model, known)
    for name, policy in cpu.features:
        if policy == "optional":
            continue
        if name not in known.bits:
            raise LibvirtError(ErrorNumber.INTERNAL_ERROR, f"no CPU feature is called {name!r}")
    features |= features_of(cpu, known, "require", "force")
    return features & ~features_of(cpu, known, "disable", "forbid")


def _vendor(name: str, known: X86Map) -> str:
    if name and name not in dict(known.vendors):
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, f"no CPU vendor is called {name!r}")
    return name


def _agreed(vendor: str, cpu: Described, known: X86Map) -> str:
    """Give the vendor of the CPUs so far, with one more; only some name theirs."""
    own = known.models[cpu.model].vendor
    if cpu.vendor and own and cpu.vendor != own:
        raise LibvirtError(
            ErrorNumber.OPERATION_FAILED,
            f"the vendor of {cpu.model} is {own}, and not {cpu.vendor}",
        )
    named = cpu.vendor or own
    if vendor and named and vendor != named:
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, f"the CPUs are of {vendor} and of {named}")
    return vendor or _vendor(named, known)


def expanded(found: Baseline, known: X86Map) -> Baseline:
    """List the features of the model as well, all sorted by their names."""
    model = known.models[found.model]
    every = dict.fromkeys(known.names_of(model.features), "require") | dict(found.features)
    for name in model.removed:
        every.setdefault(name, "disable")
    return msgspec.structs.replace(found, features=tuple(sorted(every.items())))


def guests(found: Baseline, dialect: Dialect) -> Baseline:
    """Leave out what a host has and a guest can't be given."""
    gone = _LEFT_OUT | (_TOPOLOGY if dialect.has(BASELINE_WITHOUT_TOPOLOGY) else set())
    kept = tuple(feature for feature in found.features if feature[0] not in gone)
    return msgspec.structs.replace(found, features=kept)


def baseline_elsewhere(arch: str, cpus: Sequence[Described], dialect: Dialect) -> Baseline:
    """Find the baseline of hosts that are not x86; raises `LibvirtError` where there is none."""
    if arch in ARM:
        return Baseline(cpus[0].model, "", "allow")
    if arch not in PPC64:
        raise LibvirtError(ErrorNumber.NO_SUPPORT, f"baselines of {arch}")
    models = {
        model.name: model.vendor for model in cpu_data().ppc64.models if known_in(model, dialect)
    }
    first = cpus[0].model
    if first not in models:
        raise LibvirtError(ErrorNumber.INTERNAL_ERROR, f"no CPU model is called {first!r}")
    for cpu in cpus:
        if cpu.model != first:
            raise LibvirtError(
                ErrorNumber.OPERATION_FAILED, f"a {first} and a {cpu.model} are not alike"
            )
        if cpu.vendor and cpu.vendor != models[first]:
            raise LibvirtError(
                ErrorNumber.OPERATION_FAILED, f"the vendor of {first} is not {cpu.vendor}"
            )
    return Baseline(first, "", "forbid")


def lowest_limit(cpus: Iterable[Described]) -> int:
    """Give the narrowest physical address that CPUs are limited to, 0 if one of them is not."""
    return min((cpu.limit for cpu in cpus), default=0)
