"""What was found on a host, for people: sections of rows, each "no" with its reason.

This is data; printing it is left to the command line, and `msgspec.json.encode` makes JSON of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import UnansweredError
from domcaps.facts.host import TPM_PROGRAMS
from domcaps.language.quantities import KIB, shown_size
from domcaps.language.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domcaps.facts.firmware import FirmwareIndex
    from domcaps.facts.firmwarefile import Firmware
    from domcaps.facts.host import HostFacts
    from domcaps.facts.record import Helper, HostCpu, NumaCell, Presence, Recording


_UNPROTECTED = {
    "x86_64": "neither SEV (kvm_amd's parameter 'sev', /dev/sev) nor TDX (kvm_intel's 'tdx') is on",
    "s390x": "no ultravisor (/sys/firmware/uv), or the kernel was started without prot_virt=1",
}


class HostRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing: its name, whether it can be used (None: no such question), details, reason."""

    name: str
    usable: bool | None = None
    detail: str = ""
    reason: str = ""


class HostSection(msgspec.Struct, frozen=True):
    """Things of one kind."""

    title: str
    rows: tuple[HostRow, ...]


def describe_host(host: HostFacts, emulators: Sequence[str] = ()) -> tuple[HostSection, ...]:
    """Describe what was found; `emulators` are the paths of those that are installed."""
    return (
        HostSection("host", tuple(_known(_host_rows(host)))),
        HostSection("emulators", tuple(_emulator_rows(emulators))),
        HostSection("accelerators", tuple(_known(_accelerator_rows(host)))),
        HostSection("firmware", tuple(_known(_firmware_rows(host)))),
        HostSection("device assignment", tuple(_known(_assignment_rows(host)))),
        HostSection("helper programs", tuple(_known(_helper_rows(host)))),
        HostSection("memory", tuple(_known(_memory_rows(host)))),
    )


def _known(rows: Iterator[HostRow]) -> Iterator[HostRow]:
    """Give the rows up to the first fact that is not known, as of a host that libvirt described."""
    try:
        yield from rows
    except UnansweredError:
        yield HostRow("other facts", detail="not known: only libvirt of this host was asked")


def describe_recording(recording: Recording) -> HostSection:
    """Describe a recording itself: when it was made, and what in it tells whose host it is."""
    return HostSection("recording", tuple(_recording_rows(recording)))


def _recording_rows(recording: Recording) -> Iterator[HostRow]:
    yield HostRow("made", detail=_joined((recording.made_at, recording.made_by)) or "unknown")
    if recording.comment:
        yield HostRow("comment", detail=recording.comment)
    yield HostRow("redacted", recording.redacted, reason="" if recording.redacted else _NAMES_HOST)
    node = recording.node
    yield HostRow("UUID of the host", detail=node.uuid if node and node.uuid else "none")
    yield HostRow("account of QEMU", detail=recording.host.qemu_user or "the one that recorded")
    for record in recording.emulators:
        answers = sum(len(session.answers) for session in record.sessions)
        names = " ".join(session.accelerator for session in record.sessions)
        inventory = "properties of every device" if record.inventory else ""
        detail = _joined((f"{answers} answers", names, inventory))
        yield HostRow(record.path, detail=detail)


_NAMES_HOST = "'domcaps record --redact' takes out what tells whose host it is"


def _host_rows(host: HostFacts) -> Iterator[HostRow]:
    record = host.record
    yield HostRow("architecture", detail=record.arch)
    if record.kernel:
        yield HostRow("kernel", detail=record.kernel)
    yield HostRow("processor", detail=_processor(record.cpu))
    if record.cpu.phys_addr_bits:
        yield HostRow("physical addresses", detail=f"{record.cpu.phys_addr_bits} bits")
    yield HostRow("configuration", detail="of the system" if record.privileged else "of the user")
    for path, values in record.asserted.items():
        yield HostRow(f"asserted: {path}", detail=", ".join(values))


def _processor(cpu: HostCpu) -> str:
    name = cpu.name or cpu.model or cpu.vendor or "unknown"
    return f"{name}, {cpu.sockets} × {cpu.cores} × {cpu.threads} (sockets, cores, threads)"


def _emulator_rows(emulators: Sequence[str]) -> Iterator[HostRow]:
    if not emulators:
        yield HostRow("qemu-system-…", usable=False, reason="no emulator on the search path")
    for path in emulators:
        yield HostRow(path.rpartition("/")[2], usable=True, detail=path)


def _accelerator_rows(host: HostFacts) -> Iterator[HostRow]:
    kvm = host.kvm
    limit = f"up to {kvm.max_vcpus} virtual CPUs" if kvm.max_vcpus else ""
    yield HostRow("kvm", kvm.usable, limit if kvm.usable else "", kvm.reason)
    yield HostRow("tcg", usable=True, detail="emulation needs nothing of the host")
    if not kvm.usable:
        return
    reason = "" if kvm.nested else "no module of KVM has its parameter 'nested' switched on"
    yield HostRow("nested guests", kvm.nested, reason=reason)
    protected = kvm.secure_guest or kvm.tdx
    reason = "" if protected else _UNPROTECTED.get(host.arch, f"KVM has none on {host.arch}")
    yield HostRow("protected guests", protected, _protection(host), reason)


def _protection(host: HostFacts) -> str:
    guests, es_guests = host.sev_limits
    if guests or es_guests:
        return f"{guests} with SEV, {es_guests} with SEV-ES"
    return "Intel TDX" if host.kvm.tdx else ""


def _firmware_rows(host: HostFacts) -> Iterator[HostRow]:
    index = host.firmware
    if not index.firmwares:
        yield HostRow("descriptors", usable=False, reason="no usable firmware descriptor found")
    for firmware in index.firmwares:
        yield _firmware_row(index, firmware)
    for invalid in index.invalid:
        yield HostRow(invalid.path, usable=False, reason=invalid.reason)
    for path in index.masked:
        yield HostRow(path, usable=False, reason="hidden by a file of that name, or empty")


def _firmware_row(index: FirmwareIndex, firmware: Firmware) -> HostRow:
    archs = dict.fromkeys(target.arch for target in firmware.targets)
    parts = (
        "/".join(firmware.interface_types),
        "for " + " ".join(archs),
        firmware.image,
        " ".join(firmware.features),
    )
    reason = _why_not(index, firmware)
    return HostRow(firmware.path, not reason, _joined(parts), reason)


def _why_not(index: FirmwareIndex, firmware: Firmware) -> str:
    if not firmware.is_loader:
        return f"no <loader> is mapped as {firmware.mapping.device!r}"
    missing = [name for name in firmware.files if not index.exists(name)]
    return f"missing: {', '.join(missing)}" if missing else ""


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def _assignment_rows(host: HostFacts) -> Iterator[HostRow]:
    presences: tuple[tuple[str, Presence], ...] = (("vfio", host.vfio), ("iommufd", host.iommufd))
    for name, presence in presences:
        yield HostRow(name, presence.usable, reason=presence.reason)


def _helper_rows(host: HostFacts) -> Iterator[HostRow]:
    for helper in host.record.helpers:
        yield _helper_row(helper)
    versions = host.tpm_versions
    if versions is None:
        missing = [name for name in TPM_PROGRAMS if host.helper(name) is None]
        yield HostRow("emulated TPM", usable=False, reason=f"missing: {', '.join(missing)}")
    else:
        yield HostRow("emulated TPM", True, ", ".join(versions) or "of unknown versions")


def _helper_row(helper: Helper) -> HostRow:
    details = (helper.path, " ".join(helper.features))
    return HostRow(helper.name, bool(helper.path), _joined(details), helper.reason)


def _memory_rows(host: HostFacts) -> Iterator[HostRow]:
    sizes = host.record.hugepage_sizes_kib
    yield HostRow(
        "huge pages",
        bool(sizes),
        ", ".join(shown_size(size * KIB) for size in sizes),
        "" if sizes else "the kernel offers none",
    )
    for cell in host.record.numa:
        yield HostRow(f"NUMA cell {cell.id}", detail=_cell(cell))


def _cell(cell: NumaCell) -> str:
    whole = cell.memory_kib < _GIB
    memory = shown_size(cell.memory_kib * KIB) if whole else f"{cell.memory_kib / _GIB:.1f} GiB"
    return f"{memory}, {counted(len(cell.cpus), 'CPU')}"


_GIB = 1 << 20
"""In KiB."""
