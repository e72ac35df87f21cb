"""Differences: semantic, signed, and none between a thing and itself."""

from __future__ import annotations

import subprocess
import sys

import domcaps
from domcaps.report.diff import diff
from domcaps.report.flat import flatten
from domcaps.shipped import open_shipped, shipped_names
from fakes import emulator_record, world


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
    old, new = f"shipped:{names[0]}", f"shipped:{names[-1]}"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "domcaps", "diff", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(old, old).returncode == 0
    differing = run(old, new)
    assert differing.returncode == 1
    assert "+ disk.bus=nvme" not in differing.stdout  # both QEMUs have it
    assert "cpu.custom model" in differing.stdout
    assert run(f"{old},colour=blue", new).returncode == 2


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
