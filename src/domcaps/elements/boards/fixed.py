"""Boards that are made after real ones: what of them is as it was sold.

Of this QEMU tells nothing over QMP: whether a board has a slot for SD cards, how many processors
and how much memory are built in. So it stands here by the boards' names, as QEMU's refusals
showed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import (
    ARM_VIRT,
    LOONGARCH_VIRT,
    PSERIES,
    RISCV_VIRT,
    S390,
    X86,
)
from domcaps.language import Drift
from domcaps.language.observed import EmulatorFact, machine

if TYPE_CHECKING:
    from domcaps.language import World

MADE_FOR_GUESTS = X86 | ARM_VIRT | RISCV_VIRT | LOONGARCH_VIRT | S390 | PSERIES
"""Boards that take the processor that they are given; others have one of their own."""

_SD_BOARDS = (
    "amd-versal*-virt", "xlnx-*", "xilinx-zynq-a9", "*-bmc", "ast2[4-9]*", "npcm*", "quanta-gsj",
    "raspi*", "bpim2u", "cubieboard", "orangepi-pc", "imx25-pdk", "imx8m*-evk", "mcimx*",
    "sabrelite", "lm3s6965evb", "nuri", "smdkc210", "integratorcp", "realview-*", "versatile*",
    "vexpress-*", "sifive_u", "microchip-icicle-kit", "ppce500", "akita", "borzoi", "spitz",
    "terrier", "tosa", "z2", "mainstone", "connex", "verdex", "cheetah", "sx1*", "fby35",
)  # fmt: skip
SD_SLOT = machine(*_SD_BOARDS)
"""Boards with a slot for SD cards."""

NO_SD_SLOT = Drift(
    title="SD cards on machine types without a slot",
    says="bus 'sd' is accepted for every machine type",
    but="the machine type has no slot for SD cards",
    evidence="QEMU 7.2, 10.0 and 11.1, with -device sd-card on every machine type of ARM, RISC-V "
    "and POWER that starts without an image: \"No 'sd-bus' bus found for device 'sd-card'\"",
    where=~SD_SLOT,
    certain=True,
    instead="use bus='virtio' or another listed bus",
    targets="all machine types without a slot for SD cards. Machine types with one model real "
    "boards, such as raspi4b, vexpress-a9, xlnx-zcu102 and sifive_u",
)
NO_FRAME_BUFFER = Drift(
    title="ramfb on machine types that model real hardware",
    says="ramfb is listed if QEMU has it",
    but="machine types that model real hardware do not support it",
    evidence="QEMU 11.1, with -device ramfb on every machine type of ARM, POWER and RISC-V: virt "
    "starts, all others say \"Parameter 'driver' "
    'expects a dynamic sysbus device type for the machine"',
    where=~(X86 | ARM_VIRT | RISCV_VIRT | LOONGARCH_VIRT),
    certain=True,
    instead="use the machine type virt, or a display that the board has",
    targets="all machine types but those of x86 and the virt of ARM, LoongArch and RISC-V",
)

NEEDS_MEMORY = (S390 & machine("s390-ccw*")) | RISCV_VIRT
"""Boards whose firmware QEMU loads into memory."""
MOST_TOO_SMALL = 2 * 1024
"""Memory in KiB into which that firmware does not fit: seen with QEMU 11.1."""

AUDIO_WITHOUT_BACK_END = machine(
    "integratorcp", "realview-*", "versatile*", "vexpress-*", "xlnx-zcu102"
) & EmulatorFact(
    "QEMU is 10.0 or newer",
    "query-version",
    lambda emulator: emulator.version >= (10, 0, 0),
    lambda emulator: ".".join(map(str, emulator.version)),
)
"""Boards with a sound card of their own: "no default audio driver available" (10.0 and 11.1)."""

_LEAST_CPUS = {
    "amd-versal-virt": 4, "amd-versal2-virt": 18, "bpim2u": 4, "npcm845-evb": 4, "orangepi-pc": 4,
    "raspi2b": 4, "raspi3ap": 4, "raspi3b": 4, "raspi4b": 4, "xlnx-versal-virt": 4,
    "ast2700a1-evb": 4, "ast2700a2-evb": 4, "ast2700-evb": 4, "ast2700fc": 6,
    "ast2700a0-evb": 4, "fby35": 3,
    **dict.fromkeys(
        (
            "anacapa-bmc", "ast2600-evb", "bletchley-bmc", "catalina-bmc", "fby35-bmc", "fuji-bmc",
            "gb200nvl-bmc", "kudo-bmc", "mori-bmc", "mps2-an521", "mps3-an524", "musca-a",
            "musca-b1", "npcm750-evb", "nuri", "quanta-gbs-bmc", "quanta-gsj", "rainier-bmc",
            "smdkc210", "sifive_u", "microchip-icicle-kit", "qcom-dc-scm-v1-bmc",
            "qcom-firework-bmc",
        ),
        2,
    ),
}  # fmt: skip
_MIB = 1024
_MEMORY = {
    "raspi0": 512 * _MIB, "raspi1ap": 512 * _MIB, "raspi2b": 1024 * _MIB, "raspi3ap": 512 * _MIB,
    "raspi3b": 1024 * _MIB, "raspi4b": 2048 * _MIB, "orangepi-pc": 1024 * _MIB,
    "canon-a1100": 64 * _MIB, "collie": 512 * _MIB, "musicpal": 32 * _MIB, "sx1": 32 * _MIB,
    "sx1-v1": 32 * _MIB, "k230": 2048 * _MIB, "opentitan": 128, "sifive_e": 16,
    **dict.fromkeys(
        ("mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps2-an511", "mps2-an521"),
        16 * _MIB,
    ),
    "mps3-an524": 2048 * _MIB, "mps3-an547": 2048 * _MIB,
}  # fmt: skip


KNOWN_HARDWARE = SD_SLOT | machine(*_LEAST_CPUS, *_MEMORY)
"""Boards of which something is known that is built in."""

_LEAST_MEMORY = {
    **dict.fromkeys(("powernv8", "powernv9", "powernv10", "powernv10-rainier", "powernv11"),
                    1024 * _MIB),
    "microchip-icicle-kit": 1537 * _MIB,
}  # fmt: skip
"""Memory in KiB with which QEMU 10.0 and 11.1 start; with less "Invalid RAM size"."""


_MOST_MEMORY = {
    "versatileab": 256 * _MIB, "versatilepb": 256 * _MIB, "g3beige": 2047 * _MIB,
    "sabrelite": 3840 * _MIB, "mpc8544ds": 3072 * _MIB, "imx8mm-evk": 4096 * _MIB,
    "imx8mp-evk": 8192 * _MIB,
    **dict.fromkeys(
        ("imx25-pdk", "kzm", "palmetto-bmc", "quanta-q71l-bmc", "supermicrox11-bmc"), 512 * _MIB
    ),
    **dict.fromkeys(
        (
            "ast2500-evb", "bamboo", "bpim2u", "cubieboard", "fp5280g2-bmc", "g220a-bmc",
            "romulus-bmc", "sonorapass-bmc", "supermicro-x11spi-bmc", "tiogapass-bmc",
            "vexpress-a9", "witherspoon-bmc", "yosemitev2-bmc",
        ),
        1024 * _MIB,
    ),
    **dict.fromkeys(
        (
            "amigaone", "anacapa-bmc", "ast2600-evb", "bletchley-bmc", "catalina-bmc",
            "fby35-bmc", "fuji-bmc", "gb200nvl-bmc", "kudo-bmc", "mac99", "mcimx6ul-evk",
            "mcimx7d-sabre", "mori-bmc", "npcm750-evb", "npcm845-evb", "pegasos1", "pegasos2",
            "qcom-dc-scm-v1-bmc", "qcom-firework-bmc", "quanta-gbs-bmc", "quanta-gsj",
            "rainier-bmc", "sam460ex", "xilinx-zynq-a9",
        ),
        2048 * _MIB,
    ),
}  # fmt: skip
"""Memory in KiB with which QEMU 10.0 and 11.1 start; with more they say what is too much."""


def most_memory(world: World) -> int | None:
    """Give how much memory a machine type has at most, in KiB; None where no limit is known."""
    return _MOST_MEMORY.get(world.target.machine)


def least_memory(world: World) -> int:
    """Give how much memory a machine type has at least, in KiB; 0 where any will do."""
    return _LEAST_MEMORY.get(world.target.machine, 0)


def least_cpus(world: World) -> int:
    """Give how many CPUs a machine type has at least."""
    return _LEAST_CPUS.get(world.target.machine, 1)


def soldered_memory(world: World) -> int | None:
    """Give the memory of a board that takes no other, in KiB; None where any will do."""
    return _MEMORY.get(world.target.machine)
