"""Make the recordings that belong to the package: ``python tools/make_recordings.py SUITE [DIR]``.

Run it as root on a Debian with everything that a virtualization host has: the emulators with
their SPICE and OpenGL modules, UEFI firmware, swtpm, virtiofsd, passt and libvirt's daemon (the
packages are listed in docs/recordings.md). SUITE is the first part of each file's name (debian12,
debian13, sid). One file is written for each architecture; its host is judged for the account that
libvirt runs QEMU as.

What depends on the machine, not on its packages, is not kept: of the processor its vendor and
address width only, of memory nothing. `_server` states what is assumed in its place.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

import domcaps
from domcaps.elements import questions
from domcaps.facts.discovery import installed_emulators
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.hostprobe import read_host
from domcaps.facts.probe import probe
from domcaps.facts.record import Answer, EmulatorRecord, HostCpu, HostRecord, Libvirt, Presence
from domcaps.facts.recording import save

ARCHITECTURES = (
    "x86_64", "aarch64", "armv7l", "ppc64", "s390x", "riscv64", "loongarch64",
)  # fmt: skip
EMULATORS = {f"qemu-system-{'arm' if a == 'armv7l' else a}" for a in ARCHITECTURES}
SUITES = ("debian12", "debian13", "sid")
FOLDER = Path(domcaps.__file__).parent / "recordings"

# Hyper-V enlightenments of KVM since Linux 6.1 that need no nested virtualization. The machine that
# makes the recordings is often a guest itself, whose KVM has next to none of them.
ENLIGHTENMENTS = {
    "hv-spinlocks": 4095,
    "hv-vendor-id": "Linux KVM Hv",
    **dict.fromkeys(
        (
            "hv-apicv", "hv-avic", "hv-crash", "hv-emsr-bitmap", "hv-frequencies", "hv-ipi",
            "hv-reenlightenment", "hv-relaxed", "hv-reset", "hv-runtime", "hv-stimer",
            "hv-stimer-direct", "hv-synic", "hv-time", "hv-tlbflush", "hv-tlbflush-direct",
            "hv-tlbflush-ext", "hv-vapic", "hv-vpindex", "hv-xmm-input",
        ),
        True,
    ),
}  # fmt: skip


def _server(host: HostRecord) -> HostRecord:
    """Give what the packages of a host provide, on a server with KVM and an IOMMU."""
    return HostRecord(
        arch=host.arch,
        privileged=host.privileged,
        qemu_user=host.qemu_user,
        cpu=HostCpu(vendor=host.cpu.vendor, phys_addr_bits=host.cpu.phys_addr_bits),
        kvm=msgspec.structs.replace(host.kvm, nested=True, smm=True),
        firmware=host.firmware,
        images=host.images,
        vfio=Presence(True),
        iommufd=Presence(False, "/dev/iommu does not exist"),
        helpers=host.helpers,
        hugepage_sizes_kib=(2048, 1048576),
        transparent_hugepage_kib=2048,
        libvirt=host.libvirt,
    )


def _answering(recording: domcaps.Recording) -> domcaps.Recording:
    """Leave out a libvirt that does not know the guest's architecture (loongarch64 before 10.2)."""
    try:
        domcaps.Host.from_recording(recording).domain_capabilities()
    except domcaps.UnsupportedTargetError:
        host = msgspec.structs.replace(recording.host, libvirt=Libvirt())
        return msgspec.structs.replace(recording, host=host)
    return recording


def _with_enlightenments(record: EmulatorRecord) -> EmulatorRecord:
    """Answer for KVM on a server where a nested KVM was asked about Hyper-V."""
    sessions = tuple(
        msgspec.structs.replace(session, answers=tuple(map(_enlightened, session.answers)))
        if session.accelerator == "kvm"
        else session
        for session in record.sessions
    )
    return msgspec.structs.replace(record, sessions=sessions)


def _enlightened(answer: Answer) -> Answer:
    if answer.failure is not None or "hv-passthrough" not in answer.question.arguments:
        return answer
    reply = msgspec.json.decode(answer.reply)
    props = reply["model"]["props"]
    props.update({name: value for name, value in ENLIGHTENMENTS.items() if name in props})
    return msgspec.structs.replace(answer, reply=msgspec.Raw(msgspec.json.encode(reply)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("suite", choices=SUITES, help="the first part of each file's name")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    options = parser.parse_args()
    suite, folder = options.suite, options.folder
    folder.mkdir(parents=True, exist_ok=True)
    host = read_host(privileged=True, qemu_user="system")
    paths = [path for path in installed_emulators() if Path(path).name in EMULATORS]
    for result in probe(paths, questions(), kvm=host.kvm.usable):
        if isinstance(result, domcaps.DomcapsError):
            print(result, file=sys.stderr)
            continue
        facts = EmulatorFacts(result)
        if facts.arch not in ARCHITECTURES:
            continue
        target = folder / f"{suite}-{facts.arch}.domcaps"
        recording = domcaps.Recording(
            host=_server(host),
            emulators=(_with_enlightenments(result),),
            made_by=f"domcaps {domcaps.__version__}",
            comment=f"QEMU {'.'.join(map(str, facts.version))} of Debian ({suite})",
        )
        save(_answering(recording), target)
        print(f"{target}: {target.stat().st_size / 1000:.0f} KB, {', '.join(facts.virttypes)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
