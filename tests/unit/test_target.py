"""Which emulator, machine and type an answer is about, when the question leaves it open."""

from __future__ import annotations

import pytest

import domcaps
from domcaps.facts.arch import emulator_names
from domcaps.facts.record import EmulatorRecord, HostRecord, Kvm
from fakes import PC, Q35, emulator_record

X86 = emulator_record(kvm=True)
ARM = emulator_record(
    target="aarch64", machines=({"name": "a1"}, {"name": "virt-9.9", "alias": "virt"})
)


def host(*emulators: EmulatorRecord, arch: str = "x86_64") -> domcaps.Host:
    record = HostRecord(arch=arch, kvm=Kvm(usable=True, max_vcpus=100))
    return domcaps.Host.from_recording(domcaps.Recording(host=record, emulators=emulators))


def test_nothing_said_means_the_hosts_own_architecture_accelerated() -> None:
    caps = host(ARM, X86).domain_capabilities()
    assert (caps.path, caps.arch, caps.virttype) == (X86.path, "x86_64", "kvm")
    assert caps.machine == "pc-i440fx-9.9"
    assert caps.top.vcpu.attributes["max"] == "100"


def test_plain_emulation_is_not_limited_by_kvm() -> None:
    caps = host(X86).domain_capabilities(virttype="qemu")
    assert caps.top.vcpu.attributes["max"] == "255"


def test_an_alias_becomes_the_name_it_stands_for() -> None:
    assert host(X86).domain_capabilities(machine="q35").machine == "pc-q35-9.9"


def test_libvirts_default_machine_wins_over_qemus() -> None:
    emulator = emulator_record(machines=({**Q35, "is-default": True}, {**PC, "is-default": False}))
    assert host(emulator).domain_capabilities().machine == "pc-i440fx-9.9"


def test_without_libvirts_default_qemus_is_taken_and_then_the_first() -> None:
    other = {"name": "other"}
    default = {"name": "mine", "is-default": True}
    assert host(emulator_record(machines=(other, default))).domain_capabilities().machine == "mine"
    assert host(emulator_record(machines=(other,))).domain_capabilities().machine == "other"


def test_an_emulator_that_is_named_says_itself_whom_it_serves() -> None:
    assert host(X86, ARM).domain_capabilities(emulator=ARM.path).arch == "aarch64"


def test_a_recording_of_one_emulator_leaves_no_doubt() -> None:
    alone = host(ARM)
    alone.origin = "arm.domcaps"
    assert alone.domain_capabilities().arch == "aarch64"


def test_an_emulator_of_the_family_keeps_the_guests_architecture() -> None:
    assert host(X86).domain_capabilities(emulator=X86.path, arch="i686").arch == "i686"


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"arch": "aarch65"}, "'aarch65' is not a known architecture .*aarch64"),
        ({"virttype": "xen"}, "QEMU does not support the virtualization type 'xen'"),
        (
            {"virttype": "hvf"},
            "the virtualization type 'hvf' is not supported here: .*kvm",
        ),
        ({"machine": "q53"}, "no machine type 'q53' .*q35"),
        ({"arch": "s390x"}, "no emulator for s390x guests .*qemu-system-s390x"),
        ({"emulator": "/nonesuch"}, "no emulator '/nonesuch'"),
        ({"emulator": X86.path, "arch": "aarch64"}, "runs x86_64 guests, not aarch64"),
    ],
)
def test_a_question_without_an_answer_says_what_there_is(
    question: dict[str, str], message: str
) -> None:
    with pytest.raises(domcaps.UnsupportedTargetError, match=message):
        host(X86, ARM).domain_capabilities(**question)  # type: ignore[arg-type]


def test_an_unknown_type_is_answered_when_asked_not_to_be_strict() -> None:
    caps = host(X86).domain_capabilities(virttype="hvf", strict=False)
    assert caps.virttype == "hvf"
    assert caps.machine == "pc-i440fx-9.9"
    assert "vcpu" not in caps.top


@pytest.mark.parametrize(
    ("host_arch", "guest", "names"),
    [
        ("x86_64", "x86_64", ("qemu-system-x86_64", "/usr/libexec/qemu-kvm")),
        ("x86_64", "i686", ("qemu-system-i386", "qemu-system-x86_64", "/usr/libexec/qemu-kvm")),
        ("x86_64", "armv7l", ("qemu-system-arm",)),
        (
            "aarch64",
            "armv7l",
            ("qemu-system-aarch64", "qemu-system-arm", "/usr/libexec/qemu-kvm"),
        ),
        ("x86_64", "ppc64le", ("qemu-system-ppc64le", "qemu-system-ppc64")),
    ],
)
def test_the_programs_that_may_serve_a_guest(
    host_arch: str, guest: str, names: tuple[str, ...]
) -> None:
    assert emulator_names(host_arch, guest) == names
