"""Boards with flash memory for firmware, and how large their flash memory is.

QEMU's lists do not tell the sizes; they are QEMU's refusals: "device requires 67108864 bytes".
"""

from __future__ import annotations

from domcaps.elements.advice.drifts import older_qemu
from domcaps.elements.boards.families import (
    ARM_VIRT,
    I440FX,
    LOONGARCH_VIRT,
    Q35,
    RISCV_VIRT,
    SBSA,
)
from domcaps.language import Drift

FLASH_BOARD = I440FX | Q35 | ARM_VIRT | LOONGARCH_VIRT | (RISCV_VIRT & ~older_qemu(8, 0)) | SBSA
"""Boards with flash memory that libvirt can give an image."""

NO_FLASH = Drift(
    title="UEFI firmware on machine types without flash memory",
    says="loader type 'pflash' is listed for every machine type",
    but="machine types without flash memory do not support it: QEMU refuses to start",
    evidence="verify with QEMU 7.2, 10.0 and 11.1 for s390x, ppc64 and microvm, and with 7.2 for "
    "riscv64: \"Property 'pflash0' not found\"",
    where=~FLASH_BOARD,
    found_by="os-loader-type-unsupported",
    instead="use a machine type with flash memory, or boot without UEFI",
    targets="all machine types but pc, q35, the virt of ARM and LoongArch, ARM's sbsa-ref, and "
    "the virt of RISC-V with QEMU 8.0 or later",
)

MIB = 1 << 20
FLASH_SIZES = ((ARM_VIRT, 64 * MIB), (RISCV_VIRT, 32 * MIB), (LOONGARCH_VIRT, 16 * MIB))
"""Boards whose images, that of the code and that of the variables, have one size, in bytes."""
MOST_FLASH = 8 * MIB
"""How large both images of an x86 guest can be together, in bytes."""
FLASH_BLOCK = 4096
"""The sizes of images of x86 are multiples of it, in bytes."""
ROM_BLOCK = 65536
"""The size of an image of x86 that is no flash memory is a multiple of it, in bytes."""
