"""The models that a domain may name, and the modes of a CPU."""

from __future__ import annotations

import pytest

from cpu_fakes import (
    NEWEST,
    OLDEST,
    definition,
    emulator,
    host,
    kvm_session,
    with_session,
    x86_answers,
)
from domcaps.cpu import MODES, CustomModel, custom_models, mode_supported
from domcaps.facts.emulator import EmulatorFacts, Unanswered
from domcaps.facts.question import ask
from domcaps.facts.record import Failure, ProbeSession


def offering(*definitions: dict[str, object], target: str = "x86_64") -> EmulatorFacts:
    return emulator({ask("query-cpu-definitions"): list(definitions)}, target=target, types=())


def test_models_of_x86_are_those_that_libvirt_knows_too() -> None:
    facts = offering(
        definition("host"), definition("max"), definition("Nehalem"), definition("Nehalem-RHEL")
    )
    assert custom_models(facts, "tcg", "x86_64", NEWEST) == (
        CustomModel("Nehalem", "yes", vendor="Intel", canonical="Nehalem-v1"),
    )


def test_models_are_sorted_as_bytes_are() -> None:
    facts = offering(*map(definition, ["qemu64", "n270", "Penryn", "486", "EPYC"]))
    found = [model.name for model in custom_models(facts, "tcg", "i686", NEWEST)]
    assert found == ["486", "EPYC", "Penryn", "n270", "qemu64"]


def test_blockers_have_libvirts_names_once_each_in_order() -> None:
    facts = offering(definition("EPYC", "svm", "pclmulqdq", "fxsr-opt", "svm", deprecated=True))
    (found,) = custom_models(facts, "tcg", "x86_64", NEWEST)
    assert found == CustomModel(
        "EPYC", "no", True, "AMD", "EPYC-v1", ("fxsr_opt", "pclmuldq", "svm")
    )


def test_where_qemu_can_not_tell_it_is_unknown() -> None:
    facts = offering({"name": "qemu64"})
    (found,) = custom_models(facts, "tcg", "x86_64", NEWEST)
    assert (found.usable, found.vendor) == ("unknown", "unknown")


def test_an_older_dialect_does_not_have_the_newest_models() -> None:
    facts = offering(definition("EPYC-Turin"), definition("EPYC-Genoa"))
    assert len(custom_models(facts, "tcg", "x86_64", NEWEST)) == 2
    (found,) = custom_models(facts, "tcg", "x86_64", OLDEST)
    assert found.name == "EPYC-Genoa"


def test_power_is_in_upper_case_and_without_variants() -> None:
    facts = offering(
        definition("power9"), definition("POWER8"), definition("power9_v2.0"), target="ppc64"
    )
    found = custom_models(facts, "tcg", "ppc64le", NEWEST)
    assert [(model.name, model.vendor) for model in found] == [("POWER8", "IBM"), ("POWER9", "IBM")]


def test_s390x_models_are_ibms_unless_they_are_no_machines() -> None:
    facts = offering(definition("z14"), definition("gen17a"), definition("max"), target="s390x")
    found = custom_models(facts, "tcg", "s390x", NEWEST)
    assert [(m.name, m.vendor) for m in found] == [
        ("gen17a", "IBM"), ("max", "unknown"), ("z14", "IBM"),
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["aarch64", "arm", "riscv64", "loongarch64"])
def test_elsewhere_every_model_of_qemu_may_be_named(target: str) -> None:
    facts = offering(definition("whatever"), definition("host"), target=target)
    found = custom_models(facts, "tcg", facts.arch, NEWEST)
    assert [model.name for model in found] == ["whatever"]


@pytest.mark.parametrize("target", ["sparc", "mips", "ppc", "riscv32", "alpha"])
def test_for_some_architectures_libvirt_can_name_none(target: str) -> None:
    facts = offering(definition("whatever"), target=target)
    assert custom_models(facts, "tcg", facts.arch, NEWEST) == ()


# -- modes ---------------------------------------------------------------------------------------


def modes(
    facts: EmulatorFacts, accelerator: str, arch: str = "x86_64", machine: str = "pc"
) -> list[str]:
    on = host(arch)
    return [m for m in MODES if mode_supported(m, facts, accelerator, on, machine, NEWEST)]


X86 = x86_answers(
    "max", {"vendor": "AuthenticAMD"}, [definition("qemu64"), definition("max")]
) | x86_answers("host", {"vendor": "AuthenticAMD"}, [definition("qemu64"), definition("max")])


def test_with_kvm_there_are_all_modes() -> None:
    assert modes(emulator(X86, kvm=True), "kvm") == list(MODES)


def test_plain_emulation_can_not_pass_the_hosts_cpu_through() -> None:
    assert modes(emulator(X86), "tcg") == ["maximum", "host-model", "custom"]


def test_a_foreign_host_has_the_emulators_own_models_only() -> None:
    assert modes(emulator(X86), "tcg", "aarch64") == ["maximum", "custom"]


def test_maximum_needs_that_model() -> None:
    assert modes(offering(definition("qemu64")), "tcg", "aarch64") == ["custom"]


def test_maximum_of_any_accelerator_will_do() -> None:
    told = {ask("query-cpu-definitions"): [definition("max")]}
    facts = with_session(offering(definition("qemu64")), kvm_session(told))
    assert mode_supported("maximum", facts, "tcg", host(), "pc", NEWEST)


def test_a_session_that_did_not_come_about_does_not_count() -> None:
    failed = ProbeSession("kvm", failure=Failure("died", "no /dev/kvm"))
    facts = with_session(offering(definition("max")), failed)
    assert mode_supported("maximum", facts, "tcg", host(), "pc", NEWEST)


def test_without_a_session_of_the_accelerator_nothing_can_be_named() -> None:
    assert not mode_supported("custom", emulator(X86), "kvm", host(), "pc", NEWEST)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("s390-ccw-virtio-2.7", ["host-passthrough"]),
        ("s390-ccw-virtio-2.8", ["host-passthrough", "maximum", "custom"]),
    ],
)
def test_old_machines_of_s390x_know_the_hosts_cpu_only(machine: str, expected: list[str]) -> None:
    told = {ask("query-cpu-definitions"): [definition("max")]}
    facts = emulator(told, target="s390x", types=(), kvm=True)
    assert modes(facts, "kvm", "s390x", machine) == expected
    assert "custom" in modes(facts, "tcg", "s390x", machine)


def test_the_architecture_of_the_domain_decides_what_can_be_named() -> None:
    facts = offering(definition("power9"), target="ppc64")
    assert mode_supported("custom", facts, "tcg", host("ppc64"), "pseries", NEWEST)
    assert not mode_supported("custom", facts, "tcg", host("ppc64"), "pseries", NEWEST, "ppc")


def test_a_mode_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="host-passtrough"):
        mode_supported("host-passtrough", emulator(X86), "tcg", host(), "pc", NEWEST)


def test_models_that_were_not_asked_for_are_unknown() -> None:
    told = [{"name": "query-cpu-definitions", "meta-type": "command"}]
    asked = X86 | {ask("query-qmp-schema"): told}
    facts = with_session(emulator(asked), kvm_session({ask("query-version"): {}}))
    with pytest.raises(Unanswered):
        mode_supported("custom", facts, "kvm", host(), "pc", NEWEST)
