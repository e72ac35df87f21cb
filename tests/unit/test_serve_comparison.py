"""Comparing the CPU that an emulator has with one that somebody describes."""

from __future__ import annotations

import pytest

from domcaps.cpu import Feature, HostModel
from domcaps.cpu.x86map import x86_map
from domcaps.serve.comparison import Comparison, compare
from domcaps.serve.cpuxml import read_cpu
from domcaps.serve.faults import Code, Fault

MAP = x86_map((12, 8))
OURS = HostModel(
    "Westmere",
    "forbid",
    "Intel",
    features=(Feature("require", "avx"), Feature("disable", "aes")),
)
NO, SAME, MORE = Comparison.INCOMPATIBLE, Comparison.IDENTICAL, Comparison.SUPERSET


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
    ],
)
def test_a_cpu_is_there_or_not(inner: str, result: Comparison) -> None:
    found, reason = compare(OURS, read_cpu(f"<cpu>{inner}</cpu>"), MAP)
    assert found == result
    assert bool(reason) == (result == NO)


@pytest.mark.parametrize(
    "xml",
    [
        "<cpu",
        "<domain/>",
        "<cpu><feature/></cpu>",
        "<cpu><feature name='avx' policy='maybe'/></cpu>",
        "<cpu><feature name='avx'/><feature name='avx'/></cpu>",
        "<!DOCTYPE cpu [<!ENTITY a 'b'>]><cpu><model>&a;</model></domain>",
    ],
)
def test_what_is_no_cpu_is_refused(xml: str) -> None:
    with pytest.raises(Fault) as caught:
        read_cpu(xml)
    assert caught.value.code == Code.XML_ERROR


@pytest.mark.parametrize(
    "inner", ["<model>nope</model>", "<model>Nehalem</model><feature name='nope'/>"]
)
def test_unknown_names_are_refused(inner: str) -> None:
    with pytest.raises(Fault, match="nope"):
        compare(OURS, read_cpu(f"<cpu>{inner}</cpu>"), MAP)
