"""What was shown is kept as long as it holds, and reports can leave it out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import fresh_fakes as fakes
from command_runner import CliRunner
from domcaps.cli.report import command as report
from domcaps.cli.verify import command as verify
from domcaps.errors import DomcapsError
from domcaps.fresh.disk import DiskStore
from domcaps.hosts.host import Host
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import build
from domcaps.report.flat import flatten
from domcaps.report.truth import leave_out
from domcaps.verify.result import REFUSED, STARTS
from domcaps.verify.trying import Outcome
from fakes import emulator_record, world
from fresh_fakes import PretendedHost, descriptor, emulator_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language import World
    from domcaps.language.qemu_args import QemuArgs

Q35 = {"machine": "q35", "virttype": "qemu"}


class Refusing:
    """Starts nothing, and refuses what is told with a word of `words`."""

    words: tuple[str, ...] = ("VGA",)

    def __init__(self, slots: int, folder: Path, deadline: float) -> None:
        pass

    async def attempt(self, world: World, ways: Sequence[QemuArgs]) -> Outcome:
        refused = any(word in way.args.split() for way in ways for word in self.words)
        return Outcome(REFUSED, "no") if refused else Outcome(STARTS)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PretendedHost:
    monkeypatch.setattr("domcaps.verify.many.QemuTrier", Refusing)
    return PretendedHost(tmp_path / "root", disk=DiskStore(tmp_path / "cache"))


def lies(host: PretendedHost, **question: Any) -> frozenset[str] | None:
    return host.host.shown_lies(**{**Q35, **question})


# -- what is left out ------------------------------------------------------------------------


def test_nothing_but_the_paths_is_left_out() -> None:
    document = build(world(emulator_record(types=("VGA", "qxl", "vmcoreinfo"))))
    before = flatten(document)
    for path in ("video.modelType=qxl", "os.loader.type=rom", "vcpu max"):
        after = flatten(leave_out(document, {path}))
        assert before.items() - after.items() == {(path, before[path])}
        assert not after.items() - before.items()
    assert flatten(leave_out(document, ())) == before


def test_elements_say_no() -> None:
    document = build(world(emulator_record(types=("vmcoreinfo",))))
    after = flatten(leave_out(document, {"vmcoreinfo"}))
    assert flatten(document)["vmcoreinfo"] == "yes"
    assert after["vmcoreinfo"] == "no"


def test_limits_are_not_spoken_of() -> None:
    caps = DomainCapabilities(build(world(emulator_record())))
    assert "<vcpu max=" in caps.xml
    assert "<vcpu" not in caps.without({"vcpu max"}).xml


# -- what is kept ----------------------------------------------------------------------------


def test_nothing_is_known_before_anybody_verified(host: PretendedHost) -> None:
    assert lies(host) is None


def test_refusals_are_kept_for_other_processes_and_other_dialects(host: PretendedHost) -> None:
    (found,) = host.host.verify([Q35])
    assert "video.modelType=vga" in {lie.path for lie in found.lies}
    for one in (host.host, host.another()):
        host.host = one
        kept = lies(host)
        assert kept is not None
        assert "video.modelType=vga" in kept
        assert lies(host, libvirt="11.3") == kept
    assert lies(host, machine="pc") is None


def test_a_part_of_the_table_is_not_kept(host: PretendedHost) -> None:
    (found,) = host.host.verify([Q35], elements=["video"])
    assert all(t.path == "machine" or t.path.startswith("video") for t in found.tried)
    assert lies(host) is None


@pytest.mark.parametrize("change", ["emulator", "firmware", "helper"])
def test_a_change_of_emulator_or_host_ends_it(host: PretendedHost, change: str) -> None:
    host.host.verify([Q35])
    assert lies(host) is not None
    if change == "emulator":
        host.write(fakes.EMULATOR, emulator_text("VGA", "qxl", "cirrus-vga"), 0o755)
    elif change == "firmware":
        host.write(f"{fakes.FIRMWARE}/70-new.json", descriptor(interface="bios"))
    else:
        host.write("/usr/bin/passt", "#!/bin/sh\n", 0o755)
    host.host = host.another()
    assert lies(host) is None


def test_what_changed_meanwhile_is_not_kept(
    host: PretendedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Upgrading(Refusing):
        async def attempt(self, world: World, ways: Sequence[QemuArgs]) -> Outcome:
            host.write(fakes.EMULATOR, emulator_text("VGA", "qxl"), 0o755)
            return await super().attempt(world, ways)

    monkeypatch.setattr("domcaps.verify.many.QemuTrier", Upgrading)
    host.host.verify([Q35])
    assert lies(host) is None


def test_a_broken_file_is_as_good_as_none(host: PretendedHost, tmp_path: Path) -> None:
    host.host.verify([Q35])
    for file in (tmp_path / "cache").iterdir():
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-5])
    assert lies(host) is None


# -- commands --------------------------------------------------------------------------------


@pytest.fixture
def local(host: PretendedHost, monkeypatch: pytest.MonkeyPatch) -> PretendedHost:
    monkeypatch.setattr(Host, "local", staticmethod(lambda **_: host.host))
    return host


def run(command: Any, *arguments: str) -> Any:
    result = CliRunner().invoke(command, ["--machine", "q35", "--virttype", "qemu", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        assert isinstance(result.exception, DomcapsError)
    return result


def test_a_lie_that_is_not_on_the_drift_list_ends_with_1(local: PretendedHost) -> None:
    result = run(verify)
    assert result.exit_code == 1
    assert "video.modelType=vga" in result.output
    assert "not on the list of known discrepancies" in result.output


def test_no_lie_ends_with_0(local: PretendedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Refusing, "words", ())
    result = run(verify, "--element", "video", "--format", "json")
    assert result.exit_code == 0
    assert '"lies": 0' in result.output


def test_a_report_leaves_out_what_was_shown(local: PretendedHost) -> None:
    # named, or the libvirt that this machine has is told of
    libvirt = ("--libvirt", "12.8")
    plain = run(report, *libvirt).output
    assert "<value>vga</value>" in plain
    before = run(report, "--truth", *libvirt)
    assert "run 'domcaps verify'" in before.output
    assert "<value>vga</value>" in before.output
    run(verify)
    after = run(report, "--truth", *libvirt)
    assert after.exit_code == 0
    assert "<value>vga</value>" not in after.output
    assert "domcaps: " not in after.output
    assert run(report, *libvirt).output == plain


@pytest.mark.parametrize("arguments", [["--host", "shipped"], ["--format", "html"]])
def test_truth_is_about_this_machine(local: PretendedHost, arguments: list[str]) -> None:
    assert run(report, "--truth", *arguments).exit_code == 2


def test_no_lie_of_debians_emulators_is_missing_from_the_drift_list() -> None:
    """What `tools/make_truth.py` wrote down last: three releases, each for several boards."""
    text = (Path(__file__).parents[2] / "docs" / "truth.md").read_text()
    assert "(**new**)" not in text
    tested = text.partition("## Tested targets")[2]
    assert sum(len(re.findall(r"kvm|qemu", kinds)) for kinds in re.findall(r"\(.*?\)", tested)) > 30
    refused = text.partition("## Reported, but refused")[2].partition("\n## ")[0]
    rows = [line for line in refused.splitlines() if line.startswith("| `")]
    assert len(rows) > 15
    # each leads to the page that says what to do
    assert [row for row in rows if "](drift.md#" not in row] == []
