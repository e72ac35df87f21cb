"""Changes of boards and of where devices go."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

BOARDS_WITHOUT_PCI = estimate(
    "11.9",
    "11.3 and 12.8 differ; boards were gone through for USB controllers",
    "libvirt knows which boards have no PCI, and what is soldered on them",
)
VIRTIO_FORMS_ASKED = estimate(
    "8.7",
    "7.9 and 9.0 differ; QEMU 4.2, the oldest since then, can be asked",
    "transitional devices are listed only where QEMU has them",
)
LOONGARCH_KNOWN = change("10.2", NEWS, "the architecture loongarch64")
ARM_VIRT_DEFAULT = change("9.3", NEWS, "the default machine of ARM and RISC-V is virt")
ACPI_INDEX_READ = change("7.3", "git ffda44030a", "ACPI indexes of devices")
CCW_DEFINED = change("7.5", "git 7a8895463b", "addresses of channel I/O are checked by definition")
DRIVE_ADDRESSES_OF_ALL = estimate(
    "7.1", "7.0 and 9.0 differ", "addresses of drives are checked whatever device has them"
)
UNASSIGNED_CHECKED = estimate(
    "7.1", "7.0 and 9.0 differ", "only a device of the host can be without an address"
)
BOARD_DEVICES = estimate(
    "10.2",
    "9.10 and 10.5 differ; boards were gone through when LoongArch came",
    "only boards that have them get USB and a balloon; versatilepb has PCI whatever its CPU",
)
MALTA_PCI = estimate("7.9", "7.0 and 9.0 differ", "the board Malta of MIPS has PCI")
