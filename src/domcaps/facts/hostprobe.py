"""Reading a live host: everything that its record holds, without asking an emulator.

Nothing is changed on the host, and nothing that is missing or broken is an error: what can't be
read keeps the value that says "no", with the reason where the record has a place for one. Without
helper programs being run, a host is read in a few milliseconds.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.facts.descriptors import folders, read_descriptors
from domcaps.facts.firmware import FirmwareIndex
from domcaps.facts.firmwarefile import DEFAULT_IMAGES
from domcaps.facts.helpers import read_helpers
from domcaps.facts.hostcpu import cpu_list, read_cpu
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.kvm import read_kvm
from domcaps.facts.libvirt_files import read_libvirt
from domcaps.facts.qemu_account import SYSTEM, system_account
from domcaps.facts.record import HostRecord, NumaCell, Presence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domcaps.facts.record import FirmwareDescriptor, Helper, HostCpu, Kvm, Libvirt

_OTHER_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}
_NODES = "/sys/devices/system/node"
_IOMMU_GROUPS = "/sys/kernel/iommu_groups"
_VFIO = "/dev/vfio/vfio"
_IOMMUFD = "/dev/iommu"


def read_host(
    root: Path = Path("/"),
    *,
    privileged: bool | None = None,
    environ: Mapping[str, str] = os.environ,
    run_helpers: bool = True,
    known_helpers: Iterable[Helper] = (),
    qemu_user: str = "",
    files: HostFiles | None = None,
) -> HostRecord:
    """Read the host whose files are below `root`.

    `privileged` says whose configuration counts, root's or a user's: by default that of the user
    that runs this. `run_helpers` asks helper programs what they can do; those in `known_helpers`
    are not asked again while their file is the same. `qemu_user` is the account that QEMU runs as
    ("system": that of the system's libvirt), by default the present one. `files` replaces `root` by
    any other way to see files.
    """
    reader = HostReader(
        files or HostFiles(root),
        privileged=os.geteuid() == 0 if privileged is None else privileged,
        environ=environ,
        qemu_user=qemu_user,
        run_helpers=run_helpers,
        known_helpers=tuple(known_helpers),
    )
    return HostRecord(**{field: getattr(reader, field)() for field in HostRecord.__struct_fields__})


class HostReader:
    """A host read fact by fact: each method gives the field of `HostRecord` of its name.

    The fields of `HostRecord` are the one list of facts: `read_host` and `domcaps.fresh.hostfacts`
    go through it, so a field without a method here is an error in both.
    """

    def __init__(
        self,
        files: HostFiles,
        *,
        privileged: bool,
        environ: Mapping[str, str],
        qemu_user: str = "",
        run_helpers: bool = True,
        known_helpers: tuple[Helper, ...] = (),
    ) -> None:
        self._files = files
        self._privileged = privileged
        self._environ = environ
        self._qemu_user = qemu_user
        self._run_helpers = run_helpers
        self._known_helpers = known_helpers

    def arch(self) -> str:
        """Give the architecture, by libvirt's name."""
        return libvirt_arch(self._files.uname[0])

    def kernel(self) -> str:
        """Give release and version of the kernel."""
        _, release, version = self._files.uname
        return f"{release} {version}".strip()

    def privileged(self) -> bool:
        """Tell whether root's configuration counts."""
        return self._privileged

    def cpu(self) -> HostCpu:
        """Read the processor."""
        return read_cpu(self._files, self.arch())

    def kvm(self) -> Kvm:
        """Read what KVM offers to the user who runs QEMU."""
        return read_kvm(self._files, self.arch(), self.qemu_user())

    def qemu_user(self) -> str:
        """Name the account that QEMU runs as, "" for that of this process."""
        if self._qemu_user == SYSTEM:
            return system_account(self._files)
        return self._qemu_user

    def firmware(self) -> tuple[FirmwareDescriptor, ...]:
        """Read the firmware descriptors."""
        where = folders("firmware", privileged=self._privileged, environ=self._environ)
        return read_descriptors(self._files, where)

    def images(self, descriptors: tuple[FirmwareDescriptor, ...] | None = None) -> tuple[str, ...]:
        """Give the images that exist of those that descriptors name, and of the default ones.

        The descriptors are read where none are given.
        """
        return _images(self._files, self.firmware() if descriptors is None else descriptors)

    def image_sizes(self, images: tuple[str, ...] | None = None) -> dict[str, int]:
        """Give the sizes of images in bytes, as far as they can be looked at."""
        return _sizes(self._files, self.images() if images is None else images)

    def vfio(self) -> Presence:
        """Tell whether devices can be handed to guests."""
        return _vfio(self._files)

    def iommufd(self) -> Presence:
        """Tell whether that can be done through ``/dev/iommu``."""
        return _iommufd(self._files)

    def helpers(self) -> tuple[Helper, ...]:
        """Look for helper programs, and ask them what they can do."""
        return read_helpers(
            self._files,
            privileged=self._privileged,
            environ=self._environ,
            run=self._run_helpers,
            known=self._known_helpers,
        )

    def hugepage_sizes_kib(self) -> tuple[int, ...]:
        """Give the sizes of huge pages, in KiB."""
        return _hugepage_sizes(self._files)

    def transparent_hugepage_kib(self) -> int:
        """Give the size of transparent huge pages, in KiB."""
        return _transparent_hugepage(self._files)

    def numa(self) -> tuple[NumaCell, ...]:
        """Read the NUMA cells."""
        return _numa(self._files)

    def libvirt(self) -> Libvirt:
        """Look for libvirt's library."""
        return read_libvirt(self._files, self.arch())

    def asserted(self) -> dict[str, tuple[str, ...]]:
        """Assert nothing: a live host has what it has."""
        return {}


def libvirt_arch(machine: str) -> str:
    """Give libvirt's name of an architecture that ``uname -m`` names."""
    if re.fullmatch(r"i.86", machine):
        return "i686"
    return _OTHER_NAMES.get(machine, machine)


def _images(files: HostFiles, descriptors: tuple[FirmwareDescriptor, ...]) -> tuple[str, ...]:
    named = (name for found in FirmwareIndex(descriptors, ()).firmwares for name in found.files)
    default = (name for pair in DEFAULT_IMAGES for name in pair)
    return tuple(name for name in dict.fromkeys((*named, *default)) if files.exists(name))


def _sizes(files: HostFiles, images: tuple[str, ...]) -> dict[str, int]:
    sizes = {}
    for image in images:
        try:
            sizes[image] = files.status(image).st_size
        except OSError:
            continue
    return sizes


def _vfio(files: HostFiles) -> Presence:
    if not files.names_or_none(_IOMMU_GROUPS):
        return Presence(False, f"no IOMMU: {_IOMMU_GROUPS} has no group")
    if not files.exists(_VFIO):
        return Presence(False, f"{_VFIO} does not exist")
    return Presence(True)


def _iommufd(files: HostFiles) -> Presence:
    there = files.exists(_IOMMUFD)
    return Presence(there, "" if there else f"{_IOMMUFD} does not exist")


def _hugepage_sizes(files: HostFiles) -> tuple[int, ...]:
    names = files.names_or_none("/sys/kernel/mm/hugepages")
    return tuple(sorted(_numbers(names, r"hugepages-(\d{1,12})kB")))


def _transparent_hugepage(files: HostFiles) -> int:
    size = files.text("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
    return next((int(number) // 1024 for number in _numbers((size,), r"(\d{1,12})")), 0)


def _numa(files: HostFiles) -> tuple[NumaCell, ...]:
    nodes = sorted(_numbers(files.names_or_none(_NODES), r"node(\d{1,6})"))
    return tuple(_numa_cell(files, node) for node in nodes)


def _numa_cell(files: HostFiles, node: int) -> NumaCell:
    memory = re.search(r"MemTotal:\s*(\d{1,15}) kB", files.text(f"{_NODES}/node{node}/meminfo"))
    return NumaCell(
        id=node,
        memory_kib=int(memory[1]) if memory else 0,
        cpus=cpu_list(files.text(f"{_NODES}/node{node}/cpulist")),
    )


def _numbers(names: Iterable[str], pattern: str) -> tuple[int, ...]:
    found = (re.fullmatch(pattern, name, re.ASCII) for name in names)
    return tuple(int(match[1]) for match in found if match)
