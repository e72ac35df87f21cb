"""What a started guest's CPU is held to: ``check='full'``, and models of mainframes.

libvirt asks QEMU which features the guest's CPU got, and with ``check='full'`` refuses every
feature that ``<cpu>`` does not name. QEMU adds two by itself. Seen with libvirt 12.8 and QEMU 11.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.x86map import x86_map
from domcaps.elements.boards.defaults import CPU_POLICY
from domcaps.elements.boards.families import S390, X86
from domcaps.elements.processor.cpu import accelerator
from domcaps.elements.processor.definition import Cpu
from domcaps.elements.processor.features import policies
from domcaps.elements.processor.model_reasons import explained_models
from domcaps.elements.processor.nearest_model import stand_ins
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = "<cpu match='exact' check='full'><model fallback='forbid'>qemu64</model>{}</cpu>"
_ON = frozenset({"require", "force"})
_REQUIRE = "<feature policy='require' name='{}'/>"


@rule(
    "cpu-check-full-extra",
    Cpu,
    bad=_FULL.format(""),
    good=_FULL.format(_REQUIRE.format("hypervisor")),
    stage=Stage.START,
    fix=set_value("partial", "@check"),
)
def full_check_names_what_qemu_adds(cpu: Cpu) -> Problems:
    """``<cpu check='full'>`` must list the features that QEMU adds to every CPU model.

    These are ``hypervisor``, and with KVM ``x2apic``.
    """
    if not cpu.holds(X86) or cpu.check != "full" or cpu.mode != "custom" or cpu.is_open:
        return
    extra = [name for name in _added(cpu) if name not in policies(cpu.domain)]
    if extra:
        named = "".join(map(_REQUIRE.format, extra))
        yield problem(
            f"with check='full' libvirt refuses the features {' and '.join(extra)}, which QEMU "
            f"adds: add {named}, or use check='partial'",
            cpu,
            "@check",
            accepted=["partial"],
        )


@rule(
    "cpu-check-full-missing",
    Cpu,
    bad="<cpu match='exact' check='full'><model fallback='forbid'>Haswell</model>"
    f"{_REQUIRE.format('hypervisor')}</cpu>",
    good=_FULL.format(_REQUIRE.format("hypervisor")),
    stage=Stage.START,
    fix=set_value("none", "@check"),
)
def full_check_finds_all_of_the_model(cpu: Cpu) -> Problems:
    """``<cpu check='full'>`` requires a QEMU that can give the guest all features of the model."""
    if not cpu.holds(X86) or cpu.check != "full" or cpu.mode != "custom" or not cpu.model:
        return
    found = explained_models(cpu.domain.world).get(cpu.model)
    if found is None or found.usable != "no":
        return
    told = policies(cpu.domain)
    missing = [name for name in found.blockers if told.get(name, CPU_POLICY) in _ON]
    if missing:
        yield problem(
            f"with check='full' libvirt refuses a guest without {listed(missing)}, which this QEMU "
            f"cannot give with the CPU model {cpu.model!r}; use check='none', with which the guest "
            "starts without them",
            cpu,
            "@check",
            accepted=["none"],
        )


def _added(cpu: Cpu) -> Iterator[str]:
    yield "hypervisor"
    known = x86_map(cpu.domain.world.target.dialect)
    model = known.models.get(cpu.model)
    has = () if model is None else known.names_of(model.features)
    if cpu.domain.virttype == "kvm" and "x2apic" not in has:
        yield "x2apic"


_MAINFRAME = "<cpu mode='custom'><model fallback='forbid'>{}</model></cpu>"


@rule(
    "cpu-model-unavailable",
    Cpu,
    bad=Sample(_MAINFRAME.format("gen17a"), arch="s390x"),
    good=Sample(_MAINFRAME.format("qemu"), arch="s390x"),
    stage=Stage.START,
)
def mainframe_has_the_model(cpu: Cpu) -> Problems:
    """QEMU must be able to run the CPU model of an s390x guest with all of its features."""
    if not cpu.holds(S390) or cpu.mode != "custom" or not cpu.model:
        return
    world = cpu.domain.world
    for definition in world.emulator.cpu_definitions(accelerator(world)):
        if definition.name == cpu.model:
            told = policies(cpu.domain)
            missing = definition.unavailable_features or ()
            lacking = [name for name in missing if told.get(name) != "disable"]
            if lacking:
                some = ", ".join(sorted(lacking)[:5])
                yield problem(
                    f"QEMU cannot run the CPU model {cpu.model!r} here; it lacks {some}",
                    cpu,
                    "model",
                    fix=stand_ins(cpu),
                )
