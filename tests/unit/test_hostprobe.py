"""Reading a host from a temporary folder that stands for its root."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from domcaps.facts.host_record import libvirt_arch
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.hostprobe import read_host
from domcaps.facts.record import HostRecord, NumaCell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOBODY = {"HOME": "/home/nobody", "PATH": "/usr/bin"}


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def read(root: Path, machine: str = "x86_64", *, privileged: bool = True) -> HostRecord:
    files = HostFiles(root, uname=(machine, "6.12.1", "#1 SMP"))
    return read_host(privileged=privileged, environ=NOBODY, run_helpers=False, files=files)


def test_an_empty_host_has_nothing_and_says_why(tmp_path: Path) -> None:
    host = read(tmp_path)
    assert host.arch == "x86_64"
    assert host.kernel == "6.12.1 #1 SMP"
    assert host.kvm.reason == "/dev/kvm does not exist"
    assert not host.vfio.usable
    assert "no IOMMU" in host.vfio.reason
    assert host.iommufd.reason == "/dev/iommu does not exist"
    assert host.firmware == ()
    assert host.images == ()
    assert host.numa == ()
    assert all(helper.reason and not helper.path for helper in host.helpers)


def test_a_host_can_be_written_down_and_read_again(tmp_path: Path) -> None:
    strange = os.fsdecode(b"\xff.json")
    tree(tmp_path, {f"/etc/qemu/firmware/{strange}": "{"})
    host = read(tmp_path)
    assert host.firmware[0].name == "\\xff.json"
    assert msgspec.json.decode(msgspec.json.encode(host), type=HostRecord) == host


@pytest.mark.parametrize(
    ("machine", "arch"),
    [
        ("x86_64", "x86_64"),
        ("amd64", "x86_64"),
        ("i586", "i686"),
        ("arm64", "aarch64"),
        ("armv7l", "armv7l"),
        ("s390x", "s390x"),
        ("ppc64le", "ppc64le"),
    ],
)
def test_architectures_have_libvirts_names(machine: str, arch: str) -> None:
    assert libvirt_arch(machine) == arch


def test_vfio_needs_an_iommu_group_and_the_device(tmp_path: Path) -> None:
    tree(tmp_path, {"/dev/vfio/vfio": "", "/sys/kernel/iommu_groups/placeholder": ""})
    assert read(tmp_path).vfio.usable
    (tmp_path / "dev/vfio/vfio").unlink()
    assert read(tmp_path).vfio.reason == "/dev/vfio/vfio does not exist"


def test_iommufd_is_a_device(tmp_path: Path) -> None:
    tree(tmp_path, {"/dev/iommu": ""})
    assert read(tmp_path).iommufd.usable


def test_numa_cells_and_huge_pages(tmp_path: Path) -> None:
    node = "/sys/devices/system/node"
    pages = "/sys/kernel/mm"
    tree(
        tmp_path,
        {
            f"{node}/node10/meminfo": "Node 10 MemTotal:       2048 kB\n",
            f"{node}/node10/cpulist": "4-5,8\n",
            f"{node}/node2/meminfo": "Node 2 MemFree: 1 kB\n",
            f"{node}/node2/cpulist": "\n",
            f"{node}/nodes": "",
            f"{pages}/hugepages/hugepages-1048576kB/nr_hugepages": "0",
            f"{pages}/hugepages/hugepages-2048kB/nr_hugepages": "0",
            f"{pages}/transparent_hugepage/hpage_pmd_size": "2097152\n",
        },
    )
    host = read(tmp_path)
    assert host.numa == (NumaCell(2), NumaCell(10, 2048, (4, 5, 8)))
    assert host.hugepage_sizes_kib == (2048, 1048576)
    assert host.transparent_hugepage_kib == 2048


def test_images_are_those_that_exist(tmp_path: Path) -> None:
    descriptor = (
        '{"interface-types":["uefi"],"targets":[],"features":[],"mapping":{"device":"flash",'
        '"executable":{"filename":"/fw/code.fd","format":"raw"},'
        '"nvram-template":{"filename":"/fw/vars.fd","format":"raw"}}}'
    )
    tree(
        tmp_path,
        {
            "/usr/share/qemu/firmware/50-a.json": descriptor,
            "/fw/code.fd": "",
            "/usr/share/AAVMF/AAVMF_CODE.fd": "",
            "/fw/other.fd": "",
        },
    )
    assert read(tmp_path).images == ("/fw/code.fd", "/usr/share/AAVMF/AAVMF_CODE.fd")


def test_a_descriptor_with_an_impossible_file_name_is_survived(tmp_path: Path) -> None:
    descriptor = (
        '{"interface-types":["uefi"],"targets":[],"features":[],'
        '"mapping":{"device":"memory","filename":"/fw/\\u0000"}}'
    )
    tree(tmp_path, {"/usr/share/qemu/firmware/50-a.json": descriptor})
    assert read(tmp_path).images == ()


def test_the_users_own_descriptors_count_for_the_user_only(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "/home/nobody/.config/qemu/firmware/1.json": "{}",
            "/etc/qemu/firmware/1.json": "{}",
            "/usr/share/qemu/firmware/1.json": "{}",
        },
    )
    folders = [found.directory for found in read(tmp_path, privileged=False).firmware]
    assert folders == [
        "/home/nobody/.config/qemu/firmware",
        "/etc/qemu/firmware",
        "/usr/share/qemu/firmware",
    ]
    assert [found.directory for found in read(tmp_path).firmware] == folders[1:]


def test_the_users_configuration_may_be_elsewhere(tmp_path: Path) -> None:
    tree(tmp_path, {"/conf/qemu/firmware/1.json": "{}", "/home/u/.config/qemu/firmware/2.json": ""})
    host = read_host(
        tmp_path,
        privileged=False,
        environ={"XDG_CONFIG_HOME": "/conf", "HOME": "/home/u"},
        run_helpers=False,
    )
    assert [found.name for found in host.firmware] == ["1.json"]


def test_an_empty_name_of_the_users_configuration_means_none(tmp_path: Path) -> None:
    tree(tmp_path, {"/home/u/.config/qemu/firmware/2.json": ""})
    environ = {"XDG_CONFIG_HOME": "", "HOME": "/home/u"}
    host = read_host(tmp_path, privileged=False, environ=environ, run_helpers=False)
    assert host.firmware == ()
