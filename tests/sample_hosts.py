"""Hosts on which samples are tried: recorded emulators on a host that has everything."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

import domcaps
from domcaps.facts.arch import ARCHITECTURES, qemu_target
from domcaps.facts.firmware import FirmwareIndex
from domcaps.facts.named_files import MISSING
from domcaps.facts.node import Node
from domcaps.facts.question import ask
from domcaps.facts.record import (
    EmulatorRecord,
    FirmwareDescriptor,
    Helper,
    HostCpu,
    HostRecord,
    Kvm,
    NumaCell,
    Presence,
    ProbeSession,
    Recording,
)
from fakes import answer, emulator_record
from plain_hosts import PLAIN, open_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.facts.question import QmpCommand
    from domcaps.language.rule import Sample

RELEASES = ("sid", "debian13", "debian12")
BARE = "bare"
"""An emulator with its machines, and the one that a sample names, and nothing else."""

DIALECTS = ("12.8", "11.3")

_SERVED_BY = {"i686": "x86_64", "ppc64le": "ppc64", "aarch64_be": "aarch64", "armv6l": "armv7l"}
_MACHINES = {"x86_64": ("pc", "q35"), "i686": ("pc", "q35"), "ppc64": ("pseries",),
             "s390x": ("s390-ccw-virtio",), "aarch64": ("virt",), "riscv64": ("virt",),
             "loongarch64": ("virt",)}  # fmt: skip


@cache
def _shipped(arch: str, release: str) -> EmulatorRecord | None:
    name = f"{release}-{_SERVED_BY.get(arch, arch)}"
    if name not in PLAIN:
        return None
    host = open_plain(name)
    return host.emulators.get(host.emulators.paths()[0]).record


def _bare(arch: str, machine: str) -> EmulatorRecord:
    names = dict.fromkeys((*_MACHINES.get(arch, ("none-such",)), *([machine] if machine else [])))
    machines = tuple(
        {"name": name, "alias": name, "is-default": number == 0, "cpu-max": 8}
        for number, name in enumerate(names)
    )
    return emulator_record(target=qemu_target(arch), machines=machines, path=_path(arch))


def _path(arch: str) -> str:
    return f"/usr/bin/qemu-system-{qemu_target(arch)}"


def _with_kvm(record: EmulatorRecord) -> EmulatorRecord:
    """Have an emulator answer with KVM what it answered without."""
    if any(session.accelerator == "kvm" for session in record.sessions):
        return record
    plain = next(s for s in record.sessions if s.accelerator == "tcg")
    state = answer(ask("query-kvm"), {"enabled": True, "present": True})
    others = tuple(a for a in plain.answers if a.question != ask("query-kvm"))
    return msgspec.structs.replace(record, sessions=(ProbeSession("kvm", (*others, state)), plain))


def _on_its_own_hardware(record: EmulatorRecord) -> EmulatorRecord:
    """Have an emulator find what only some processors have, where it runs under KVM.

    These are 1 MiB for enclaves (SGX) on the first node, and protected guests on IBM Z. The model
    phenom-v1 is deprecated.
    """
    if record.path == _path("x86_64"):
        record = _instead(record, ask("query-cpu-definitions"), _with_a_deprecated_model)
        return _instead(record, ask("query-sgx-capabilities"), lambda _: _ENCLAVES)
    if record.path == _path("s390x"):
        return _instead(record, ask("qom-list-types"), lambda types: [*types, _PROTECTED])
    return record


def _with_a_deprecated_model(definitions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Call one model deprecated, as releases of QEMU do before they remove some."""
    return [d | {"deprecated": True} if d["name"] == "phenom-v1" else d for d in definitions]


def _instead(
    record: EmulatorRecord, question: QmpCommand, change: Callable[[Any], Any]
) -> EmulatorRecord:
    """Have it answer a question in another way."""
    sessions = []
    for session in record.sessions:
        old = [a.reply for a in session.answers if a.question == question and not a.failure]
        others = [a for a in session.answers if a.question != question]
        told = change(msgspec.json.decode(old[0]) if old else [])
        new = (*others, answer(question, told))
        sessions.append(msgspec.structs.replace(session, answers=new))
    return msgspec.structs.replace(record, sessions=tuple(sessions))


_ENCLAVES = {
    "sgx": True, "sgx1": True, "sgx2": False, "flc": True, "section-size": 1 << 20,
    "sections": [{"node": 0, "size": 1 << 20}],
}  # fmt: skip
_PROTECTED = {"name": "s390-pv-guest", "parent": "confidential-guest-support"}
_NODE = Node(tsc_hz=2_500_000_000)


# for x86: too small for the flash memory of other boards
_IMAGES = {"/usr/share/OVMF/OVMF_CODE.fd": 3653632, "/usr/share/OVMF/OVMF_VARS.fd": 540672}


def _rich(arch: str) -> HostRecord:
    """A host that lacks nothing."""
    helpers = (
        "swtpm",
        "swtpm_setup",
        "swtpm_ioctl",
        "passt",
        "virtiofsd",
        "slirp-helper",
        "vhost-user-gpu",
        "numad",
    )
    return HostRecord(
        arch=arch,
        privileged=True,
        cpu=HostCpu(model={"x86_64": "Haswell", "ppc64": "POWER8"}.get(arch, ""), cores=8),
        kvm=Kvm(usable=True, max_vcpus=1024, nested=True, secure_guest=True, tdx=True, smm=True),
        vfio=Presence(True),
        iommufd=Presence(True),
        helpers=tuple(
            Helper(name, f"/usr/bin/{name}", _OF_SETUP if "setup" in name else ())
            for name in helpers
        ),
        images=tuple(_IMAGES),
        image_sizes=_IMAGES,
        hugepage_sizes_kib=(2048, 1048576),
        numa=(NumaCell(0, 4 * 1024 * 1024, (0, 1)), NumaCell(1, 4 * 1024 * 1024, (2, 3))),
    )


_OF_SETUP = ("tpm-1.2", "tpm-2.0", "cmdarg-profile", "cmdarg-pwdfile-fd")


def rich_host(arch: str, record: EmulatorRecord, origin: str) -> domcaps.Host:
    """Give a host that lacks nothing, firmware of every kind included, with that emulator."""
    served = _SERVED_BY.get(arch, arch)
    firmware = _firmware(served)
    named = FirmwareIndex(firmware, ()).firmwares
    images = (*_IMAGES, *(file for one in named for file in one.files))
    host = msgspec.structs.replace(_rich(served), firmware=firmware, images=images)
    record = _with_kvm(msgspec.structs.replace(record, path=_path(arch)))
    return domcaps.Host.from_recording(Recording(host=host, emulators=(record,)), origin=origin)


def _firmware(arch: str) -> tuple[FirmwareDescriptor, ...]:
    """UEFI with and without secure boot and keys, and a BIOS, for every machine type."""
    kinds = {
        "10-secure": ("uefi", ["secure-boot", "requires-smm", "acpi-s3"]),
        "20-keys": ("uefi", ["secure-boot", "requires-smm", "enrolled-keys"]),
        "30-plain": ("uefi", ["acpi-s3"]),
        "40-bios": ("bios", []),
    }
    return tuple(
        FirmwareDescriptor(
            "/usr/share/qemu/firmware", f"{name}.json", _descriptor(arch, name, *kind)
        )
        for name, kind in kinds.items()
    )


def _descriptor(arch: str, name: str, interface: str, features: list[str]) -> str:
    def image(path: str) -> dict[str, str]:
        return {"filename": f"/usr/share/{name}/{path}", "format": "raw"}

    flash = {"device": "flash", "executable": image("code.fd"), "nvram-template": image("vars.fd")}
    memory = {"device": "memory", "filename": f"/usr/share/{name}/bios.bin"}
    machines = ["pc-q35-*"] if "requires-smm" in features else ["*"]
    whole = {
        "description": name,
        "interface-types": [interface],
        "mapping": memory if interface == "bios" else flash,
        "targets": [{"architecture": qemu_target(arch), "machines": machines}],
        "features": features,
        "tags": [],
    }
    return msgspec.json.encode(whole).decode()


def _without(host: HostRecord, lacking: tuple[str, ...]) -> HostRecord:
    """Take from a host what a sample wants it to lack: ``vfio``, ``kvm.secure_guest``."""
    poor = HostRecord(arch=host.arch)
    for path in (name for name in lacking if not name.startswith("/")):
        part, _, inner = path.partition(".")
        if part == "helpers" and inner:
            host = _without_feature(host, inner)
            continue
        value = getattr(poor, part)
        if path == "helpers":
            # they were looked for, and are not there
            value = tuple(Helper(helper.name, reason="not there") for helper in host.helpers)
        if inner:
            # what is lacking was looked for
            lack = getattr(value, inner) or False
            value = msgspec.structs.replace(getattr(host, part), **{inner: lack})
        host = msgspec.structs.replace(host, **{part: value})
    return host


def _without_feature(host: HostRecord, feature: str) -> HostRecord:
    """Take a feature from all programs that have it."""
    helpers = (
        msgspec.structs.replace(one, features=tuple(f for f in one.features if f != feature))
        for one in host.helpers
    )
    return msgspec.structs.replace(host, helpers=tuple(helpers))


def _without_files(host: domcaps.Host, missing: list[str]) -> domcaps.Host:
    """Have a host know that some files are not there."""
    known_world: Any = host.known_world

    def looking(*target: Any, **options: Any) -> Any:
        world = known_world(*target, **options)
        world.look = lambda path: MISSING if path in missing else None
        return world

    if missing:
        host.known_world = looking  # type: ignore[method-assign]
    return host


@cache
def sample_host(
    arch: str,
    release: str,
    machine: str = "",
    host_arch: str = "",
    lacking: tuple[str, ...] = (),
) -> domcaps.Host | None:
    """Give a host with the emulator of a release for an architecture, None where there is none."""
    assert arch in ARCHITECTURES, arch
    record = _bare(arch, machine) if release == BARE else _shipped(arch, release)
    if record is None:
        return None
    record = msgspec.structs.replace(record, path=_path(arch))
    if not host_arch:
        record = _with_kvm(record)
    host = _without(_rich(host_arch or _SERVED_BY.get(arch, arch)), lacking)
    recording = Recording(host=host, emulators=(_on_its_own_hardware(record),), node=_NODE)
    made = domcaps.Host.from_recording(recording, origin=release)
    return _without_files(made, [name for name in lacking if name.startswith("/")])


def host_for(sample: Sample, release: str) -> domcaps.Host | None:
    """Give the host that a sample wants to be tried on."""
    return sample_host(sample.arch, release, sample.machine, sample.host, sample.lacking)
