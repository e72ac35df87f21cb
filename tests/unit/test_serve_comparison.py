"""Comparing the CPU that an emulator has with one that somebody describes."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from domcaps.cpu import Feature, HostModel
from domcaps.cpu.x86map import x86_map
from domcaps.language.dialect import Dialect
from domcaps.serve.baseline import (
    baseline_elsewhere,
    baseline_x86,
    check_models,
    expanded,
    guests,
    lowest_limit,
)
from domcaps.serve.comparison import (
    CpuComparison,
    compare,
    compare_elsewhere,
    compare_with_emulator,
)
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.xml.cpu import CpuKind, check_names, read_cpu

MAP = x86_map(Dialect(12, 8))
OURS = HostModel(
    "Westmere",
    "forbid",
    "Intel",
    features=(Feature("require", "avx"), Feature("disable", "aes")),
)
NO, SAME, MORE = CpuComparison.INCOMPATIBLE, CpuComparison.IDENTICAL, CpuComparison.SUPERSET


@pytest.mark.parametrize(
    ("inner", "result"),
    [
        ("<model>Nehalem</model>", MORE),
        ("<model>Westmere</model>", NO),
        ("<model>Westmere</model><feature name='aes' policy='disable'/>", MORE),
        ("<model>Westmere</model><feature name='aes' policy='optional'/>", MORE),
        ("<model>Westmere</model><feature name='aes' policy='force'/>", MORE),
        (
            (
                "<model>Westmere</model><feature name='aes' policy='disable'/>"
                "<feature name='avx' policy='require'/>"
            ),
            SAME,
        ),
        ("<model>Nehalem</model><feature name='avx' policy='forbid'/>", NO),
        ("<model>Nehalem</model><feature name='avx2'/>", NO),
        ("<model>Nehalem</model><vendor>Intel</vendor>", MORE),
        ("<model>Nehalem</model><vendor>AMD</vendor>", NO),
        ("<arch>x86_64</arch><model>Nehalem</model><feature name='avx'/>", SAME),
        ("<arch>ppc64</arch><model>POWER9</model>", NO),
    ],
)
def test_a_cpu_is_there_or_not(inner: str, result: CpuComparison) -> None:
    found, reason = compare(OURS, read_cpu(f"<cpu>{inner}</cpu>"), MAP)
    assert found == result
    assert bool(reason) == (result == NO)


FORM, VALUE, ARGUMENT = (
    ErrorNumber.XML_ERROR,
    ErrorNumber.CONFIG_UNSUPPORTED,
    ErrorNumber.INVALID_ARG,
)


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<cpu", ErrorNumber.XML_DETAIL),
        ("<domain/>", FORM),
        ("<cpu><feature/></cpu>", FORM),
        ("<cpu><model>m</model><feature name='avx' policy='maybe'/></cpu>", VALUE),
        ("<cpu><model>m</model><feature name='avx'/><feature name='avx'/></cpu>", FORM),
        ("<cpu><feature name='avx'/></cpu>", FORM),
        ("<cpu><vendor>Intel</vendor></cpu>", FORM),
        ("<cpu mode='some'/>", VALUE),
        ("<cpu match='some'/>", FORM),
        ("<cpu migratable='on'/>", VALUE),
        ("<cpu><model fallback='some'>m</model></cpu>", VALUE),
        ("<cpu match='exact'><arch>x86_64</arch><model>m</model></cpu>", FORM),
        ("<cpu mode='custom'><arch>x86_64</arch><model>m</model></cpu>", VALUE),
        ("<cpu><arch>x86_64</arch></cpu>", FORM),
        ("<cpu><arch>pdp11</arch><model>m</model></cpu>", VALUE),
        (
            "<!DOCTYPE cpu [<!ENTITY a 'b'>]><cpu><model>&a;</model></domain>",
            ErrorNumber.XML_DETAIL,
        ),
    ],
)
def test_what_is_no_cpu_is_refused(xml: str, code: ErrorNumber) -> None:
    with pytest.raises(LibvirtError) as caught:
        read_cpu(xml)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("xml", "is_refused"),
    [
        ("<cpu mode='custom'><model fallback='allow'>m</model></cpu>", False),
        ("<cpu><arch>x86_64</arch><pages unit='KiB' size='4'/><!-- --></cpu>", False),
        ("<cpu some='1'/>", True),
        ("<cpu><some/></cpu>", True),
    ],
)
def test_names_are_looked_at_where_that_is_asked_for(xml: str, is_refused: bool) -> None:
    if not is_refused:
        check_names(xml)
        return
    with pytest.raises(LibvirtError, match="has no") as caught:
        check_names(xml)
    assert caught.value.code == ErrorNumber.XML_INVALID_SCHEMA


@pytest.mark.parametrize(
    "inner", ["<model>nope</model>", "<model>Nehalem</model><feature name='nope'/>"]
)
def test_unknown_names_are_refused(inner: str) -> None:
    with pytest.raises(LibvirtError, match="nope"):
        compare(OURS, read_cpu(f"<cpu>{inner}</cpu>"), MAP)


def test_a_strict_match_takes_nothing_more() -> None:
    cpu = read_cpu("<cpu match='strict'><model>Nehalem</model></cpu>")
    assert compare(OURS, cpu, MAP)[0] == NO
    assert compare(OURS, read_cpu("<cpu><model>Nehalem</model></cpu>"), MAP)[0] == MORE


# -- what an emulator says of its models ----------------------------------------------------------

RUNS = {"Broadwell-v1": (), "Skylake-Client-v1": ("avx2", "bmi2"), "core2duo": (), "EPYC": ("aes",)}


@pytest.mark.parametrize(
    ("inner", "result"),
    [
        # it runs, whatever it consists of
        ("<model>Broadwell-v1</model>", MORE),
        ("<model>Broadwell-v1</model><vendor>AMD</vendor>", MORE),
        ("<model>Broadwell-v1</model><feature name='avx'/>", MORE),
        ("<model>Broadwell-v1</model><feature name='avx512f'/>", NO),
        ("<model>Broadwell-v1</model><feature name='avx512f' policy='force'/>", MORE),
        # it does not, unless what it lacks is left off
        ("<model>Skylake-Client-v1</model>", NO),
        ("<model>Skylake-Client-v1</model><feature name='avx2' policy='disable'/>", NO),
        (
            (
                "<model>Skylake-Client-v1</model><feature name='avx2' policy='disable'/>"
                "<feature name='bmi2' policy='disable'/>"
            ),
            MORE,
        ),
        # older models: only as they are, or with less
        ("<model>core2duo</model><vendor>AMD</vendor>", MORE),
        ("<model>core2duo</model><feature name='vme' policy='disable'/>", MORE),
        ("<model>core2duo</model><vendor>AMD</vendor><feature name='avx'/>", NO),
        ("<model>EPYC</model>", NO),
        # one that the emulator does not have
        ("<model>Nehalem</model>", MORE),
    ],
)
def test_models_that_run_will_do(inner: str, result: CpuComparison) -> None:
    found, reason = compare_with_emulator(OURS, RUNS, read_cpu(f"<cpu>{inner}</cpu>"), MAP)
    assert (found, bool(reason)) == (result, result == NO)


POWER = HostModel("POWER9", "allow", "IBM")


@pytest.mark.parametrize(
    ("arch", "there", "inner", "result"),
    [
        ("ppc64le", POWER, "<model>POWER9</model>", SAME),
        ("ppc64le", POWER, "<model>POWER8</model>", NO),
        ("ppc64le", POWER, "<model>POWER9</model><vendor>AMD</vendor>", NO),
        ("ppc64le", POWER, "<arch>x86_64</arch><model>POWER9</model>", NO),
        ("ppc64le", None, "<model>POWER9</model>", NO),
        ("aarch64", None, "<model>cortex-a57</model>", SAME),
        ("aarch64", None, "<arch>aarch64</arch><model>cortex-a57</model>", NO),
        ("s390x", None, "<model>z14</model>", SAME),
        ("riscv64", None, "<model>rv64</model>", SAME),
    ],
)
def test_elsewhere_names_are_compared(
    arch: str, there: HostModel | None, inner: str, result: CpuComparison
) -> None:
    found, reason = compare_elsewhere(arch, there, read_cpu(f"<cpu>{inner}</cpu>"))
    assert (found, bool(reason)) == (result, result == NO)


# -- baselines -------------------------------------------------------------------------------------


def host(inner: str) -> Any:
    return read_cpu(f"<cpu><arch>x86_64</arch>{inner}</cpu>", CpuKind.HOST)


def test_one_cpu_is_its_own_baseline() -> None:
    found = baseline_x86([host("<model>Nehalem</model><feature name='avx'/>")], MAP)
    assert (found.model, found.vendor, found.fallback) == ("Nehalem", "", "forbid")
    assert found.features == (("avx", "require"),)


def test_what_cpus_have_in_common_is_their_baseline() -> None:
    cpus = [
        host("<model>Westmere</model><vendor>Intel</vendor><feature name='avx'/>"),
        host("<model>Nehalem</model><vendor>Intel</vendor><feature name='avx'/>"),
    ]
    found = baseline_x86(cpus, MAP)
    assert (found.model, found.vendor, found.fallback) == ("Nehalem", "Intel", "allow")
    assert found.features == (("avx", "require"),)


def test_an_emulator_leaves_out_what_it_does_not_know_or_can_not_give() -> None:
    cpus = [read_cpu("<cpu><model>Westmere</model><feature name='avx'/></cpu>")]
    known = MAP.models["Westmere"].features
    told = [*MAP.names_of(known)]
    found = baseline_x86(cpus, MAP, offered={"Westmere": ("ssse3",)}, told=told)
    assert found.model == "Westmere"
    assert dict(found.features) == {"ssse3": "disable"}


def test_a_guest_that_is_to_migrate_has_only_what_can() -> None:
    cpus = [host("<model>Nehalem</model><feature name='invtsc'/><feature name='avx'/>")]
    assert dict(baseline_x86(cpus, MAP).features) == {"invtsc": "require", "avx": "require"}
    assert dict(baseline_x86(cpus, MAP, migratable=True).features) == {"avx": "require"}


def test_hosts_have_features_that_guests_are_not_given() -> None:
    cpus = [host("<model>Nehalem</model>" + "".join(
        f"<feature name='{name}'/>" for name in ("osxsave", "cmt", "ht", "avx")))]  # fmt: skip
    found = baseline_x86(cpus, MAP)
    assert dict(guests(found, Dialect(11, 3)).features) == {"ht": "require", "avx": "require"}
    assert dict(guests(found, Dialect(12, 8)).features) == {"avx": "require"}


def test_features_of_the_model_are_listed_by_name() -> None:
    found = expanded(baseline_x86([host("<model>Nehalem</model><feature name='avx'/>")], MAP), MAP)
    names = [name for name, _ in found.features]
    assert names == sorted(names)
    assert set(names) >= {"avx", *MAP.names_of(MAP.models["Nehalem"].features)}
    root = etree.fromstring(found.xml)
    assert [node.get("name") for node in root.iterfind("feature")] == names


@pytest.mark.parametrize(
    ("inners", "code"),
    [
        (["<model>nope</model>"], ErrorNumber.INTERNAL_ERROR),
        (["<model>Nehalem</model><feature name='nope'/>"], ErrorNumber.INTERNAL_ERROR),
        (["<model>Nehalem</model><vendor>Nope</vendor>"], ErrorNumber.OPERATION_FAILED),
        (["<model>Nehalem</model>", "<model>EPYC</model>"], ErrorNumber.OPERATION_FAILED),
        (
            ["<model>Nehalem</model>", "<model>Nehalem</model><vendor>AMD</vendor>"],
            ErrorNumber.OPERATION_FAILED,
        ),
    ],
)
def test_there_may_be_no_baseline(inners: list[str], code: ErrorNumber) -> None:
    if code is ErrorNumber.OPERATION_FAILED and "EPYC" in inners[-1]:
        inners[0] += "<vendor>Intel</vendor>"
    with pytest.raises(LibvirtError) as caught:
        baseline_x86([host(inner) for inner in inners], MAP)
    assert caught.value.code == code


def test_a_baseline_is_of_models() -> None:
    for cpus in ([], [read_cpu("<cpu mode='host-passthrough'/>")]):
        with pytest.raises(LibvirtError) as caught:
            check_models(cpus)
        assert caught.value.code == ARGUMENT


@pytest.mark.parametrize(
    ("arch", "models", "found"),
    [
        ("aarch64", ["a", "b"], "a"),
        ("ppc64", ["POWER9", "POWER9"], "POWER9"),
        ("ppc64", ["POWER9", "POWER8"], ErrorNumber.OPERATION_FAILED),
        ("ppc64", ["POWER0"], ErrorNumber.INTERNAL_ERROR),
        ("s390x", ["z14"], ErrorNumber.NO_SUPPORT),
    ],
)
def test_elsewhere_names_have_to_be_alike(arch: str, models: list[str], found: object) -> None:
    cpus = [read_cpu(f"<cpu><arch>{arch}</arch><model>{model}</model></cpu>") for model in models]
    if isinstance(found, str):
        assert baseline_elsewhere(arch, cpus, Dialect(12, 8)).model == found
        return
    with pytest.raises(LibvirtError) as caught:
        baseline_elsewhere(arch, cpus, Dialect(12, 8))
    assert caught.value.code == found


def test_addresses_are_limited_where_all_are() -> None:
    limits = [
        read_cpu(f"<cpu><maxphysaddr mode='passthrough' limit='{n}'/></cpu>") for n in (52, 46)
    ]
    assert lowest_limit(limits) == 46
    assert lowest_limit([*limits, read_cpu("<cpu/>")]) == 0
