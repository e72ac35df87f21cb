"""What host-model stands for, on each architecture and in each dialect."""

from __future__ import annotations

import pytest

from cpu_fakes import (
    EPYC,
    EXPANSION,
    MAX_TYPES,
    NEWEST,
    OLDEST,
    UNSORTED_LAST,
    definition,
    emulator,
    expanded,
    host,
    kvm_session,
    with_session,
    x86_answers,
)
from domcaps.cpu import Feature, HostModel, host_model
from domcaps.cpu.x86map import x86_map
from domcaps.facts.emulator import EmulatorFacts, Unanswered
from domcaps.facts.question import ask, cpu_expansion_of, object_properties_of
from domcaps.facts.record import Failure
from domcaps.language import parse_dialect

QEMU64 = dict.fromkeys(x86_map(NEWEST).names_of(x86_map(NEWEST).models["qemu64"].features), True)
AMD = QEMU64 | EPYC
REFUSED = Failure("GenericError", "no")


def qemu64_with(
    *names: str, kvm: bool = False, types: tuple[str, ...] = MAX_TYPES
) -> EmulatorFacts:
    props = AMD | dict.fromkeys(names, True) | {"invtsc": False}
    answers = x86_answers(
        "host" if kvm else "max", props, [definition("qemu64")], {"invtsc": True, "x2apic": False}
    )
    # as every QEMU since 3.0 for x86_64: it tells what its model max lacks
    schema = [*EXPANSION, {"name": "qom-list-properties", "meta-type": "command"}]
    lacking = [{"name": "unavailable-features", "type": "strList"}]
    answers |= {ask("query-qmp-schema"): schema}
    answers |= {object_properties_of(name): lacking for name in types}
    return emulator(answers, kvm=kvm, types=types)


def names(found: HostModel | None) -> list[str]:
    assert found is not None
    return [feature.name for feature in found.features]


def test_the_model_with_vendor_and_features() -> None:
    found = host_model(qemu64_with("x2apic", "aes"), "tcg", host(phys_addr_bits=48), NEWEST)
    assert found == HostModel(
        "qemu64",
        "forbid",
        "AMD",
        None,
        (Feature("require", "aes"), Feature("require", "invtsc"), Feature("require", "x2apic")),
    )


def test_features_were_in_the_order_of_the_map_once() -> None:
    facts = qemu64_with("x2apic", "aes")
    assert names(host_model(facts, "tcg", host(), NEWEST)) == ["aes", "invtsc", "x2apic"]
    assert names(host_model(facts, "tcg", host(), UNSORTED_LAST)) == ["x2apic", "aes", "invtsc"]


def test_the_width_of_addresses_is_told_with_an_accelerator_only() -> None:
    found = host_model(qemu64_with(kvm=True), "kvm", host(phys_addr_bits=46), NEWEST)
    assert found is not None
    assert found.maxphysaddr == 46
    found = host_model(qemu64_with(kvm=True), "kvm", host(), NEWEST)
    assert found is not None
    assert found.maxphysaddr is None


@pytest.mark.parametrize("arch", ["aarch64", "i686", "s390x"])
def test_a_foreign_host_has_no_such_model(arch: str) -> None:
    assert host_model(qemu64_with(), "tcg", host(arch), NEWEST) is None


def test_the_whole_list_has_what_the_model_has_too() -> None:
    plain = host_model(qemu64_with("aes"), "tcg", host(), NEWEST)
    whole = host_model(qemu64_with("aes"), "tcg", host(), NEWEST, expand=True)
    assert set(names(plain)) < set(names(whole))
    assert {"aes", "invtsc", *QEMU64} == set(names(whole))
    assert names(whole) == sorted(names(whole))


def test_a_disabled_feature_stays_disabled_in_the_whole_list() -> None:
    props = {name: value for name, value in AMD.items() if name != "cx16"}
    facts = emulator(x86_answers("max", props, [definition("qemu64")]))
    found = host_model(facts, "tcg", host(), NEWEST, expand=True)
    assert found is not None
    assert Feature("disable", "cx16") in found.features
    assert len(names(found)) == len(set(names(found)))


def test_features_of_msrs_were_not_trusted_to_an_emulator_for_i686() -> None:
    told = ("x2apic", "rdctl-no", "vmx-ept")
    for types, dialect, expected in (
        (MAX_TYPES, parse_dialect("11.3"), {"x2apic", "rdctl-no", "vmx-ept"}),
        ((), parse_dialect("11.3"), {"x2apic"}),
        ((), NEWEST, {"x2apic", "rdctl-no", "vmx-ept"}),
    ):
        found = host_model(qemu64_with(*told, types=types), "tcg", host(), dialect)
        assert set(names(found)) - {"invtsc"} == expected


HELD_BACK = {"arch-capabilities": True, "rdctl-no": True, "mds-no": True, "xop": True}


def held_back(props: dict[str, object]) -> EmulatorFacts:
    answers = x86_answers("host", props, [definition("qemu64")], None, HELD_BACK)
    return emulator(answers, kvm=True)


def test_supported_features_are_added_on_request() -> None:
    facts = held_back(AMD)
    assert names(host_model(facts, "kvm", host(), NEWEST)) == []
    found = host_model(facts, "kvm", host(), NEWEST, supported=True)
    assert names(found) == ["arch-capabilities", "mds-no", "rdctl-no"]


def test_supported_features_are_added_where_they_are_held_back_only() -> None:
    intel = AMD | {"vendor": "GenuineIntel"}
    assert names(host_model(held_back(intel), "kvm", host(), NEWEST, supported=True)) == []
    on = AMD | {"arch-capabilities": True}
    found = host_model(held_back(on), "kvm", host(), NEWEST, supported=True)
    assert names(found) == ["arch-capabilities"]


def test_what_kvm_supports_counts_for_plain_emulation_too() -> None:
    told = {"migratable": False, "arch-capabilities": True}
    answer = {cpu_expansion_of("host", "static", told): expanded(AMD | HELD_BACK)}
    facts = with_session(qemu64_with(), kvm_session(answer))
    found = host_model(facts, "tcg", host(), NEWEST, supported=True)
    assert {"arch-capabilities", "mds-no", "rdctl-no"} < set(names(found))


def test_without_kvm_no_more_is_known_to_be_supported() -> None:
    facts = qemu64_with("aes")
    plain = host_model(facts, "tcg", host(), NEWEST)
    assert host_model(facts, "tcg", host(), NEWEST, supported=True) == plain


def test_a_question_that_was_not_asked_is_not_a_no() -> None:
    answers = {
        ask("query-qmp-schema"): EXPANSION,
        ask("query-cpu-definitions"): [definition("qemu64")],
    }
    with pytest.raises(Unanswered):
        host_model(emulator(answers), "tcg", host(), NEWEST)


def test_an_emulator_that_refuses_has_no_such_model() -> None:
    answers = x86_answers("max", AMD, [definition("qemu64")])
    answers[cpu_expansion_of("max", "static")] = REFUSED
    assert host_model(emulator(answers), "tcg", host(), NEWEST) is None


def test_an_emulator_that_can_not_tell_what_does_not_migrate() -> None:
    answers = x86_answers("max", AMD | {"invtsc": False}, [definition("qemu64")])
    answers[cpu_expansion_of("max", "static", {"migratable": False})] = REFUSED
    assert names(host_model(emulator(answers), "tcg", host(), NEWEST)) == []


def test_an_accelerator_that_is_not_there_has_no_such_model() -> None:
    assert host_model(qemu64_with(), "kvm", host(), NEWEST) is None


# -- s390x ---------------------------------------------------------------------------------------


def mainframe() -> EmulatorFacts:
    props = {"vx": True, "aen": True, "te": True, "nnpa": False, "type": "text", "number": 5}
    answers = {
        ask("query-qmp-schema"): EXPANSION,
        ask("query-cpu-definitions"): [definition("gen16a")],
        cpu_expansion_of("host", "static"): expanded(props, "gen16a-base"),
        cpu_expansion_of("host", "full"): expanded(props, "gen16a-base", ("te", "csske")),
    }
    return emulator(answers, target="s390x", types=(), kvm=True)


def test_s390x_takes_what_qemu_says() -> None:
    found = host_model(mainframe(), "kvm", host("s390x"), UNSORTED_LAST)
    assert found == HostModel(
        "gen16a-base",
        "forbid",
        features=(
            Feature("require", "vx"),
            Feature("require", "aen"),
            Feature("require", "te"),
            Feature("disable", "nnpa"),
        ),
    )


def test_s390x_in_the_newest_dialect_is_sorted() -> None:
    assert names(host_model(mainframe(), "kvm", host("s390x"), NEWEST)) == [
        "aen", "nnpa", "te", "vx",
    ]  # fmt: skip


def test_deprecated_features_are_disabled_on_request() -> None:
    found = host_model(mainframe(), "kvm", host("s390x"), OLDEST, disable_deprecated=True)
    assert found is not None
    assert found.features[2:] == (
        Feature("disable", "te"),
        Feature("disable", "nnpa"),
        Feature("disable", "csske"),
    )


def test_the_whole_list_of_s390x_is_what_qemu_says_in_order() -> None:
    found = host_model(mainframe(), "kvm", host("s390x"), OLDEST, expand=True)
    assert names(found) == ["aen", "nnpa", "te", "vx"]


# -- others --------------------------------------------------------------------------------------


def power(*models: str) -> EmulatorFacts:
    answers = {ask("query-cpu-definitions"): [definition(model) for model in models]}
    return emulator(answers, target="ppc64", types=(), kvm=True)


def test_ppc64_takes_the_hosts_model() -> None:
    found = host_model(power("power9", "power10"), "kvm", host("ppc64le", model="POWER9"), NEWEST)
    assert found == HostModel("POWER9", "allow")


def test_ppc64_has_the_vendor_that_the_host_tells() -> None:
    cpu = host("ppc64", model="POWER9", vendor="IBM")
    assert host_model(power("power9"), "tcg", cpu, NEWEST) == HostModel("POWER9", "allow", "IBM")


@pytest.mark.parametrize("model", ["", "POWER8", "POWER99"])
def test_ppc64_needs_a_model_that_is_known_and_offered(model: str) -> None:
    assert host_model(power("power9", "power99"), "kvm", host("ppc64", model=model), NEWEST) is None


@pytest.mark.parametrize("target", ["aarch64", "riscv64", "loongarch64", "sparc", "ppc"])
def test_no_other_architecture_has_such_a_model(target: str) -> None:
    answers = {
        ask("query-cpu-definitions"): [definition("max")],
        cpu_expansion_of("max", "static"): expanded({"a": True}),
        cpu_expansion_of("max", "full"): expanded({"a": True}),
    }
    facts = emulator(answers, target=target, types=())
    assert host_model(facts, "tcg", host(target, model="max"), NEWEST) is None
