"""The shape of a recording: what emulators answered and what was read of the host, unprocessed.

These structs are the file format (see `domcaps.facts.recording` for reading and writing) and the
hand-over between collectors (a probe, an import) and interpreters (`EmulatorFacts`,
`HostFacts`). They hold raw answers; nothing here draws a conclusion.
"""

from __future__ import annotations

import msgspec

from domcaps.facts.node import Node
from domcaps.facts.question import QmpCommand

FORMAT = 1
"""Version of the file format. A reader refuses a larger one and says so."""


class Failure(msgspec.Struct, frozen=True):
    """Why a question has no answer.

    `kind` is the QMP error class (``GenericError``, ``DeviceNotFound``, …) when the emulator
    itself refused: that is an answer, and predicates may conclude from it. Otherwise it is
    ``timeout``, ``died`` or ``not-asked``: nothing is known. A session that is ``refused`` is one
    with an accelerator that the emulator was built without.
    """

    kind: str
    text: str

    @property
    def is_answer(self) -> bool:
        """Tell whether the emulator itself said no."""
        return self.kind not in {"timeout", "died", "not-asked"}


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question and what came back: the raw ``return`` value, or why there is none."""

    question: QmpCommand
    reply: msgspec.Raw = msgspec.Raw(b"null")
    failure: Failure | None = None


class ProbeSession(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run of an emulator with one accelerator: ``kvm``, ``hvf`` or ``tcg``.

    `failure` is set when that run could not be asked at all, with the emulator's last words.
    """

    accelerator: str
    answers: tuple[Answer, ...] = ()
    failure: Failure | None = None


class EmulatorRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one emulator answered.

    `sessions` holds the accelerated run first, where there is one, then the one with TCG.
    `size` and `mtime_ns` identify the file that was run; `inventory` tells that the properties
    of every device type were asked for.
    """

    path: str
    sessions: tuple[ProbeSession, ...] = ()
    size: int = 0
    mtime_ns: int = 0
    inventory: bool = False


class Presence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether something of the host can be used, and if not, why not."""

    usable: bool
    reason: str = ""


class Kvm(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the host's KVM offers (``/dev/kvm``, ``/sys/module/kvm*``, ``KVM_CHECK_EXTENSION``).

    `max_vcpus` is ``KVM_CAP_MAX_VCPUS``; 0 when it could not be read. `secure_guest` tells
    whether the kernel can run protected guests (s390 ultravisor, AMD SEV), `tdx` whether it can
    run Intel TDX guests. `smm` is ``KVM_CAP_X86_SMM``, System Management Mode for x86 guests; None
    when it was not asked for, as in recordings that are older than this question.
    """

    usable: bool = False
    reason: str = ""
    max_vcpus: int = 0
    nested: bool = False
    secure_guest: bool = False
    tdx: bool = False
    smm: bool | None = None


class HostCpu(msgspec.Struct, frozen=True, omit_defaults=True):
    """The host's CPU as the kernel shows it (``/proc/cpuinfo``) and as CPUID answers.

    `model` names a CPU model of the architecture when one could be determined, else "";
    `name` is what the kernel calls the processor, for people. `phys_addr_bits` is the width of a
    physical address, 0 when unknown. `signature` is (family, model, stepping) on x86.
    `cpuid_8000001f_ecx` and `…_edx` are that CPUID leaf's registers: the largest ASID for
    encrypted guests, and the smallest for those that are not SEV-ES; 0 when they are unknown.
    """

    model: str = ""
    name: str = ""
    vendor: str = ""
    signature: tuple[int, int, int] | None = None
    flags: tuple[str, ...] = ()
    microcode: int = 0
    phys_addr_bits: int = 0
    cpuid_8000001f_ecx: int = 0
    cpuid_8000001f_edx: int = 0
    sockets: int = 1
    cores: int = 1
    threads: int = 1


class FirmwareDescriptor(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of a firmware descriptor folder (QEMU's ``docs/interop/firmware.json``).

    `text` is its content, empty for a file that masks others. `failure` says why it could not be
    read; then a `name` of "" stands for the folder itself. `masks` tells whether the file hides
    those of the same name in less important folders: what is no regular file does not. Files are
    kept as found; which of them count is decided by `domcaps.facts.firmware`.
    """

    directory: str
    name: str
    text: str = ""
    failure: str = ""
    masks: bool = True


class Helper(msgspec.Struct, frozen=True, omit_defaults=True):
    """A helper program: where it is, and what it says that it can do.

    `path` is empty where there is none. `reason` says why not, or why it did not tell its
    features. `size` and `mtime_ns` identify the file that was asked.
    """

    name: str
    path: str = ""
    features: tuple[str, ...] = ()
    reason: str = ""
    size: int = 0
    mtime_ns: int = 0


class NumaCell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One NUMA cell of the host: its number, memory in KiB and CPUs."""

    id: int
    memory_kib: int = 0
    cpus: tuple[int, ...] = ()


class Libvirt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The libvirt that a host has: its version, "" where none was found.

    `distribution` is identifier and version of the distribution (``debian12``), `found` the file
    that tells the version. `spice_tls` is its setting for TLS with SPICE, None where it is not
    known.
    """

    version: str = ""
    distribution: str = ""
    found: str = ""
    spice_tls: bool | None = None


class HostRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read of the host, apart from its emulators.

    `firmware` lists the files of the descriptor folders, most important folder first, and
    `images` those of the images they name (and of the well-known firmware paths) that exist;
    `image_sizes` has their sizes in bytes.
    `qemu_user` is the account that QEMU runs as, for which it was judged what can be used; "" is
    the one that read the host. `asserted` replaces computed values by given ones, keyed by their
    path in the report (``os.loader``, ``hostdev.pciBackend``): a pretended host can so have what
    it lacks.
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


class Recording(msgspec.Struct, frozen=True, omit_defaults=True):
    """A host with its emulators, complete enough that every question runs from it.

    `node` is the host as hardware, None if it was not probed. `redacted` tells that what identifies
    the host was taken out (`domcaps.facts.redact`).
    """

    host: HostRecord
    emulators: tuple[EmulatorRecord, ...] = ()
    node: Node | None = None
    made_by: str = ""
    made_at: str = ""
    comment: str = ""
    redacted: bool = False
