"""Which boards are meant by a name, and what else rules ask of QEMU: predicates by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.elements import device as devices
from domcaps.elements import input as inputs
from domcaps.elements import machines, nvram, pci_devices
from domcaps.facts.question import device_properties_of
from fakes import emulator_record, world

if TYPE_CHECKING:
    from domcaps.language import Predicate


def holds(predicate: Predicate, *types: str, answers: Any = None, **target: Any) -> bool:
    arch = target.get("arch", "x86_64")
    record = emulator_record(target=arch, types=types, answers=answers)
    return bool(world(record, **target).truth(predicate))


BOARDS = {
    "I440FX": (("x86_64", "i686"), ("pc", "pc-0.15", "pc-1.3", "pc-i440fx-9.9", "rhel6.0.0")),
    "Q35": (("x86_64", "i686"), ("q35", "pc-q35-9.9")),
    "XENFV": (("x86_64", "i686"), ("xenfv", "xenfv-4.2")),
    "ARM_VIRT": (("aarch64", "armv7l", "armv6l"), ("virt", "virt-9.9")),
    "RISCV_VIRT": (("riscv32", "riscv64"), ("virt", "virt-9.9")),
    "LOONGARCH_VIRT": (("loongarch64",), ("virt", "virt-9.9")),
    "PSERIES": (("ppc64", "ppc64le"), ("pseries", "pseries-9.9")),
}


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_of_an_architecture_and_has_a_name(name: str) -> None:
    predicate: Predicate = getattr(machines, name)
    archs, boards = BOARDS[name]
    for arch in archs:
        for board in boards:
            assert holds(predicate, arch=arch, machine=board), (arch, board)
        assert not holds(predicate, arch=arch, machine="other")
    for board in boards:
        assert not holds(predicate, arch="sparc64", machine=board)


@pytest.mark.parametrize(
    ("name", "here", "elsewhere"),
    [
        ("_VEXPRESS", [("armv7l", "vexpress-a15"), ("riscv64", "vexpress-x")],
         [("armv7l", "virt"), ("x86_64", "vexpress-a15")]),
        ("_VERSATILE", [("armv7l", "versatilepb")],
         [("armv7l", "virt"), ("x86_64", "versatilepb")]),
        ("_BY_MMIO", [("aarch64", "virt"), ("riscv64", "virt"), ("armv7l", "vexpress-a9")],
         [("x86_64", "pc"), ("loongarch64", "virt")]),
        ("_NEW_BOARDS",
         [("s390x", "s390-ccw-virtio"), ("loongarch64", "virt"), ("riscv64", "virt")],
         [("aarch64", "virt"), ("x86_64", "q35")]),
        ("_VIRTIO_VIDEO",
         [("aarch64", "virt"), ("loongarch64", "virt"), ("riscv64", "virt"),
          ("s390x", "s390-ccw-virtio")],
         [("x86_64", "q35"), ("ppc64", "pseries")]),
    ],
)  # fmt: skip
def test_groups_of_boards(
    name: str, here: list[tuple[str, str]], elsewhere: list[tuple[str, str]]
) -> None:
    predicate: Predicate = getattr(pci_devices, name)
    for arch, machine in here:
        assert holds(predicate, arch=arch, machine=machine), (arch, machine)
    for arch, machine in elsewhere:
        assert not holds(predicate, arch=arch, machine=machine), (arch, machine)


def test_a_keyboard_of_the_board_needs_the_board() -> None:
    for machine in ("pc", "q35", "xenfv", "isapc"):
        assert holds(inputs.I8042, "i8042", machine=machine)
        assert not holds(inputs.I8042, machine=machine)
    assert not holds(inputs.I8042, "i8042", machine="microvm")


def test_memory_of_firmware_is_that_of_pseries() -> None:
    assert holds(nvram.NVRAM, "spapr-nvram", arch="ppc64", machine="pseries")
    assert not holds(nvram.NVRAM, "spapr-nvram", arch="ppc64", machine="powernv")
    assert not holds(nvram.NVRAM, arch="ppc64", machine="pseries")


@pytest.mark.parametrize("name", ["net", "scsi", "gpu", "balloon"])
def test_an_index_of_acpi_is_known_by_any_card(name: str) -> None:
    card = f"virtio-{name}-pci"
    answers = {device_properties_of(card): [{"name": "acpi-index", "type": "uint32"}]}
    assert holds(devices.ACPI_INDEX, card, answers=answers)
    assert not holds(devices.ACPI_INDEX, card, answers={device_properties_of(card): []})
