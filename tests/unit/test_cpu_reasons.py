"""Why a CPU model is usable or not, and where a feature of the host comes from."""

from __future__ import annotations

from typing import Any

import pytest

from cpu_fakes import EPYC, NEWEST, definition, host, x86_answers
from domcaps.cpu.compare import of_processor
from domcaps.cpu.x86map import x86_map
from domcaps.errors import RequestError
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.host import HostFacts
from domcaps.facts.node import Cpuid, Leaf, Node
from domcaps.facts.record import HostCpu
from domcaps.language import Truth, World
from domcaps.report.diff import diff
from domcaps.report.explain import explain
from fakes import emulator_record, world

KNOWN = x86_map(NEWEST)
BASE = dict.fromkeys(KNOWN.names_of(KNOWN.models["qemu64"].features), True)
LEAF_1 = {"pni": 0, "vmx": 5, "aes": 25}
AMD = "AuthenticAMD"


def shown(*features: str) -> tuple[Leaf, ...]:
    """Give CPUID leaf 1 with some features in register ECX."""
    return (Leaf(1, 0, ecx=sum(1 << LEAF_1[name] for name in features)),)


def asked(*features: str, lacking: tuple[str, ...] = (), virttype: str = "kvm") -> World:
    """A host whose processor has features, and whose EPYC lacks some in QEMU."""
    models = [definition("qemu64"), definition("EPYC", *lacking), definition("kvm64")]
    answers = x86_answers("host", BASE | EPYC, models) | x86_answers("max", BASE | EPYC, models)
    record = emulator_record(types=("max-x86_64-cpu",), kvm=True, answers=answers)
    given = world(record, host(vendor=AMD), machine="pc-q35-9.9", virttype=virttype)
    node = Node(cpuid=shown(*features))
    facts = HostFacts(given.host.record, lambda: node)
    return World(given.target, EmulatorFacts(record), facts)


def test_a_feature_that_the_processor_has_is_withheld_by_kvm() -> None:
    (found,) = explain("cpu.custom=EPYC", asked("pni", "aes", lacking=("aes",)))
    assert found.truth is Truth.NO
    (blocking,) = found.reason.because
    assert "KVM does not offer it" in blocking.value
    (of_cpu,) = blocking.because
    assert (of_cpu.truth, of_cpu.source) == (Truth.YES, "cpuid 0x1 0x0 ecx bit 25")


def test_a_feature_that_the_processor_lacks() -> None:
    (found,) = explain("cpu.custom=EPYC", asked("pni", lacking=("aes",)))
    assert found.reason.because[0].because[0].truth is Truth.NO
    assert "does not have it" in found.reason.because[0].value


def test_what_to_use_instead() -> None:
    (found,) = explain("cpu.custom=EPYC", asked("pni", lacking=("aes",)))
    advice = [change.statement for change in found.changes]
    # one feature is less than all that another model lacks
    assert "<feature policy='disable' name='aes'/>" in advice[0]
    assert advice[1] == "use the nearest usable model, 'qemu64'"
    assert "host-model" in advice[2]


def test_tcg_emulates_or_not_whatever_the_processor_has() -> None:
    (found,) = explain("cpu.custom=EPYC", asked("aes", lacking=("aes",), virttype="qemu"))
    assert "TCG" in found.reason.because[0].value
    assert not found.reason.because[0].because


def test_a_usable_model_needs_no_advice() -> None:
    (found,) = explain("cpu.custom=EPYC", asked("aes"))
    assert (found.truth, found.changes) == (Truth.YES, ())


def test_a_model_that_qemu_does_not_have_and_one_that_nothing_has() -> None:
    (found,) = explain("cpu.custom=Nehalem", asked())
    assert found.truth is Truth.NO
    assert "QEMU has the CPU model" in found.reason.statement
    with pytest.raises(RequestError):
        explain("cpu.custom=Nehelam", asked())


def test_features_of_the_host_model() -> None:
    (found,) = explain("cpu.host-model=vmx", asked("vmx"))
    offered, of_cpu, of_model = found.reason.because
    assert (offered.truth, of_cpu.truth, of_model.truth) == (Truth.NO, Truth.YES, Truth.NO)


def test_differences_of_host_models_have_reasons() -> None:
    def side(*features: str) -> World:
        props: dict[str, Any] = BASE | EPYC | dict.fromkeys(features, True)
        answers = x86_answers("host", props, [definition("qemu64")])
        record = emulator_record(types=("max-x86_64-cpu",), kvm=True, answers=answers)
        given = world(record, host(vendor=AMD), machine="pc-q35-9.9", virttype="kvm")
        facts = HostFacts(given.host.record, lambda: Node(cpuid=shown(*features)))
        return World(given.target, EmulatorFacts(record), facts)

    (found,) = [d for d in diff(side(), side("aes")) if d.path.endswith(" aes")]
    assert any("processor has 'aes': no → yes" in because for because in found.because)


# -- the processor -------------------------------------------------------------------------------


def names(cpuid: Cpuid, flags: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
    found = of_processor(cpuid, HostCpu(vendor=AMD, flags=flags), KNOWN)
    return set(KNOWN.names_of(found.present)), set(KNOWN.names_of(found.unread))


def test_registers_of_virtualization_are_unread_only_where_there_are_some() -> None:
    _, unread = names(Cpuid(shown("pni")))
    assert not unread
    _, unread = names(Cpuid(shown("vmx")))
    assert "vmx-ept" in unread
    present, unread = names(Cpuid(shown("vmx"), msrs=((0x48B, 2 << 32),)))
    assert "vmx-ept" in present
    assert "vmx-ept" not in unread


def test_cpuid_counts_more_than_flags() -> None:
    present, _ = names(Cpuid(shown("pni")), flags=("aes",))
    assert present == {"pni"}


def test_flags_that_stand_for_what_the_kernel_hides() -> None:
    present, unread = names(Cpuid(), flags=("fpu", "ibrs", "sse4_2"))
    assert "spec-ctrl" in unread
    assert "sse4.2" in present
    _, unread = names(Cpuid(), flags=("fpu",))
    assert not unread & {"spec-ctrl", "sse4.2", "vmx-ept"}
