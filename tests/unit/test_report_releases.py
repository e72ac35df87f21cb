"""Reports of older libvirts: what they list, by date, and how they word it."""

from __future__ import annotations

import pytest

import domcaps
from domcaps.cpu.x86map import x86_map
from domcaps.elements import table
from domcaps.elements.boards.families import oldest_qemu, preferred_machine
from domcaps.facts.question import ask
from domcaps.language import parse_dialect
from fakes import emulator_record
from sample_hosts import RELEASES, sample_host


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("filesystem", "7.4"), ("memoryBacking", "7.6"), ("s390-pv", "7.6"), ("tpm", "8.0"),
        ("channel", "8.9"), ("redirdev", "8.9"), ("sgx", "8.10"), ("hyperv", "9.0"),
        ("crypto", "9.1"), ("async-teardown", "9.6"), ("launchSecurity", "10.5"),
        ("interface", "10.6"), ("ps2", "10.7"), ("panic", "10.10"), ("console", "11.5"),
    ],
)  # fmt: skip
def test_elements_are_reported_since_their_release(name: str, first: str) -> None:
    since = [element.since for element in table() if element.name == name]
    dates = sorted(change.release for change in since if change is not None)
    assert ".".join(map(str, dates[0])) == first


@pytest.mark.parametrize(
    ("libvirt", "there", "missing"),
    [
        ("7.0", "<mode name='host-passthrough'", "<mode name='maximum'"),
        ("7.1", "<mode name='maximum'", "vendor='"),
        ("8.9", "vendor='", "<maxphysaddr"),
        ("10.8", "usable='no'", "<blockers"),
        ("10.9", "<blockers", "canonical='"),
        ("10.10", "canonical='", "<console"),
    ],
)
def test_words_come_with_their_release(libvirt: str, there: str, missing: str) -> None:
    host = sample_host("x86_64", RELEASES[0])
    assert host is not None
    xml = host.domain_capabilities(libvirt=libvirt, virttype="kvm", strict=False).xml
    assert there in xml
    assert missing not in xml


def test_the_map_of_cpus_is_that_of_the_release() -> None:
    old, middle, late = (x86_map(parse_dialect(text)) for text in ("7.0", "9.0", "11.3"))
    assert "EPYC-Milan" not in old.models
    assert "EPYC-Milan" in middle.models
    assert "EPYC-Milan-v2" not in middle.models
    assert "EPYC-Milan-v2" in late.models
    mpx = middle.bits_of(["mpx"])
    assert middle.models["Skylake-Client"].features & mpx
    assert not late.models["Skylake-Client"].features & late.bits_of(["mpx"])
    assert late.models["Skylake-Client"].removed == ("mpx",)
    assert old.models["cpu64-rhel6"].guest
    assert not middle.models["cpu64-rhel6"].guest
    # once the register EDX of a leaf came before ECX
    assert middle.names.index("acpi") < middle.names.index("pclmuldq")
    assert late.names.index("acpi") > late.names.index("pclmuldq")


@pytest.mark.parametrize(
    ("libvirt", "oldest"),
    [("7.0", (2, 11, 0)), ("8.2", (2, 11, 0)), ("8.3", (3, 1, 0)), ("8.7", (4, 2, 0)),
     ("10.6", (5, 2, 0)), ("11.2", (6, 2, 0)), ("12.4", (7, 2, 0))],
)  # fmt: skip
def test_each_release_has_an_oldest_qemu(libvirt: str, oldest: tuple[int, ...]) -> None:
    assert oldest_qemu(parse_dialect(libvirt)) == oldest


def test_the_default_machine_of_arm_was_another_one() -> None:
    host = sample_host("aarch64", RELEASES[0])
    assert host is not None
    machines = host.world(libvirt="12.8").emulator.machines("qemu")
    assert preferred_machine("aarch64", machines, parse_dialect("9.2")) == "integratorcp"
    assert preferred_machine("aarch64", machines, parse_dialect("9.3")).startswith("virt")


def test_an_architecture_is_known_since_its_release() -> None:
    host = sample_host("loongarch64", RELEASES[0])
    assert host is not None
    assert host.world(arch="loongarch64", libvirt="10.2").target.machine.startswith("virt")
    with pytest.raises(domcaps.UnsupportedTargetError, match="does not know the architecture"):
        host.world(arch="loongarch64", libvirt="10.1")


def test_qemu_before_2_11_is_refused_in_every_dialect() -> None:
    with pytest.raises(domcaps.UnsupportedTargetError, match=r"QEMU 2\.10\.0 is too old"):
        _host_with((2, 10, 0)).domain_capabilities(libvirt="7.0")


def _host_with(version: tuple[int, int, int]) -> domcaps.Host:
    said = {"qemu": dict(zip(("major", "minor", "micro"), version, strict=True)), "package": ""}
    record = emulator_record(answers={ask("query-version"): said})
    facts = domcaps.read_host_facts(b'{"arch": "x86_64"}', where="test")
    return domcaps.Host.from_recording(domcaps.Recording(host=facts, emulators=(record,)))
