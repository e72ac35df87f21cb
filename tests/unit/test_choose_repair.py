"""Repairing: nothing else is touched, and each change has a reason and a place."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import domcaps
from domcaps.choose.edits import Edit, Edits
from domcaps.choose.repair import repair
from domcaps.choose.text import DocumentText
from plain_hosts import open_plain, plain
from sample_hosts import sample_host

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.language.finding import Finding

TOP = """<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand, &c. -->
<domain   type="qemu"  xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>ä</name><memory>1048576</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <metadata><my:own xmlns:my="urn:x">  kept </my:own></metadata>
  <devices>
    {}
    <!-- the last -->
  </devices>
</domain>
"""


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    found = sample_host("x86_64", "sid")
    assert found is not None
    return found


def mended(host: domcaps.Host, devices: str) -> tuple[list[str], str]:
    repair = host.repair(TOP.format(devices))
    assert repair.accepted
    assert host.validate(repair.data).accepted
    return [change.what for change in repair.changes], repair.data.decode()


def test_an_accepted_domain_is_given_back_as_it_is(host: domcaps.Host) -> None:
    data = TOP.format("<video><model type='vga'/></video>").encode()
    repair = host.repair(data)
    assert repair.data is data
    assert repair.changes == ()
    assert repair.diff == ""


def test_a_value_is_replaced_where_it_stands(host: domcaps.Host) -> None:
    changes, text = mended(host, '<video><model  type = "qxl" heads="1"/></video>')
    assert len(changes) == 1
    assert text == TOP.format('<video><model  type = "virtio" heads="1"/></video>')


def test_a_slip_of_the_pen_becomes_what_was_meant(host: domcaps.Host) -> None:
    _, text = mended(host, "<video><model type='virtoi'/></video>")
    assert text == TOP.format("<video><model type='virtio'/></video>")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "<disc type='file'><source file='/a'/><target dev='vda'/></disc>",
            "<disk type='file'><source file='/a'/><target dev='vda'/></disk>",
        ),
        (
            "<video><model type='vga' haeds='1'/></video>",
            "<video><model type='vga' heads='1'/></video>",
        ),
        # with what the name brings: a model that QEMU lacks
        ("<vidoe><model type='virtoi'/></vidoe>", "<video><model type='virtio'/></video>"),
    ],
)
def test_a_name_that_libvirt_passes_over_is_corrected(
    host: domcaps.Host, written: str, meant: str
) -> None:
    assert host.validate(TOP.format(written)).accepted
    changes, text = mended(host, written)
    assert changes
    assert text == TOP.format(meant)


def test_a_name_that_looks_like_none_stays(host: domcaps.Host) -> None:
    data = TOP.format("<video><model type='vga' sparkle='1'/></video><gizmo/>").encode()
    assert host.repair(data).data is data


def test_a_corrected_name_takes_nothing_away(host: domcaps.Host) -> None:
    """With that name the video device could have one head only."""
    data = TOP.format("<video><model type='vga' haeds='3'/></video>").encode()
    assert host.repair(data).data is data


def test_what_is_too_much_is_taken_away_and_no_more(host: domcaps.Host) -> None:
    changes, text = mended(host, "<video><model type='cirrus' edid='on'/></video>")
    assert changes == ["edid='on' removed"]
    assert text == TOP.format("<video><model type='cirrus'/></video>")


def test_two_faults_are_two_edits(host: domcaps.Host) -> None:
    rng = "<rng model='virtoi'><backend model='random'/></rng>"
    devices = f"<video><model type='qxl'/></video>\n    {rng}"
    changes, text = mended(host, devices)
    assert len(changes) == 2
    assert "kept" in text


def test_an_element_goes_with_the_line_that_it_stands_on(host: domcaps.Host) -> None:
    devices = (
        "<disk type='file'><source file='/a'/><target dev='vda'/>\n"
        "      <address type='drive' controller='0' bus='0' unit='0'/>\n    </disk>"
    )
    changes, text = mended(host, devices)
    assert len(changes) == 1
    assert "\n\n" not in text


def test_each_change_has_a_reason_and_a_place(host: domcaps.Host) -> None:
    repair = host.repair(TOP.format("<video><model type='qxl'/></video>"))
    (change,) = repair.changes
    assert change.line == 8
    assert change.code == "video-model-type-unsupported"
    assert "qxl" in change.reason
    assert repair.proven
    assert "-    <video><model type='qxl'/></video>" in repair.diff


def test_several_hosts_are_mended_for_at_once() -> None:
    hosts = [open_plain(name) for name in ("debian12-x86_64", "sid-x86_64")]
    data = TOP.format("<video><model type='qxl'/></video>").encode()
    found = repair(hosts, data, "12.8")
    assert all(host.validate(found.data).accepted for host in hosts)


@pytest.mark.parametrize(
    "data", [b"", b"<domain", b"\x00", b"<!DOCTYPE a [<!ENTITY b 'c'>]><domain/>"]
)
def test_what_is_no_xml_is_for_people(host: domcaps.Host, data: bytes) -> None:
    with pytest.raises(domcaps.InputError):
        host.repair(data)


def test_nothing_is_looked_for_once_the_effort_is_spent(
    host: domcaps.Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many findings are left."""
    looked: list[object] = []
    repairing = Edits.repairing

    def count(self: Edits, finding: Finding, *, wide: bool = False) -> list[Edit]:
        looked.append(finding)
        return repairing(self, finding, wide=wide)

    monkeypatch.setattr(Edits, "repairing", count)
    disks = "<disk type='file'><target dev='vda' bus='virtio'/></disk>" * 200
    found = repair([host], TOP.format(disks).encode(), "12.8", effort=0)
    assert not found.proven
    assert len(found.findings) > 100
    assert len(looked) < 5


def test_a_repair_does_not_depend_on_how_fast_the_machine_is(
    host: domcaps.Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two seconds of work went by at each look at the clock, the same is proposed."""
    text = TOP.format("<video><model type='qlx'/></video><sound model='ich66'/>" * 5)
    wanted = host.repair(text)
    for name in ("thread_time", "process_time"):
        monkeypatch.setattr(time, name, itertools.count(0, 2).__next__)
    slow = host.repair(text)
    assert wanted.changes
    assert (slow.data, slow.changes) == (wanted.data, wanted.changes)


def test_what_has_too_many_findings_is_for_people(host: domcaps.Host) -> None:
    with pytest.raises(domcaps.InputError, match="more than 1000 findings"):
        host.repair(TOP.format("<dsk/>" * 3000))


def test_what_can_not_be_mended_says_so(host: domcaps.Host) -> None:
    repair = host.repair("<network><name>a</name></network>")
    assert not repair.accepted
    assert repair.data == repair.original


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_other_encodings_stay(host: domcaps.Host, encoding: str) -> None:
    text = TOP.replace("UTF-8", encoding).format("<video><model type='qxl'/></video>")
    repair = host.repair(text.encode(encoding))
    assert repair.data == text.replace("qxl", "virtio").encode(encoding)


NAMES = st.sampled_from(["a", "b", "n:c", "d-e"])
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\x00<&\r"), max_size=8).filter(
    lambda text: all(c >= " " or c in "\n\t" for c in text) and "\ufffe" not in text
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_edit_changes_nothing_else(data: st.DataObject) -> None:
    value = data.draw(VALUES)
    quote = "'" if '"' in value else '"'
    value = value.replace(quote, "")
    comment = data.draw(VALUES).replace("-", "")
    xml = (
        f"<r xmlns:n='urn:n'><!--{comment}--><x one={quote}{value}{quote}  two='2'/>"
        f"<![CDATA[<y a='b'>]]><y>text</y></r>"
    )
    try:
        text = DocumentText(xml.encode())
    except domcaps.InputError:
        return
    x, y = text.root[0], text.root[1]
    assert text.set_attribute(x, "two", "3").decode() == xml.replace("two='2'", "two='3'")
    assert text.remove_attribute(x, "two").decode() == xml.replace("  two='2'", "")
    assert text.set_text(y, "a<b").decode() == xml.replace(">text<", ">a&lt;b<")
    assert text.remove_element(y).decode() == xml.replace("<y>text</y>", "")
    added = DocumentText(text.set_attribute(x, "n", value))
    assert added.root[0].get("two") == "2"


def run(folder: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "domcaps", "fix", "--host", plain("sid-x86_64"), *words],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_the_command_proposes_asks_and_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    bad = TOP.format("<video><model type='qxl'/></video>")
    file.write_text(bad)
    file.chmod(0o640)
    proposed = run(tmp_path, "a.xml")
    assert proposed.returncode == 1
    assert "+    <video><model type='virtio'/></video>" in proposed.stdout
    assert ", because " in proposed.stderr
    assert run(tmp_path, "--write", "a.xml", stdin="n\n").returncode == 1
    assert file.read_text() == bad
    written = run(tmp_path, "--write", "a.xml", stdin="y\n")
    assert written.returncode == 0, written.stderr
    assert file.read_text() == bad.replace("qxl", "virtio")
    assert (tmp_path / "a.xml.orig").read_text() == bad
    assert file.stat().st_mode & 0o777 == 0o640
    assert run(tmp_path, "a.xml").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "a.xml.orig"]


def test_a_file_that_was_kept_before_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(TOP.format("<video><model type='qxl'/></video>"))
    (tmp_path / "a.xml.orig").write_text("older")
    assert run(tmp_path, "--write", "--yes", "a.xml").returncode == 0
    assert (tmp_path / "a.xml.orig").read_text() == "older"
    assert "qxl" in (tmp_path / "a.xml.orig1").read_text()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "none.xml")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


FOREIGN = b"""<domain type='kvm'>
  <name>a</name><memory>1048576</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file'><source file='/a.img'/><target dev='hda' bus='ide'/></disk>
    <video><model type='qxl'/></video>
  </devices>
</domain>
"""


@pytest.mark.parametrize("name", ["debian12-aarch64", "debian13-aarch64", "debian13-s390x"])
def test_a_guest_of_another_architecture_stays_and_the_advice_is_an_emulator(name: str) -> None:
    host = open_plain(name)
    for done in (host.repair(FOREIGN), host.convert(FOREIGN).repair):
        assert done.data == FOREIGN
        advice = dict(zip((one.code for one in done.findings), done.remedies, strict=True))
        package = "install QEMU for x86_64 (Debian's package qemu-system-x86)"
        assert advice.pop("os-arch-unsupported") == (package,)
        assert not any(advice.values()), advice


def test_firmware_that_is_there_is_not_to_be_installed() -> None:
    host = domcaps.Host.open("shipped:debian13-aarch64")
    guest = FOREIGN.replace(b"x86_64", b"aarch64").replace(b"q35", b"virt").replace(b"kvm", b"qemu")
    (code,) = {f.code for f in host.validate(guest).errors if "acpi" in f.code}
    assert code == "features-acpi-without-uefi"
    assert "qemu-efi" not in str(host.repair(guest).remedies)
