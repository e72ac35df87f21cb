"""Which boards are meant by a name, and what else rules ask of QEMU: predicates by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.elements.boards import families as machines
from domcaps.elements.placement import metadata_rules
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


@pytest.mark.parametrize("name", ["net", "scsi", "gpu", "balloon"])
def test_an_index_of_acpi_is_known_by_any_card(name: str) -> None:
    card = f"virtio-{name}-pci"
    answers = {device_properties_of(card): [{"name": "acpi-index", "type": "uint32"}]}
    assert holds(metadata_rules.ACPI_INDEX, card, answers=answers)
    assert not holds(metadata_rules.ACPI_INDEX, card, answers={device_properties_of(card): []})
