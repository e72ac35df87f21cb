"""``domcaps diff``: what is compared, what becomes of a domain, and what is no comparison."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from domcaps import DomainError, Host
from domcaps.validate.compare import DomainDifference, compare_domain
from plain_hosts import plain

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = plain("debian12-x86_64"), plain("sid-x86_64")

DOMAIN = """\
<domain type='qemu'>
  <name>web</name>
  <memory>1048576</memory>
  <os><type machine='{machine}'>hvm</type></os>
  <devices>
    <video><model type='{video}'/></video>
  </devices>
</domain>
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "domcaps", "diff", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def compare(machine: str, video: str, old: str = OLD) -> DomainDifference:
    xml = DOMAIN.format(machine=machine, video=video)
    hosts = [Host.load(name) for name in (old, NEW)]

    def uses(host: Any) -> Any:
        try:
            return host.explain_domain(xml)
        except DomainError:
            return None

    one, other = hosts
    return compare_domain((one.validate(xml), other.validate(xml)), (uses(one), uses(other)))


def test_a_domain_that_is_as_good_there() -> None:
    # a machine type that neither QEMU calls deprecated
    found = compare("pc-q35-10.0", "virtio", plain("debian13-x86_64"))
    assert (found.before, found.after) == ("accepted", "accepted")
    assert found.is_same


def test_an_alias_means_another_machine_there() -> None:
    found = compare("q35", "virtio")
    assert (found.before, found.after) == ("accepted", "accepted")
    assert [str(change) for change in found.changes] == ["~ machine: pc-q35-7.2 → pc-q35-11.1"]


def test_what_is_lost_is_a_new_finding_and_a_changed_choice() -> None:
    found = compare("pc-q35-7.2", "qxl")
    assert found.after == "refused"
    assert "video-model-type-unsupported" in {finding.code for finding in found.new}
    (change,) = found.changes
    assert change.path == "video.modelType=qxl"
    assert change.because == ("QEMU has the type 'qxl': yes → no [qom-list-types]",)


def test_a_machine_type_that_is_gone_there() -> None:
    found = compare("pc-q35-4.2", "virtio")
    assert (found.before, found.after) == ("accepted", "refused")
    assert [finding.code for finding in found.new] == ["os-machine-unsupported"]


def test_the_command_with_a_domain(tmp_path: Path) -> None:
    file = tmp_path / "web.xml"
    file.write_text(DOMAIN.format(machine="q35", video="qxl"))
    done = run(OLD, NEW, f"--domain={file}")
    assert done.returncode == 1
    assert done.stdout.startswith(f"--- {OLD}: QEMU 7.2.")
    tail = done.stdout[done.stdout.index(f"{file}: ") :]
    assert "refused after" in tail
    assert "+ 6:19: " in tail
    assert "~ machine: pc-q35-7.2 → pc-q35-11.1" in tail
    assert "- video.modelType=qxl  (QEMU has the type 'qxl': yes → no" in tail


def test_json_says_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "web.xml"
    file.write_text(DOMAIN.format(machine="q35", video="qxl"))
    content = json.loads(run(OLD, NEW, f"--domain={file}", "--format=json").stdout)
    assert content["before"]["machine"] == "pc-i440fx-7.2"
    assert content["after"]["qemu"].startswith("11.1")
    (qxl,) = (d for d in content["differences"] if d["path"] == "video.modelType=qxl")
    assert (qxl["sign"], qxl["before"], qxl["after"]) == ("-", "yes", "")
    assert qxl["because"] == ["QEMU has the type 'qxl': yes → no [qom-list-types]"]
    assert qxl["reason_after"]["value"].startswith("not among")
    (domain,) = content["domains"]
    assert domain["after"] == "refused"
    assert domain["new"]
    assert {change["path"] for change in domain["changes"]} == {"machine", "video.modelType=qxl"}


def test_nothing_is_printed_where_nothing_differs(tmp_path: Path) -> None:
    file = tmp_path / "web.xml"
    file.write_text(DOMAIN.format(machine="q35", video="virtio"))
    done = run(OLD, OLD, f"--domain={file}")
    assert done.returncode == 0
    assert done.stdout == f"{file}: accepted before, accepted after\n"


def test_reasons_are_told_in_full_when_asked_for() -> None:
    done = run(f"{OLD},machine=pc", f"{OLD},machine=q35", "--reasons")
    assert "before: yes, " in done.stdout
    assert "target at machine: pc-i440fx-7.2" in done.stdout


def test_a_broken_domain_is_refused_on_both_sides(tmp_path: Path) -> None:
    file = tmp_path / "web.xml"
    file.write_text("<domain")
    done = run(OLD, OLD, f"--domain={file}")
    assert done.returncode == 0
    assert "refused before, refused after" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((f"{OLD},colour=blue", NEW), "unknown key 'colour'"),
        ((f"{OLD},machine=bogus", NEW), "no machine type 'bogus'"),
        (("shipped:nonesuch", NEW), "nonesuch"),
        ((OLD, NEW, "--domain=/nonexistent"), "/nonexistent"),
        ((OLD,), "AFTER"),
    ],
)
def test_what_is_no_comparison(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_completion_knows_hosts_and_keys() -> None:
    from domcaps.cli.diff import _complete_side

    def complete(text: str) -> list[str]:
        return [item.value for item in _complete_side(None, None, text)]  # type: ignore[arg-type]

    assert "local" in complete("lo")
    assert "shipped:sid-x86_64" in complete("shipped:sid")
    assert complete("local,machine=q35,lib") == ["local,machine=q35,libvirt="]
