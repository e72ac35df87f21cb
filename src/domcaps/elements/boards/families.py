"""Families of machine types, by the names that QEMU gives them (QMP ``query-machines``).

QEMU does not say which board a machine type is a version of; its name is all there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.observed import arch, machine, virttype
from domcaps.language.preference import Decision, Option, drives

if TYPE_CHECKING:
    from domcaps.facts.emulator import Machine
    from domcaps.language import Dialect, World

_X86 = arch("i686", "x86_64")
_ARM = arch("armv6l", "armv7l", "aarch64")

I440FX = _X86 & machine("pc", "pc-0.*", "pc-1.*", "pc-i440fx-*", "rhel*")
"""The board with Intel's 440FX: ``pc`` and its versions."""

Q35 = _X86 & machine("q35", "pc-q35-*")
"""The board with Intel's Q35: ``q35`` and its versions."""

XENFV = _X86 & machine("xenfv", "xenfv-*")
"""The board of fully virtualized Xen guests."""

ISAPC = machine("isapc")
"""A PC without PCI."""

ARM_VIRT = _ARM & machine("virt", "virt-*")
"""ARM's paravirtual board."""

PSERIES = arch("ppc64", "ppc64le") & machine("pseries", "pseries-*")
"""IBM's POWER servers."""

S390_CCW = arch("s390", "s390x") & machine("s390-ccw*")
"""IBM's mainframes with channel I/O."""

RISCV_VIRT = arch("riscv32", "riscv64") & machine("virt", "virt-*")
"""RISC-V's paravirtual board."""

LOONGARCH_VIRT = arch("loongarch64") & machine("virt", "virt-*")
"""LoongArch's paravirtual board."""

S390 = arch("s390", "s390x")
"""Any machine type of IBM's mainframes."""

PPC64 = arch("ppc64", "ppc64le")
"""Any machine type of the 64-bit POWER architectures."""

BUILTIN_IDE = I440FX | machine("malta", "sun4u", "g3beige")
"""Boards with an IDE controller soldered on."""

MICROVM = _X86 & machine("microvm")
"""QEMU's minimal board, without PCI."""

KVM = virttype("kvm")
"""Guests that run on the host's processor, through KVM."""

X86 = _X86
"""Any machine type of the x86 architectures."""

_OTHERS = ~(_X86 | _ARM | arch("riscv32", "riscv64", "loongarch64", "ppc64", "ppc64le", "s390x"))

PREFERENCE = Decision(
    "os.machine",
    order=10,
    title="the machine type",
    options=(
        Option(
            "q35",
            "PCI Express, and what later firmware and devices need",
            when=_X86,
            guest=drives("qemu-x86-q35"),
        ),
        Option("pc", "the board that the oldest guests know", when=_X86),
        Option("q35", "PCI Express, and what later firmware and devices need", when=_X86),
        Option(
            "virt",
            "the board that is made for guests",
            when=_ARM | arch("riscv32", "riscv64", "loongarch64"),
        ),
        Option("pseries", "the board that is made for guests", when=arch("ppc64", "ppc64le")),
        Option("s390-ccw-virtio", "the board that is made for guests", when=arch("s390x")),
        Option("", "libvirt's own choice", when=_OTHERS),
    ),
)
"""Boards from which a new domain's is taken; others only where they are asked for."""

# libvirt's own default for each architecture, which need not be QEMU's: a change of QEMU's default
# would change the machines of those who name none. Architectures without an entry take QEMU's.
_PREFERRED = {
    "alpha": "clipper",
    "armv6l": "integratorcp",
    "armv7l": "virt",
    "armv7b": "virt",
    "aarch64": "virt",
    "cris": "axis-dev88",
    "i686": "pc",
    "lm32": "lm32-evr",
    "loongarch64": "virt",
    "m68k": "mcf5208evb",
    "microblaze": "petalogix-s3adsp1800",
    "microblazeel": "petalogix-s3adsp1800",
    "mips": "malta",
    "mipsel": "malta",
    "mips64": "malta",
    "mips64el": "malta",
    "openrisc": "or1k-sim",
    "ppc": "g3beige",
    "ppcle": "g3beige",
    "ppc64": "pseries",
    "ppc64le": "pseries",
    "ppcemb": "bamboo",
    "riscv32": "virt",
    "riscv64": "virt",
    "s390x": "s390-ccw-virtio",
    "sh4": "shix",
    "sh4eb": "shix",
    "sparc": "SS-5",
    "sparc64": "sun4u",
    "unicore32": "puv3",
    "x86_64": "pc",
    "xtensa": "sim",
    "xtensaeb": "sim",
}


def machine_type(world: World) -> Machine | None:
    """Give what QEMU says of the target's machine type, None where it does not list it."""
    for known in world.emulator.machines(world.target.virttype):
        if known.name == world.target.machine:
            return known
    return None


def preferred_machine(arch: str, machines: tuple[Machine, ...]) -> str:
    """Give the machine type of a definition that names none, "" where there is none at all.

    `arch` is that of the emulator, `machines` are its machine types in QEMU's order.
    """
    preferred = _PREFERRED.get(arch)
    named = [m.name for m in machines if preferred and preferred in (m.alias, m.name)]
    default = [m.name for m in machines if m.is_default]
    for candidates in (named, default):
        if candidates:
            return candidates[-1]
    return machines[0].name if machines else ""


def canonical_machine(name: str, machines: tuple[Machine, ...]) -> str:
    """Resolve an alias such as ``q35`` to the versioned name that it stands for."""
    for machine_type in machines:
        if machine_type.alias and machine_type.alias == name:
            return machine_type.name
    return name


# The oldest QEMU that a release of libvirt takes; from the first of them on, 11.3, it was 6.2.
_OLDEST_QEMU = (("11.3", (6, 2, 0)), ("12.4", (7, 2, 0)))


def oldest_qemu(dialect: Dialect) -> tuple[int, int, int]:
    """Give the oldest version of QEMU that a libvirt takes; it answers nothing about older ones."""
    return max(version for since, version in _OLDEST_QEMU if dialect.speaks(since, ""))
