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
