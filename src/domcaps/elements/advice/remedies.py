"""What helps where something is missing: build options, packages, releases, other machine types.

Advice for people. Nothing is decided by it, so it may name versions, which observation can't tell
of a QEMU that is not there. Build options are those of QEMU's ``configure``, releases those that
QEMU's QMP reference names, packages Debian's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.facts.emulator import Unanswered
from domcaps.language.observed import (
    CommandLineOption,
    Observation,
    QapiPath,
    QomType,
    TargetIs,
    TypeProperty,
)
from domcaps.language.predicate import Constant
from domcaps.language.remedy import Adviser, Effort, Remedy
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.facts.emulator import MachineType
    from domcaps.language import Predicate, World


_EMULATOR_PACKAGES = (
    ("qemu-system-x86", ("i686", "x86_64")),
    ("qemu-system-arm", ("armv6l", "armv7l", "armv7b", "aarch64")),
    ("qemu-system-ppc", ("ppc", "ppcle", "ppc64", "ppc64le", "ppcemb")),
    ("qemu-system-mips", ("mips", "mipsel", "mips64", "mips64el")),
    ("qemu-system-sparc", ("sparc", "sparc64")),
    ("qemu-system-s390x", ("s390", "s390x")),
    ("qemu-system-riscv", ("riscv32", "riscv64")),
)


def emulator_package(arch: str) -> str:
    """Give Debian's package with the emulator for an architecture."""
    found = (package for package, arches in _EMULATOR_PACKAGES if arch in arches)
    return next(found, "qemu-system-misc")


class _Known(NamedTuple):
    """What is known of a type that not every QEMU has."""

    build: str = ""
    module: str = ""
    release: str = ""
    package: str = ""


_SPICE = _Known("--enable-spice", package="qemu-system-modules-spice")
_TPM = _Known("--enable-tpm")
_GL = _Known("--enable-virglrenderer --enable-opengl", package="qemu-system-modules-opengl")

_TYPES = {
    "qxl": _SPICE._replace(module="hw-display-qxl"),
    "chardev-spicevmc": _SPICE._replace(module="chardev-spice"),
    "virtio-gpu-gl-pci": _GL._replace(module="hw-display-virtio-gpu-pci-gl"),
    "virtio-vga-gl": _GL._replace(module="hw-display-virtio-vga-gl"),
    "usb-redir": _Known("--enable-usb-redir", "hw-usb-redirect", package="qemu-system-common"),
    "ccid-card-passthru": _Known("--enable-smartcard", "hw-usb-smartcard"),
    "ccid-card-emulated": _Known("--enable-smartcard", "hw-usb-smartcard"),
    "tpm-emulator": _TPM,
    "tpm-passthrough": _TPM,
    "cryptodev-backend-lkcf": _Known("--enable-libkeyutils", release="8.0"),
    "iommufd": _Known(release="9.0"),
    "sev-snp-guest": _Known(release="9.1"),
    "tdx-guest": _Known(release="10.1"),
    "uefi-vars-x64": _Known(module="hw-uefi-vars", release="10.0"),
    "uefi-vars-sysbus": _Known(module="hw-uefi-vars", release="10.0"),
}

# types that QEMU has for some targets only, whatever it is built with
_ONLY_FOR = {
    "x86_64": (
        "sev-guest",
        "sev-snp-guest",
        "tdx-guest",
        "sgx-epc",
        "vmgenid",
        "tpm-crb",
        "pvpanic",
        "generic-pc-machine",
        "max-x86_64-cpu",
    ),
    "s390x": (
        "s390-pv-guest",
        "sclpconsole",
        "sclplmconsole",
        "diag288",
        "vfio-ccw",
        "vfio-ap",
        "virtio-balloon-ccw",
        "virtio-blk-ccw",
        "virtio-net-ccw",
        "virtio-scsi-ccw",
    ),
    "ppc64": ("spapr-tpm-proxy", "tpm-spapr"),
}

_WITH_MODULES = ("x86_64", "i686", "aarch64", "ppc64", "loongarch64")
_ONLY_FOR_SOME = {"pc-dimm": _WITH_MODULES, "nvdimm": _WITH_MODULES[:-1]}
"""The same of types that several targets have, and boards of others have no place for."""

_OPTIONS = {
    ("spice", ""): _SPICE,
    ("run-with", "async-teardown"): _Known(release="8.1"),
}

_QAPI = {"blockdev-add/arg/case=file/aio/value=io_uring": _Known("--enable-linux-io-uring")}


# properties that QEMU had, and the release that took them away (docs/about/removed-features)
_REMOVED = {("virtio-blk-pci", "scsi"): "9.1", ("virtio-blk-ccw", "scsi"): "9.1"}


def advise(leaf: Predicate, world: World, *, wanted: bool) -> Remedy:
    """Tell how a statement could be made to hold in a world, or not to hold.

    Advice may depend on more than the statement; where QEMU was not asked about that, to record
    the host again is the advice.
    """
    try:
        return _advise(leaf, world, wanted=wanted)
    except Unanswered as unanswered:
        how = f"record the host again: QEMU was not asked {unanswered.question}"
        return Remedy(Effort.HOST, how)


def _advise(leaf: Predicate, world: World, *, wanted: bool) -> Remedy:
    if isinstance(leaf, Observation):
        own = leaf.remedy(world, wanted=wanted)
        if own is not None:
            return own
    if isinstance(leaf, TargetIs):
        return _other_target(leaf, world, wanted=wanted)
    if isinstance(leaf, QomType | TypeProperty | CommandLineOption | QapiPath):
        return _of_qemu(leaf, world) if wanted else Remedy(Effort.NOTHING)
    return Remedy(Effort.NOTHING if isinstance(leaf, Constant) else Effort.HOST)


def _of_qemu(leaf: QomType | TypeProperty | CommandLineOption | QapiPath, world: World) -> Remedy:
    if isinstance(leaf, TypeProperty):
        if leaf.typename not in world.emulator.qom_types:
            return _missing_type(leaf.typename, world)
        removed = _REMOVED.get((leaf.typename, leaf.name), "")
        if removed and world.emulator.version >= _numbers(removed):
            return Remedy(Effort.QEMU, f"use a QEMU before {removed}")
        return Remedy(Effort.QEMU, "use a newer QEMU")
    if isinstance(leaf, QomType):
        return _missing_type(leaf.name, world)
    if isinstance(leaf, CommandLineOption):
        known = _OPTIONS.get((leaf.option, leaf.parameter), _OPTIONS.get((leaf.option, "")))
    else:
        known = _QAPI.get(leaf.path)
    return _get(known or _Known(), world) or Remedy(Effort.QEMU, "use a newer QEMU")


def _missing_type(name: str, world: World) -> Remedy:
    arch = world.emulator.arch
    for other, types in _ONLY_FOR.items():
        if name in types and arch != other:
            return Remedy(Effort.ARCH, f"only guests of {other} have it")
    some = _ONLY_FOR_SOME.get(name)
    if some and arch not in some:
        return Remedy(Effort.ARCH, f"only guests of {', '.join(some)} have it")
    found = _get(_TYPES.get(name, _Known()), world)
    program = world.emulator.path.rpartition("/")[2]
    return found or Remedy(Effort.BUILD, f"use a QEMU whose {program} is built with {name!r}")


def _get(known: _Known, world: World) -> Remedy | None:
    """Choose between a newer release, a package, and another build."""
    if known.release and world.emulator.version < _numbers(known.release):
        return Remedy(Effort.QEMU, f"use QEMU {known.release} or later{_built(known)}")
    if known.package:
        text = f"install Debian's package {known.package}"
        if known.module:
            text = f"install QEMU's module {known.module} (in Debian's package {known.package})"
        return Remedy(Effort.PACKAGE, f"{text}, or build QEMU with {known.build}")
    if known.module:
        return Remedy(Effort.PACKAGE, f"install QEMU's module {known.module}{_built(known)}")
    return Remedy(Effort.BUILD, f"build QEMU with {known.build}") if known.build else None


def _built(known: _Known) -> str:
    return f", built with {known.build}" if known.build else ""


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def _other_target(leaf: TargetIs, world: World, *, wanted: bool) -> Remedy:
    """Name a value that the emulator has and that is, or is not, as stated."""
    if leaf.attribute == "arch":
        return Remedy(Effort.ARCH, f"--arch {leaf.patterns[-1]}" if wanted else "another --arch")
    if leaf.attribute == "virttype":
        return _other_virttype(leaf, world, wanted=wanted)
    for machine in newest_machines(world):
        there = leaf.holds(world.retargeted(machine=machine.name))
        if there is wanted:
            return Remedy(Effort.MACHINE, f"--machine {machine.alias or machine.name}")
    return Remedy(Effort.ARCH, "this emulator has no such machine type")


def _other_virttype(leaf: TargetIs, world: World, *, wanted: bool) -> Remedy:
    for name in world.emulator.virttypes:
        if leaf.holds(world.retargeted(virttype=name)) is wanted:
            return Remedy(Effort.VIRTTYPE, f"--virttype {name}")
    return kvm(world)


def newest_machines(world: World) -> Iterator[MachineType]:
    """Give the newest version of each board, those with an alias first."""
    known = world.emulator.machines(world.target.virttype)
    yield from (m for m in known if m.alias and not m.deprecated)
    yield from (m for m in known if not m.alias and not m.deprecated)


def kvm(world: World) -> Remedy:
    """Say what KVM lacks on this host, for this emulator."""
    target, host = world.emulator.arch, world.host
    if world.target.virttype == "kvm":
        return Remedy(Effort.HARDWARE, "another host or kernel: that of this one is in use already")
    if world.emulator.kvm:
        return Remedy(Effort.VIRTTYPE, "--virttype kvm")
    if host.kvm.usable:
        return Remedy(Effort.HARDWARE, f"KVM of this host runs no guests of {target}")
    said = [text for text in (host.kvm.reason, enable_kvm(host.kvm.reason)) if text]
    return Remedy(Effort.ACCELERATOR, f"KVM, which can't be used here: {'; '.join(said)}")


def enable_kvm(reason: str) -> str:
    """Say how KVM becomes usable; `reason` is why it is not, "" if the host has none."""
    if "permission" in reason:
        return (
            "" if ":" in reason else "add the user to the group that owns /dev/kvm, usually 'kvm'"
        )
    return "enable virtualization in the host's firmware and load the module kvm_intel or kvm_amd"


def install(*packages: str) -> Adviser:
    """Advise to install a Debian package, or what others call it."""
    text = f"install {' or '.join(packages)} (Debian's package)"
    return lambda world: Remedy(Effort.PACKAGE, text)  # noqa: ARG005


def on_host(text: str) -> Adviser:
    """Advise to change the host."""
    return lambda world: Remedy(Effort.HOST, text)  # noqa: ARG005


ENABLE_VFIO = (
    "enable the IOMMU (in the firmware's setup, and with the kernel parameter intel_iommu=on or "
    "amd_iommu=on) and load the module vfio-pci"
)


def hardware(text: str) -> Adviser:
    """Advise to take another machine."""
    return lambda world: Remedy(Effort.HARDWARE, text)  # noqa: ARG005


_FIRMWARE_PACKAGES = {
    "x86_64": "ovmf",
    "i686": "ovmf-ia32",
    "aarch64": "qemu-efi-aarch64",
    "armv7l": "qemu-efi-arm",
    "riscv64": "qemu-efi-riscv64",
    "loongarch64": "qemu-efi-loongarch64",
}


def firmware(holds: Callable[[World], bool], *, bios: bool = False) -> Adviser:
    """Advise to take a machine type for which the host has it, or to install it."""

    def advice(world: World) -> Remedy:
        for machine in newest_machines(world):
            if holds(world.retargeted(machine=machine.name)):
                return Remedy(Effort.MACHINE, f"--machine {machine.alias or machine.name}")
        return firmware_package(world, bios=bios)

    return advice


def firmware_package(world: World, *, bios: bool = False) -> Remedy:
    """Advise to install firmware for the guest's architecture."""
    package = "seabios" if bios else _FIRMWARE_PACKAGES.get(world.target.arch, "")
    folders = "/usr/share/qemu/firmware or /etc/qemu/firmware"
    text = f"install firmware for {world.target.arch} with a descriptor in {folders}"
    if package:
        text = f"install firmware for {world.target.arch}, such as Debian's package {package}"
    return Remedy(Effort.FIRMWARE, text)
