"""Synthetic fleets: hosts and domains that vary in what real ones vary in.

Hosts. Every host has one of `BUILDS` x86_64 QEMUs: a recorded release of Debian, some with the
device types taken away that distributions package apart, and some without old machine types. Where
more builds are wanted, further ones have a package version of their own, and lack one more of the
device types that can be configured out. Under
KVM the usable CPU models, the processor and its registers are those of one of `CPUS`. Firmware,
helper programs, kernel (what KVM offers, VFIO, huge pages) and NUMA each are one of a few sets,
drawn independently with a long tail: 60 % of hosts have the first set. The path of the emulator is
that of one of three distributions. Noise (time, UUID, MHz, memory, APIC ID, sizes of files) is
different on every host.

Domains. A *skeleton* is one of the subsets of `OPTIONAL` devices and features; memory, vCPUs, CPU
model, machine type and video model are drawn from short lists, and name, UUID, MAC address, paths
and ports are different in every domain. The engine counts more skeletons than the generator: the
form of ``<cpu>`` (3) and the machine type (2) are part of what it calls so. With `whole` they
belong to the skeleton here, too.
"""

from __future__ import annotations

import random
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.facts.node import Leaf, Node
from domcaps.facts.question import ask
from domcaps.facts.record import (
    Answer,
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
from domcaps.facts.recording import loads
from domcaps.shipped import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDS, CPUS = 12, 6
_PATHS = (
    "/usr/bin/qemu-system-x86_64",
    "/usr/libexec/qemu-kvm",
    "/usr/local/bin/qemu-system-x86_64",
)
_APART = (
    (), ("qxl", "qxl-vga", "chardev-spicevmc"), ("virtio-vga-gl", "virtio-gpu-gl-pci"),
    ("usb-redir", "usb-host", "ccid-card-passthru"),
)  # fmt: skip
_CONFIGURED = (
    "sb16", "adlib", "gus", "cs4231a", "AC97", "ES1370", "cirrus-vga", "vmware-svga", "pvscsi",
    "megasas", "lsi53c895a", "nvme", "rtl8139", "ne2k_pci", "pcnet", "tulip", "vmxnet3",
)  # fmt: skip
_MODELS = ("Nehalem", "Haswell", "Skylake-Server", "Cascadelake-Server", "EPYC", "EPYC-Milan")
replace = msgspec.structs.replace


def _choose(rng: random.Random, some: Any) -> Any:
    return some[0] if rng.random() < 0.6 else rng.choice(some)


def _release(name: str) -> EmulatorRecord:
    data = (files("domcaps") / "recordings" / f"{name}-x86_64{SUFFIX}").read_bytes()
    return loads(data, name).emulators[0]


def _instead(answers: tuple[Answer, ...], command: str, reply: Any) -> tuple[Answer, ...]:
    raw = msgspec.Raw(msgspec.json.encode(reply))
    question = ask(command)
    return tuple(replace(a, reply=raw) if a.question == question else a for a in answers)


def _reply(answers: tuple[Answer, ...], command: str) -> Any:
    question = ask(command)
    return msgspec.json.decode(next(a.reply for a in answers if a.question == question))


def emulators(builds: int = BUILDS) -> list[list[EmulatorRecord]]:
    """Give for each build its emulator on each processor."""
    found = []
    for number in range(builds):
        plain = _release(("sid", "debian13", "debian12")[number % 3])
        plain = max(plain.sessions, key=lambda session: len(session.answers)).answers
        gone = set(_APART[number % BUILDS // 3])
        if number >= BUILDS:
            gone.add(_CONFIGURED[number % len(_CONFIGURED)])
            version = _reply(plain, "query-version")
            plain = _instead(plain, "query-version", version | {"package": f"build {number}"})
        types = [t for t in _reply(plain, "qom-list-types") if t["name"] not in gone]
        plain = _instead(plain, "qom-list-types", types)
        if number % BUILDS >= BUILDS // 2:
            machines = _reply(plain, "query-machines")
            plain = _instead(
                plain, "query-machines", [m for m in machines if "-2." not in m["name"]]
            )
        found.append([_on_cpu(plain, cpu) for cpu in range(CPUS)])
    return found


def _on_cpu(plain: tuple[Answer, ...], cpu: int) -> EmulatorRecord:
    """Have newer models lack a feature on older processors."""
    definitions = _reply(plain, "query-cpu-definitions")
    for one in definitions:
        newer = [m for m in _MODELS[cpu + 1 :] if one["name"].startswith(m)]
        one["unavailable-features"] = ["avx512f"] if newer else []
    kvm = _instead(plain, "query-cpu-definitions", definitions)
    kvm = _instead(kvm, "query-kvm", {"enabled": True, "present": True})
    return EmulatorRecord(_PATHS[0], (ProbeSession("kvm", kvm), ProbeSession("tcg", plain)), 1, 1)


def _descriptor(name: str, features: list[str]) -> FirmwareDescriptor:
    def image(path: str) -> dict[str, str]:
        return {"filename": f"/usr/share/OVMF/{name}/{path}", "format": "raw"}

    machines = ["pc-q35-*"] if "requires-smm" in features else ["pc-i440fx-*", "pc-q35-*"]
    whole = {
        "description": name, "interface-types": ["uefi"], "features": features, "tags": [],
        "mapping": {"device": "flash", "executable": image("code.fd"),
                    "nvram-template": image("vars.fd")},
        "targets": [{"architecture": "x86_64", "machines": machines}],
    }  # fmt: skip
    text = msgspec.json.encode(whole).decode()
    return FirmwareDescriptor("/usr/share/qemu/firmware", f"{name}.json", text)


def recordings(count: int, seed: int = 0, builds: int = BUILDS) -> Iterator[tuple[str, Recording]]:
    """Give recordings by the names of hosts."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    made = emulators(builds)
    secure = _descriptor("10-secure", ["secure-boot", "requires-smm", "enrolled-keys"])
    plain = _descriptor("30-plain", ["acpi-s3"])
    firmware = ((secure, plain), (plain,), (secure,), ())
    programs = ("swtpm", "swtpm_setup", "swtpm_ioctl", "virtiofsd", "passt")
    helpers = tuple(
        tuple(Helper(n, f"/usr/bin/{n}", ("tpm-1.2", "tpm-2.0") if "setup" in n else ())
              for n in programs[:number])
        for number in (5, 4, 3, 0)
    )  # fmt: skip
    kvms = (
        Kvm(True, "", 1024, nested=True, smm=True), Kvm(True, "", 288, smm=True),
        Kvm(True, "", 255, nested=True, smm=False),
    )  # fmt: skip
    numa = (
        (NumaCell(0, 1 << 27, (0, 1, 2, 3)),),
        (NumaCell(0, 1 << 26, (0, 1)), NumaCell(1, 1 << 26, (2, 3))),
    )
    for number in range(count):
        cpu = rng.randrange(CPUS)
        emulator = replace(rng.choice(made)[cpu], path=_choose(rng, _PATHS), mtime_ns=number)
        host = HostRecord(
            "x86_64", kernel=f"6.{rng.randrange(16)}.0", privileged=True,
            cpu=HostCpu(_MODELS[cpu], vendor="AMD" if cpu > 3 else "Intel", cores=32,
                        phys_addr_bits=(40, 46, 46, 46, 48, 52)[cpu]),
            kvm=_choose(rng, kvms), firmware=_choose(rng, firmware),
            vfio=_choose(rng, (Presence(True), Presence(False, "no IOMMU"))),
            iommufd=_choose(rng, (Presence(False, "no /dev/iommu"), Presence(True))),
            helpers=_choose(rng, helpers),
            hugepage_sizes_kib=_choose(rng, ((2048, 1048576), (2048,), ())),
            numa=_choose(rng, numa),
        )  # fmt: skip
        node = Node(
            uuid=f"00000000-0000-0000-0000-{number:012x}",
            memory_kib=rng.randrange(1 << 27, 1 << 28),
            mhz=rng.randrange(800, 4000), tsc_hz=(20 + cpu) * 10**8, tsc_scaling=cpu > 2,
            cpuid=(Leaf(1, 0, cpu, rng.randrange(256) << 24, 32, 0),),
        )  # fmt: skip
        yield f"node-{number:05}", Recording(host, (emulator,), node, made_at=f"2026-{number}")


OPTIONAL = (
    "<input type='tablet' bus='usb'/>",
    "<sound model='ich9'/>",
    "<watchdog model='itco' action='reset'/>",
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "<disk device='cdrom'><target dev='sdz' bus='sata'/><readonly/></disk>",
    (
        "<disk type='file'><driver name='qemu' type='raw'/><source file='/srv/{name}-b'/>"
        "<target dev='vdb' bus='virtio'/></disk>"
    ),
    "<interface type='user'><mac address='{mac}:02'/><model type='e1000e'/></interface>",
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
    "<controller type='scsi' index='0' model='virtio-scsi'/>",
    "<panic model='pvpanic'/>",
    "<memballoon model='virtio' freePageReporting='on'/>",
    "<vsock model='virtio'><cid auto='yes'/></vsock>",
    (
        "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
        "<address domain='0' bus='1' slot='0' function='0'/></source></hostdev>"
    ),
    (
        "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/{name}'/>"
        "<target dir='share'/></filesystem>"
    ),
)
_FEATURES = (
    "",
    "<memoryBacking><hugepages/></memoryBacking>",
    "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
)

_DOMAIN = """<domain type='kvm'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>{memory}</memory>
  <vcpu>{vcpus}</vcpu>
  {backing}
  <os{firmware}>
    <type arch='x86_64' machine='{machine}'>hvm</type>
  </os>
  <features><acpi/><apic/></features>
  {cpu}
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/var/lib/libvirt/images/{name}.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><mac address='{mac}:01'/><model type='virtio'/></interface>
    <serial type='pty'/>
    <graphics type='vnc' port='{port}'/>
    <video><model type='{video}' heads='1'/></video>
    {more}
  </devices>
</domain>
"""


def domains(
    count: int, skeletons: int, seed: int = 0, *, whole: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Give domains of so many skeletons, in turn."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    most = 1 << len(OPTIONAL)
    chosen = rng.sample(range(most), min(skeletons, most))
    for number in range(count):
        bits = chosen[number % len(chosen)]
        form = random.Random(bits) if whole else rng  # noqa: S311 - no secret
        mac = f"52:54:00:{number >> 8 & 255:02x}:{number & 255:02x}"
        values = {
            "name": f"guest-{number}", "uuid": f"2f9f9e8e-6d1b-4c0c-9b61-{number:012x}",
            "mac": mac, "port": 5900 + number % 1000,
            "memory": rng.choice((1, 2, 4, 8, 16, 32, 64)) << 20,
            "vcpus": rng.choice((1, 2, 4, 8, 16, 32)),
            "machine": "q35" if bits & 1 or form.random() < 0.5 else "pc",
            "cpu": form.choice(("<cpu mode='host-passthrough'/>", "<cpu mode='host-model'/>",
                               f"<cpu mode='custom'><model>{rng.choice(_MODELS)}</model></cpu>")),
            "video": rng.choice(("virtio", "vga", "qxl", "bochs")),
            "firmware": " firmware='efi'" if bits & 2 else "", "backing": _FEATURES[bits % 3],
        }  # fmt: skip
        more = "".join(text for bit, text in enumerate(OPTIONAL) if bits >> bit & 1)
        text = _DOMAIN.replace("{more}", more)
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        yield f"guest-{number}", text.encode()
