"""What a domain says of its processor: the form of ``<cpu>``, and what in it contradicts itself.

::

    <cpu mode='custom' match='exact' check='partial'>
      <model fallback='forbid'>Skylake-Server</model>
      <vendor>Intel</vendor>
      <feature policy='disable' name='pcid'/>
      <cache level='3' mode='emulate'/>
      <maxphysaddr mode='emulate' bits='42'/>
    </cpu>

What keeps such a processor from being had is in `processor.at_start`, features are in
`processor.features`, and NUMA cells in `memory.numa`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.models import has_maximum
from domcaps.elements.boards.defaults import CPU_MATCH, CPU_MODE
from domcaps.elements.boards.families import X86, machine_type
from domcaps.elements.processor.cpu import MIGRATABLE
from domcaps.facts import arch as known
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.changes.processor import (
    ADDRESS_BITS_OPTIONAL,
    CPU_DEPRECATED_FEATURES,
    CPU_MAXIMUM,
    CPU_MAXPHYSADDR,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Substitutes, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.observed import EmulatorFact
from domcaps.language.part import Part, field
from domcaps.language.quantities import repeated
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import ON_OFF, POSITIVE, Int, OneOf

if TYPE_CHECKING:
    from domcaps.language.domain import Domain

HAS_MAXIMUM = EmulatorFact(
    "QEMU has the CPU model 'max'",
    "query-cpu-definitions",
    has_maximum,
    key="[].name",
)

_AS_IT_IS = frozenset({"host-passthrough", "maximum"})
_VENDOR_ID = 12
_CACHES = 3
_WITH_DEFAULTS = known.X86 | known.PPC64 | known.S390
_WITH_MODELS = _WITH_DEFAULTS | known.ARM | {"riscv64", "loongarch64"}


SUBSTITUTES = Substitutes(
    "cpu/@mode",
    order={
        # without KVM: QEMU's own model with everything is more than one made after the host
        "host-passthrough": ("maximum", "host-model"),
        "host-model": ("host-passthrough", "maximum"),
        "maximum": ("host-passthrough", "host-model"),
        "custom": ("host-model", "maximum", "host-passthrough"),
        "*": ("host-model", "maximum"),
    },
    only={"host-passthrough": ("@migratable",), "maximum": ("@migratable",)},
    shared={"host-passthrough": ("@migratable",), "maximum": ("@migratable",)},
    # QEMU's names of models, and short ones
    slips={
        "host": "host-passthrough",
        "passthrough": "host-passthrough",
        "max": "maximum",
        "host-passthru": "host-passthrough",
        "hostmodel": "host-model",
        "model": "host-model",
    },
)


class Cpu(Part):
    """The processor."""

    path = "cpu"
    knows = ("model/@fallback", "model/@vendor_id", "vendor", "arch")

    given_mode = field(
        "@mode",
        OneOf(("custom", "host-model", "host-passthrough", "maximum"), {"maximum": CPU_MAXIMUM}),
    )
    match = field("@match", OneOf(("exact", "minimum", "strict")), default=CPU_MATCH)
    check = field("@check", OneOf(("default", "none", "partial", "full")))
    migratable = field("@migratable", ON_OFF)
    deprecated_features = field("@deprecated_features", ON_OFF, since=CPU_DEPRECATED_FEATURES)

    @property
    def mode(self) -> str:
        """The mode."""
        return self.given_mode or CPU_MODE

    @cached_property
    def model(self) -> str:
        """The model's name, "" where there is none."""
        return self.node.findtext("model") or ""

    @property
    def vendor(self) -> str:
        """The vendor that the host's processor has to have, "" for any."""
        return self.node.findtext("vendor") or ""

    @property
    def is_open(self) -> bool:
        """Whether it says nothing of the model, so that it is QEMU's own choice."""
        return self.mode == "custom" and not self.model


class CpuCache(Part):
    """What the guest sees of the processor's caches."""

    path = "cpu/cache"

    level = field("@level", Int(1, _CACHES))
    mode = field("@mode", OneOf(("emulate", "passthrough", "disable")), required=True)


class Maxphysaddr(Part):
    """How wide a physical address is."""

    path = "cpu/maxphysaddr"
    since = CPU_MAXPHYSADDR

    mode = field("@mode", OneOf(("emulate", "passthrough")), required=True)
    bits = field(
        "@bits",
        Int(0, 2**31 - 1, minus_zero=True),
        expected="a number of address bits, such as '46'",
    )
    limit = field("@limit", POSITIVE, expected="a number of address bits, at least 1, such as '46'")


def has_cpu_models(domain: Domain) -> bool:
    """Tell whether libvirt can name CPUs of the domain's architecture at all."""
    return domain.arch in _WITH_MODELS


def default_cpu(domain: Domain) -> str:
    """Name the model that a machine has if its definition names none, "" where it is not known."""
    world = domain.world
    trusted = domain.arch in _WITH_DEFAULTS or domain.virttype == "qemu"
    machine = machine_type(world) if trusted and has_cpu_models(domain) else None
    if machine is None:
        return ""
    for definition in world.emulator.cpu_definitions(ACCELERATORS[domain.virttype]):
        if definition.typename and definition.typename == machine.default_cpu_type:
            return definition.name
    return ""


def check_of(cpu: Cpu) -> str:
    """Give how thoroughly libvirt checks whether the host has such a CPU."""
    if cpu.check not in {None, "default"}:
        return cpu.check or ""
    emulated = cpu.domain.virttype == "qemu"
    thorough = cpu.mode == "host-model" or (cpu.mode == "custom" and not emulated)
    return "partial" if thorough else "none"


_C = "<cpu>{}</cpu>"
_QEMU64 = "<cpu><model {}>qemu64</model></cpu>"
_GOOD = _QEMU64.format("fallback='forbid'")


@rule(
    "cpu-migratable-unsupported",
    Cpu,
    bad="<cpu mode='host-model' migratable='on'/>",
    good="<cpu mode='maximum' migratable='on'/>",
)
def migratable_is_the_hosts(cpu: Cpu) -> Problems:
    """Attribute ``migratable`` of ``<cpu>`` requires ``mode='host-passthrough'`` or
    ``mode='maximum'``.
    """
    if cpu.migratable is None:
        return
    world = cpu.domain.world
    if cpu.mode not in _AS_IT_IS:
        yield problem(
            "attribute 'migratable' requires mode='host-passthrough' or mode='maximum'",
            cpu,
            "@migratable",
        )
        return
    wanted = cpu.mode == "host-passthrough" and cpu.migratable == "on"
    if wanted and world.truth(MIGRATABLE) is Truth.NO:
        reason = MIGRATABLE.explain(world)
        yield problem(
            "this QEMU does not support 'migratable'; remove it", cpu, "@migratable", reason=reason
        )


@rule(
    "cpu-fallback-invalid",
    Cpu,
    bad=_QEMU64.format("fallback='no'"),
    good=_GOOD,
)
def fallback_is_allowed_or_not(cpu: Cpu) -> Problems:
    """Attribute ``fallback`` of ``<model>`` in ``<cpu>`` must be ``allow`` or ``forbid``."""
    model = cpu.find("model")
    given = model.get("fallback") if model is not None and cpu.mode not in _AS_IT_IS else None
    if given and given not in {"allow", "forbid"}:
        yield problem(
            f"attribute 'fallback' of <model> is {given!r}, but must be 'allow' or 'forbid'",
            cpu,
            "model/@fallback",
            accepted=("allow", "forbid"),
        )


@rule(
    "cpu-vendor-id-invalid",
    Cpu,
    bad=_QEMU64.format("vendor_id='Short'"),
    good=_QEMU64.format("vendor_id='GenuineIntel'"),
)
def vendor_id_is_that_of_cpuid(cpu: Cpu) -> Problems:
    """Attribute ``vendor_id`` of ``<model>`` must have exactly 12 characters, without a comma."""
    model = cpu.find("model")
    given = model.get("vendor_id") if model is not None and cpu.mode not in _AS_IT_IS else None
    if given and (len(given.encode()) != _VENDOR_ID or "," in given):
        message = f"attribute 'vendor_id' must be {_VENDOR_ID} characters, without a comma"
        yield problem(message, cpu, "model/@vendor_id")


@rule(
    "cpu-vendor-id-fails-at-start",
    Cpu,
    bad=Sample(
        "<cpu><model vendor_id='GenuineIntel'>rv64</model></cpu>", arch="riscv64", machine="virt"
    ),
    good=_QEMU64.format("vendor_id='GenuineIntel'"),
    stage=Stage.START,
)
def vendor_id_is_of_x86(cpu: Cpu) -> Problems:
    """Attribute ``vendor_id`` of ``<model>`` requires an x86 guest.

    QEMU's other CPUs have no such property.
    """
    model = cpu.find("model")
    given = model.get("vendor_id") if model is not None and cpu.mode not in _AS_IT_IS else None
    if given and not cpu.holds(X86):
        message = f"the CPUs of {cpu.domain.arch} guests have no 'vendor_id'; remove it"
        yield problem(message, cpu, "model/@vendor_id")


@rule(
    "cpu-model-missing",
    Cpu,
    bad=_C.format("<feature name='avx'/>"),
    good=_C.format("<model>qemu64</model><feature name='avx'/>"),
)
def there_is_a_model(cpu: Cpu) -> Problems:
    """``<vendor>`` and ``<feature>`` in ``<cpu>`` require a ``<model>``, or a mode such as
    ``host-model``.
    """
    if cpu.vendor and not cpu.model:
        yield problem("<vendor> requires a <model>", cpu, "vendor")
    if cpu.is_open and cpu.has("feature"):
        yield problem(
            "<feature> requires a <model>, or a mode such as 'host-model'",
            cpu,
            "feature",
            fix=set_value("host-model", "/domain/cpu/@mode"),
        )
    checked = cpu.check not in {None, "default"}
    if checked and cpu.is_open and not default_cpu(cpu.domain):
        yield problem("the attribute 'check' requires a <model>", cpu, "@check")


@rule(
    "cpu-maximum-unsupported",
    Cpu,
    bad=Sample("<cpu mode='maximum'/>", arch="ppc64"),
    good="<cpu mode='maximum'/>",
)
def maximum_needs_qemu(cpu: Cpu) -> Problems:
    """``<cpu mode='maximum'>`` requires a QEMU with the CPU model ``max``."""
    if cpu.mode == "maximum" and cpu.domain.world.truth(HAS_MAXIMUM) is Truth.NO:
        reason = HAS_MAXIMUM.explain(cpu.domain.world)
        yield problem(
            "this QEMU has no CPU model 'max', which mode='maximum' needs; use another mode",
            cpu,
            "@mode",
            reason=reason,
        )


_CACHE = "<cpu mode='{}'><cache {}/></cpu>"


@rule(
    "cpu-cache-unsupported",
    CpuCache,
    bad=_CACHE.format("maximum", "level='2' mode='emulate'"),
    good=_CACHE.format("maximum", "level='3' mode='emulate'"),
)
def caches_are_those_of_x86(cache: CpuCache) -> Problems:
    """``<cache>`` in ``<cpu>`` requires an x86 guest; its ``level`` requires ``mode='emulate'``."""
    cpu = cache.domain.first(Cpu)
    if not cache.holds(X86):
        yield problem("<cache> requires an x86 guest; remove it", cache)
    elif cache.mode == "emulate" and cache.level != _CACHES:
        yield problem(f"<cache mode='emulate'> requires level='{_CACHES}'", cache, "@level")
    elif cache.mode == "passthrough" and cpu is not None and cpu.mode not in _AS_IT_IS:
        yield problem(
            "<cache mode='passthrough'> requires <cpu mode='host-passthrough'> or 'maximum'",
            cache,
            "@mode",
        )
    elif cache.mode in {"passthrough", "disable"} and cache.level is not None:
        yield problem(
            f"<cache mode={cache.mode!r}> is for all levels; remove 'level'", cache, "@level"
        )


@rule(
    "cpu-cache-duplicate",
    CpuCache,
    bad=_C.format("<cache mode='disable'/>" * 2),
    good=_C.format("<cache mode='disable'/>"),
)
def caches_are_told_once(cache: CpuCache) -> Problems:
    """``<cpu>`` may contain at most one ``<cache>``."""
    for each in repeated(cache, lambda _: True):
        yield problem("<cache> is repeated; keep one", each)


_WIDTH = "<cpu mode='maximum'><maxphysaddr {}/></cpu>"


@rule(
    "cpu-maxphysaddr-unsupported",
    Maxphysaddr,
    bad=_WIDTH.format("mode='passthrough' bits='40'"),
    good=_WIDTH.format("mode='passthrough' limit='40'"),
)
def width_is_that_of_x86(address: Maxphysaddr) -> Problems:
    """``<maxphysaddr>`` requires an x86 guest; its ``bits`` requires ``mode='emulate'``."""
    if not address.holds(X86):
        yield problem("<maxphysaddr> requires an x86 guest; remove it", address)
    if address.limit is not None and address.mode != "passthrough":
        yield problem("attribute 'limit' requires mode='passthrough'", address, "@limit")
    optional = address.mode != "emulate" or libvirt_reads(address, ADDRESS_BITS_OPTIONAL)
    if not address.bits and not optional:
        yield problem("this libvirt version requires the attribute 'bits'", address, "@bits")
    if address.bits is not None and address.mode == "passthrough":
        yield problem(
            "attribute 'bits' of <maxphysaddr> requires mode='emulate'; set that, or remove 'bits'",
            address,
            "@bits",
            fix=set_value("emulate", "@mode"),
        )
    host = address.domain.world.host.record
    width = host.cpu.phys_addr_bits
    if address.mode == "emulate" and 0 < width < (address.bits or 0):
        yield problem(f"the host has {width} address bits; use at most that", address, "@bits")
