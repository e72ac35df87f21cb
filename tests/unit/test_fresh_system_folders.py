"""What programs open besides their own files is an input: devices, and what may be mounted over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import fresh_fakes as fakes
from domcaps.facts import passed
from domcaps.facts.host_parts import Helper
from domcaps.fresh import report_cache, witness
from domcaps.fresh.build import Build
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.host_view import HostView
from domcaps.fresh.hostfacts import HelperFeatures
from domcaps.fresh.programs import loaded_witnesses
from domcaps.fresh.report_cache import Printed
from domcaps.fresh.store import witnesses
from domcaps.fresh.witness import SystemFolders
from fresh_fakes import PretendedHost

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have files of a folder for the devices and folders of the system."""
    (tmp_path / "device").write_text("x")
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc").write_text("x")
    monkeypatch.setattr(witness, "_DEVICES", (f"{tmp_path}/device",))
    monkeypatch.setattr(witness, "_FOLDERS", (f"{tmp_path}/etc",))
    monkeypatch.setattr(witness, "_OF_KERNEL", (f"{tmp_path}/proc",))
    return tmp_path


@pytest.mark.parametrize("name", ["device", "proc"])
def test_what_vanishes_shows(system: Path, name: str) -> None:
    before = SystemFolders().look(HostView())
    (system / name).unlink()
    assert SystemFolders().look(HostView()) != before


def test_another_kind_of_file_in_the_place_of_a_device_shows(system: Path) -> None:
    before = SystemFolders().look(HostView())
    (system / "device").unlink()
    os.mkfifo(system / "device")
    assert SystemFolders().look(HostView()) != before


def test_another_folder_in_the_same_place_shows(system: Path) -> None:
    before = SystemFolders().look(HostView())
    (system / "etc").rename(system / "old")
    (system / "etc").mkdir()
    assert SystemFolders().look(HostView()) != before


def test_what_is_written_in_a_folder_does_not_count(system: Path) -> None:
    before = SystemFolders().look(HostView())
    (system / "etc" / "file").write_text("x")
    (system / "device").write_text("other")
    assert SystemFolders().look(HostView()) == before


def test_emulators_and_helper_programs_depend_on_it(tmp_path: Path) -> None:
    assert SystemFolders() in loaded_witnesses("/bin/cat", (), HostView())
    host = PretendedHost(tmp_path)
    build = Build(HostView(host.files, host.environ))
    entry = build.entry(HelperFeatures(Helper("swtpm_setup", "/usr/bin/swtpm_setup")))
    assert SystemFolders() in {sighting.witness for sighting in witnesses(entry)}


def test_a_name_that_comes_or_goes_in_the_folder_of_devices_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path: real(tmp_path if path == "/dev" else path))
    stamp = SystemFolders().glance(HostView())
    (tmp_path / "urandom").write_text("x")
    assert SystemFolders().glance(HostView()) != stamp


def test_a_change_of_the_mounts_is_looked_at() -> None:
    host_view = HostView()
    stamp = SystemFolders().glance(host_view)
    assert SystemFolders().glance(host_view) == stamp
    host_view.forget_mounts()
    assert SystemFolders().glance(host_view) != stamp


# -- warnings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["QEMU_MODULE_DIR", "LD_LIBRARY_PATH"])
def test_a_kept_report_warns_as_the_probe_did(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    host = PretendedHost(tmp_path / "host")
    monkeypatch.setattr(report_cache, "own_identity", lambda: "1")
    monkeypatch.setattr(report_cache, "is_as_loaded", lambda: True)
    caps = host.host.domain_capabilities(machine="q35")
    entry = host.host.entry(machine="q35")
    disk, view = DiskStore(tmp_path / "cache"), HostView(host.files, host.environ)
    printed = Printed(caps.xml, caps.json, caps.unknown, caps.snapshot)
    assert report_cache.keep(("q35",), printed, entry, disk)
    folder.chmod(0o777)
    monkeypatch.setenv(name, str(folder))
    passed._tell.cache_clear()
    assert report_cache.recall(("q35",), disk, view) is not None
    assert f"{folder} in {name} is not used" in caplog.text


def test_an_environment_without_such_folders_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("QEMU_MODULE_DIR", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(passed, "weakness_of_search", fakes.descriptor)
    passed.warn_of_folders()
