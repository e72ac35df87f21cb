"""A target that can't be resolved is one finding each, and hides no other finding."""

from __future__ import annotations

import pytest

import domcaps
from domcaps.errors import NoEmulatorError
from domcaps.facts.record import HostRecord, Kvm, Recording
from fakes import emulator_record
from plain_hosts import open_plain
from sample_hosts import RELEASES, sample_host

BAD = (
    "<domain type='{virttype}'><name>a</name><memory>1024</memory>"
    "<os><type arch='{arch}' machine='{machine}'>hvm</type></os>"
    "<devices><emulator>{emulator}</emulator><video><model type='moon'/></video></devices></domain>"
)
RIGHT = {
    "virttype": "qemu",
    "arch": "x86_64",
    "machine": "q35",
    "emulator": "/usr/bin/qemu-system-x86_64",
}
WRONG = {
    "virttype": ("xen", "domain-type-unsupported"),
    "arch": ("amd64", "os-arch-unsupported"),
    "machine": ("pc-q35-2.4", "os-machine-unsupported"),
    "emulator": ("/nowhere", "emulator-unsupported"),
}


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    found = sample_host("x86_64", RELEASES[0])
    assert found is not None
    return found


def codes(host: domcaps.Host, **changed: str) -> list[str]:
    return [f.code for f in host.validate(BAD.format(**{**RIGHT, **changed})).errors]


@pytest.mark.parametrize("what", list(WRONG))
def test_one_fault_hides_no_other(host: domcaps.Host, what: str) -> None:
    value, code = WRONG[what]
    assert sorted(codes(host, **{what: value})) == sorted([code, "video-model-type-unknown"])


def test_every_fault_is_its_own(host: domcaps.Host) -> None:
    found = codes(host, **{what: value for what, (value, _) in WRONG.items()})
    faults = [code for _, code in WRONG.values()]
    assert sorted(found) == sorted([*faults, "video-model-type-unknown"])


def test_what_was_taken_instead_is_said(host: domcaps.Host) -> None:
    text = BAD.format(**{**RIGHT, "machine": "pc-q35-2.4", "emulator": "/nowhere"})
    found = {finding.code: finding for finding in host.validate(text).findings}
    assert len(found) == 3
    emulator, machine = found["emulator-unsupported"], found["os-machine-unsupported"]
    video = found["video-model-type-unknown"]
    assert machine.accepted[0] == "pc-q35-5.2"
    assert emulator.accepted == (RIGHT["emulator"],)
    assert emulator.as_if == machine.as_if == ""
    assert video.as_if == f"emulator='{RIGHT['emulator']}', machine='pc-q35-5.2'"


@pytest.mark.parametrize(
    ("arch", "right"),
    [("i386", "i686"), ("amd64", "x86_64"), ("arm64", "aarch64"), ("ppc64el", "ppc64le"),
     ("x86-64", "x86_64")],
)  # fmt: skip
def test_architectures_by_other_names(host: domcaps.Host, arch: str, right: str) -> None:
    finding = host.validate(BAD.format(**{**RIGHT, "arch": arch})).errors[0]
    assert finding.code == "os-arch-unsupported"
    assert finding.accepted == (right,)


@pytest.mark.parametrize(
    ("named", "nearest"),
    [("pc-q35-2.12", "pc-q35-5.2"), ("pc-i440fx-2.4", "pc-i440fx-5.2"),
     ("pc-0.12", "pc-i440fx-5.2"), ("pc-q35-20.0", "pc-q35-11.1"),
     ("pc-q35-8.1+pve0", "pc-q35-8.1"),
     # versions of distributions are of a release of QEMU
     ("pc-q35-rhel7.6.0", "pc-q35-5.2"), ("pc-q35-rhel9.2.0", "pc-q35-7.2"),
     ("rhel6.6.0", "pc-i440fx-5.2"), ("pc-q35-focal", "pc-q35-5.2"),
     ("pc-i440fx-jammy", "pc-i440fx-6.2"), ("pc-i440fx-bionic-hpb", "pc-i440fx-5.2"),
     ("pc-q35-noble", "pc-q35-8.2"),
     # typos, other words, and names without a version
     ("q53", "q35"), ("pc-q53", "q35"), ("pc-q53-8.2", "pc-q35-8.2"), ("pc-i44fx", "pc"),
     ("i440fx-8.2", "pc-i440fx-8.2"), ("q35-8.2", "pc-q35-8.2"), ("pc-q35", "q35"), ("Q35", "q35"),
     ("pc-i440fx", "pc"), ("PC", "pc"), ("i440fx", "pc"), ("xenfv", "pc"), ("ich9", "q35"),
     ("pc-q35-", "q35"), ("microvm2", "microvm")],
)  # fmt: skip
def test_the_nearest_machine_type(host: domcaps.Host, named: str, nearest: str) -> None:
    found = host.validate(BAD.format(**{**RIGHT, "machine": named})).errors
    (finding,) = (one for one in found if one.code == "os-machine-unsupported")
    assert finding.accepted[0] == nearest
    assert f"did you mean {nearest!r}?" in finding.message
    repaired = host.repair(BAD.format(**{**RIGHT, "machine": named})).data.decode()
    assert f"machine='{nearest}'" in repaired


@pytest.mark.parametrize(
    ("arch", "machine", "expected"),
    [
        ("aarch64", "virt", ["os-arch-unsupported"]),
        ("s390x", "s390-ccw-virtio", ["os-arch-unsupported"]),
        ("nonsense", "q36", ["os-arch-unsupported", "os-machine-unsupported"]),
    ],
)
def test_what_follows_from_another_architecture_is_no_other_fault(
    host: domcaps.Host, arch: str, machine: str, expected: list[str]
) -> None:
    domain = (
        "<domain type='kvm'><name>a</name><memory>1048576</memory>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os></domain>"
    )
    assert [one.code for one in host.validate(domain).errors] == expected


def test_a_machine_type_that_there_is_not_is_never_suggested() -> None:
    other = open_plain("debian13-aarch64")
    domain = BAD.format(**RIGHT | {"emulator": "/usr/bin/qemu-system-aarch64"})
    for arch in ("x86_64", "nonsense"):
        for one in other.validate(domain.replace("x86_64", arch)).errors:
            assert "did you mean 'q35'" not in one.message


def test_why_kvm_cannot_be_used() -> None:
    without = HostRecord("x86_64", kvm=Kvm(reason="/dev/kvm does not exist"))
    host = domcaps.Host.from_recording(Recording(without, (emulator_record(),)))
    found = host.validate("<domain type='kvm'><os><type>hvm</type></os></domain>").errors
    (missing,) = (one for one in found if one.code == "domain-type-unsupported")
    assert "/dev/kvm does not exist; enable virtualization" in missing.message


def test_a_host_without_any_emulator_is_no_fault_of_the_document() -> None:
    empty = domcaps.Host.from_recording(Recording(HostRecord("x86_64")))
    with pytest.raises(NoEmulatorError, match="qemu-system-x86"):
        empty.validate("<domain type='qemu'><os><type>hvm</type></os></domain>")


def test_a_finding_says_with_what_it_was_checked(host: domcaps.Host) -> None:
    found = {
        one.code: str(one) for one in host.validate(BAD.format(**RIGHT | {"machine": "q53"})).errors
    }
    assert "checked with" not in found["os-machine-unsupported"]
    assert "(checked with machine='q35' instead) [" in found["video-model-type-unknown"]


def test_the_form_of_a_field_is_not_checked_with_another_target() -> None:
    text = "<domain><memory unit='moon'>many</memory><uuid>four</uuid></domain>"
    findings = open_plain("debian13-x86_64").validate(text).findings
    supposed = {finding.code: finding.as_if for finding in findings}
    assert supposed["domain-name-missing"] == ""
    assert supposed["domain-uuid-invalid"] == ""
    assert "type='kvm'" in supposed["os-missing"]
