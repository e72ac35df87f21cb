"""Rules of the report that recorded emulators can not tell apart: they have all parts or none."""

from __future__ import annotations

from typing import Any

import pytest

from domcaps.facts.question import QmpCommand, ask, object_properties_of
from domcaps.facts.record import Helper, HostRecord, Kvm, Presence
from domcaps.report.document import build
from domcaps.report.flat import flatten
from fakes import emulator_record, world

VIRTIO = ("blk", "net", "rng", "9p", "balloon", "scsi", "serial")
VHOST = ("vhost-scsi", "vhost-vsock")
KINDS = tuple(f"virtio-{kind}" for kind in VIRTIO) + VHOST
FORMS = tuple(f"{k}-pci-{form}" for k in KINDS for form in ("transitional", "non-transitional"))

USB_CONTROLLERS = (
    "piix3-usb-uhci",
    "piix4-usb-uhci",
    "usb-ehci",
    "ich9-usb-ehci1",
    "vt82c686b-usb-uhci",
    "pci-ohci",
    "nec-usb-xhci",
    "qemu-xhci",
)


def promised(
    path: str,
    *types: str,
    answers: dict[QmpCommand, Any] | None = None,
    host: HostRecord | None = None,
    **target: str,
) -> bool:
    """Tell whether a report of an emulator with just these types says yes to a path."""
    arch = target.get("arch", "x86_64")
    record = emulator_record(target=arch, types=types, answers=answers)
    statements = flatten(build(world(record, host, **target)))
    return statements.get(path) == "yes"


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("video.modelType=virtio", ("virtio-gpu-pci", "virtio-gpu-device")),
        ("rng.model=virtio", ("virtio-rng-pci", "virtio-rng-ccw", "virtio-rng-device")),
        ("crypto.model=virtio", ("virtio-crypto-pci", "virtio-crypto-device")),
        ("hostdev.subsysType=usb", USB_CONTROLLERS),
        ("disk.model=virtio-transitional", FORMS),
        ("disk.model=virtio-non-transitional", FORMS),
        ("disk.bus=fdc", ("isa-fdc", "sysbus-fdc")),
    ],
)
def test_any_one_of_these_types_is_enough(path: str, types: tuple[str, ...]) -> None:
    assert not promised(path)
    for name in types:
        assert promised(path, name), name


def test_a_transitional_generator_needs_the_generator_too() -> None:
    assert not promised("rng.model=virtio-transitional", "virtio-rng-pci")
    assert not promised("rng.model=virtio-transitional", FORMS[0])
    assert promised("rng.model=virtio-transitional", "virtio-rng-pci", FORMS[0])


@pytest.mark.parametrize(
    ("machine", "held"),
    [
        ("pc", True),
        ("pc-1.3", True),
        ("pc-0.15", True),
        ("pc-i440fx-9.9", True),
        ("rhel6.0.0", True),
        ("pc-q35-9.9", True),
        ("xenfv", True),
        ("xenfv-4.2", True),
        ("isapc", True),
        ("microvm", False),
        ("none", False),
    ],
)
def test_ps2_is_a_matter_of_the_board_and_of_qemu(machine: str, held: bool) -> None:
    board = {object_properties_of("generic-pc-machine"): [{"name": "i8042"}]}
    assert promised("ps2", answers=board, machine=machine) is held
    without = {object_properties_of("generic-pc-machine"): [{"name": "pcspk"}]}
    assert not promised("ps2", answers=without, machine=machine)


@pytest.mark.parametrize(
    ("path", "arch", "machine", "held"),
    [
        ("disk.bus=ide", "x86_64", "pc-i440fx-9.9", True),
        ("disk.bus=ide", "x86_64", "pc-q35-9.9", False),
        ("disk.bus=ide", "aarch64", "pc-i440fx-9.9", False),
        ("disk.bus=ide", "mips", "malta", True),
        ("disk.bus=ide", "sparc64", "sun4u", True),
        ("disk.bus=ide", "ppc", "g3beige", True),
        ("panic.model=pseries", "ppc64", "pseries-9.9", True),
        ("panic.model=pseries", "ppc64", "powernv", False),
        ("panic.model=pseries", "x86_64", "pseries-9.9", False),
        ("panic.model=s390", "s390x", "s390-ccw-virtio-9.9", True),
        ("panic.model=s390", "s390x", "other", False),
        ("panic.model=s390", "x86_64", "s390-ccw-virtio-9.9", False),
        ("panic.model=hyperv", "x86_64", "microvm", True),
        ("panic.model=hyperv", "aarch64", "virt-9.9", False),
    ],
)
def test_some_things_are_a_matter_of_board_and_architecture(
    path: str, arch: str, machine: str, held: bool
) -> None:
    assert promised(path, arch=arch, machine=machine) is held


GICS = {
    ask("query-gic-capabilities"): [
        {"version": 2, "emulated": True, "kernel": False},
        {"version": 3, "emulated": False, "kernel": True},
    ]
}


@pytest.mark.parametrize(
    ("arch", "machine", "virttype", "versions"),
    [
        ("aarch64", "virt-9.9", "qemu", {"2"}),
        ("aarch64", "virt-9.9", "kvm", {"3"}),
        ("aarch64", "virt", "qemu", {"2"}),
        ("armv7l", "virt-9.9", "qemu", {"2"}),
        ("aarch64", "raspi3b", "qemu", set()),
        ("riscv64", "virt", "qemu", set()),
    ],
)
def test_an_interrupt_controller_is_emulated_or_the_kernels(
    arch: str, machine: str, virttype: str, versions: set[str]
) -> None:
    held = {
        v
        for v in "23"
        if promised(f"gic.version={v}", answers=GICS, arch=arch, machine=machine, virttype=virttype)
    }
    assert held == versions
    whole = promised("gic", answers=GICS, arch=arch, machine=machine, virttype=virttype)
    assert whole is bool(versions)


PV_MACHINE = {object_properties_of("none-machine"): [{"name": "confidential-guest-support"}]}
PV_HOST = HostRecord(arch="s390x", kvm=Kvm(usable=True, secure_guest=True))


@pytest.mark.parametrize("missing", ["nothing", "type", "property", "host"])
def test_protected_virtualization_needs_qemu_its_machine_and_the_host(missing: str) -> None:
    types = () if missing == "type" else ("s390-pv-guest",)
    none: dict[QmpCommand, Any] = {object_properties_of("none-machine"): []}
    answers = none if missing == "property" else PV_MACHINE
    host = HostRecord(arch="s390x") if missing == "host" else PV_HOST
    held = promised("s390-pv", *types, answers=answers, host=host, arch="s390x")
    assert held is (missing == "nothing")
    # the launch security of that name looks at QEMU only
    listed = promised(
        "launchSecurity.sectype=s390-pv", *types, answers=answers, host=host, arch="s390x"
    )
    assert listed is (missing in {"nothing", "host"})


SWTPM = tuple(
    Helper(name, f"/usr/bin/{name}", ("tpm-2.0",) if name == "swtpm_setup" else ())
    for name in ("swtpm", "swtpm_setup", "swtpm_ioctl")
)
TPM = {ask("query-tpm-models"): ["tpm-tis"], ask("query-tpm-types"): ["emulator", "passthrough"]}


def test_an_emulated_tpm_needs_qemu_and_swtpm() -> None:
    host = HostRecord(arch="x86_64", helpers=SWTPM)
    for backend in ("emulator", "external"):
        path = f"tpm.backendModel={backend}"
        assert promised(path, "tpm-tis", "tpm-emulator", host=host)
        assert not promised(path, "tpm-tis", "tpm-emulator")
        assert not promised(path, "tpm-tis", host=host)
        assert promised(path, answers=TPM, host=host, libvirt="11.3")
        assert not promised(path, answers=TPM, libvirt="11.3")
        assert not promised(path, host=host, libvirt="11.3")
    assert promised("tpm.backendVersion=2.0", "tpm-tis", host=host)
    assert not promised("tpm.backendVersion=1.2", "tpm-tis", host=host)
    assert promised("tpm.backendModel=passthrough", "tpm-tis", "tpm-passthrough")
    assert promised("tpm.backendModel=passthrough", answers=TPM, libvirt="11.3")


@pytest.mark.parametrize("name", ["tpm-tis", "tpm-tis-device", "tpm-tis-i2c"])
def test_a_tis_is_a_tis_on_whichever_bus(name: str) -> None:
    assert promised("tpm.model=tpm-tis", name)


DISPLAYS = {
    ask("query-qmp-schema"): [
        {"name": "query-display-options", "meta-type": "command", "ret-type": "1"},
        {"name": "1", "meta-type": "object", "variants": [{"case": "dbus", "type": "2"}]},
        {"name": "2", "meta-type": "object"},
    ]
}


def test_rdp_is_dbus_and_a_program_of_its_own() -> None:
    host = HostRecord(arch="x86_64", helpers=(Helper("qemu-rdp", "/usr/bin/qemu-rdp"),))
    assert promised("graphics.type=dbus", answers=DISPLAYS)
    assert not promised("graphics.type=rdp", answers=DISPLAYS)
    assert not promised("graphics.type=rdp", host=host)
    assert promised("graphics.type=rdp", answers=DISPLAYS, host=host)


def test_assigned_devices_need_qemu_and_the_host() -> None:
    host = HostRecord(arch="x86_64", vfio=Presence(usable=True))
    for backend in ("default", "vfio"):
        assert promised(f"hostdev.pciBackend={backend}", "vfio-pci", host=host)
        assert not promised(f"hostdev.pciBackend={backend}", "vfio-pci")
        assert not promised(f"hostdev.pciBackend={backend}", host=host)


def test_encrypted_guests_need_a_type_and_the_platform() -> None:
    sev = {ask("query-sev-capabilities"): {"cbitpos": 47, "reduced-phys-bits": 1}}
    for name, sectype in (("sev-guest", "sev"), ("sev-snp-guest", "sev-snp")):
        assert promised("sev", name, answers=sev)
        assert promised(f"launchSecurity.sectype={sectype}", name, answers=sev)
        assert not promised(f"launchSecurity.sectype={sectype}", answers=sev)
        assert not promised(f"launchSecurity.sectype={sectype}", name)
    assert not promised("sev", answers=sev)


def test_trust_domains_need_the_hosts_kernel_since_libvirt_11_10() -> None:
    host = HostRecord(arch="x86_64", kvm=Kvm(usable=True, tdx=True))
    for path in ("tdx", "launchSecurity.sectype=tdx"):
        assert promised(path, "tdx-guest", host=host, virttype="kvm")
        assert not promised(path, "tdx-guest", virttype="kvm")
        assert promised(path, "tdx-guest", libvirt="11.9")
        assert not promised(path, "tdx-guest", libvirt="11.3")


def test_the_feature_tdx_is_one_of_accelerated_guests_of_x86_64() -> None:
    host = HostRecord(arch="x86_64", kvm=Kvm(usable=True, tdx=True))
    assert not promised("tdx", "tdx-guest", host=host, virttype="qemu")
    assert not promised("tdx", "tdx-guest", host=host, virttype="kvm", arch="i686")
    assert promised("launchSecurity.sectype=tdx", "tdx-guest", host=host, virttype="qemu")


def test_memory_and_usb_follow_their_types() -> None:
    for path, name in (
        ("memoryBacking.sourceType=memfd", "memory-backend-memfd"),
        ("disk.bus=usb", "usb-storage"),
        ("disk.bus=sata", "ich9-ahci"),
        ("redirdev.bus=usb", "usb-redir"),
        ("filesystem.driverType=virtiofs", "vhost-user-fs-device"),
        ("crypto.backendModel=lkcf", "cryptodev-backend-lkcf"),
        ("panic.model=isa", "pvpanic"),
        ("panic.model=pvpanic", "pvpanic-pci"),
        ("vmcoreinfo", "vmcoreinfo"),
        ("genid", "vmgenid"),
    ):
        assert promised(path, name), path
        assert not promised(path), path
