"""KVM of a pretended host: the device is played by a few lines."""

from __future__ import annotations

import errno
import getpass
import grp
import os
import pwd
from typing import TYPE_CHECKING

import pytest

from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.kvm import read_kvm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class WithKvm(HostFiles):
    """A host whose /dev/kvm gives the answers it was made with."""

    def __init__(self, root: Path, *answers: int) -> None:
        super().__init__(root)
        self.answers = answers
        self.requests: Sequence[tuple[int, int]] = ()

    def control(self, path: str, requests: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        assert path == "/dev/kvm"
        self.requests = requests
        return self.answers


class Failing(HostFiles):
    """A host whose /dev/kvm can't be opened."""

    def __init__(self, root: Path, error: OSError) -> None:
        super().__init__(root)
        self.error = error

    def control(self, path: str, requests: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        raise self.error


def write(root: Path, name: str, text: str = "") -> None:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("largest", "recommended", "limit"), [(1024, 8, 1024), (0, 8, 8), (-1, 8, 8), (-1, -1, 4)]
)
def test_the_limit_of_virtual_cpus(
    tmp_path: Path, largest: int, recommended: int, limit: int
) -> None:
    kvm = read_kvm(WithKvm(tmp_path, 12, largest, recommended), "x86_64")
    assert kvm.usable
    assert kvm.max_vcpus == limit


def test_requests_are_numbered_as_the_architecture_does(tmp_path: Path) -> None:
    files = WithKvm(tmp_path, 12, 8, 8)
    read_kvm(files, "aarch64")
    assert files.requests == ((0xAE00, 0), (0xAE03, 66), (0xAE03, 9))
    read_kvm(files, "ppc64le")
    assert files.requests[1] == (0x2000AE03, 66)


@pytest.mark.parametrize(("answer", "smm"), [(1, True), (0, False), (-1, False)])
def test_system_management_mode_is_asked_for_where_it_can_be(
    tmp_path: Path, answer: int, *, smm: bool
) -> None:
    files = WithKvm(tmp_path, 12, 8, 8, answer)
    assert read_kvm(files, "x86_64").smm is smm
    assert files.requests[-1] == (0xAE03, 117)
    assert read_kvm(WithKvm(tmp_path, 12, 8, 8), "s390x").smm is None


def test_a_device_that_is_not_kvm(tmp_path: Path) -> None:
    kvm = read_kvm(WithKvm(tmp_path, -1, -1, -1), "x86_64")
    assert not kvm.usable
    assert kvm.reason == "/dev/kvm does not answer as KVM does"
    assert kvm.max_vcpus == 0


def test_an_ordinary_file_is_not_kvm(tmp_path: Path) -> None:
    write(tmp_path, "/dev/kvm")
    assert "does not answer" in read_kvm(HostFiles(tmp_path), "x86_64").reason


def test_a_kernel_without_the_hardware(tmp_path: Path) -> None:
    error = OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    reason = read_kvm(Failing(tmp_path, error), "x86_64").reason
    assert reason == "/dev/kvm can't be opened: No such device"


def test_a_missing_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, mode: mode == os.R_OK)
    error = PermissionError(errno.EACCES, "Permission denied")
    reason = read_kvm(Failing(tmp_path, error), "x86_64").reason
    assert reason == f"no permission for uid {os.geteuid()} to write /dev/kvm"


def test_the_group_that_may_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    write(tmp_path, "/dev/kvm")
    (tmp_path / "dev/kvm").chmod(0o660)
    status = (tmp_path / "dev/kvm").stat()
    owner, group = pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name
    error = PermissionError(errno.EACCES, "Permission denied")
    reason = read_kvm(Failing(tmp_path, error), "x86_64").reason
    assert reason.endswith(f"{owner}:{group} 0660: add the user to the group {group}")


def test_the_user_who_runs_qemu_may_be_another(tmp_path: Path) -> None:
    write(tmp_path, "/dev/kvm")
    device = tmp_path / "dev/kvm"
    files = WithKvm(tmp_path, 12, 8, 8)
    me = getpass.getuser()
    device.chmod(0o600)
    assert read_kvm(files, "x86_64", me).usable
    other = read_kvm(files, "x86_64", "nobody")
    if me != "nobody":
        assert other.reason.startswith("nobody has no permission to read or write /dev/kvm")
        assert "0600" in other.reason
    device.chmod(0o666)
    assert read_kvm(files, "x86_64", "nobody").usable
    assert read_kvm(files, "x86_64", "no-such-user").reason == "there is no user 'no-such-user'"


@pytest.mark.parametrize(("value", "nested"), [("Y\n", True), ("1\n", True), ("N\n", False)])
def test_nesting_is_a_module_parameter(tmp_path: Path, value: str, *, nested: bool) -> None:
    write(tmp_path, "/sys/module/kvm_intel/parameters/nested", "N\n")
    write(tmp_path, "/sys/module/kvm/parameters/nested", value)
    assert read_kvm(HostFiles(tmp_path), "s390x").nested is nested


def test_sev_needs_the_parameter_and_the_device(tmp_path: Path) -> None:
    write(tmp_path, "/sys/module/kvm_amd/parameters/sev", "Y\n")
    assert not read_kvm(HostFiles(tmp_path), "x86_64").secure_guest
    write(tmp_path, "/dev/sev")
    assert read_kvm(HostFiles(tmp_path), "x86_64").secure_guest
    assert not read_kvm(HostFiles(tmp_path), "aarch64").secure_guest


def test_tdx_is_a_module_parameter(tmp_path: Path) -> None:
    write(tmp_path, "/sys/module/kvm_intel/parameters/tdx", "Y\n")
    kvm = read_kvm(HostFiles(tmp_path), "x86_64")
    assert kvm.tdx
    assert not kvm.secure_guest


@pytest.mark.parametrize(
    ("command_line", "protected"),
    [
        ("root=/dev/dasda1 prot_virt=1", True),
        ("prot-virt=on quiet", True),
        ('prot_virt="yes"', True),
        ("prot_virt=0 prot_virt=1", False),
        ("prot_virt", False),
        ("xprot_virt=1", False),
        ("", False),
    ],
)
def test_s390_needs_the_kernels_parameter(
    tmp_path: Path, command_line: str, *, protected: bool
) -> None:
    write(tmp_path, "/proc/cmdline", command_line)
    assert not read_kvm(HostFiles(tmp_path), "s390x").secure_guest
    (tmp_path / "sys/firmware/uv").mkdir(parents=True)
    assert read_kvm(HostFiles(tmp_path), "s390x").secure_guest is protected
