"""The facts of a host apart from its emulators: each one's form, and how it is read.

A fact is one field of `HostRecord` and the method of `HostReader` of its name, which gives its
value, and whose docstring is its line in ``docs/internals/recordings.md``. Both stand here, so that
a new fact is made in one place; everything else goes through the list of fields.

Nothing is changed on the host, and nothing that is missing or broken is an error: what can't be
read keeps the value that says "no", with the reason where the record has a place for one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.host_parts import (
    FirmwareDescriptor,
    Helper,
    HostCpu,
    Kvm,
    Libvirt,
    NumaCell,
    Presence,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domcaps.facts.hostfiles import HostFiles

_OTHER_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}
_NODES = "/sys/devices/system/node"
_IOMMU_GROUPS = "/sys/kernel/iommu_groups"
_VFIO = "/dev/vfio/vfio"
_IOMMUFD = "/dev/iommu"


class HostRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read of the host, apart from its emulators.

    `firmware` lists the files of the descriptor folders, most important folder first, and
    `images` those of the images they name (and of the well-known firmware paths) that exist;
    `image_sizes` has their sizes in bytes.
    `qemu_user` is the account that QEMU runs as, for which it was judged what can be used; "" is
    the one that read the host. `asserted` replaces computed values by given ones, keyed by their
    path in the report (``os.loader``, ``hostdev.pciBackend``): a pretended host can so have what
    it lacks. `unread` names the facts that are not known, such as ``firmware`` or ``kvm.nested``:
    those of a host of which only libvirt was asked.
    """

    arch: str
    kernel: str = ""
    privileged: bool = False
    cpu: HostCpu = HostCpu()
    kvm: Kvm = Kvm()
    firmware: tuple[FirmwareDescriptor, ...] = ()
    images: tuple[str, ...] = ()
    image_sizes: dict[str, int] = {}
    vfio: Presence = Presence(False)
    iommufd: Presence = Presence(False)
    helpers: tuple[Helper, ...] = ()
    hugepage_sizes_kib: tuple[int, ...] = ()
    transparent_hugepage_kib: int = 0
    numa: tuple[NumaCell, ...] = ()
    asserted: dict[str, tuple[str, ...]] = {}
    qemu_user: str = ""
    libvirt: Libvirt = Libvirt()
    unread: tuple[str, ...] = ()


class HostReader:
    """A host read fact by fact: each method gives the field of `HostRecord` of its name.

    The fields of `HostRecord` are the one list of facts: `read_host` and `domcaps.fresh.hostfacts`
    go through it, so a field without a method here is an error in both. Methods import what they
    need to read a live host: of a recording none of it is needed.
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
        """Tell whether the system's configuration counts, as for root."""
        return self._privileged

    def cpu(self) -> HostCpu:
        """Read the processor."""
        from domcaps.facts.hostcpu import read_cpu

        return read_cpu(self._files, self.arch())

    def kvm(self) -> Kvm:
        """Read what KVM offers to the user who runs QEMU."""
        from domcaps.facts.kvm import read_kvm

        return read_kvm(self._files, self.arch(), self.qemu_user())

    def qemu_user(self) -> str:
        """Name the account that QEMU runs as, "" for that of this process."""
        from domcaps.facts.qemu_account import SYSTEM, system_account

        if self._qemu_user == SYSTEM:
            return system_account(self._files)
        return self._qemu_user

    def firmware(self) -> tuple[FirmwareDescriptor, ...]:
        """Read the firmware descriptors, with their text."""
        from domcaps.facts.descriptors import folders, read_descriptors

        where = folders("firmware", privileged=self._privileged, environ=self._environ)
        return read_descriptors(self._files, where)

    def images(self, descriptors: tuple[FirmwareDescriptor, ...] | None = None) -> tuple[str, ...]:
        """Give the image files that exist: those that descriptors name, and the default ones.

        The descriptors are read where none are given.
        """
        return _images(self._files, self.firmware() if descriptors is None else descriptors)

    def image_sizes(self, images: tuple[str, ...] | None = None) -> dict[str, int]:
        """Give the sizes of image files in bytes, where they can be read."""
        return _sizes(self._files, self.images() if images is None else images)

    def vfio(self) -> Presence:
        """Tell whether devices can be assigned to guests: this needs an IOMMU and VFIO."""
        return _vfio(self._files)

    def iommufd(self) -> Presence:
        """Tell whether devices can be assigned to guests through ``/dev/iommu``."""
        return _iommufd(self._files)

    def helpers(self) -> tuple[Helper, ...]:
        """Read the installed helper programs (swtpm, passt …), with their features."""
        from domcaps.facts.helpers import read_helpers

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
        """Read the release of libvirt's library."""
        from domcaps.facts.libvirt_files import read_libvirt

        return read_libvirt(self._files, self.arch())

    def asserted(self) -> dict[str, tuple[str, ...]]:
        """Give values of a simulated host; none for a real one."""
        return {}

    def unread(self) -> tuple[str, ...]:
        """Name the facts that are not known: those that libvirt does not tell of its host."""
        return ()


def libvirt_arch(machine: str) -> str:
    """Give libvirt's name of an architecture that ``uname -m`` names."""
    if re.fullmatch(r"i.86", machine):
        return "i686"
    return _OTHER_NAMES.get(machine, machine)


def _images(files: HostFiles, descriptors: tuple[FirmwareDescriptor, ...]) -> tuple[str, ...]:
    from domcaps.facts.firmware import FirmwareIndex
    from domcaps.facts.firmwarefile import DEFAULT_IMAGES

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
    from domcaps.facts.hostcpu import cpu_list

    memory = re.search(r"MemTotal:\s*(\d{1,15}) kB", files.text(f"{_NODES}/node{node}/meminfo"))
    return NumaCell(
        id=node,
        memory_kib=int(memory[1]) if memory else 0,
        cpus=cpu_list(files.text(f"{_NODES}/node{node}/cpulist")),
    )


def _numbers(names: Iterable[str], pattern: str) -> tuple[int, ...]:
    found = (re.fullmatch(pattern, name, re.ASCII) for name in names)
    return tuple(int(match[1]) for match in found if match)
