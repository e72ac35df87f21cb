"""What rules of domains ask of QEMU, where several things are as good as each other."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from test_report_boards import holds
from test_report_rules import SWTPM

from domcaps.elements import choices
from domcaps.facts.question import ask, device_properties_of, object_properties_of
from domcaps.facts.record import HostRecord, Kvm
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import build
from fakes import emulator_record, world

if TYPE_CHECKING:
    from domcaps.language import Predicate
    from domcaps.language.truth import Reason


def named(path: str) -> Predicate:
    """Give what a module of the table calls so, or holds under a key: ``module.NAME[key]``."""
    module, _, rest = path.partition(".")
    name, _, key = rest.rstrip("]").partition("[")
    found: Any = getattr(import_module(f"domcaps.elements.{module}"), name)
    if key and not isinstance(found, dict):
        found = {choice.name: choice.when for choice in found.choices}
    predicate: Predicate = found[key] if key else found
    return predicate


NETWORK = "virtio-net-pci virtio-net-ccw virtio-net-device"
GPU = "virtio-gpu-pci virtio-gpu-device virtio-gpu-ccw"


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("controller_models.SCSI_VIRTIO", "virtio-scsi-pci virtio-scsi-ccw virtio-scsi-device"),
        ("controller_models.USB_DEVICES[vt82c686b-uhci]", "vt82c686b-usb-uhci"),
        ("controller_pci.DEVICES[x3130-upstream]", "x3130-upstream"),
        ("controller_pci.DEVICES[xio3130-downstream]", "xio3130-downstream"),
        ("input.VIRTIO[evdev]", "input-linux"),
        ("input.VIRTIO_CCW[mouse]", "virtio-mouse-ccw"),
        ("input.VIRTIO_CCW[tablet]", "virtio-tablet-ccw"),
        ("input.VIRTIO_CCW[keyboard]", "virtio-keyboard-ccw"),
        ("interface.VIRTIO_NET", NETWORK),
        ("interface.RTL8139", "rtl8139"),
        ("interface.E1000", "e1000"),
        ("interface.E1000E", "e1000e"),
        ("osloader.UEFI_VARIABLES", "uefi-vars-x64 uefi-vars-sysbus"),
        ("pci.PCIE_TO_PCI", "pcie-pci-bridge"),
        ("pci_devices._ANY_ROOT_PORT", "pcie-root-port ioh3420"),
        ("pci_devices._MMIO", "virtio-mmio"),
        ("pci_devices._CIRRUS", "cirrus-vga"),
        ("pci_devices._VFIO_CCW", "vfio-ccw"),
        ("pci_devices._CARDS[rtl8139]", "rtl8139"),
        ("pci_devices._CARDS[e1000]", "e1000"),
        ("sound._ICH6", "intel-hda"),
        ("sound._AC97", "AC97"),
        ("sound.MODEL[virtio]", "virtio-sound-pci virtio-sound-device"),
        ("video.DEFAULT_KNOWN", "cirrus-vga VGA"),
        ("video_frontend.ACCELERATED", "virtio-gpu-gl-pci virtio-vga-gl"),
        ("video_frontend.FRONTENDS[virtio-vga]", "virtio-vga"),
        ("video_frontend.FRONTENDS[virtio-vga-gl]", "virtio-vga-gl"),
        ("video_frontend.FRONTENDS[virtio-gpu]", GPU),
        ("video_frontend.FRONTENDS[virtio-gpu-gl]", "virtio-gpu-gl-pci virtio-gpu-gl-device"),
        ("video_frontend.FRONTENDS[vhost-user-vga]", "vhost-user-vga"),
    ],
)
def test_any_one_of_these_types_will_do(path: str, types: str) -> None:
    assert not holds(named(path))
    for name in types.split():
        assert holds(named(path), name), name


@pytest.mark.parametrize(
    ("path", "devices", "name"),
    [
        ("device.ACPI_INDEX", "virtio-blk-pci", "acpi-index"),
        ("disk_iothreads.MAPPING", "virtio-blk-pci virtio-blk-ccw", "iothread-vq-mapping"),
        ("filesystemrules.BOOTINDEX", "vhost-user-fs-pci", "bootindex"),
        ("iommu.INTEL_PROPERTIES[eim]", "intel-iommu", "eim"),
        ("memballoon.AUTODEFLATE",
         "virtio-balloon-pci virtio-balloon-ccw virtio-balloon-device", "deflate-on-oom"),
        ("memballoon.FREE_PAGE_REPORTING",
         "virtio-balloon-pci virtio-balloon-ccw virtio-balloon-device", "free-page-reporting"),
        ("video_frontend.BLOB", GPU, "blob"),
        ("video_frontend.ACCELERATED", GPU, "virgl"),
    ],
)  # fmt: skip
def test_a_property_of_any_of_these_will_do(path: str, devices: str, name: str) -> None:
    for device in devices.split():
        question = device_properties_of(device)
        answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"}]}
        assert holds(named(path), device, answers=answers), device
        assert not holds(named(path), device, answers={question: []}), device


@pytest.mark.parametrize(("path", "arch"), [("RAS", "aarch64"), ("AIA", "riscv64")])
@pytest.mark.parametrize("alias", ["virt", ""])
def test_the_newest_version_of_the_board_virt_has_properties(
    path: str, arch: str, alias: str
) -> None:
    newest = {"name": "virt-9.9" if alias else "virt", "cpu-max": 8} | (
        {"alias": alias} if alias else {}
    )
    machines = ({"name": "virt-9.8", "cpu-max": 8}, newest)
    question = object_properties_of(f"{newest['name']}-machine")
    for names, expected in (([path.lower()], True), ([], False)):
        answers: dict[Any, Any] = {
            object_properties_of("virt-9.8-machine"): [],
            question: [{"name": name, "type": "bool"} for name in names],
        }
        record = emulator_record(target=arch, machines=machines, answers=answers)
        found = world(record, arch=arch, machine="virt").truth(named(f"boardfeatures.{path}"))
        assert bool(found) is expected
    without = emulator_record(target=arch, machines=({"name": "other", "cpu-max": 8},))
    assert not world(without, arch=arch, machine="other").truth(named(f"boardfeatures.{path}"))


def test_a_timer_of_arm_can_be_switched_by_its_processor() -> None:
    question = object_properties_of("max-arm-cpu")
    for names, expected in ((["kvm-no-adjvtime"], True), ([], False)):
        answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"} for name in names]}
        assert holds(named("timer.VIRTUAL_TIMER"), "max-arm-cpu", answers=answers) is expected


@pytest.mark.parametrize(
    ("name", "parameter"), [("SPICE_GL", "gl"), ("SPICE_RENDERNODE", "rendernode")]
)
def test_spice_is_drawn_by_a_card_where_it_has_the_option(name: str, parameter: str) -> None:
    for parameters, expected in (([parameter], True), (["port"], False)):
        options = [{"option": "spice", "parameters": [{"name": p} for p in parameters]}]
        answers: dict[Any, Any] = {ask("query-command-line-options"): options}
        assert holds(named(f"graphics_spice.{name}"), answers=answers) is expected


@pytest.mark.parametrize("processor", ["max-x86_64-cpu", "max-arm-cpu"])
def test_what_could_not_migrate_is_hidden_by_processors_that_can(processor: str) -> None:
    question = object_properties_of(processor)
    for names, expected in ((["migratable"], True), ([], False)):
        answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"} for name in names]}
        assert holds(named("cpu.MIGRATABLE"), processor, answers=answers) is expected
        choice = dict(choices())["cpu.host-passthrough.hostPassthroughMigratable=on"]
        assert holds(choice.when, processor, answers=answers) is expected


def test_memory_of_enclaves_needs_type_and_processor() -> None:
    model = named("memorydevice.MODEL[sgx-epc]")
    sgx = {"flc": False, "sgx1": True, "sgx2": False, "sections": []}
    answers: dict[Any, Any] = {ask("query-sgx-capabilities"): sgx}
    assert holds(model, "sgx-epc", answers=answers)
    assert not holds(model, answers=answers)
    assert not holds(model, "sgx-epc")


def test_a_card_is_a_device_of_its_name_but_for_one_that_libvirt_misspells() -> None:
    card = import_module("domcaps.elements.interface")._card
    assert holds(card("e1000"), "e1000")
    assert not holds(card("e1000"), "smc91c111")
    assert holds(card("scm91c111"), "smc91c111")
    assert not holds(card("scm91c111"), "scm91c111")


@pytest.mark.parametrize(
    ("virttype", "of_machine", "of_host", "expected"),
    [
        ("kvm", 288, 100, "max='100'"),
        ("kvm", 288, 1000, "max='288'"),
        ("kvm", 288, 0, "max='288'"),
        ("qemu", 288, 100, "max='288'"),
        ("qemu", 1, 0, "max='1'"),
        ("qemu", 0, 0, ""),
    ],
)
def test_cpus_are_limited_by_the_machine_and_by_kvm(
    virttype: str, of_machine: int, of_host: int, expected: str
) -> None:
    record = emulator_record(machines=({"name": "pc-q35-9.9", "cpu-max": of_machine},), kvm=True)
    host = HostRecord("x86_64", kvm=Kvm(usable=True, max_vcpus=of_host))
    found = DomainCapabilities(build(world(record, host, virttype=virttype))).xml
    assert ("<vcpu" in found) is bool(expected)
    assert expected in found


def test_versions_of_tpm_that_swtpm_sets_up_are_told_in_explanations() -> None:
    host = HostRecord("x86_64", helpers=SWTPM)
    when = dict(choices())["tpm.backendVersion=2.0"].when
    (reason, *_) = (r for r in walk(when.explain(world(host=host))) if "swtpm can" in r.statement)
    assert "2.0" in reason.value


def walk(reason: Reason) -> list[Reason]:
    return [reason, *(inner for part in reason.because for inner in walk(part))]


def test_rules_ask_of_a_back_end_what_the_report_asks() -> None:
    interface = import_module("domcaps.elements.interface")
    for choice in interface.BACKEND_TYPE.choices:
        assert interface._backend(choice.name) is choice.when
