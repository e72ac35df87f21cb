"""Families of machine types, by the names that QEMU gives them (QMP ``query-machines``).

QEMU does not say which board a machine type is a version of; its name is all there is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.language.changes.emulators import QEMU_3_1, QEMU_4_2, QEMU_5_2, QEMU_6_2, QEMU_7_2
from domcaps.language.changes.placement import ARM_VIRT_DEFAULT, LOONGARCH_KNOWN
from domcaps.language.observed import arch, machine, virttype
from domcaps.language.preference import Decision, Option, drives
from domcaps.patterns import fits, late_pattern

if TYPE_CHECKING:
    from domcaps.facts.emulator import MachineType
    from domcaps.language import Dialect, World

X86 = arch("i686", "x86_64")
"""Any machine type of the x86 architectures."""

# no QEMU emulates armv7b, which libvirt has a name for
ARM = arch("armv6l", "armv7l", "aarch64")
"""Any machine type of the ARM architectures."""

RISCV = arch("riscv32", "riscv64")
"""Any machine type of the RISC-V architectures."""

LOONGARCH = arch("loongarch64")
"""Any machine type of LoongArch."""

MIPS = arch("mips", "mipsel", "mips64", "mips64el")
"""Any machine type of the MIPS architectures."""

S390 = arch("s390", "s390x")
"""Any machine type of IBM's mainframes."""

PPC64 = arch("ppc64", "ppc64le")
"""Any machine type of the 64-bit POWER architectures."""

ALWAYS_PCI = PPC64 | arch("alpha", "ppc", "ppcemb", "sh4", "sh4eb", "sparc64")
"""Architectures for which libvirt takes every board to have conventional PCI."""

I440FX = X86 & machine("pc", "pc-0.*", "pc-1.*", "pc-i440fx-*", "rhel*")
"""The board with Intel's 440FX: ``pc`` and its versions."""

Q35 = X86 & machine("q35", "pc-q35-*")
"""The board with Intel's Q35: ``q35`` and its versions."""

XENFV = X86 & machine("xenfv", "xenfv-*")
"""The board of fully virtualized Xen guests."""

ISAPC = machine("isapc")
"""A PC without PCI."""

ARM_VIRT = ARM & machine("virt", "virt-*")
"""ARM's paravirtual board."""
SBSA = ARM & machine("sbsa-ref")
"""ARM's reference board for servers."""

PSERIES = PPC64 & machine("pseries", "pseries-*")
"""IBM's POWER servers."""

S390_CCW = S390 & machine("s390-ccw*")
"""IBM's mainframes with channel I/O."""

RISCV_VIRT = RISCV & machine("virt", "virt-*")
"""RISC-V's paravirtual board."""

LOONGARCH_VIRT = LOONGARCH & machine("virt", "virt-*")
"""LoongArch's paravirtual board."""

MALTA = machine("malta")
"""The board MIPS Malta."""

BUILTIN_IDE = I440FX | MALTA | machine("sun4u", "g3beige")
"""Boards with an IDE controller built in."""

MICROVM = X86 & machine("microvm", "microvm-*")
"""QEMU's minimal board, without PCI."""

KVM = virttype("kvm")
"""Guests that run on the host's processor, through KVM."""

VERSATILE = ARM & machine("versatilepb")
"""ARM's Versatile PB."""

VEXPRESS = (ARM | RISCV) & machine("vexpress-*")
"""ARM's Versatile Express; libvirt takes boards of RISC-V for it that are called alike."""

VIRTUAL = ARM_VIRT | LOONGARCH_VIRT | RISCV_VIRT | S390
"""Boards made for guests, where libvirt's usual device is one of virtio."""

_OTHERS = ~(X86 | ARM | RISCV | LOONGARCH | PPC64 | S390)

_NAMES = {"pc": ("pc", "pc-0.*", "pc-1.*", "pc-i440fx-*", "rhel[0-9]*"), "q35": ("q35", "pc-q35-*")}
_VERSION = late_pattern(r"-?[a-z]*(\d+(?:\.\d+)+)\S*$")
_LONGEST = 100


def family_of(name: str) -> tuple[str, tuple[int, ...]]:
    """Give the family and version of a machine type: ``pc-q35-9.2`` is ``q35`` of (9, 2).

    The version is empty where the name has none: then it is an alias, or a board without versions.
    """
    # a domain may ask for any text: one that is longer than every name has no version, and looking
    # for one would take time with the square of its length
    found = _VERSION.search(name) if len(name) <= _LONGEST else None
    version = () if found is None else tuple(int(number) for number in found[1].split("."))
    for family, patterns in _NAMES.items():
        if any(fits(name, pattern) for pattern in patterns):
            return family, version
    return (name if found is None else name[: found.start()]), version


PREFERENCE = Decision(
    "os.machine",
    order=10,
    title="the machine type",
    options=(
        Option(
            "q35",
            "PCI Express, and what later firmware and devices need",
            when=X86,
            guest=drives("qemu-x86-q35"),
        ),
        Option("pc", "the board that the oldest guests know", when=X86),
        Option("q35", "PCI Express, and what later firmware and devices need", when=X86),
        Option(
            "virt",
            "the board that is made for guests",
            when=ARM | RISCV | LOONGARCH,
        ),
        Option("pseries", "the board that is made for guests", when=PPC64),
        Option("s390-ccw-virtio", "the board that is made for guests", when=S390),
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

_PREFERRED_ONCE = {
    "armv6l": "integratorcp",
    "armv7l": "integratorcp",
    "armv7b": "integratorcp",
    "aarch64": "integratorcp",
    "riscv32": "spike_v1.10",
    "riscv64": "spike_v1.10",
}


def machine_type(world: World) -> MachineType | None:
    """Give what QEMU says of the target's machine type, None where it does not list it."""
    for known in world.emulator.machines(world.target.virttype):
        if known.name == world.target.machine:
            return known
    return None


def machines_by_use(machines: tuple[MachineType, ...], nearest: str = "") -> tuple[str, ...]:
    """Order machine types for a reader: `nearest`, then aliases, then versions, newest first."""
    aliases = sorted(known.alias for known in machines if known.alias)
    current = {known.name for known in machines if known.alias}
    others = sorted(
        (known.name for known in machines if known.name not in current),
        key=_version_key,
        reverse=True,
    )
    return tuple(dict.fromkeys(filter(None, (nearest, *aliases, *others))))


def _version_key(name: str) -> tuple[tuple[int, ...], str]:
    numbers = re.findall(r"\d+", name.rpartition("-")[2]) if "-" in name else []
    return tuple(map(int, numbers)), name


def preferred_machine(arch: str, machines: tuple[MachineType, ...], dialect: Dialect) -> str:
    """Give the machine type of a definition that names none, "" where there is none at all.

    `arch` is that of the emulator, `machines` are its machine types in QEMU's order.
    """
    preferred = usual_machine(arch, dialect)
    named = [m.name for m in machines if preferred and preferred in (m.alias, m.name)]
    default = [m.name for m in machines if m.is_default]
    for candidates in (named, default):
        if candidates:
            return candidates[-1]
    return machines[0].name if machines else ""


def usual_machine(arch: str, dialect: Dialect) -> str:
    """Give the machine type that libvirt prefers for an architecture, "" where it prefers none."""
    preferred = _PREFERRED.get(arch, "")
    return preferred if dialect.has(ARM_VIRT_DEFAULT) else _PREFERRED_ONCE.get(arch, preferred)


def canonical_machine(name: str, machines: tuple[MachineType, ...]) -> str:
    """Resolve an alias such as ``q35`` to the versioned name that it stands for."""
    for machine_type in machines:
        if machine_type.alias and machine_type.alias == name:
            return machine_type.name
    return name


ARCHITECTURES_SINCE = {"loongarch64": LOONGARCH_KNOWN}
"""Architectures that libvirt came to know, by the change that brought them."""

# The oldest QEMU that a release of libvirt takes, newest first.
_OLDEST_QEMU = (
    (QEMU_7_2, (7, 2, 0)),
    (QEMU_6_2, (6, 2, 0)),
    (QEMU_5_2, (5, 2, 0)),
    (QEMU_4_2, (4, 2, 0)),
    (QEMU_3_1, (3, 1, 0)),
)
OLDEST_KNOWN = (2, 11, 0)
"""Older ones are not known here, though libvirt took them until 7.4."""


def oldest_qemu(dialect: Dialect) -> tuple[int, int, int]:
    """Give the oldest version of QEMU that a libvirt takes; it answers nothing about older ones."""
    return next((version for since, version in _OLDEST_QEMU if dialect.has(since)), OLDEST_KNOWN)
