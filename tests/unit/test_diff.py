"""Differences: semantic, signed, and none between a thing and itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

import domcaps
from domcaps.report.diff import Difference, diff
from domcaps.report.flat import flatten
from domcaps.shipped import open_shipped, shipped_names
from fakes import emulator_record, world
from plain_hosts import open_plain, plain


def test_a_thing_does_not_differ_from_itself() -> None:
    assert diff(world(), world()) == ()


def test_what_is_new_gone_or_otherwise_is_told_apart() -> None:
    old = world(emulator_record(types=("VGA", "qxl", "tpm-tis")), machine="pc-i440fx-9.9")
    new = world(emulator_record(types=("VGA", "ramfb")), machine="pc-q35-9.9")
    lines = [str(difference) for difference in diff(old, new)]
    assert "+ video.modelType=ramfb" in lines
    assert "- video.modelType=qxl" in lines
    assert "~ vcpu max: 255 → 288" in lines
    assert "- tpm" in lines


def test_a_difference_carries_the_reason_of_each_side() -> None:
    old = world(emulator_record(types=("qxl",)))
    (found,) = (d for d in diff(old, world()) if d.path == "video.modelType=qxl")
    assert found.reason_before is not None
    assert found.reason_after is not None
    assert found.reason_before.truth.value == "yes"
    assert found.reason_after.truth.value == "no"


def test_every_line_of_every_shipped_report_is_a_statement() -> None:
    for name in shipped_names():
        document = open_shipped(name).domain_capabilities().document
        assert len(flatten(document)) > 60, name


def test_the_command_ends_with_1_where_something_differs() -> None:
    names = [name for name in shipped_names() if name.endswith("x86_64")]
    old, new = plain(names[0]), plain(names[-1])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "domcaps", "diff", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(old, old).returncode == 0
    differing = run(old, new)
    assert differing.returncode == 1
    assert "+ disk.bus=nvme" not in differing.stdout  # both QEMUs have it
    assert "cpu.custom model" in differing.stdout
    assert run(f"{old},colour=blue", new).returncode == 2


def lines(old: str, new: str) -> set[str]:
    return {str(d) for d in diff(open_plain(old).world(), open_plain(new).world())}


# what QEMU's own list of removed features names, and its notes on releases, between 7.2 and 11.1
RELEASE_NOTES = [
    # machine types of more than six years went with each release
    ("x86_64", "- machine pc-q35-4.2"),
    ("x86_64", "- machine pc-i440fx-2.12"),
    ("ppc64", "- machine pseries-2.12"),
    ("s390x", "- machine s390-ccw-virtio-3.1"),
    # 9.2: Arm's akita … z2; 10.0: tacoma-bmc, ref405ep; 11.0: highbank; 11.1: fby35 and others
    ("aarch64", "- machine akita: deprecated"),
    ("aarch64", "- machine n800: deprecated"),
    ("aarch64", "- machine tacoma-bmc: deprecated"),
    ("ppc64", "- machine ref405ep: deprecated"),
    ("aarch64", "- machine highbank"),
    ("aarch64", "- machine fby35"),
    # 10.2: the pxa CPUs
    ("aarch64", "- cpu.custom model pxa250: usable=unknown vendor=unknown"),
    ("aarch64", "- cpu.custom model pxa270-c5: usable=unknown vendor=unknown"),
    # new in 8.1: -run-with, which carries async-teardown; 9.0: raspi4b; 9.2: nitro
    ("x86_64", "+ async-teardown"),
    ("aarch64", "+ machine raspi4b"),
    ("x86_64", "+ machine nitro"),
    ("x86_64", "+ machine pc-q35-11.1"),
    ("x86_64", "~ machine q35: pc-q35-7.2 → pc-q35-11.1"),
    ("aarch64", "+ cpu.custom model neoverse-n2: usable=unknown vendor=unknown"),
]


@pytest.mark.parametrize(("arch", "line"), RELEASE_NOTES)
def test_two_releases_differ_as_their_notes_say(arch: str, line: str) -> None:
    found = lines(f"debian12-{arch}", f"sid-{arch}")
    if line.endswith(": deprecated"):
        assert found & {line, line.removesuffix(": deprecated")}, line
    else:
        assert line in found


@pytest.mark.parametrize("name", shipped_names())
def test_two_recordings_of_one_host_do_not_differ(name: str) -> None:
    again = [open_shipped(name).world() for _ in range(2)]
    assert diff(*again) == ()


def test_a_difference_names_the_facts_that_came_out_otherwise() -> None:
    old = world(emulator_record(types=("qxl", "virtio-gpu-pci")))
    new = world(emulator_record(types=("virtio-gpu-device",)))
    told = {d.path: d.because for d in diff(old, new)}
    assert told == {"video.modelType=qxl": ("QEMU has the type 'qxl': yes → no [qom-list-types]",)}


def test_another_machine_type_is_the_fact() -> None:
    found = diff(world(machine="pc-i440fx-9.9"), world(machine="pc-q35-9.9"))
    (ide,) = (d for d in found if d.path == "disk.bus=ide")
    assert len(ide.because) == 1
    assert ide.because[0].startswith("the guest's machine type is pc")
    assert ide.because[0].endswith("yes → no [target]")


def test_a_cpu_model_is_one_statement() -> None:
    usable, blocked = "usable=yes vendor=AMD", "usable=no vendor=AMD blockers=ibpb,ibrs"
    more = "usable=no vendor=AMD blockers=ibrs,xsaves"
    path = "cpu.custom model EPYC"
    assert str(Difference(path, usable, blocked)) == "~ CPU EPYC: usable → blocked by ibpb, ibrs"
    assert str(Difference(path, blocked, usable)) == "~ CPU EPYC: blocked by ibpb, ibrs → usable"
    assert str(Difference(path, blocked, more)) == (
        "~ CPU EPYC: no longer blocked by ibpb; now also blocked by xsaves"
    )
    assert str(Difference(path, blocked, f"{more} deprecated=yes")) == (
        "~ CPU EPYC: – → deprecated=yes; no longer blocked by ibpb; now also blocked by xsaves"
    )


def test_no_line_is_of_a_model_s_blockers_alone() -> None:
    kvm, tcg = (open_plain("sid-x86_64").world(virttype=kind) for kind in ("kvm", "qemu"))
    found = diff(kvm, tcg)
    assert any(str(line) == "~ CPU Conroe: blocked by pni, ssse3 → usable" for line in found)
    assert not [line for line in found if " blockers " in line.path]


def test_every_yes_that_became_a_no_has_a_reason() -> None:
    for arch in ("x86_64", "aarch64", "s390x", "ppc64", "riscv64"):
        sides = (open_plain(f"{release}-{arch}").world() for release in ("debian12", "sid"))
        for difference in diff(*sides):
            if difference.reason_before is not None and difference.reason_after is not None:
                assert difference.because, difference.path


def test_dialects_differ_by_their_words() -> None:
    old, new = (world(libvirt=libvirt) for libvirt in ("11.3", "12.8"))
    told = {str(d) for d in diff(old, new)}
    assert "+ os.firmwareFeatures" in told


def test_a_word_that_a_release_does_not_have_is_the_reason() -> None:
    old, new = (world(libvirt=libvirt) for libvirt in ("11.3", "12.8"))
    told = {d.path: d.because for d in diff(old, new)}
    assert told["os.firmwareFeatures"] == ("not reported by libvirt 11.3",)
    assert told["filesystem.driverType=handle"] == ("not reported by libvirt 12.8",)


def test_shipped_recordings_answer_for_themselves() -> None:
    assert shipped_names()
    for name in shipped_names():
        caps = open_shipped(name).domain_capabilities()
        assert caps.arch == name.partition("-")[2]
        assert caps.unknown == (), name
    try:
        open_shipped("nonesuch")
    except domcaps.UnsupportedTargetError as error:
        assert shipped_names()[0] in str(error)
