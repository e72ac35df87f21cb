"""What a host can do: a typed, read-only view of its record, with what follows from it."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from domcaps.checked import checked
from domcaps.errors import HostFactsError
from domcaps.facts.firmware import FirmwareIndex, FirmwareSummary
from domcaps.facts.firmwarefile import DEFAULT_IMAGES
from domcaps.facts.host_parts import Helper, HostCpu, Kvm, Presence
from domcaps.facts.host_record import HostRecord
from domcaps.facts.json_errors import decode_strictly
from domcaps.facts.named_files import MISSING, FileState
from domcaps.facts.node import Cpuid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from domcaps.facts.node import Node

TPM_PROGRAMS = ("swtpm", "swtpm_setup", "swtpm_ioctl")
"""An emulated TPM needs all three: to run it, to make its state, to talk to it."""

_TPM_FEATURES = {"tpm-1.2": "1.2", "tpm-2.0": "2.0"}


def _guarded(record: HostRecord, unread: frozenset[str]) -> HostRecord:
    """Give a record in which a fact that is not known can't be mistaken for a "no"."""
    # few hosts are recorded in part
    from domcaps.facts.partial import PartialRecord

    guarded: Any = PartialRecord(record, unread)
    return cast("HostRecord", guarded)


@checked
def read_host_facts(data: bytes, where: str = "") -> HostRecord:
    """Decode JSON of the form of `HostRecord`; raises `HostFactsError` with the place.

    Unknown keys and values of another type are refused. `where` names the file.
    """
    return decode_strictly(data, HostRecord, HostFactsError, where)


class HostFacts:
    """One host. Nothing is read anew: it all comes from `record`.

    But for what `hardware` tells of the host as hardware, on demand: None where it was not read.
    """

    def __init__(
        self, record: HostRecord, hardware: Callable[[], Node | None] = lambda: None
    ) -> None:
        # the record of a live host is another class, of which each look at a field costs
        own: object = record
        self._unread = frozenset(own.unread if isinstance(own, HostRecord) else ())
        self.record = _guarded(record, self._unread) if self._unread else record
        self._hardware = hardware

    def __repr__(self) -> str:
        """Name the architecture."""
        return f"HostFacts({self.record.arch!r})"

    @classmethod
    def from_json(cls, data: bytes, where: str = "") -> HostFacts:
        """Take facts that somebody wrote down; see `read_host_facts`."""
        return cls(read_host_facts(data, where))

    @property
    def arch(self) -> str:
        """The host's architecture, by libvirt's name."""
        return self.record.arch

    @property
    def kvm(self) -> Kvm:
        """What KVM offers."""
        return self.record.kvm

    @property
    def cpu(self) -> HostCpu:
        """The processor."""
        return self.record.cpu

    @property
    def vfio(self) -> Presence:
        """Whether devices can be handed to guests: there is an IOMMU, and VFIO."""
        return self.record.vfio

    @property
    def iommufd(self) -> Presence:
        """Whether that can be done through ``/dev/iommu``."""
        return self.record.iommufd

    @property
    def asserted(self) -> Mapping[str, tuple[str, ...]]:
        """Values that stand in for computed ones, by their path in the report."""
        return MappingProxyType(self.record.asserted)

    @cached_property
    def firmware(self) -> FirmwareIndex:
        """The firmware descriptors."""
        return FirmwareIndex(self.record.firmware, self.record.images)

    def image_state(self, path: str) -> FileState | None:
        """Give what is known of an image of firmware; None for files that were not checked.

        Looked for are those that descriptors name, and those that libvirt knows by itself.
        """
        if "images" in self._unread:
            return None
        if self.firmware.exists(path):
            return FileState(True, self.record.image_sizes.get(path))
        # older recordings, and hosts that are made up, know nothing of what is not there
        looked = bool(self.record.image_sizes)
        return MISSING if looked and path in self._named_images else None

    @property
    def known_images(self) -> frozenset[str]:
        """Give the files for which `image_state` may give more than None."""
        return self._named_images | {*self.record.images, *self.record.image_sizes}

    @cached_property
    def _named_images(self) -> frozenset[str]:
        named = {name for found in self.firmware.firmwares for name in found.files}
        return frozenset(named | {name for pair in DEFAULT_IMAGES for name in pair})

    def firmware_for(self, arch: str, machine: str) -> FirmwareSummary:
        """Sum up what firmware offers to a canonical machine type of an architecture."""
        return self.firmware.summary(arch, machine)

    @cached_property
    def _helpers(self) -> dict[str, Helper]:
        return {helper.name: helper for helper in self.record.helpers}

    def helper(self, name: str) -> Helper | None:
        """Give a helper program that is there, None where it is not."""
        found = self._helpers.get(name)
        return found if found is not None and found.path else None

    def helper_presence(self, name: str) -> Presence:
        """Tell whether a helper program is there, and why not."""
        found = self._helpers.get(name)
        if found is None:
            return Presence(False, f"was not searched for {name!r}")
        return Presence(bool(found.path), found.reason)

    @cached_property
    def tpm_versions(self) -> tuple[str, ...] | None:
        """The TPM versions that swtpm can set up; None where a TPM can't be emulated at all.

        Source: ``swtpm_setup --print-capabilities``. A program that does not answer it, as old
        ones do not, gives an empty list: TPMs can be emulated, of versions that it is unknown.
        """
        programs = [self.helper(name) for name in TPM_PROGRAMS]
        if any(program is None for program in programs):
            return None
        setup = self.helper("swtpm_setup")
        features = setup.features if setup else ()
        return tuple(version for name, version in _TPM_FEATURES.items() if name in features)

    @property
    def time_stamp_counter(self) -> tuple[int, bool] | None:
        """The frequency of the processor's counter in Hz and whether KVM scales it, if known."""
        node = self._hardware()
        return (node.tsc_hz, node.tsc_scaling) if node is not None and node.tsc_hz else None

    @cached_property
    def cpuid(self) -> Cpuid:
        """What CPUID says of an x86 processor; nothing where it was not asked."""
        node = self._hardware()
        return Cpuid() if node is None else Cpuid(node.cpuid, node.arch_capabilities, node.msrs)

    @property
    def sev_limits(self) -> tuple[int, int]:
        """How many SEV guests and how many SEV-ES guests can run at once; (0, 0) if unknown.

        Of the numbers (ASIDs) that tell encrypted guests apart, those below the register EDX of
        CPUID leaf 0x8000001f are for SEV-ES, the rest up to ECX for SEV without it.
        """
        largest, smallest = self.cpu.cpuid_8000001f_ecx, self.cpu.cpuid_8000001f_edx
        if not largest or not smallest:
            return 0, 0
        # a machine set up for SEV-ES alone has no numbers left for the others
        return max(0, largest - smallest + 1), smallest - 1
