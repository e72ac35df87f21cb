"""The CPU data file keeps what the arithmetic relies on."""

from __future__ import annotations

import re

import pytest

from cpu_fakes import NEWEST, OLDEST
from domcaps.cpu.data import PATH, cpu_data, known_in
from domcaps.cpu.models import libvirt_models
from domcaps.cpu.x86map import x86_map
from domcaps.language import Dialect, known_dialects, parse_dialect
from domcaps.language.change import changes

X86 = cpu_data().x86


def test_the_file_is_small_enough_to_be_read_at_every_start() -> None:
    assert PATH.stat().st_size < 400_000


def test_no_two_features_share_a_bit() -> None:
    places = [(feature.word, feature.bit) for feature in X86.features]
    assert len(set(places)) == len(places) > 300


def test_every_word_is_one_of_cpuid_or_an_msr() -> None:
    word = re.compile(r"cpuid 0x[0-9a-f]+ 0x[0-9a-f]+ e[abcd]x|msr 0x[0-9a-f]+")
    assert not [f.name for f in X86.features if not word.fullmatch(f.word)]
    assert not [f.name for f in X86.features if f.bit >= (64 if f.word.startswith("msr") else 32)]


@pytest.mark.parametrize("facts", [X86.features, X86.models, X86.vendors, cpu_data().arm.models])
def test_names_are_given_once(facts: tuple[object, ...]) -> None:
    names = [fact.name for fact in facts]  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)


def test_models_refer_to_models_and_features_that_came_no_later() -> None:
    features = {feature.name: feature for feature in X86.features}
    earlier: set[str] = set()
    for model in X86.models:
        for dialect in known_dialects():
            # what older releases do not know of a model is left out of it there
            if known_in(model, dialect) and dialect >= parse_dialect("11.3"):
                told = {*model.with_, *model.added, *model.removed}
                assert not [n for n in told if not known_in(features[n], dialect)], model.name
        assert not {model.like, model.version_of} - {"", *earlier}, model.name
        earlier.add(model.name)


def test_models_of_older_releases_have_features_that_these_know_and_no_others() -> None:
    features = {feature.name: feature for feature in X86.features}
    for dialect in known_dialects():
        known = x86_map(dialect)
        for name, model in known.models.items():
            told = known.names_of(model.features)
            assert told, (name, dialect)
            assert not [n for n in told if not known_in(features[n], dialect)], (name, dialect)


def test_since_names_changes_of_the_table() -> None:
    facts = (*X86.features, *X86.models, *X86.vendors, *cpu_data().ppc64.models)
    assert {name for fact in facts for name in (fact.since, fact.until)} - {""} <= set(changes())


def test_a_numbered_name_is_the_same_model() -> None:
    models = x86_map(NEWEST).models
    plain, numbered = models["EPYC-IBPB"], models["EPYC-v2"]
    assert numbered.features == plain.features
    assert numbered.vendor == plain.vendor == "AMD"
    assert plain.guest
    assert not numbered.guest
    assert x86_map(NEWEST).canonical["EPYC-IBPB"] == "EPYC-v2"


def test_features_of_a_model_that_is_told_relative_to_another() -> None:
    known = x86_map(NEWEST)
    g3 = set(known.names_of(known.models["Opteron_G3"].features))
    assert {"abm", "misalignsse", "sse4a", "lm", "sse2"} <= g3
    assert "monitor" not in g3
    assert known.models["Opteron_G3"].removed == ("monitor",)


def test_an_older_dialect_knows_less() -> None:
    old, new = x86_map(OLDEST), x86_map(NEWEST)
    assert "EPYC-Turin" in new.models
    assert "EPYC-Turin" not in old.models
    assert new.bits_of(["tsa-sq-no"])
    assert not old.bits_of(["tsa-sq-no"])
    assert new.vendor_of("CentaurHauls") == "Zhaoxin CentaurHauls"
    assert old.vendor_of("CentaurHauls") == ""
    assert list(old.models) == [name for name in new.models if name in old.models]


def test_power_models_have_come_one_by_one() -> None:
    assert "POWER11" not in (libvirt_models("ppc64", OLDEST) or {})
    assert (libvirt_models("ppc64le", Dialect(11, 4)) or {})["POWER11"] == "IBM"


def test_where_qemu_alone_knows_the_models() -> None:
    assert libvirt_models("aarch64", NEWEST) is None
