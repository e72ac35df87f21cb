"""Which libvirt is assumed where none is named: the one that the host has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import domcaps
from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.libvirt_files import read_libvirt
from domcaps.facts.record import HostRecord, Libvirt, Recording
from domcaps.facts.recording import save
from domcaps.language.dialect import AUTO, check_dialect, dialect_for, known_dialects, why_dialect
from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from fakes import emulator_record

if TYPE_CHECKING:
    from pathlib import Path

NEWEST = str(known_dialects()[-1])
DEBIAN = "/usr/lib/x86_64-linux-gnu"


def folder(root: Path, library: str, release: str, where: str = DEBIAN) -> HostFiles:
    """Make the files of a host that has a libvirt."""
    (root / where.lstrip("/")).mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text(release)
    if library:
        (root / where.lstrip("/") / library).touch()
    return HostFiles(root, uname=("x86_64", "6.1", ""))


@pytest.mark.parametrize(
    ("library", "release", "dialect"),
    [
        ("libvirt.so.0.7000.0", 'ID=debian\nVERSION_ID="11"\n', "7.0"),
        ("libvirt.so.0.9000.0", 'ID=debian\nVERSION_ID="12"\n', "9.0+debian12"),
        ("libvirt.so.0.9000.0", "ID=fedora\nVERSION_ID=38\n", "9.0"),
        ("libvirt.so.0.11003.0", 'ID=debian\nVERSION_ID="13"\n', "11.3"),
        ("libvirt.so.0.12008.0", "ID=debian\n", "12.8"),
        ("libvirt.so.0.10000.0", "ID=ubuntu\nVERSION_ID='24.04'\n", "10.0"),
        ("libvirt.so.0.99000.1", "ID=debian\n", NEWEST),
        ("libvirt.so.0.4000.0", "ID=debian\n", "6.10"),
        ("libvirt.so.0.backup", "", NEWEST),
        ("", "", NEWEST),
    ],
)
def test_it_is_told_by_the_library(
    tmp_path: Path, library: str, release: str, dialect: str
) -> None:
    found = read_libvirt(folder(tmp_path, library, release), "x86_64")
    assert str(dialect_for(AUTO, found)) == dialect
    assert f"libvirt {dialect} " in why_dialect(found)
    assert str(dialect_for("11.3", found)) == "11.3"


def test_red_hats_folders_are_looked_at(tmp_path: Path) -> None:
    files = folder(tmp_path, "libvirt.so.0.10010.0", 'ID="rhel"\nVERSION_ID="9.6"\n', "/usr/lib64")
    assert read_libvirt(files, "x86_64") == Libvirt(
        "10.10.0", "rhel9.6", "/usr/lib64/libvirt.so.0.10010.0", spice_tls=False
    )


@pytest.mark.parametrize(
    ("settings", "tls"),
    [
        ("", False),
        ("#spice_tls = 1\n", False),
        ("spice_tls = 1\n", True),
        ("  spice_tls=1\nspice_tls = 0\n", False),
        (None, False),
    ],
)
def test_the_setting_of_spice_is_read(tmp_path: Path, settings: str | None, tls: bool) -> None:
    files = folder(tmp_path, "libvirt.so.0.9000.0", "ID=debian\n")
    if settings is not None:
        (tmp_path / "etc/libvirt").mkdir()
        (tmp_path / "etc/libvirt/qemu.conf").write_text(settings)
    assert read_libvirt(files, "x86_64").spice_tls is tls


def test_settings_that_cannot_be_read_are_unknown(tmp_path: Path) -> None:
    files = folder(tmp_path, "libvirt.so.0.9000.0", "ID=debian\n")
    (tmp_path / "etc/libvirt/qemu.conf").mkdir(parents=True)
    assert read_libvirt(files, "x86_64").spice_tls is None


def test_auto_is_known_everywhere() -> None:
    check_dialect(AUTO)
    with pytest.raises(domcaps.UnknownDialectError, match="auto"):
        check_dialect("own")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of a host that has Debian 12's libvirt."""
    has = Libvirt("9.0.0", "debian12", f"{DEBIAN}/libvirt.so.0.9000.0")
    path = tmp_path / "host.domcaps"
    save(Recording(HostRecord(arch="x86_64", libvirt=has), (emulator_record(),)), path)
    return path


def test_a_recording_is_judged_elsewhere_as_its_host_would(recording: Path) -> None:
    host = domcaps.Host.load(recording)
    assert str(host.world().target.dialect) == "9.0+debian12"
    assert str(host.world(libvirt="12.8").target.dialect) == "12.8"


def test_the_command_line_says_which_was_taken_and_why(recording: Path) -> None:
    done = CliRunner().invoke(_root, ["report", "--host", str(recording)])
    assert "libvirt 9.0+debian12 is assumed" in done.stderr
    assert "libvirt.so.0.9000.0" in done.stderr
    named = CliRunner().invoke(_root, ["report", "--host", str(recording), "--libvirt", "11.3"])
    assert "assumed" not in named.stderr


_DEBIAN = {
    "bullseye": ("libvirt.so.0.7000.0", 'ID=debian\nVERSION_ID="11"\n'),
    "bookworm": ("libvirt.so.0.9000.0", 'ID=debian\nVERSION_ID="12"\n'),
    "trixie": ("libvirt.so.0.11003.0", 'ID=debian\nVERSION_ID="13"\n'),
    "sid": ("libvirt.so.0.12008.0", "ID=debian\nVERSION_CODENAME=forky\n"),
}
_MAXIMUM = "<cpu mode='maximum'/>"
_PASST = "<devices><interface type='user'><backend type='passt'/></interface></devices>"
_HOST_MODEL = "<features><hyperv mode='host-model'/></features>"


@pytest.mark.parametrize(
    ("release", "xml", "code", "refused"),
    [
        ("bullseye", _MAXIMUM, "cpu-mode-invalid", True),
        ("bookworm", _MAXIMUM, "cpu-mode-invalid", False),
        ("bookworm", _PASST, "interface-backend-type-invalid", True),
        ("trixie", _PASST, "interface-backend-type-invalid", False),
        ("trixie", _HOST_MODEL, "features-hyperv-mode-unknown", True),
        ("sid", _HOST_MODEL, "features-hyperv-mode-unknown", False),
    ],
)
def test_a_domain_is_judged_by_the_libvirt_of_its_hosts_debian(
    tmp_path: Path, release: str, xml: str, code: str, refused: bool
) -> None:
    found = read_libvirt(folder(tmp_path, *_DEBIAN[release]), "x86_64")
    record = Recording(HostRecord(arch="x86_64", libvirt=found), (emulator_record(),))
    domain = domain_of(Sample(xml)).encode()
    codes = {one.code for one in domcaps.Host.from_recording(record).validate(domain).findings}
    assert (code in codes) is refused, codes
