"""What rules of domains ask of QEMU, where several things are as good as each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_report_boards import holds
from test_report_rules import SWTPM

from domcaps.elements import choices
from domcaps.elements.boards import defaults
from domcaps.elements.boot import loader
from domcaps.elements.controllers import models as controller_models
from domcaps.elements.devices import iommu, memballoon
from domcaps.elements.display import graphics_spice, sound, video_frontend
from domcaps.elements.display import input as input_device
from domcaps.elements.domain import timer
from domcaps.elements.features import board_features
from domcaps.elements.memory import memory_device
from domcaps.elements.network import interface
from domcaps.elements.placement import metadata_rules, pci_assignment, pci_controllers, pci_devices
from domcaps.elements.processor import cpu
from domcaps.elements.storage import disk_iothreads, filesystem_rules
from domcaps.facts.question import ask, device_properties_of, object_properties_of
from domcaps.facts.record import HostRecord, Kvm
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import build
from fakes import emulator_record, world

if TYPE_CHECKING:
    from domcaps.language import Enum, Predicate
    from domcaps.language.truth import Reason


def choice_of(enum: Enum, name: str) -> Predicate:
    """Give the predicate of one value of an enum."""
    return next(choice.when for choice in enum.choices if choice.name == name)


NETWORK = "virtio-net-pci virtio-net-ccw virtio-net-device"
GPU = "virtio-gpu-pci virtio-gpu-device virtio-gpu-ccw"


@pytest.mark.parametrize(
    ("predicate", "types"),
    [
        (controller_models.SCSI_VIRTIO, "virtio-scsi-pci virtio-scsi-ccw virtio-scsi-device"),
        (controller_models.USB_DEVICES["vt82c686b-uhci"], "vt82c686b-usb-uhci"),
        (pci_controllers.DEVICES["x3130-upstream"], "x3130-upstream"),
        (pci_controllers.DEVICES["xio3130-downstream"], "xio3130-downstream"),
        (input_device.VIRTIO["evdev"], "input-linux"),
        (input_device.VIRTIO_CCW["mouse"], "virtio-mouse-ccw"),
        (input_device.VIRTIO_CCW["tablet"], "virtio-tablet-ccw"),
        (input_device.VIRTIO_CCW["keyboard"], "virtio-keyboard-ccw"),
        (defaults.VIRTIO_NET, NETWORK),
        (defaults.RTL8139, "rtl8139"),
        (defaults.E1000, "e1000"),
        (interface.E1000E, "e1000e"),
        (loader.UEFI_VARIABLES, "uefi-vars-x64 uefi-vars-sysbus"),
        (pci_assignment.PCIE_TO_PCI, "pcie-pci-bridge"),
        (pci_devices._ANY_ROOT_PORT, "pcie-root-port ioh3420"),
        (pci_devices._MMIO, "virtio-mmio"),
        (pci_devices._VFIO_CCW, "vfio-ccw"),
        (sound._ICH6, "intel-hda"),
        (sound._AC97, "AC97"),
        (choice_of(sound.MODEL, "virtio"), "virtio-sound-pci virtio-sound-device"),
        (defaults.VIDEO_KNOWN, "cirrus-vga VGA"),
        (video_frontend.ACCELERATED, "virtio-gpu-gl-pci virtio-vga-gl"),
        (video_frontend.FRONTENDS["virtio-vga"], "virtio-vga"),
        (video_frontend.FRONTENDS["virtio-vga-gl"], "virtio-vga-gl"),
        (video_frontend.FRONTENDS["virtio-gpu"], GPU),
        (video_frontend.FRONTENDS["virtio-gpu-gl"], "virtio-gpu-gl-pci virtio-gpu-gl-device"),
        (video_frontend.FRONTENDS["vhost-user-vga"], "vhost-user-vga"),
    ],
)
def test_any_one_of_these_types_will_do(predicate: Predicate, types: str) -> None:
    assert not holds(predicate)
    for name in types.split():
        assert holds(predicate, name), name


@pytest.mark.parametrize(
    ("predicate", "types", "name"),
    [
        (metadata_rules.ACPI_INDEX, "virtio-blk-pci", "acpi-index"),
        (disk_iothreads.MAPPING, "virtio-blk-pci virtio-blk-ccw", "iothread-vq-mapping"),
        (filesystem_rules.BOOTINDEX, "vhost-user-fs-pci", "bootindex"),
        (iommu.INTEL_PROPERTIES["eim"], "intel-iommu", "eim"),
        (memballoon.AUTODEFLATE,
         "virtio-balloon-pci virtio-balloon-ccw virtio-balloon-device", "deflate-on-oom"),
        (memballoon.FREE_PAGE_REPORTING,
         "virtio-balloon-pci virtio-balloon-ccw virtio-balloon-device", "free-page-reporting"),
        (video_frontend.BLOB, GPU, "blob"),
        (video_frontend.ACCELERATED, GPU, "virgl"),
    ],
)  # fmt: skip
def test_a_property_of_any_of_these_will_do(predicate: Predicate, types: str, name: str) -> None:
    for device in types.split():
        question = device_properties_of(device)
        answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"}]}
        assert holds(predicate, device, answers=answers), device
        assert not holds(predicate, device, answers={question: []}), device


@pytest.mark.parametrize(
    ("predicate", "name", "arch"),
    [(board_features.RAS, "ras", "aarch64"), (board_features.AIA, "aia", "riscv64")],
)
@pytest.mark.parametrize("alias", ["virt", ""])
def test_the_newest_version_of_the_board_virt_has_properties(
    predicate: Predicate, name: str, arch: str, alias: str
) -> None:
    newest = {"name": "virt-9.9" if alias else "virt", "cpu-max": 8} | (
        {"alias": alias} if alias else {}
    )
    machines = ({"name": "virt-9.8", "cpu-max": 8}, newest)
    question = object_properties_of(f"{newest['name']}-machine")
    for names, expected in (([name], True), ([], False)):
        answers: dict[Any, Any] = {
            object_properties_of("virt-9.8-machine"): [],
            question: [{"name": name, "type": "bool"} for name in names],
        }
        record = emulator_record(target=arch, machines=machines, answers=answers)
        found = world(record, arch=arch, machine="virt").truth(predicate)
        assert bool(found) is expected
    without = emulator_record(target=arch, machines=({"name": "other", "cpu-max": 8},))
    assert not world(without, arch=arch, machine="other").truth(predicate)


def test_a_timer_of_arm_can_be_switched_by_its_processor() -> None:
    question = object_properties_of("max-arm-cpu")
    for names, expected in ((["kvm-no-adjvtime"], True), ([], False)):
        answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"} for name in names]}
        assert holds(timer.VIRTUAL_TIMER, "max-arm-cpu", answers=answers) is expected


@pytest.mark.parametrize(
    ("predicate", "parameter"),
    [(graphics_spice.SPICE_GL, "gl"), (graphics_spice.SPICE_RENDERNODE, "rendernode")],
)
def test_spice_is_drawn_by_a_card_where_it_has_the_option(
    predicate: Predicate, parameter: str
) -> None:
    for parameters, expected in (([parameter], True), (["port"], False)):
        options = [{"option": "spice", "parameters": [{"name": p} for p in parameters]}]
        answers: dict[Any, Any] = {ask("query-command-line-options"): options}
        assert holds(predicate, answers=answers) is expected


@pytest.mark.parametrize("processor", ["max-x86_64-cpu", "max-arm-cpu"])
def test_what_could_not_migrate_is_hidden_by_processors_that_can(processor: str) -> None:
    question = object_properties_of(processor)
    for names, expected in ((["migratable"], True), ([], False)):
        answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"} for name in names]}
        assert holds(cpu.MIGRATABLE, processor, answers=answers) is expected
        choice = dict(choices())["cpu.host-passthrough.hostPassthroughMigratable=on"]
        assert holds(choice.when, processor, answers=answers) is expected


def test_memory_of_enclaves_needs_type_and_processor() -> None:
    model = choice_of(memory_device.MODEL, "sgx-epc")
    sgx = {"flc": False, "sgx1": True, "sgx2": False, "sections": []}
    answers: dict[Any, Any] = {ask("query-sgx-capabilities"): sgx}
    assert holds(model, "sgx-epc", answers=answers)
    assert not holds(model, answers=answers)
    assert not holds(model, "sgx-epc")


def test_a_card_is_a_device_of_its_name_but_for_one_that_libvirt_misspells() -> None:
    card = interface._card
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
    for choice in interface.BACKEND_TYPE.choices:
        assert interface._backend(choice.name) is choice.when
