"""Reading a folder of recorded cases: transcripts, expected reports and what the host pretends.

The folder's own README says what its keys mean. Only the public interface of domcaps is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from lxml import etree

import domcaps
from domcaps.cpu.x86map import x86_map
from domcaps.facts.firmware import FirmwareIndex
from domcaps.facts.firmwarefile import DEFAULT_IMAGES
from domcaps.facts.record import FirmwareDescriptor
from domcaps.language import parse_dialect
from domcaps.language.changes.network import INTERFACE_VLAN_OF_BRIDGES

if TYPE_CHECKING:
    from domcaps.language import World

if TYPE_CHECKING:
    from pathlib import Path

# what the two firmware folders of a case are seen as
FIRMWARE_FOLDERS = ("/etc/qemu/firmware", "/usr/share/qemu/firmware")
# what fails once QEMU is started, on the host or in QEMU: the recorded cases do not go that far
AFTER_LIBVIRT = (
    "address-multifunction-off",
    "address-reg-interrupt-taken",
    "address-taken-by-ide",
    "address-virtio-mmio-without-bus",
    "channel-name-duplicate",
    "clock-timer-hypervclock-unavailable",
    "console-vdagent-crash",
    "controller-scsi-device-missing-at-start",
    "controller-usb-master-startport-unsupported",
    "controller-usb-on-usb",
    "cpu-check-full-extra",
    "cpu-check-full-missing",
    "cpu-feature-invtsc-emulated",
    "cpu-model-invtsc-emulated",
    "cpu-model-unavailable",
    "cpu-numa-cell-cache-without-ways",
    "cpu-without-apic",
    "cputune-emulatorpin-cpuset-unavailable",
    "cputune-iothreadpin-cpuset-unavailable",
    "cputune-vcpupin-cpuset-unavailable",
    "disk-format-read-only",
    "disk-place-missing",
    "disk-source-file-duplicate",
    "features-pvspinlock-without-kvm",
    "interface-model-unavailable",
    "max-memory-beyond-addresses",
    "memory-beyond-addresses",
    "memory-size-fixed",
    "memory-too-small",
    "memory-without-acpi",
    "os-loader-file-missing",
    "os-loader-format-conflict",
    "os-loader-rom-size-unsupported",
    "os-loader-size-unsupported",
    "os-loader-type-unsupported",
    "os-nvram-template-format-conflict",
    "os-nvram-template-missing",
    "qemu-capability-unknown",
    "serial-isa-port-duplicate",
    "serial-isa-too-many",
    "start-powernv-bus",
    "start-without-pci",
    "start-without-pci-balloon",
    "tpm-setup-unsupported",
    "vcpu-count-gic-version",
    "vcpu-count-too-small",
    "vcpu-count-x2apic",
    "vcpu-cpuset-unavailable",
    "video-accel3d-without-opengl",
)
_VLAN_AT_START = "interface-vlan-unsupported-at-start"
_FAILS_AT_START = "-fails-at-start"
"""How codes end of values that libvirt takes, and QEMU not."""
HELPERS = ("swtpm", "swtpm_setup", "swtpm_ioctl")


@dataclass(frozen=True)
class CapabilityCase:
    """One case of domain capabilities."""

    folder: Path
    case: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.case["name"])

    @property
    def expected(self) -> str:
        path: Path = self.folder / "domaincaps" / self.case["expected"]
        return path.read_text()

    def read_transcript(self) -> Any:
        """Give what the emulator answered; it is read once for all cases."""
        return _transcript(self.folder / self.case["replies"], self.case["emulator"])

    def actual(self) -> str:
        """Ask domcaps."""
        return _host(self).domain_capabilities(**self.question).xml

    @property
    def question(self) -> dict[str, Any]:
        """What is asked."""
        return {
            "emulator": self.case["emulator"],
            "arch": self.case["arch"],
            "machine": self.case["machine_requested"],
            "virttype": self.case["virttype"],
            "libvirt": ".".join(self.case["libvirt_version"].split(".")[:2]),
            # the cases are answered for types that the emulator could not serve, too
            "strict": False,
        }


def case_world(case: CapabilityCase) -> World:
    """Give the target of a case with its facts."""
    return _host(case).world(**case.question)


def capability_cases(folder: Path) -> list[CapabilityCase]:
    """Give the cases of a folder."""
    manifest = msgspec.json.decode((folder / "domaincaps" / "manifest.json").read_bytes())
    return [CapabilityCase(folder, case) for case in manifest["cases"]]


@cache
def _transcript(path: Path, emulator: str) -> Any:
    return domcaps.read_transcript(path.read_bytes(), where=str(path), emulator=emulator)


def _host(case: CapabilityCase) -> domcaps.Host:
    record = case.read_transcript()
    facts = domcaps.read_host_facts(msgspec.json.encode(_facts(case)), where=case.name)
    return domcaps.Host.from_recording(domcaps.Recording(host=facts, emulators=(record,)))


def _facts(case: CapabilityCase) -> dict[str, Any]:
    """Say in our form what the case's host pretends to be."""
    pretended = case.case["overrides"]
    cpu = _host_cpu(case.folder, pretended)
    versions = pretended.get("swtpm_versions") or []
    helpers: list[dict[str, Any]] = [{"name": name, "path": f"/usr/bin/{name}"} for name in HELPERS]
    helpers[1]["features"] = [f"tpm-{version}" for version in versions]
    if pretended.get("qemu_rdp_present"):
        helpers.append({"name": "qemu-rdp", "path": "/usr/bin/qemu-rdp"})
    asserted = {
        "os.loader": pretended.get("loader_values"),
        "hostdev.pciBackend": pretended.get("hostdev_pci_backend"),
    }
    return {
        "arch": pretended["host_arch"],
        "privileged": pretended.get("privileged", False),
        "cpu": cpu,
        "kvm": {
            "usable": True,
            "max_vcpus": pretended.get("kvm_max_vcpus", 0),
            "secure_guest": bool(pretended.get("s390_secure_guest_if_qemu_can")),
        },
        "firmware": _firmware(case.folder, *(pretended.get("firmware_dirs") or [])),
        "helpers": helpers if pretended.get("swtpm_present") else helpers[3:],
        "asserted": {path: values for path, values in asserted.items() if values is not None},
    }


def _host_cpu(folder: Path, pretended: dict[str, Any]) -> dict[str, Any]:
    cpu: dict[str, Any] = msgspec.json.decode((folder / pretended["host_cpu"]).read_bytes())
    cpuid = pretended.get("cpuid_8000001f") or {}
    return {
        "model": cpu.get("model") or "",
        "vendor": cpu.get("vendor") or "",
        "phys_addr_bits": pretended.get("host_phys_addr_bits", 0),
        "cpuid_8000001f_ecx": cpuid.get("ecx", 0),
        "cpuid_8000001f_edx": cpuid.get("edx", 0),
        "sockets": cpu.get("sockets", 1),
        "cores": cpu.get("cores", 1),
        "threads": cpu.get("threads", 1),
    }


def _firmware(folder: Path, *directories: str) -> list[dict[str, str]]:
    descriptors = []
    for seen_as, directory in zip(FIRMWARE_FOLDERS, directories, strict=True):
        for path in sorted((folder / directory).iterdir()):
            text = path.read_bytes().decode(errors="replace")
            descriptors.append({"directory": seen_as, "name": path.name, "text": text})
    return descriptors


def _images(descriptors: list[dict[str, str]]) -> list[str]:
    """Name every image that descriptors and libvirt itself know: the suite's host has them all."""
    read = msgspec.convert(descriptors, tuple[FirmwareDescriptor, ...])
    named = [name for found in FirmwareIndex(read, ()).firmwares for name in found.files]
    return [*named, *(name for pair in DEFAULT_IMAGES for name in pair)]


@dataclass(frozen=True)
class DomainCase:
    """One case of a domain's definition."""

    folder: Path
    case: dict[str, Any]
    libvirt: str

    @property
    def name(self) -> str:
        return str(self.case["id"])

    @property
    def exotic(self) -> bool:
        """Whether the case needs something that neither transcript nor XML holds."""
        return bool(self.case["exotic"]) or self.case["xml"] is None

    @property
    def expected(self) -> str:
        return str(self.case["expect"])

    @property
    def stage(self) -> str:
        return str(self.case["reject_stage"] or "")

    @property
    def xml(self) -> bytes:
        path: Path = self.folder / "domains" / self.case["xml"]
        return path.read_bytes()

    def verdict(self) -> tuple[str, tuple[str, ...]]:
        """Ask domcaps: the verdict, and the errors that led to it."""
        refused = self._refused(self.xml)
        older = not parse_dialect(self.dialect).has(INTERFACE_VLAN_OF_BRIDGES)
        if not refused and older and b"<vlan" in self.xml:
            # only for this: other checks come before networks are left out
            tagged = self._refused(_without_networks(self.xml))
            refused = [one for one in tagged if one.code == _VLAN_AT_START]
        errors = tuple(f"{f.code} line {f.line}: {f.message}" for f in refused)
        return ("reject" if refused else "accept"), errors

    def _refused(self, xml: bytes) -> list[domcaps.Finding]:
        result = self.host.validate(xml, self.dialect, new=self.new)
        return [one for one in result.errors if not _is_after_libvirt(one)]

    @property
    def spice_tls(self) -> bool | None:
        """Whether the daemon's settings have TLS for SPICE; known where some case switches it."""
        settings = self.case["extra"].get("driver_config") or {}
        return "spiceTLS" in settings if _switches_spice_tls(self.folder) else None

    @property
    def host(self) -> domcaps.Host:
        """The host that is pretended; cases that pretend the same share it."""
        return _domain_host(self)

    @property
    def new(self) -> bool:
        """Whether the domain is to be defined now."""
        return bool(self.case["abi_update"])

    @property
    def dialect(self) -> str:
        return ".".join(self.libvirt.split(".")[:2])

    def read_transcript(self) -> Any:
        """Give what the emulator answered; it is read once for all cases."""
        emulator = f"/usr/bin/qemu-system-{self.case['arch']}"
        return _transcript(self.folder / self.case["caps"], emulator)


def _without_networks(xml: bytes) -> bytes:
    """Give the domain that ``virsh domxml-to-native`` translates: no network is looked at for it.

    What is on a network is of the type ``ethernet`` then, which takes no VLAN tags.
    """
    root = etree.fromstring(xml)
    for interface in root.iterfind("devices/interface[@type='network']"):
        interface.set("type", "ethernet")
        for part in (*interface.findall("source"), *interface.findall("virtualport")):
            interface.remove(part)
    return etree.tostring(root)


def _is_after_libvirt(finding: domcaps.Finding) -> bool:
    """Tell whether only QEMU, or the host, refuses this; never what is refused by definition."""
    known = finding.code in AFTER_LIBVIRT or finding.code.endswith(_FAILS_AT_START)
    return known and finding.stage is domcaps.Stage.START


def domain_cases(folder: Path) -> list[DomainCase]:
    """Give the cases of a folder."""
    manifest = msgspec.json.decode((folder / "domains" / "manifest.json").read_bytes())
    libvirt = manifest.get("libvirt_version", "11.3.0")
    return [DomainCase(folder, case, libvirt) for case in manifest["cases"]]


def _domain_host(case: DomainCase) -> domcaps.Host:
    key = (str(case.folder), case.case["caps"], case.case["arch"], str(case.case["extra"]))
    if key not in _HOSTS:
        facts = domcaps.read_host_facts(msgspec.json.encode(_domain_facts(case)), where=case.name)
        recording = domcaps.Recording(host=facts, emulators=(case.read_transcript(),))
        _HOSTS[key] = domcaps.Host.from_recording(recording, origin=case.name)
    return _HOSTS[key]


_HOSTS: dict[tuple[str, ...], domcaps.Host] = {}
"""Hosts that many cases share, which remember what they were asked."""


def _domain_facts(case: DomainCase) -> dict[str, Any]:
    """Say in our form what the host of the domain cases pretends to be."""
    pretended = _json(case.folder / "facts" / "domains_host.json")
    extra = case.case["extra"]
    versions = extra.get("swtpm_versions") or ["1.2", "2.0"]
    helpers: list[dict[str, Any]] = [{"name": n, "path": f"/usr/bin/{n}"} for n in HELPERS]
    helpers[1]["features"] = [f"tpm-{version}" for version in versions]
    helpers.append({"name": "qemu-rdp", "path": "/usr/bin/qemu-rdp"})
    arch = case.case["arch"]
    default = {"x86_64": "core2duo", "i686": "core2duo", "ppc64": "POWER8"}.get(arch, "")
    nodes = _numa(pretended["numa"])
    firmware = _firmware(
        case.folder, "firmware/etc/qemu/firmware", "firmware/usr/share/qemu/firmware"
    )
    return {
        "arch": arch,
        "privileged": True,
        "cpu": _pretended_cpu(case, extra.get("host_cpu") or default),
        "kvm": {"usable": True, "max_vcpus": 2**31 - 1, "secure_guest": True},
        "firmware": firmware,
        "images": _images(firmware),
        "helpers": helpers,
        "vfio": {"usable": True},
        "libvirt": {"spice_tls": case.spice_tls},
        "hugepage_sizes_kib": [m["size_kib"] for m in pretended["driver"]["hugetlbfs"]],
        "numa": nodes,
    }


def _pretended_cpu(case: DomainCase, model: str) -> dict[str, Any]:
    """Give the host's CPU; of x86 with the features of its model and what it has besides."""
    described = case.folder / "host_cpus" / f"{model}.json"
    if case.case["arch"] not in {"x86_64", "i686"} or not described.is_file():
        return {"model": model}
    known = x86_map(parse_dialect(case.dialect))
    has = known.names_of(known.models[model].features)
    return {"model": model, "flags": [*has, *_json(described).get("features", [])]}


@cache
def _switches_spice_tls(folder: Path) -> bool:
    cases = _json(folder / "domains" / "manifest.json")["cases"]
    return any("spiceTLS" in (case["extra"].get("driver_config") or {}) for case in cases)


@cache
def _json(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def _numa(numa: dict[str, Any]) -> list[dict[str, Any]]:
    first, last = (int(number) for number in numa["nodes_online"].split("-"))
    gib = 1024 * 1024
    return [{"id": node, "memory_kib": (node + 1) * gib} for node in range(first, last + 1)]
