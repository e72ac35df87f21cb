"""Whole domains, started paused with the emulators that are installed here; nothing stays."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

import msgspec
import pytest

from domcaps.cli._documents import TryDocumentEntry
from domcaps.facts.discovery import installed_emulators
from domcaps.hosts.host import Host
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from domcaps.verify.whole.images import write_qcow2
from marked_processes import marked, marking
from native_domains import CHOSEN, DOMAINS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domcaps.language.rule import Rule

INSTALLED = {path.rpartition("-")[2] for path in installed_emulators()}
SECONDS = 60
PATIENCE = 5.0

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif("x86_64" not in INSTALLED, reason="no QEMU for x86_64 is installed"),
]

PC = """<domain type='qemu'><name>tried</name><memory unit='MiB'>256</memory><vcpu>2</vcpu>
<os><type machine='q35'>hvm</type></os>
<devices>
<disk type='file'><driver type='{form}' cache='none'/><source file='{image}'/>
<target dev='vda' bus='virtio'/></disk>
<interface type='network'><source network='none-such'/><model type='virtio'/></interface>
<tpm model='tpm-tis'><backend type='emulator'/></tpm>
<graphics type='vnc' port='5977' listen='0.0.0.0'/><video><model type='vga'/></video>
<serial type='file'><source path='/no/such/log'/></serial>
</devices>{more}</domain>"""


def nothing_is_left(mark: str, folder: Path) -> bool:
    """Wait a while for the end of all processes, and of all that is in a folder."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if not marked(mark) and not list(folder.iterdir()):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.qcow2"
    write_qcow2(path, 1 << 24)
    return path


@pytest.mark.parametrize("name", [*DOMAINS, *CHOSEN])
def test_domains_start_without_anything_that_they_name(name: str) -> None:
    xml = (DOMAINS | CHOSEN)[name].replace("{dir}", "/no/such/folder")
    if xml.partition("arch='")[2].partition("'")[0] not in INSTALLED:
        pytest.skip("no emulator for the architecture is installed")
    trial = Host.local().try_domain(xml, "12.8")
    if trial.accepted is False:
        assert trial.validation is not None
        pytest.skip(f"not on this host: {trial.validation.errors[0].message}")
    assert trial.verdict == "starts", (trial.reason, trial.said)
    assert trial.agrees


LIVE_RULES = [rule for of_part in rules().values() for rule in of_part if rule.live and rule.bad]


@pytest.mark.parametrize("rule", LIVE_RULES, ids=lambda rule: rule.code)
def test_what_is_missing_is_replaced_or_the_domain_is_refused(rule: Rule) -> None:
    assert rule.bad is not None
    trial = Host.local().try_domain(domain_of(rule.bad), "12.8")
    assert trial.agrees or trial.accepted is False, (trial.reason, trial.said)


@contextlib.contextmanager
def running(
    xml: Path, temporary: Path, mark: str, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command with a folder for temporary files, marked by a variable."""
    environ = os.environ | {"TMPDIR": str(temporary)} | marking(mark)
    words = [sys.executable, "-m", "domcaps", "try", str(xml), "--format", "json", *options]
    with subprocess.Popen(
        words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_nothing_of_the_host_changes_and_nothing_stays(
    form: str, image: Path, tmp_path: Path
) -> None:
    digest, status = hashlib.sha256(image.read_bytes()).digest(), image.stat()
    xml, temporary, mark = tmp_path / "a.xml", tmp_path / "t", uuid.uuid4().hex
    xml.write_text(PC.format(image=image, form=form, more=""))
    temporary.mkdir()
    with running(xml, temporary, mark) as process:
        out, errors = process.communicate(timeout=SECONDS)
    found = msgspec.json.decode(out, type=TryDocumentEntry)
    assert (process.returncode, found.verdict) == (0, "starts"), (found.messages, errors)
    assert hashlib.sha256(image.read_bytes()).digest() == digest
    assert image.stat().st_mtime_ns == status.st_mtime_ns
    assert nothing_is_left(mark, temporary)
    replaced = {one.what for one in found.replaced}
    assert {str(image), "/no/such/log"} <= replaced
    assert json.loads(out)["version"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_stays_when_it_is_killed(number: signal.Signals, tmp_path: Path) -> None:
    xml, temporary, mark = tmp_path / "a.xml", tmp_path / "t", uuid.uuid4().hex
    xml.write_text(PC.format(image="/no/such.raw", form="raw", more=""))
    temporary.mkdir()
    with running(xml, temporary, mark) as process:
        limit = time.monotonic() + SECONDS
        while not any("qemu-system" in one and "-S" in one for one in marked(mark)):
            assert time.monotonic() < limit
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.001)
        process.send_signal(number)
        process.wait(timeout=SECONDS)
    assert nothing_is_left(mark, temporary)


def test_words_of_qemu_have_their_element(tmp_path: Path) -> None:
    more = ("<override xmlns='http://libvirt.org/schemas/domain/qemu/1.0'><device alias='net0'>"
            "<frontend><property name='no-such' type='string' value='x'/></frontend></device>"
            "</override>")  # fmt: skip
    trial = Host.local().try_domain(
        PC.format(image="/no/such.raw", form="raw", more=more), "12.8", judge=False
    )
    assert trial.verdict == "refused"
    (said, *_) = trial.errors
    assert "no-such" in said.text
    assert (said.path, said.line) == ("/domain/devices/interface", 6)


def test_a_locked_image_of_a_running_guest_is_no_hindrance(image: Path, tmp_path: Path) -> None:
    """A running guest has its image locked; to look at it takes no lock."""
    words = ["qemu-system-x86_64", "-S", "-nodefaults", "-display", "none", "-machine", "none",
             "-blockdev", f"driver=qcow2,node-name=a,file.driver=file,file.filename={image}",
             "-qmp", f"unix:{tmp_path}/q,server=on,wait=off"]  # fmt: skip
    with subprocess.Popen(words) as guest:
        try:
            limit = time.monotonic() + SECONDS
            while not (tmp_path / "q").exists():
                assert time.monotonic() < limit
                time.sleep(0.01)
            trial = Host.local().try_domain(PC.format(image=image, form="qcow2", more=""), "12.8")
            assert trial.verdict == "starts", trial.said
            assert guest.poll() is None
        finally:
            guest.kill()


def test_an_image_of_another_format_is_found(image: Path) -> None:
    image.write_bytes(b"no image at all".ljust(1 << 16, b"\0"))
    trial = Host.local().try_domain(
        PC.format(image=image, form="qcow2", more=""), "12.8", judge=False
    )
    assert trial.verdict == "refused"
    assert trial.errors[0].path == "/domain/devices/disk"
