"""Architectures: libvirt's names, QEMU's names for them, and which runs on which.

Sources: libvirt's `virarch` names as its documents list them, QEMU's ``SysEmuTarget`` (QMP
``query-target``).
"""

from __future__ import annotations

from domcaps.similar import close_matches

ARCHITECTURES: tuple[str, ...] = (
    "alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "lm32",
    "loongarch64", "m68k", "microblaze", "microblazeel", "mips", "mipsel", "mips64", "mips64el",
    "openrisc", "parisc", "parisc64", "ppc", "ppcle", "ppc64", "ppc64le", "ppcemb", "riscv32",
    "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64",
    "xtensa", "xtensaeb",
)  # fmt: skip
"""Every architecture that libvirt has a name for."""

USUAL = ("x86_64", "i686", "aarch64", "armv7l", "ppc64", "riscv64", "s390x")
"""Those of most guests, the most usual first; of the others few have a QEMU."""

_QEMU_NAMES = {"i686": "i386", "armv6l": "arm", "armv7l": "arm", "openrisc": "or1k"}
_FROM_QEMU = {"i386": "i686", "arm": "armv7l", "or1k": "openrisc"}

_FAMILIES = (
    frozenset({"i686", "x86_64"}),
    frozenset({"ppc", "ppcle", "ppc64", "ppc64le", "ppcemb"}),
    frozenset({"armv6l", "armv7l", "armv7b", "aarch64"}),
    frozenset({"s390", "s390x"}),
)

X86 = _FAMILIES[0]
ARM = _FAMILIES[2]
PPC64 = frozenset({"ppc64", "ppc64le"})
S390 = _FAMILIES[3]


_OTHER_NAMES = {
    "amd64": "x86_64", "x86-64": "x86_64", "x64": "x86_64", "x86": "i686", "i386": "i686",
    "i486": "i686", "i586": "i686", "arm64": "aarch64", "armhf": "armv7l", "arm": "armv7l",
    "armv7": "armv7l", "armel": "armv6l", "ppc64el": "ppc64le", "powerpc": "ppc",
    "or1k": "openrisc", "riscv": "riscv64", "loong64": "loongarch64",
}  # fmt: skip


UNFOUND = frozenset({"openrisc"})
"""libvirt looks for an emulator of that name; QEMU's is called ``or1k``."""


def nearest_arch(name: str) -> str:
    """Give libvirt's name of an architecture that others spell otherwise, "" where none is near."""
    known = _OTHER_NAMES.get(name.lower())
    near = close_matches(name.lower(), ARCHITECTURES, n=1)
    return known or (near[0] if near else "")


def from_qemu_target(target: str) -> str:
    """Give libvirt's name of a QEMU target."""
    return _FROM_QEMU.get(target, target)


def qemu_target(arch: str) -> str:
    """Give QEMU's name of an architecture: the end of ``qemu-system-…``."""
    return _QEMU_NAMES.get(arch, arch)


def same_family(one: str, other: str) -> bool:
    """Tell whether an emulator for `one` is accepted where `other` was asked for."""
    return one == other or any(one in family and other in family for family in _FAMILIES)


def serves(emulator: str, guest: str) -> bool:
    """Tell whether an emulator runs guests of that architecture, its own or an older one."""
    return emulator == guest or (emulator, guest) in _OLDER


_OLDER = {("x86_64", "i686"), ("aarch64", "armv7l"), ("armv7l", "armv6l"), ("ppc64", "ppc64le")}


def is_native(host: str, guest: str) -> bool:
    """Tell whether a guest of that architecture can run on the host's own processor."""
    if host == guest or (host in PPC64 and guest in PPC64):
        return True
    return (host, guest) in {("x86_64", "i686"), ("aarch64", "armv7l")}


def emulator_names(host: str, guest: str) -> tuple[str, ...]:
    """Name the programs that may serve a guest, the best first."""
    candidates = []
    if (host, guest) == ("aarch64", "armv7l"):
        # only this emulator can hand an ARMv7 guest to the KVM of an ARMv8 host
        candidates.append("aarch64")
    # libvirt has no other name for this one, and does not find QEMU's
    candidates.append(guest if guest in UNFOUND else qemu_target(guest))
    target = host if is_native(host, guest) else guest
    if guest not in UNFOUND:
        candidates.append(qemu_target("ppc64" if target in PPC64 else target))
    names = [f"qemu-system-{name}" for name in dict.fromkeys(candidates)]
    if is_native(host, guest):
        names.append("/usr/libexec/qemu-kvm")
    return tuple(names)
