"""Which model a CPU is taken for, and what is then required and disabled."""

from __future__ import annotations

import pytest

from cpu_fakes import EPYC, NEWEST
from domcaps.cpu.x86 import CpuData, Decoded, cpu_data, decode
from domcaps.cpu.x86map import X86CpuModel, x86_map

MAP = x86_map(NEWEST)


def cpu_like(name: str, *more: str, without: tuple[str, ...] = (), **signature: int) -> CpuData:
    model: X86CpuModel = MAP.models[name]
    told = {"family": 0, "model": 0, "stepping": 0} | signature
    features = (model.features | MAP.bits_of(more)) & ~MAP.bits_of(without)
    return CpuData(features, model.vendor, **told)


def best(data: CpuData, *offered: str, **blockers: tuple[str, ...]) -> Decoded:
    lacking: dict[str, tuple[str, ...]] = dict.fromkeys(offered, ())
    found = decode(data, lacking | blockers, MAP)
    assert found is not None
    return found


def test_the_model_with_the_same_features_is_found() -> None:
    found = best(cpu_like("Nehalem"), "Conroe", "Penryn", "Nehalem", "Westmere", "qemu64")
    assert found == Decoded("Nehalem", "Intel", (), ())


def test_features_on_top_are_required_and_missing_ones_disabled() -> None:
    found = best(cpu_like("Nehalem", "x2apic", "aes", without=("popcnt",)), "Nehalem")
    assert found.require == ("x2apic", "aes")
    assert found.disable == ("popcnt",)


def test_features_come_in_the_order_of_the_map() -> None:
    more = ("invtsc", "x2apic", "ss", "avx512f")
    found = best(cpu_like("qemu64", *more), "qemu64")
    assert found.require == tuple(name for name in MAP.names if name in more)


def test_only_models_that_the_emulator_offers_are_taken() -> None:
    assert best(cpu_like("Westmere"), "Conroe", "Nehalem").model == "Nehalem"


def test_models_of_another_vendor_are_not_taken() -> None:
    found = best(cpu_like("EPYC"), "Skylake-Server", "Opteron_G3", "Haswell")
    assert found.model == "Opteron_G3"


def test_of_an_unknown_vendor_any_model_may_be_taken() -> None:
    features = cpu_like("EPYC").features
    found = best(CpuData(features, "", 0, 0, 0), "EPYC", "Nehalem")
    assert (found.model, found.vendor) == ("EPYC", "")


def test_numbered_names_are_never_taken() -> None:
    assert decode(cpu_like("EPYC"), {"EPYC-v1": ()}, MAP) is None


def test_nothing_offered_gives_nothing() -> None:
    assert decode(cpu_like("EPYC"), {}, MAP) is None


def test_a_model_made_after_the_same_processor_goes_first() -> None:
    data = cpu_like("Conroe", family=6, model=26, stepping=3)
    assert best(data, "Conroe", "Nehalem").model == "Nehalem"
    assert best(cpu_like("Conroe"), "Conroe", "Nehalem").model == "Conroe"


@pytest.mark.parametrize(
    ("stepping", "model"),
    [(4, "Skylake-Server"), (6, "Cascadelake-Server"), (11, "Cooperlake")],
)
def test_steppings_tell_models_apart(stepping: int, model: str) -> None:
    data = cpu_like("Skylake-Server", family=6, model=85, stepping=stepping)
    found = best(data, "Skylake-Server", "Cascadelake-Server", "Cooperlake")
    assert found.model == model


def test_what_keeps_a_model_from_running_is_disabled_though_the_cpu_has_it() -> None:
    found = best(cpu_like("EPYC"), EPYC=("npt", "svm"))
    assert "npt" in found.disable
    assert "svm" in found.disable


def test_a_blocker_that_is_required_anyway_stays_required() -> None:
    found = best(cpu_like("EPYC", "npt"), EPYC=("npt",))
    assert found.require == ("npt",)
    assert "npt" not in found.disable


def test_unknown_blockers_are_ignored() -> None:
    assert best(cpu_like("Nehalem"), Nehalem=("no-such-feature",)).disable == ()


def test_what_a_model_has_lost_is_disabled_explicitly() -> None:
    assert best(cpu_like("EPYC"), "EPYC").disable == ("monitor",)
    assert best(cpu_like("EPYC", "monitor"), "EPYC").disable == ()


@pytest.mark.parametrize(
    ("model", "stepping", "broken"), [(60, 3, True), (63, 3, True), (63, 4, False), (61, 0, False)]
)
def test_tsx_of_the_first_haswells_does_not_count(model: int, stepping: int, broken: bool) -> None:
    found = best(cpu_like("Haswell", family=6, model=model, stepping=stepping), "Haswell")
    assert found.disable == (("hle", "rtm") if broken else ())


def test_properties_are_read_by_libvirts_names() -> None:
    props = EPYC | {"pclmulqdq": True, "lahf-lm": True, "sse2": False, "made-up": True}
    data = cpu_data("x86_64", props, MAP)
    assert data is not None
    assert MAP.names_of(data.features) == ["pclmuldq", "lahf_lm"]
    assert (data.vendor, data.family, data.model, data.stepping) == ("AMD", 23, 1, 2)


@pytest.mark.parametrize("vendor", ["", "GenuineInte", "GenuineIntelX"])
def test_a_vendor_that_cpuid_could_not_hold_gives_nothing(vendor: str) -> None:
    assert cpu_data("x86_64", {"vendor": vendor}, MAP) is None


def test_numbers_that_are_none_count_as_zero() -> None:
    data = cpu_data("x86_64", {"family": "6", "model": True, "stepping": None}, MAP)
    assert data == CpuData(0, "", 0, 0, 0)


def test_a_signature_is_cut_to_what_cpuid_can_tell() -> None:
    data = cpu_data("x86_64", {"family": 26, "model": 0x102, "stepping": 17}, MAP)
    assert data == CpuData(0, "", 26, 2, 1)
