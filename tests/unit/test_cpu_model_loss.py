"""The measure of what a guest loses with another CPU, and that its names are libvirt's."""

from __future__ import annotations

import pytest
from lxml import etree

from domcaps.cpu.model_loss import PROGRAMS, USUAL, Yardstick
from domcaps.cpu.x86map import x86_map
from domcaps.elements.advice.processor_needs import processor_needs
from domcaps.language.dialect import known_dialects
from poor_hosts import poor_host

KNOWN = x86_map(known_dialects()[-1])
OS = (
    "<domain><name>{}</name><metadata>"
    "<l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
    "<l:os id='http://{}'/></l:libosinfo></metadata></domain>"
)
SYSTEMS = {
    "apple.com/macosx/10.11": ("", "sse4.1"),
    "apple.com/macosx/10.13": ("sse4.1", "sse4.2"),
    "apple.com/macosx/10.15": ("sse4.2", "avx"),
    "apple.com/macosx/11": ("sse4.2", "avx2"),
    "apple.com/macosx/13": ("avx2", "aes"),
    "microsoft.com/win/7": ("", "cx16"),
    "microsoft.com/win/10": ("cx16", "sse4.2"),
    "microsoft.com/win/11": ("sse4.2", "avx"),
    "redhat.com/rhel/8.10": ("", "sse4.2"),
    "redhat.com/rhel/9.4": ("sse4.2", "avx2"),
    "almalinux.org/almalinux/10": ("avx2", "avx512f"),
    "centos.org/centos-stream/10": ("avx2", "avx512f"),
    "debian.org/debian/13": ("", "sse4.2"),
}


def bits(*names: str) -> int:
    return KNOWN.bits_of(names)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_a_system_needs_is_known_by_its_id(system: str) -> None:
    needs = processor_needs(etree.fromstring(OS.format("macOS", system)))
    needed, not_needed = SYSTEMS[system]
    assert not needed or needed in needs.features
    assert not_needed not in needs.features
    assert bool(needs.system) == bool(needs.features)
    # names that libvirt does not know would count nothing
    assert [name for name in (*PROGRAMS, *needs.features) if name not in KNOWN.bits] == []


@pytest.mark.parametrize(
    ("name", "needed"), [("macOS-vm", "avx2"), ("win11", "sse4.2"), ("web", "")]
)
def test_a_name_tells_the_system_but_not_its_release(name: str, needed: str) -> None:
    needs = processor_needs(etree.fromstring(f"<domain><name>{name}</name></domain>"))
    assert needed in needs.features if needed else needs.features == ()


def test_what_programs_use_counts_more_than_what_the_kernel_uses() -> None:
    yardstick = Yardstick(KNOWN)
    wanted = bits("avx2", "pcid", "invpcid", "tsc-deadline")
    assert yardstick.lost(wanted, bits("avx2")) < yardstick.lost(wanted, bits("pcid", "invpcid"))
    assert yardstick.lost(wanted, wanted | bits("aes")) == 0


def test_what_the_system_needs_counts_more_than_all_else() -> None:
    yardstick = Yardstick(KNOWN, ("sse4.2",))
    wanted = bits(*USUAL)
    assert yardstick.lost(wanted, bits("sse4.2")) < yardstick.lost(wanted, wanted & ~bits("sse4.2"))


def test_details_of_nested_virtualization_do_not_count() -> None:
    yardstick, details = Yardstick(KNOWN), bits("vmx-ept", "vmx-vpid")
    assert details
    assert yardstick.worth(details) == 0
    assert yardstick.added(0, details) == 0


HEAD = (
    "<domain type='qemu'><name>g</name><memory unit='GiB'>4</memory><os><type arch='x86_64' "
    "machine='q35'>hvm</type></os><cpu mode='custom' check='partial'><model>{}</model>{}</cpu>"
    "</domain>"
)
MODELS = {
    # few features are lacking: the model stays, without these
    "Broadwell": "Broadwell",
    "Skylake-Client": "Skylake-Client",
    "EPYC": "EPYC",
    # too many: another one of the vendor that keeps AVX2, which no complete one has
    "Icelake-Server": "Skylake-Client-noTSX-IBRS",
    "EPYC-Rome": "EPYC",
    "Cascadelake-Server": "Skylake-Client-noTSX-IBRS",
}


@pytest.mark.parametrize("model", MODELS)
def test_the_model_that_loses_least_is_proposed(model: str) -> None:
    found = poor_host().repair(HEAD.format(model, ""))
    text = found.data.decode()
    assert found.accepted
    assert f"<model>{MODELS[model]}</model>" in text
    cpu = etree.fromstring(text).find("cpu")
    assert cpu is not None
    assert {one.get("policy") for one in cpu.iterfind("feature")} == {"optional"}
    # the guest keeps AVX2, and what it loses is said
    (change,) = found.changes
    assert "avx2" not in " ".join(change.consequences)
    assert "a CPU without" in " ".join(change.consequences)


def test_features_that_the_domain_names_are_not_lost() -> None:
    text = HEAD.format("Icelake-Server", "<feature policy='disable' name='avx512f'/>")
    (change,) = poor_host().repair(text).changes
    told = " ".join(change.consequences)
    assert "avx512bw" in told
    assert "avx512f" not in told


@pytest.mark.parametrize("model", ["Haswell-noTSX", "EPYC", "Icelake-Server", "SandyBridge"])
def test_advice_names_no_model_that_loses_more(model: str) -> None:
    text = HEAD.format(model, "").replace("check='partial'", "check='none'")
    (notice,) = poor_host().validate(text).notices
    advice = notice.message.partition(". ")[2]
    named = [name for name in KNOWN.models if f"<model>{name}</model>" in advice]
    assert named == (["Skylake-Client-noTSX-IBRS"] if model == "Icelake-Server" else [])
    assert "<feature policy='optional'" in advice


def test_a_domain_that_says_what_it_can_do_without_needs_no_advice() -> None:
    found = poor_host().repair(HEAD.format("Icelake-Server", "")).data
    assert poor_host().validate(found).notices == ()
