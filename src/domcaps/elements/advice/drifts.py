"""Where reports of several elements are wrong in the same way; seen by `domcaps verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements.advice.programs import missing_program
from domcaps.elements.boards.families import KVM, MICROVM, RISCV_VIRT, S390, X86
from domcaps.language import Drift
from domcaps.language.observed import EmulatorFact, HostFact, qom_type

if TYPE_CHECKING:
    from domcaps.language.predicate import Predicate


def older_qemu(major: int, minor: int) -> Predicate:
    """QEMU is older than a release: a last resort, for what no QEMU tells of itself."""
    return EmulatorFact(
        f"QEMU is older than {major}.{minor}",
        "query-version",
        lambda emulator: emulator.version < (major, minor, 0),
        lambda emulator: ".".join(map(str, emulator.version)),
    )


IN_A_GUEST = HostFact(
    "the host is a guest itself", "/proc/cpuinfo", lambda host: "hypervisor" in host.cpu.flags
)
WITHOUT_SMM = HostFact(
    "KVM says that it has no System Management Mode",
    "KVM_CHECK_EXTENSION 117",
    lambda host: host.kvm.smm is False,
    lambda host: {None: "not asked for", False: "0", True: "1"}[host.kvm.smm],
    key="/dev/kvm",
)

NO_PCI = Drift(
    title="PCI devices on microvm",
    says="PCI devices are listed if QEMU has them",
    but="microvm has no PCI bus: QEMU refuses to start",
    evidence="verify with QEMU 7.2, 10.0 and 11.1: \"No 'PCI' bus found for device\"",
    where=MICROVM,
    certain=True,
    instead="use virtio devices, or the machine type q35",
    targets="microvm",
)
NO_CHANNEL_FORM = Drift(
    title="virtio-transitional models on s390x",
    says="virtio-transitional models are listed for s390x as well",
    but="QEMU has them for PCI only, and libvirt uses CCW devices on s390x: the guest "
    "fails to start",
    evidence="verify with QEMU 7.2, 10.0 and 11.1 for s390x: QEMU has no device type such as "
    "'virtio-blk-ccw-transitional'",
    where=S390,
    certain=True,
    instead="use the model 'virtio'",
    targets="s390x",
)
NO_DMA = Drift(
    title="ramfb and vmcoreinfo on RISC-V",
    says="ramfb and vmcoreinfo are listed if QEMU has them",
    but="both require fw_cfg with DMA, which RISC-V machine types of older QEMU do not have",
    evidence='verify with QEMU 7.2 for riscv64: "device requires fw_cfg with DMA"; 10.0 starts',
    where=RISCV_VIRT & older_qemu(8, 0),
    certain=True,
    instead="use QEMU 8.0 or later",
    targets="machine type virt of RISC-V with QEMU before 8.0",
)
SMM_IS_REFUSED = X86 & KVM & WITHOUT_SMM
"""Where QEMU does not start with SMM, of which neither a report nor the validator speaks."""

NO_SMM = Drift(
    title="Secure boot without System Management Mode",
    says="firmware that requires System Management Mode (SMM) is listed even if KVM has no SMM",
    but="QEMU refuses to start",
    evidence="verify with QEMU 7.2, 10.0 and 11.1 on a host whose KVM answers 0 to "
    'KVM_CAP_X86_SMM: "System Management Mode not supported by this hypervisor"',
    where=SMM_IS_REFUSED,
    found_by="features-smm-unavailable",
    instead="use firmware without secure boot, or <domain type='qemu'>",
    targets="x86 guests with KVM that has no System Management Mode",
)


NO_MODULE = Drift(
    says="displays are listed if QEMU's schema has them",
    but="distributions package displays as separate modules: QEMU refuses to start if the "
    "module is not installed",
    evidence="verify with Debian's QEMU 7.2 (sdl), 10.0 and 11.1 (sdl, egl-headless): "
    "\"Display 'sdl' is not available\"",
    title="Displays 'sdl' and 'egl-headless' without QEMU's module",
    instead="install QEMU's module for the display (QEMU's message names the package), or use VNC",
    targets="a QEMU whose displays are modules, as distributions build it",
)
"""A kind of display that QEMU was built with, but whose module is not installed."""
NO_DBUS_MODULE = Drift(
    title="D-Bus displays and consoles without QEMU's module",
    says="D-Bus displays and consoles are listed if QEMU's schema has the display",
    but="QEMU refuses to start if the module ui-dbus is not installed",
    evidence="QEMU 10.0 and 11.1 of Debian, without ui-dbus.so, have no type 'dbus-display', and "
    "say \"Display 'dbus' is not available\", and of a console \"'dbus' is not a valid char driver "
    'name"; 7.2 with the module has the type, and starts',
    where=~qom_type("dbus-display"),
    certain=True,
    instead="install QEMU's module ui-dbus, or use VNC",
    targets="a QEMU without the type dbus-display",
)
"""QEMU loads all modules to list its types: one that is not listed is not installed."""
NO_DBUS_CHARACTERS = msgspec.structs.replace(NO_DBUS_MODULE, found_by="chardev-dbus-fails-at-start")


def no_program(program: str) -> Drift:
    """A program that libvirt has to start, and does not look for."""
    return Drift(
        says="the value is listed if QEMU supports it",
        but=f"libvirt must start the program {program!r}, which is not installed",
        evidence=f"verify on hosts without {program}; libvirt's report depends on QEMU only",
        where=missing_program(program),
        certain=True,
        title=f"Values that need the program {program}",
        instead=f"install {program}",
        targets=f"hosts without {program}",
    )
