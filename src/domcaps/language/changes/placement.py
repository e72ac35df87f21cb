"""Changes of boards and of where devices go."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

BOARDS_WITHOUT_PCI = estimate(
    "11.9",
    "11.3 and 12.8 differ; boards were gone through for USB controllers",
    "libvirt knows which machine types have no PCI and which devices are built in",
)
VIRTIO_FORMS_ASKED = estimate(
    "8.7",
    "7.9 and 9.0 differ; QEMU 4.2, the oldest since then, can be asked",
    "reports list virtio-transitional models only if QEMU has them",
)
LOONGARCH_KNOWN = change("10.2", NEWS, "the architecture loongarch64 is supported")
ARM_VIRT_DEFAULT = change("9.3", NEWS, "the default machine type of ARM and RISC-V guests is virt")
ACPI_INDEX_READ = change(
    "7.3", "git ffda44030a", "attribute 'index' of <acpi> of devices is supported"
)
CCW_DEFINED = change(
    "7.5", "git 7a8895463b", "CCW addresses are checked when the domain is defined"
)
DRIVE_ADDRESSES_OF_ALL = estimate(
    "7.1", "7.0 and 9.0 differ", "drive addresses are checked for all devices, not only disks"
)
UNASSIGNED_CHECKED = estimate(
    "7.1", "7.0 and 9.0 differ", "only a <hostdev> may have <address type='unassigned'>"
)
BOARD_DEVICES = estimate(
    "10.2",
    "9.10 and 10.5 differ; boards were gone through when LoongArch came",
    "a USB controller and a balloon are added only to machine types that support them; "
    "versatilepb has PCI",
)
MALTA_PCI = estimate("7.9", "7.0 and 9.0 differ", "the MIPS machine type malta has PCI")
