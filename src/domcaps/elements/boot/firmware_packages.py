"""Which firmware packages bring which descriptors.

Read from the packages themselves: ovmf and qemu-efi-… of Debian (also Ubuntu) and edk2-… of
Fedora. A name such as ``ovmf`` stands for what it depends on in later releases.
"""

from __future__ import annotations

from domcaps.facts.firmwarefile import Firmware, FirmwareFile, FirmwareMapping, FirmwareTarget
from domcaps.named_tuples import NamedTuple


class Packaged(NamedTuple):
    """A descriptor that a package brings."""

    distribution: str
    package: str
    firmware: Firmware


_Q35 = ("pc-q35-*",)
_PC = ("pc-i440fx-*", "pc-q35-*")
_VIRT = ("virt-*",)
_SMM = ("acpi-s3", "amd-sev", "requires-smm", "secure-boot")
_DEBIAN, _FEDORA = "Debian", "Fedora"


def _flash(
    source: tuple[str, str],
    arch: str,
    machines: tuple[str, ...],
    features: tuple[str, ...],
    files: tuple[str, str],
    form: str = "raw",
) -> Packaged:
    image, template = (FirmwareFile(name, form) for name in files)
    mapping = FirmwareMapping("flash", image, "split", template)
    return _packaged(source, arch, machines, features, mapping)


def _memory(
    source: tuple[str, str], features: tuple[str, ...], file: str, machines: tuple[str, ...] = _Q35
) -> Packaged:
    mapping = FirmwareMapping("memory", FirmwareFile(file))
    return _packaged(source, "x86_64", machines, features, mapping)


def _packaged(
    source: tuple[str, str],
    arch: str,
    machines: tuple[str, ...],
    features: tuple[str, ...],
    mapping: FirmwareMapping,
) -> Packaged:
    targets = (FirmwareTarget(arch, machines),)
    return Packaged(*source, Firmware("", ("uefi",), mapping, targets, features))


_OVMF, _AAVMF = "/usr/share/OVMF/OVMF", "/usr/share/AAVMF/AAVMF"
_EDK2 = "/usr/share/edk2/ovmf/OVMF"
_DEB_X86, _DEB_ARM = (_DEBIAN, "ovmf"), (_DEBIAN, "qemu-efi-aarch64")
_FED_X86, _FED_ARM = (_FEDORA, "edk2-ovmf"), (_FEDORA, "edk2-aarch64")
_FED_AA = "/usr/share/edk2/aarch64"

PACKAGED = (
    _flash(_DEB_X86, "x86_64", _Q35, (*_SMM, "enrolled-keys"),
           (f"{_OVMF}_CODE_4M.ms.fd", f"{_OVMF}_VARS_4M.ms.fd")),
    _flash(_DEB_X86, "x86_64", _Q35, _SMM,
           (f"{_OVMF}_CODE_4M.secboot.fd", f"{_OVMF}_VARS_4M.fd")),
    _flash(_DEB_X86, "x86_64", _PC, ("acpi-s3", "amd-sev"),
           (f"{_OVMF}_CODE_4M.fd", f"{_OVMF}_VARS_4M.fd")),
    _memory((_DEBIAN, "ovmf-amdsev"), ("amd-sev", "amd-sev-es", "amd-sev-snp"),
            "/usr/share/ovmf/OVMF.amdsev.fd"),
    _memory((_DEBIAN, "ovmf-inteltdx"), ("enrolled-keys", "intel-tdx", "secure-boot"),
            "/usr/share/ovmf/OVMF.inteltdx.ms.fd"),
    _flash(_DEB_ARM, "aarch64", _VIRT, ("enrolled-keys", "secure-boot"),
           (f"{_AAVMF}_CODE.ms.fd", f"{_AAVMF}_VARS.ms.fd")),
    _flash(_DEB_ARM, "aarch64", _VIRT, ("secure-boot",),
           (f"{_AAVMF}_CODE.secboot.fd", f"{_AAVMF}_VARS.fd")),
    _flash(_DEB_ARM, "aarch64", _VIRT, (),
           (f"{_AAVMF}_CODE.no-secboot.fd", f"{_AAVMF}_VARS.fd")),
    _flash((_DEBIAN, "qemu-efi-arm"), "armv7l", _VIRT, (),
           (f"{_AAVMF}32_CODE.fd", f"{_AAVMF}32_VARS.fd")),
    _flash((_DEBIAN, "qemu-efi-riscv64"), "riscv64", ("virt", "virt-*"), (),
           ("/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd",
            "/usr/share/qemu-efi-riscv64/RISCV_VIRT_VARS.fd")),
    _flash((_DEBIAN, "qemu-efi-loongarch64"), "loongarch64", ("virt", "virt-*"), (),
           ("/usr/share/qemu-efi-loongarch64/QEMU_EFI.fd",
            "/usr/share/qemu-efi-loongarch64/QEMU_VARS.fd")),
    _flash(_FED_X86, "x86_64", _Q35, (*_SMM, "enrolled-keys"),
           (f"{_EDK2}_CODE_4M.secboot.qcow2", f"{_EDK2}_VARS_4M.secboot.qcow2"), "qcow2"),
    _flash(_FED_X86, "x86_64", _Q35, (*_SMM, "enrolled-keys"),
           (f"{_EDK2}_CODE.secboot.fd", f"{_EDK2}_VARS.secboot.fd")),
    _flash(_FED_X86, "x86_64", _Q35, _SMM,
           (f"{_EDK2}_CODE_4M.secboot.qcow2", f"{_EDK2}_VARS_4M.qcow2"), "qcow2"),
    _flash(_FED_X86, "x86_64", _PC, ("acpi-s3", "amd-sev", "amd-sev-es"),
           (f"{_EDK2}_CODE_4M.qcow2", f"{_EDK2}_VARS_4M.qcow2"), "qcow2"),
    _flash(_FED_X86, "x86_64", _PC, ("acpi-s3", "amd-sev", "amd-sev-es"),
           (f"{_EDK2}_CODE.fd", f"{_EDK2}_VARS.fd")),
    _memory(_FED_X86, ("amd-sev", "amd-sev-es", "amd-sev-snp"),
            "/usr/share/edk2/ovmf/OVMF.amdsev.fd"),
    _memory(_FED_X86, ("enrolled-keys", "intel-tdx", "secure-boot"),
            "/usr/share/edk2/ovmf/OVMF.inteltdx.secboot.fd"),
    _flash(_FED_ARM, "aarch64", _VIRT, (),
           (f"{_FED_AA}/QEMU_EFI-silent-pflash.qcow2", f"{_FED_AA}/vars-template-pflash.qcow2"),
           "qcow2"),
    _flash(_FED_ARM, "aarch64", _VIRT, (),
           (f"{_FED_AA}/QEMU_EFI-silent-pflash.raw", f"{_FED_AA}/vars-template-pflash.raw")),
)  # fmt: skip
"""Descriptors of packages, by distribution."""
