"""``domcaps fix`` on files, folders and patterns: diffs, removals, what is left, exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from command_runner import CliRunner
from domcaps.cli.fix import command
from domcaps.hosts.host import Host
from domcaps.validate.check import BROKEN
from plain_hosts import plain

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from domcaps.validate.check import Validation

DOMAIN = (
    "<domain type='qemu'>\n  <name>a</name>\n  <memory>1048576</memory>\n"
    "  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n  <devices>\n{}\n"
    "  </devices>\n</domain>\n"
)
QXL = "    <video><model type='qxl'/></video>"
TPM = "    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
TWO_BALLOONS = "    <memballoon model='virtio'/>\n    <memballoon model='virtio'/>"
HOST = ("--host", plain("sid-x86_64"))


def run(*words: str) -> Result:
    return CliRunner().invoke(command, [*HOST, *words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    inner = tmp_path / "some guests"
    inner.mkdir()
    (inner / "one.xml").write_text(DOMAIN.format(QXL))
    (inner / "two.xml").write_text(DOMAIN.format(f"<!-- \u2028 -->{QXL}"))
    (inner / "three.xml").write_bytes(DOMAIN.format(QXL).replace("\n", "\r\n").encode())
    (inner / "fine.xml").write_text(DOMAIN.format(""))
    return tmp_path


@pytest.mark.parametrize("program", [["git", "apply"], ["patch", "-p1"]], ids=["git", "patch"])
@pytest.mark.parametrize("names", [["some guests"], ["some guests/*.xml"], ["."]])
def test_the_diff_of_a_folder_is_applied_by_other_programs(
    folder: Path, program: list[str], names: list[str]
) -> None:
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed")
    result = run(*names)
    assert result.exit_code == 1, result.output
    patch = result.stdout_bytes
    binary = ["--binary"] if program[0] == "patch" else []
    subprocess.run([*program, *binary], input=patch, cwd=folder, check=True)
    assert run("some guests").exit_code == 0
    assert b"\r\n" in (folder / "some guests" / "three.xml").read_bytes()


def test_paths_of_a_diff_are_relative_also_of_absolute_files(folder: Path) -> None:
    result = run(str(folder / "some guests" / "one.xml"))
    assert result.stdout.startswith("--- a/some guests/one.xml\t\n+++ b/some guests/one.xml\t\n")


def test_a_removal_is_said(folder: Path) -> None:
    (folder / "b.xml").write_text(DOMAIN.format(TWO_BALLOONS))
    result = run("b.xml")
    assert "removes <memballoon>" in result.stderr
    document = json.loads(run("b.xml", "--format", "json").stdout)
    assert document["removes"] == ["<memballoon>"]
    assert document["loss"] > 0


def test_what_is_left_is_told_with_what_helps_on_the_host(folder: Path) -> None:
    (folder / "t.xml").write_text(DOMAIN.format(f"{TPM}\n{QXL}"))
    result = run("t.xml")
    assert result.exit_code == 1
    assert "+    <video><model type='virtio'/></video>" in result.stdout
    assert "-    <tpm" not in result.stdout
    assert "on the host: install swtpm" in result.stderr
    document = json.loads(run("t.xml", "--format", "json").stdout)
    assert not document["accepted"]
    assert "swtpm" in document["remedies"][0]["on_host"][0]


def test_a_device_is_removed_with_permission_only(folder: Path) -> None:
    (folder / "t.xml").write_text(DOMAIN.format(TPM))
    assert run("t.xml").stdout == ""
    allowed = run("t.xml", "--allow-removal")
    assert "-    <tpm" in allowed.stdout
    assert "removes <tpm>" in allowed.stderr


def test_several_files_are_repaired_where_one_can_not_be_read(folder: Path) -> None:
    (folder / "notes.xml").write_text("no XML")
    result = run(".", "--write", "--yes")
    assert result.exit_code == 2
    assert "notes.xml" in result.stderr
    assert "virtio" in (folder / "some guests" / "one.xml").read_text()
    assert json.loads(run(".", "--format", "json").stdout)["files"][0]["file"] == "notes.xml"


def test_a_folder_without_domains_is_wrong_usage(tmp_path: Path) -> None:
    result = run(str(tmp_path))
    assert result.exit_code == 2
    assert "no XML file" in result.stderr


def test_a_rule_that_broke_is_no_silent_acceptance(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Host.validate

    def broken(host: Host, *data: Any, **options: Any) -> Validation:
        done = judge(host, *data, **options)
        return msgspec.structs.replace(done, unknown=(f"a-rule: {BROKEN} (IndexError: 3)",))

    monkeypatch.setattr(Host, "validate", broken)
    for name in ("one.xml", "fine.xml"):
        result = run(str(folder / "some guests" / name))
        assert "libvirt may still refuse the domain: a-rule" in result.stderr
