"""When a value is listed, and when it is not: those that recordings have all together or never."""

from __future__ import annotations

from typing import Any

import pytest
from test_report_figures import FULL, enlightened
from test_report_rules import FORMS, GICS, PV_HOST, PV_MACHINE, SWTPM, TPM, promised
from test_validate_firmware import FLASH, KERNEL, ROM, VARIABLES, descriptor

from domcaps.facts.question import QmpCommand, ask, cpu_expansion_of, object_properties_of
from domcaps.facts.record import FirmwareDescriptor, Helper, HostRecord, Kvm, Presence
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import build
from fakes import emulator_record, world

FILES = ("/fw/code.fd", "/fw/vars.fd", "/fw/rom.bin", "/fw/kernel.bin", "/fw/vars.json")


def firmware(*found: FirmwareDescriptor) -> HostRecord:
    return HostRecord("x86_64", firmware=found, images=FILES)


@pytest.mark.parametrize("libvirt", ["11.10", "12.0", "12.8"])
def test_firmware_like_a_kernel_counted_until_12_0(libvirt: str) -> None:
    old = libvirt == "11.10"
    kernel = descriptor("requires-smm", mapping=KERNEL)
    for mapping, listed in ((FLASH, True), (ROM, True), (KERNEL, old)):
        host = firmware(descriptor(mapping=mapping))
        assert promised("os.firmware=efi", host=host, libvirt=libvirt) is listed
        bios = FirmwareDescriptor(
            "/usr/share/qemu/firmware", "1.json", host.firmware[0].text.replace('"uefi"', '"bios"')
        )
        assert promised("os.firmware=bios", host=firmware(bios), libvirt=libvirt) is listed
    assert promised("os.loader.secure=yes", host=firmware(kernel), libvirt=libvirt) is old
    flash = descriptor("requires-smm")
    assert promised("os.loader.secure=yes", host=firmware(flash), libvirt=libvirt)
    assert not promised("os.loader.secure=yes", host=firmware(descriptor()), libvirt=libvirt)
    for interface in ("bios", "efi"):
        assert not promised(f"os.firmware={interface}", libvirt=libvirt)


@pytest.mark.parametrize(
    ("feature", "path"), [("secure-boot", "secureBoot"), ("enrolled-keys", "enrolledKeys")]
)
def test_features_of_firmware_are_told_since_12_1(feature: str, path: str) -> None:
    has, lacks = descriptor(feature), descriptor()
    both = (has, FirmwareDescriptor(lacks.directory, "2.json", lacks.text))
    for found, listed in (
        ((has,), {"yes"}),
        ((lacks,), {"no"}),
        (both, {"yes", "no"}),
        ((), set()),
    ):
        host = firmware(*found)
        whole = f"os.firmwareFeatures.{path}"
        assert {v for v in ("yes", "no") if promised(f"{whole}={v}", host=host)} == listed
        assert promised("os.firmwareFeatures", host=host)
        assert f"<enum name='{path}'" in xml(host=host)
        assert "firmwareFeatures" not in xml(host=host, libvirt="12.0")


def xml(*types: str, host: HostRecord | None = None, **target: str) -> str:
    """Give a report as libvirt writes it."""
    return DomainCapabilities(build(world(emulator_record(types=types), host, **target))).xml


def test_a_store_of_variables_needs_a_device_and_a_template() -> None:
    with_template, without = firmware(descriptor(mapping=VARIABLES)), firmware(descriptor())
    for name in ("uefi-vars-x64", "uefi-vars-sysbus"):
        assert promised("os.varstore", name, host=with_template)
        assert not promised("os.varstore", name, host=without)
        assert "varstore" not in xml(name, host=with_template, libvirt="12.0")
    assert not promised("os.varstore", host=with_template)
    assert "<varstore supported='no'/>" in xml(host=without)


@pytest.mark.parametrize("path", ["disk.diskDevice=floppy", "disk.bus=fdc"])
@pytest.mark.parametrize(
    ("arch", "machine", "has_place"),
    [
        ("x86_64", "pc", True),
        ("ppc64", "powernv", True),
        ("ppc64", "pseries", False),
        ("ppc64le", "pseries-9.9", False),
        ("x86_64", "pseries", True),
        ("x86_64", "microvm", True),
    ],
)
def test_floppy_drives_need_a_controller_since_11_4(
    path: str, arch: str, machine: str, has_place: bool
) -> None:
    target: dict[str, Any] = {"arch": arch, "machine": machine}
    for controller in ("isa-fdc", "sysbus-fdc"):
        assert promised(path, controller, **target) is has_place
        assert promised(path, controller, **target, libvirt="11.3") is has_place
    assert not promised(path, **target)
    assert promised(path, **target, libvirt="11.3") is has_place


def test_disks_of_usb_and_nvme_since_11_5() -> None:
    assert promised("disk.bus=usb", "usb-bot")
    assert not promised("disk.bus=usb", "usb-bot", libvirt="11.4")
    assert promised("disk.bus=usb", "usb-storage", libvirt="11.4")
    assert promised("disk.bus=nvme", "nvme-ns")
    assert not promised("disk.bus=nvme", "nvme")
    assert not promised("disk.bus=nvme", "nvme-ns", libvirt="11.4")


@pytest.mark.parametrize("vfio", [True, False])
@pytest.mark.parametrize("iommufd", [True, False])
@pytest.mark.parametrize("types", [("iommufd",), ()])
def test_iommufd_needs_qemu_and_both_of_the_host(
    vfio: bool, iommufd: bool, types: tuple[str, ...]
) -> None:
    host = HostRecord("x86_64", vfio=Presence(usable=vfio), iommufd=Presence(usable=iommufd))
    assert promised("hostdev.iommufd=yes", *types, host=host) is (vfio and iommufd and bool(types))
    assert promised("hostdev.iommufd=no", *types, host=host)
    assert "iommufd" not in xml(*types, host=host, libvirt="12.0")


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("rng.backendModel=random", ("virtio-rng-pci",)),
        ("rng.backendModel=egd", ("virtio-rng-pci",)),
        ("rng.backendModel=builtin", ("virtio-rng-pci",)),
        ("graphics.type=vnc", ()),
        ("interface.backendType=default", ()),
        ("tpm.model=tpm-tis", ("tpm-crb",)),
        ("tpm.model=tpm-crb", ("tpm-tis",)),
        ("tpm.model=tpm-spapr", ("tpm-tis",)),
        ("tpm.backendModel=passthrough", ("tpm-tis",)),
    ],
)
def test_what_is_not_there_is_not_listed_beside_what_is(path: str, beside: tuple[str, ...]) -> None:
    assert not promised(path, *beside)


def test_models_of_tpm_are_types_since_12_2() -> None:
    for name in ("tpm-crb", "tpm-spapr"):
        assert promised(f"tpm.model={name}", name)
        assert not promised(f"tpm.model={name}", name, libvirt="12.1") or name == "tpm-spapr"
        told = {ask("query-tpm-models"): [name]}
        assert promised(f"tpm.model={name}", answers=told, libvirt="12.1")
        assert not promised(f"tpm.model={name}", "tpm-tis", answers=told)
    assert promised("tpm.model=tpm-spapr", "tpm-spapr", libvirt="12.1")


def test_back_ends_of_tpm_were_asked_for_until_12_2() -> None:
    host = HostRecord("x86_64", helpers=SWTPM)
    only = {ask("query-tpm-models"): ["tpm-tis"], ask("query-tpm-types"): ["passthrough"]}
    for backend in ("emulator", "external"):
        path = f"tpm.backendModel={backend}"
        assert promised(path, answers=TPM, host=host, libvirt="12.1")
        assert not promised(path, "tpm-emulator", answers=only, host=host, libvirt="12.1")


def test_versions_of_tpm_are_those_that_swtpm_sets_up() -> None:
    old = tuple(
        Helper(helper.name, helper.path, ("tpm-1.2",) if helper.features else ())
        for helper in SWTPM
    )
    host = HostRecord("x86_64", helpers=old)
    assert promised("tpm.backendVersion=1.2", "tpm-tis", host=host)
    assert not promised("tpm.backendVersion=2.0", "tpm-tis", host=host)


SPICE = {ask("query-command-line-options"): [{"option": "spice", "parameters": []}]}
ALWAYS_THERE = ("null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix", "dbus")


def test_consoles_are_told_of_since_11_5() -> None:
    assert promised("console")
    for kind in ALWAYS_THERE:
        assert promised(f"console.type={kind}"), kind
    for kind in ("spicevmc", "spiceport"):
        assert promised(f"console.type={kind}", answers=SPICE)
        assert not promised(f"console.type={kind}")
    assert not promised("console.type=qemu-vdagent")
    assert promised("console.type=qemu-vdagent", answers=VDAGENT)
    assert "<console" not in xml(libvirt="11.4")


VDAGENT: dict[QmpCommand, Any] = {
    ask("query-qmp-schema"): [
        {"name": "chardev-add", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
        {"name": "0", "meta-type": "object", "members": []},
        {"name": "1", "meta-type": "object", "members": [{"name": "backend", "type": "2"}]},
        {
            "name": "2",
            "meta-type": "object",
            "tag": "type",
            "members": [{"name": "type", "type": "3"}],
            "variants": [{"case": "qemu-vdagent", "type": "0"}],
        },
        {"name": "3", "meta-type": "enum", "values": ["qemu-vdagent"]},
    ]
}


@pytest.mark.parametrize("version", ["2", "3"])
def test_interrupt_controllers_are_those_of_virtual_boards_of_arm(version: str) -> None:
    both = {
        question: [entry | {"emulated": True, "kernel": True} for entry in answer]
        for question, answer in GICS.items()
    }
    path = f"gic.version={version}"
    assert promised(path, answers=both, arch="aarch64", machine="virt-9.9")
    assert not promised(path, answers=both, arch="aarch64", machine="raspi3b")
    assert not promised(path, answers=both, arch="riscv64", machine="virt")


MAPPING = "migrate-set-parameters"


def backup_schema(*commands: str, transform: bool = True) -> dict[QmpCommand, Any]:
    members = [{"name": "transform", "type": "9"}] if transform else []
    types = [
        {"name": "1", "meta-type": "object", "members": [
            {"name": "block-bitmap-mapping", "type": "2"}]},
        {"name": "2", "meta-type": "array", "element-type": "3"},
        {"name": "3", "meta-type": "object", "members": [{"name": "bitmaps", "type": "4"}]},
        {"name": "4", "meta-type": "array", "element-type": "5"},
        {"name": "5", "meta-type": "object", "members": members},
        {"name": "9", "meta-type": "object", "members": []},
    ]  # fmt: skip
    asked = [
        {"name": name, "meta-type": "command", "arg-type": "1", "ret-type": "9"}
        for name in commands
    ]
    return {ask("query-qmp-schema"): asked + types}


def test_backups_need_two_things_of_qemu() -> None:
    assert promised("backup", answers=backup_schema("blockdev-reopen", MAPPING))
    assert not promised("backup", answers=backup_schema(MAPPING))
    assert not promised("backup", answers=backup_schema("blockdev-reopen"))
    assert not promised(
        "backup", answers=backup_schema("blockdev-reopen", MAPPING, transform=False)
    )


@pytest.mark.parametrize("libvirt", ["11.3", "12.8"])
@pytest.mark.parametrize("missing", ["nothing", "type", "property", "host", "arch"])
def test_protected_virtualization_in_every_dialect(missing: str, libvirt: str) -> None:
    types = () if missing == "type" else ("s390-pv-guest",)
    none: dict[QmpCommand, Any] = {object_properties_of("none-machine"): []}
    answers = none if missing == "property" else PV_MACHINE
    host = HostRecord(arch="s390x") if missing == "host" else PV_HOST
    arch = "x86_64" if missing == "arch" else "s390x"
    held = promised("s390-pv", *types, answers=answers, host=host, arch=arch, libvirt=libvirt)
    assert held is (missing == "nothing")


@pytest.mark.parametrize("machine", ["pc", "pc-i440fx-9.9", "q35", "pc-q35-9.9", "xenfv", "isapc"])
def test_boards_of_pcs_are_those_of_x86(machine: str) -> None:
    board = {object_properties_of("generic-pc-machine"): [{"name": "i8042"}]}
    assert promised("ps2", answers=board, machine=machine)
    # no other architecture has a board of the name isapc
    foreign = promised("ps2", answers=board, machine=machine, arch="aarch64")
    assert foreign is (machine == "isapc")


def test_trust_domains_need_the_type_in_every_dialect() -> None:
    host = HostRecord(arch="x86_64", kvm=Kvm(usable=True, tdx=True))
    for libvirt in ("11.6", "11.9", "11.10", "12.8"):
        for path in ("tdx", "launchSecurity.sectype=tdx"):
            target: dict[str, Any] = {"virttype": "kvm", "libvirt": libvirt}
            assert promised(path, "tdx-guest", host=host, **target)
            assert not promised(path, "sev-guest", host=host, **target)


def test_encrypted_guests_of_each_kind_have_a_type() -> None:
    sev: dict[QmpCommand, Any] = {
        ask("query-sev-capabilities"): {"cbitpos": 47, "reduced-phys-bits": 1}
    }
    assert not promised("launchSecurity.sectype=sev", "sev-snp-guest", answers=sev)
    assert not promised("launchSecurity.sectype=sev-snp", "sev-guest", answers=sev)
    for name in ("sev", "sev-snp"):
        both = ("sev-guest", "sev-snp-guest")
        assert promised(f"launchSecurity.sectype={name}", *both, answers=sev)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["transitional", "non-transitional"])
def test_any_transitional_device_makes_generators_transitional(form: str, kind: str) -> None:
    assert promised(f"rng.model=virtio-{kind}", "virtio-rng-pci", form)


@pytest.mark.parametrize("name", ["virtio-rng-pci", "virtio-rng-ccw", "virtio-rng-device"])
@pytest.mark.parametrize("kind", ["transitional", "non-transitional"])
def test_any_generator_can_be_transitional(name: str, kind: str) -> None:
    assert promised(f"rng.model=virtio-{kind}", name, FORMS[-1])
    assert not promised(f"rng.model=virtio-{kind}", name)
    assert not promised(f"rng.model=virtio-{kind}", FORMS[-1])


SWITCHES = (
    "relaxed vapic vpindex runtime synic stimer reset frequencies reenlightenment tlbflush ipi "
    "evmcs avic emsr_bitmap xmm_input"
)


@pytest.mark.parametrize("name", SWITCHES.split())
@pytest.mark.parametrize("libvirt", ["11.3", "12.8"])
def test_each_enlightenment_is_listed_by_itself(name: str, libvirt: str) -> None:
    assert enlightened(libvirt, **{name: True}) == {
        "hyperv": "yes",
        f"hyperv.features={name}": "yes",
    }


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("kvm", [True, False])
@pytest.mark.parametrize("libvirt", ["11.9", "11.10"])
def test_an_emulator_that_tells_of_its_accelerator_is_believed(
    tells: bool, kvm: bool, libvirt: str
) -> None:
    commands = ["query-cpu-model-expansion"] + ["query-accelerators"] * tells
    model = {"model": {"name": "base", "props": {"hv-relaxed": True}}}
    plain = cpu_expansion_of("max", "full", {"migratable": False, "hv-passthrough": True})
    answers = {
        ask("query-qmp-schema"): [{"name": c, "meta-type": "command"} for c in commands],
        FULL: model,
        plain: model,
    }
    record = emulator_record(answers=answers, kvm=kvm)
    found = DomainCapabilities(build(world(record, libvirt=libvirt))).xml
    assert ("<hyperv" in found) is (kvm or not tells or libvirt == "11.9")
    assert "<defaults" not in found
