"""Groups of boards that rules of domains share: which of all boards are meant, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_report_boards import holds

from domcaps.elements.boards import defaults, families, fixed
from domcaps.elements.boot import loader
from domcaps.elements.characters import parallel, serial
from domcaps.elements.controllers import models as controller_models
from domcaps.elements.devices import iommu, nvram
from domcaps.elements.display import input as input_device
from domcaps.elements.domain import timer
from domcaps.elements.features import board_features, hyperv_rules
from domcaps.elements.placement import installed, pci_controllers, pci_devices
from domcaps.elements.storage import disk, disk_place

if TYPE_CHECKING:
    from domcaps.language import Predicate

PCS = "x86_64/pc i686/pc x86_64/q35 i686/q35 x86_64/isapc x86_64/microvm x86_64/xenfv"
ARM_BOARDS = (
    "aarch64/virt armv7l/virt aarch64/raspi3b armv7l/versatilepb armv7l/realview-eb "
    "armv7l/realview-pb-a8 armv7l/vexpress-a9"
)
RISCV_BOARDS = "riscv64/virt riscv64/spike riscv64/vexpress-a9"
LOONGARCH_BOARDS = "loongarch64/virt loongarch64/other"
POWER_BOARDS = "ppc64/pseries ppc64le/pseries ppc64/powernv"
OLD_BOARDS = "ppc/g3beige sparc64/sun4u alpha/clipper sh4/r2d"
MIPS_BOARDS = "mips/malta mips64/malta mips64/magnum mips64/pica61"
OTHER_BOARDS = "sparc/SS-5 m68k/q800 m68k/virt"
S390X = "s390x/s390-ccw-virtio"
# names of boards that mean nothing, or something else, in another architecture
FOREIGN_PCS = (
    "x86_64/virt x86_64/pseries x86_64/versatilepb x86_64/realview-eb x86_64/vexpress-a9 "
    "x86_64/malta x86_64/magnum x86_64/q800"
)
FOREIGN_ARM = "aarch64/q35 aarch64/pc aarch64/xenfv"
FOREIGN = f"{FOREIGN_PCS} {FOREIGN_ARM} riscv64/microvm ppc64/isapc armv7b/virt sparc/virt"

ALL = (
    f"{PCS} {ARM_BOARDS} {RISCV_BOARDS} {LOONGARCH_BOARDS} {POWER_BOARDS} {OLD_BOARDS} "
    f"{MIPS_BOARDS} {OTHER_BOARDS} {S390X} {FOREIGN}"
).split()

SD_BOARDS = (
    "aarch64/raspi3b armv7l/versatilepb armv7l/realview-eb armv7l/realview-pb-a8 "
    "armv7l/vexpress-a9 riscv64/vexpress-a9 x86_64/vexpress-a9"
)
Q35 = "x86_64/q35 i686/q35"
VIRTS = "aarch64/virt armv7l/virt riscv64/virt loongarch64/virt"
ARM_VIRTS = "aarch64/virt armv7l/virt"
ARM = f"{ARM_BOARDS} {FOREIGN_ARM}"
PPC64 = f"{POWER_BOARDS} ppc64/isapc"
PSERIES = "ppc64/pseries ppc64le/pseries"
PCI_ROOT = f"x86_64/pc i686/pc armv7l/versatilepb {PPC64} {OLD_BOARDS} mips/malta mips64/malta"
PCIE_ROOT = f"{Q35} {ARM_VIRTS} riscv64/virt"


def without(*left_out: str) -> str:
    return " ".join(place for place in ALL if place not in " ".join(left_out).split())


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (board_features.VIRTUALIZATION, f"aarch64/virt aarch64/raspi3b {FOREIGN_ARM}"),
        (families.ARM, ARM),
        (controller_models.VIRTUAL_BOARDS, f"{ARM_VIRTS} riscv64/virt"),
        (controller_models.BUILTIN_ESP,
         "sparc/SS-5 sparc/virt mips64/magnum mips64/pica61 m68k/q800"),
        (disk._VIRTUAL, f"{VIRTS} {S390X} {PSERIES}"),
        (disk_place._WITHOUT_MMIO, f"{S390X} {PPC64}"),
        (families.VERSATILE, "armv7l/versatilepb"),
        (installed._REALVIEW, "armv7l/realview-eb armv7l/realview-pb-a8"),
        (installed._REALVIEW_EB, "armv7l/realview-eb"),
        (installed._NO_USB_PC, "x86_64/isapc"),
        (families.ALWAYS_PCI, f"{OLD_BOARDS} {PPC64}"),
        (installed._ALWAYS_PCI_ROOT, PCI_ROOT),
        (installed.PCIE_ROOT, PCIE_ROOT),
        (installed.WITH_BUS, f"{PCI_ROOT} {PCIE_ROOT} {LOONGARCH_BOARDS} {S390X}"),
        (installed._NOT_YET_KNOWN, f"{PCS} {FOREIGN_PCS} m68k/q800 m68k/virt"),
        (families.RISCV, f"{RISCV_BOARDS} riscv64/microvm"),
        (hyperv_rules.WHERE, f"{PCS} {FOREIGN_PCS} {ARM_VIRTS}"),
        (families.VIRTUAL, f"{VIRTS} {S390X}"),
        (families.BUILTIN_IDE,
         "x86_64/pc i686/pc mips/malta mips64/malta x86_64/malta sparc64/sun4u ppc/g3beige"),
        (families.MICROVM, "x86_64/microvm"),
        (families._OTHERS,
         f"{OLD_BOARDS} {MIPS_BOARDS} {OTHER_BOARDS} armv7b/virt sparc/virt"),
        (loader.SECURE_MACHINE, "x86_64/q35"),
        (parallel.HAS_PARALLEL, without(S390X, PSERIES)),
        (defaults._WITH_BALLOON, f"{PPC64} {S390X} {OLD_BOARDS} {MIPS_BOARDS}"),
        (defaults._PC_WITHOUT_PCI, "x86_64/isapc x86_64/microvm"),
        (families.VEXPRESS, "armv7l/vexpress-a9 riscv64/vexpress-a9"),
        (pci_devices._BY_MMIO,
         f"{ARM_VIRTS} riscv64/virt armv7l/vexpress-a9 riscv64/vexpress-a9"),
        (fixed.MADE_FOR_GUESTS, f"{PCS} {FOREIGN_PCS} {VIRTS} {S390X} {PSERIES}"),
        (fixed.SD_SLOT, f"{SD_BOARDS} x86_64/versatilepb x86_64/realview-eb"),
        (serial._SYSTEM, VIRTS),
        (defaults.VIDEO_KNOWN, f"{VIRTS} {S390X} {PPC64}"),
    ],
)  # fmt: skip
def test_groups_of_boards(predicate: Predicate, expected: str) -> None:
    assert meant(predicate) == set(expected.split())


def meant(predicate: Predicate) -> set[str]:
    places = (place.split("/") for place in ALL)
    return {f"{a}/{m}" for a, m in places if holds(predicate, arch=a, machine=m)}


@pytest.mark.parametrize(
    ("boards", "key", "expected"),
    [
        (iommu._MACHINES, "intel", Q35),
        (iommu._MACHINES, "amd", Q35),
        (iommu._MACHINES, "smmuv3", ARM_VIRTS),
        (iommu._MACHINES, "virtio", f"{Q35} {ARM_VIRTS}"),
        (serial._MACHINES, "spapr-vio-serial", PSERIES),
        (serial._MACHINES, "sclp-serial", S390X),
        (serial._MACHINES, "pl011", ARM_VIRTS),
        (serial._MACHINES, "16550a", "riscv64/virt loongarch64/virt"),
    ],
)
def test_boards_of_a_model(boards: dict[str, Predicate], key: str, expected: str) -> None:
    assert meant(boards[key]) == set(expected.split())


def test_a_name_of_power_means_nothing_elsewhere() -> None:
    made_for_guests = fixed.MADE_FOR_GUESTS
    assert holds(made_for_guests, arch="ppc64", machine="pseries")
    assert not holds(made_for_guests, arch="sparc", machine="pseries")


def test_boards_of_expander_buses() -> None:
    models = pci_controllers._MODELS
    pci, pcie = (models[f"{bus}-expander-bus"].boards for bus in ("pci", "pcie"))
    assert pci is not None
    assert pcie is not None
    assert meant(pci) == {"x86_64/pc", "i686/pc"}
    assert meant(pcie) == set(f"{Q35} {ARM_VIRTS}".split())


def test_the_adapter_that_is_not_named_depends_on_the_board_then_on_qemu() -> None:
    videos = defaults.VIDEOS
    by_board = [(kind, meant(when)) for kind, when in videos if meant(when)]
    assert by_board == [("vga", set(PPC64.split())), ("virtio", set(f"{VIRTS} {S390X}".split()))]
    for types, first in ((("cirrus-vga", "VGA"), "cirrus"), (("VGA",), "vga"), ((), None)):
        assert next((kind for kind, when in videos if holds(when, *types)), None) == first


@pytest.mark.parametrize(
    ("predicate", "device", "expected"),
    [
        (board_features.VMPORT, "vmport",
         f"x86_64/pc i686/pc {Q35} x86_64/isapc ppc64/isapc"),
        (input_device.I8042, "i8042",
         f"x86_64/pc i686/pc {Q35} x86_64/isapc x86_64/xenfv ppc64/isapc"),
        (nvram.NVRAM, "spapr-nvram", PSERIES),
    ],
)  # fmt: skip
def test_devices_of_some_boards(predicate: Predicate, device: str, expected: str) -> None:
    places = (place.split("/") for place in ALL)
    found = {f"{a}/{m}" for a, m in places if holds(predicate, device, arch=a, machine=m)}
    assert found == set(expected.split())
    assert meant(predicate) == set()


def test_guests_of_kvm() -> None:
    kvm, timers = families.KVM, timer._ARM_KVM
    assert holds(kvm, virttype="kvm")
    for virttype in ("qemu", "hvf"):
        assert not holds(kvm, virttype=virttype)
    for arch, machine in (place.split("/") for place in ALL):
        expected = f"{arch}/{machine}" in ARM_VIRTS
        assert holds(timers, arch=arch, machine=machine, virttype="kvm") is expected
        assert not holds(timers, arch=arch, machine=machine, virttype="qemu")
