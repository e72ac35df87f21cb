"""The extended report: what it lists is accepted, and what it does not list is refused."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from click.testing import CliRunner
from lxml import etree

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from extended_rows import disagreements, listed

from domcaps.cli import _root
from domcaps.cli._documents import schema
from domcaps.extended import rows as module
from domcaps.extended.capabilities import NAMESPACE
from domcaps.extended.kinds import _VIRTIO, kinds, virtio_devices
from domcaps.hosts.host import Host

if TYPE_CHECKING:
    from domcaps.extended.capabilities import ExtendedCapabilities

HOST = "shipped:debian13-x86_64"
FAMILIES = {"sound", "input", "watchdog", "iommu", "vsock", "memballoon", "interface", "controller",
            "serial", "parallel", "shmem", "memory", "tpm", "graphics-video", "firmware",
            "disk"}  # fmt: skip


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have those kinds alone that are quick."""
    quick = tuple(kind for kind in kinds() if kind.name not in {"disk", "firmware"})
    monkeypatch.setattr(module, "kinds", lambda: quick)


@cache
def found() -> ExtendedCapabilities:
    return Host.open(HOST).extended_capabilities(machine="q35", virttype="qemu", libvirt="12.8")


def rows(kind: str, capabilities: ExtendedCapabilities | None = None) -> set[tuple[str, ...]]:
    section = (capabilities or found()).sections[kind]
    return {tuple(row.values.values()) for row in section.rows if row.accepted}


def test_every_family_has_rows() -> None:
    sections = found().sections
    assert set(sections) >= FAMILIES
    assert {f"virtio-{path.removeprefix('devices/')}" for path in virtio_devices()} <= set(sections)
    for name, section in sections.items():
        assert any(row.accepted for row in section.rows), name


def test_every_virtio_device_has_a_sample() -> None:
    assert set(virtio_devices()) <= set(_VIRTIO)


def test_rows_are_joint() -> None:
    tpms = rows("tpm")
    assert ("tpm-crb", "emulator", "2.0") in tpms
    assert ("tpm-crb", "emulator", "1.2") not in tpms
    assert ("tpm-tis", "emulator", "1.2") in tpms
    disks = rows("disk")
    assert ("virtio", "disk", "qcow2") in disks
    assert ("virtio", "cdrom", "qcow2") not in disks
    assert ("virtio", "floppy", "raw") not in disks
    screens = rows("graphics-video")
    assert ("vnc", "virtio", "") in screens
    assert ("spice", "virtio", "yes") in screens
    firmware = {values[1:] for values in rows("firmware") if values[0].startswith("pc-q35-10")}
    assert ("efi", "yes") in firmware
    old = {values[1:] for values in rows("firmware") if values[0].startswith("pc-i440fx")}
    assert ("efi", "yes") not in old


@pytest.mark.usefixtures("few")
def test_rows_depend_on_the_machine_type() -> None:
    old = Host.open(HOST).extended_capabilities(machine="pc", virttype="qemu", libvirt="12.8")
    assert ("itco",) in {row[:1] for row in rows("watchdog")}
    assert ("itco",) not in {row[:1] for row in rows("watchdog", old)}
    assert ("ib700",) in {row[:1] for row in rows("watchdog", old)}


@pytest.mark.usefixtures("few")
def test_rows_depend_on_the_release_of_libvirt() -> None:
    host = Host.open(HOST)
    old = host.extended_capabilities(machine="q35", virttype="qemu", libvirt="9.0")
    values = {row.values["model"] for row in old.sections["sound"].rows}
    assert "virtio" not in values
    assert ("virtio",) in rows("sound")


def test_a_refused_row_says_why() -> None:
    (row,) = [
        row for row in found().sections["tpm"].rows
        if tuple(row.values.values()) == ("tpm-crb", "emulator", "1.2")
    ]  # fmt: skip
    assert (row.accepted, row.code) == (False, "tpm-version-unsupported")
    assert "1.2" in row.domain


@pytest.mark.parametrize(
    ("name", "machine"), [("debian13-x86_64", "pc"), ("debian12-s390x", "s390-ccw-virtio")]
)
@pytest.mark.usefixtures("few")
def test_a_row_is_listed_if_and_only_if_it_is_accepted(name: str, machine: str) -> None:
    counts: Counter[str] = Counter()
    host = Host.open(f"shipped:{name}")
    assert list(disagreements(host, machine, "qemu", counts)) == []
    assert sum(counts.values()) > 200


def test_a_planted_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison sees a row that is listed though no domain with it is accepted."""
    real = module._Judge.row

    def wrong(judge: module._Judge, kind: object, values: object) -> object:
        row = real(judge, kind, values)  # type: ignore[arg-type]
        lies = tuple(row.values.values()) == ("tpm-crb", "emulator", "1.2")
        return module.ExtendedRow(row.values, True, row.domain) if lies else row

    monkeypatch.setattr(module._Judge, "row", wrong)
    monkeypatch.setattr(module, "kinds", lambda: tuple(k for k in kinds() if k.name == "tpm"))
    (one,) = disagreements(Host.open(HOST), "q35", "qemu", Counter())
    assert "tpm-crb" in one


@pytest.mark.usefixtures("few")
def test_the_document_has_a_namespace_of_its_own() -> None:
    words = ["report", "--extended", "--host", HOST, "--machine", "q35", "--virttype", "qemu",
             "--libvirt", "12.8"]  # fmt: skip
    done = CliRunner().invoke(_root, words)
    assert done.exit_code == 0, done.output
    root = etree.fromstring(done.stdout.encode())
    assert {etree.QName(node).namespace for node in root.iter()} == {NAMESPACE}
    told = listed(done.stdout)
    assert told == {name: rows for name, rows in listed(found().xml).items() if name in told}


def test_json_has_refused_rows_too_and_is_what_the_schema_says() -> None:
    document = json.loads(found().json)
    jsonschema.validate(document, schema("extended"), cls=jsonschema.Draft202012Validator)
    for name, listed_rows in listed(found().xml).items():
        accepted = [row for row in document["rows"][name] if row["accepted"]]
        assert len(accepted) == len(listed_rows)
    assert any(row["code"] for row in document["rows"]["tpm"] if not row["accepted"])


@pytest.mark.parametrize("more", ["--truth", "--format=html", "--expand-cpu-features"])
def test_options_that_do_not_belong_together(more: str) -> None:
    done = CliRunner().invoke(_root, ["report", "--extended", "--host", HOST, more])
    assert done.exit_code == 2
    assert "--extended" in done.stderr


def test_the_domain_of_a_row_stands_alone() -> None:
    row = next(row for row in found().sections["sound"].rows if row.accepted)
    assert Host.open(HOST).validate(row.domain, "12.8").accepted
