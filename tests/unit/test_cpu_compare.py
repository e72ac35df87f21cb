"""What keeps a guest from having an x86 CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cpu_fakes import EPYC, NEWEST, definition, emulator, host, x86_answers
from domcaps.cpu.compare import (
    Mismatch,
    OfferedFeatures,
    Wanted,
    forbidden,
    host_features,
    mismatch,
)
from domcaps.cpu.hostmodel import host_model
from domcaps.cpu.models import blockers_by_model
from domcaps.cpu.x86map import x86_map
from domcaps.facts.host import HostFacts
from domcaps.facts.node import Leaf, Node
from domcaps.facts.question import cpu_expansion_of
from domcaps.facts.record import Failure

if TYPE_CHECKING:
    from domcaps.facts.emulator import EmulatorFacts

KNOWN = x86_map(NEWEST)
QEMU64 = dict.fromkeys(KNOWN.names_of(KNOWN.models["qemu64"].features), True)
OLD, NEW = "qemu64", "EPYC-v3"
"""A model that is judged by what it consists of, and one that is judged by what QEMU says."""


def offered(*more: str, kvm: bool = False, lacking: tuple[str, ...] = ()) -> EmulatorFacts:
    """An emulator of AMD's qemu64 with some features more; `lacking` are those that EPYC lacks."""
    props = QEMU64 | EPYC | dict.fromkeys(more, True)
    models = [definition(OLD), definition(NEW, *lacking)]
    return emulator(x86_answers("host" if kvm else "max", props, models), kvm=kvm)


def features(emulated: EmulatorFacts) -> OfferedFeatures | None:
    return host_features(emulated, "tcg", HostFacts(host()), NEWEST)


def found(
    emulated: EmulatorFacts, model: str = "", accelerator: str = "tcg", **wanted: Any
) -> Mismatch | None:  # fmt: skip
    has = HostFacts(host(flags=wanted.pop("flags", ())))
    return mismatch(
        host_features(emulated, accelerator, has, NEWEST), KNOWN, Wanted(model, **wanted)
    )


def test_a_model_that_the_host_is() -> None:
    assert found(offered(), OLD) is None
    assert found(offered("aes"), OLD) is None


def test_a_strict_guest_wants_no_more_than_its_model() -> None:
    assert found(offered("aes"), OLD, strict=True) == Mismatch("extra", ("aes",))
    assert found(offered("aes"), OLD, strict=True, policies={"aes": "optional"}) is None


def test_a_vendor_is_the_hosts() -> None:
    assert found(offered(), OLD, vendor="AMD") is None
    assert found(offered(), OLD, vendor="Intel") == Mismatch("vendor")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("require", Mismatch("missing", ("aes",))),
        ("force", None),
        ("optional", None),
        ("disable", None),
        ("forbid", None),
    ],
)
def test_a_feature_that_the_host_lacks(policy: str, expected: Mismatch | None) -> None:
    assert found(offered(), OLD, policies={"aes": policy}) == expected


def test_a_feature_that_the_host_has_can_be_forbidden() -> None:
    assert found(offered("aes"), OLD, policies={"aes": "forbid"}) == Mismatch("forbidden", ("aes",))
    assert found(offered("aes"), OLD, policies={"aes": "require"}) is None
    asked = Wanted(OLD, policies={"aes": "forbid", "avx": "forbid"})
    assert forbidden(features(offered("aes")), asked) == ("aes",)


def test_newer_models_lack_what_qemu_says() -> None:
    assert found(offered(), NEW) is None
    lacking = offered(lacking=("avx2", "sha-ni"))
    assert found(lacking, NEW) == Mismatch("missing", ("avx2", "sha-ni"))
    assert found(lacking, NEW, policies={"avx2": "disable"}) == Mismatch("missing", ("sha-ni",))
    assert found(lacking, NEW, policies={"avx2": "disable", "sha-ni": "forbid"}) is None


def test_features_can_be_added_to_newer_models_where_the_host_has_them() -> None:
    assert found(offered("avx512f"), NEW, policies={"avx512f": "require"}) is None
    assert found(offered(), NEW, policies={"avx512f": "require"}) == Mismatch(
        "missing", ("avx512f",)
    )


def test_with_kvm_the_processor_counts_as_well() -> None:
    # KVM does not offer it, but the kernel tells that the processor has it
    asked: dict[str, Any] = {"model": OLD, "accelerator": "kvm", "policies": {"aes": "require"}}
    assert found(offered(kvm=True), flags=("fpu", "aes"), **asked) is None
    assert found(offered(kvm=True), flags=("fpu",), **asked) == Mismatch("missing", ("aes",))


def test_with_kvm_the_kernel_has_names_of_its_own() -> None:
    asked: dict[str, Any] = {"model": OLD, "accelerator": "kvm", "policies": {"cmt": "require"}}
    assert found(offered(kvm=True), flags=("fpu", "cqm"), **asked) is None
    assert found(offered(kvm=True), flags=("fpu",), **asked) == Mismatch("missing", ("cmt",))


def test_features_that_the_kernel_does_not_tell_of_may_be_there() -> None:
    asked: dict[str, Any] = {"model": OLD, "accelerator": "kvm", "policies": {"xsaves": "require"}}
    assert found(offered(kvm=True), flags=("fpu",), **asked) is None


def test_nothing_is_said_where_nothing_is_known() -> None:
    # a host whose processor was not looked at, and an emulator that refuses
    asked: dict[str, Any] = {"model": OLD, "policies": {"aes": "require"}}
    assert found(offered(kvm=True), accelerator="kvm", **asked) is None
    answers = x86_answers("max", QEMU64 | EPYC, [definition(OLD)])
    answers[cpu_expansion_of("max", "static")] = Failure("GenericError", "no")
    assert found(emulator(answers), **asked) is None
    assert forbidden(features(emulator(answers)), Wanted(OLD)) == ()


def test_an_emulator_that_offers_no_model_tells_of_no_cpu() -> None:
    nothing = emulator(x86_answers("max", QEMU64 | EPYC, []))
    assert host_model(nothing, "tcg", host(), NEWEST) is None
    assert found(nothing, OLD) is None


def test_only_mainframes_have_features_that_are_no_longer_wanted() -> None:
    plain = host_model(offered("aes"), "tcg", host(), NEWEST)
    assert host_model(offered("aes"), "tcg", host(), NEWEST, disable_deprecated=True) == plain


def test_an_emulator_that_refuses_holds_nothing_back() -> None:
    told = {"migratable": False, "arch-capabilities": True}
    answers = x86_answers("host", QEMU64 | EPYC, [definition(OLD)])
    answers[cpu_expansion_of("host", "static", told)] = Failure("GenericError", "no")
    refusing = emulator(answers, kvm=True)
    plain = host_model(refusing, "kvm", host(), NEWEST)
    assert plain is not None
    assert host_model(refusing, "kvm", host(), NEWEST, supported=True) == plain


def test_a_model_that_is_listed_twice_counts_as_it_comes_first() -> None:
    answers = x86_answers("max", QEMU64, [definition(OLD, "aes"), definition(OLD, "avx")])
    assert blockers_by_model(emulator(answers), "tcg") == {OLD: ("aes",)}


@pytest.mark.parametrize(
    ("feature", "flag"),
    [("sse4.1", "sse4_1"), ("pclmuldq", "pclmulqdq"), ("tsc-deadline", "tsc_deadline_timer"),
     ("sha-ni", "sha_ni"), ("avx512vnni", "avx512_vnni"), ("avx512-vpopcntdq", "avx512_vpopcntdq"),
     ("cr8legacy", "cr8_legacy"), ("spec-ctrl", "ibrs"), ("cet-ibt", "ibt")],
)  # fmt: skip
def test_the_kernel_spells_features_otherwise(feature: str, flag: str) -> None:
    asked: dict[str, Any] = {
        "model": OLD,
        "accelerator": "kvm",
        "policies": {feature: "require"},
    }
    assert found(offered(kvm=True), flags=("fpu", flag), **asked) is None
    assert found(offered(kvm=True), flags=("fpu",), **asked) == Mismatch("missing", (feature,))


def test_cpuid_goes_before_what_the_kernel_shows() -> None:
    """Bit 26 of EDX of leaf 7 is spec-ctrl, bit 25 of ECX of leaf 1 aes."""
    leaves = (Leaf(1, 0, ecx=1 << 25), Leaf(7, 0))
    node = Node(cpuid=leaves)
    has = HostFacts(host(flags=("fpu", "ibrs")), lambda: node)

    def said(feature: str, policy: str) -> Mismatch | None:
        wanted = Wanted(OLD, policies={feature: policy})
        return mismatch(host_features(offered(kvm=True), "kvm", has, NEWEST), KNOWN, wanted)

    assert said("aes", "require") is None
    assert said("aes", "forbid") == Mismatch("forbidden", ("aes",))
    assert said("spec-ctrl", "require") == Mismatch("missing", ("spec-ctrl",))
