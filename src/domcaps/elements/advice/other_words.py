"""Other words that people use for a value: names of QEMU, of other programs, and short ones.

A value with a meaning of its own stands in none of them. Where an element has values that can stand
in for others, its `Substitutes` has these words, too.
"""

from __future__ import annotations

from domcaps.language.fix import Substitutes

_AFTER = {
    "reboot": "restart", "reset": "restart", "shutdown": "destroy", "poweroff": "destroy",
    "stop": "destroy", "halt": "destroy", "coredump": "coredump-destroy",
}  # fmt: skip

OTHER_WORDS = (
    # a port that leads elsewhere is better than none
    *(
        Substitutes(f"devices/{port}/@type", order={"pty": (), "*": ("pty",)})
        for port in ("serial", "parallel", "console")
    ),
    Substitutes("on_poweroff", order={}, slips=_AFTER),
    Substitutes("on_reboot", order={}, slips=_AFTER),
    Substitutes("on_crash", order={}, slips=_AFTER),
    Substitutes(
        "os/@firmware",
        order={},
        slips={"uefi": "efi", "ovmf": "efi", "edk2": "efi", "seabios": "bios", "legacy": "bios"},
    ),
    Substitutes(
        "os/boot/@dev",
        # a guest starts from its disk unless the domain names another device
        order={"": ("hd",)},
        slips={
            "disk": "hd", "hdd": "hd", "harddisk": "hd", "cd": "cdrom", "dvd": "cdrom",
            "iso": "cdrom", "pxe": "network", "net": "network", "lan": "network", "floppy": "fd",
        },
    ),
    # boards of Xen's and of other programs
    Substitutes(
        "os/type/@machine",
        order={},
        slips={"xenfv": "pc", "i440fx": "pc", "440fx": "pc", "piix": "pc", "ich9": "q35"},
    ),
    # QEMU's word for an interrupt controller that the kernel has only a part of
    Substitutes("features/ioapic/@driver", order={}, slips={"split": "qemu"}),
    Substitutes(
        "devices/tpm/backend/@version",
        order={"*": ()},
        slips={"2": "2.0", "20": "2.0", "1": "1.2", "12": "1.2"},
    ),
    # nearly every channel is one of virtio; what is forwarded to the host's network is another one
    Substitutes("devices/channel/target/@type", order={"guestfwd": (), "*": ("virtio",)}),
    # the host's device of events is no emulated one
    Substitutes("devices/input/@type", order={"evdev": (), "passthrough": ()}),
    # a card of the host is none that a client passes on
    Substitutes("devices/smartcard/@mode", order={"*": ()}),
    Substitutes("devices/filesystem/@type", order={"*": ()}, slips={"bind": "mount"}),
    Substitutes(
        "devices/disk/@type",
        order={"*": ()},
        slips={"image": "file", "device": "block", "dev": "block", "directory": "dir"},
    ),
    Substitutes("devices/disk/driver/@io", order={}, slips={"aio": "native", "uring": "io_uring"}),
)  # fmt: skip

MODULE_MODELS = Substitutes("devices/memory/@model", order={"": ("dimm",), "*": ()})
MEDIATED_MODELS = Substitutes("devices/hostdev/@model", order={"": ("vfio-pci",), "*": ()})

# a timer or feature of another name is another one
TIMER_NAMES = Substitutes("clock/timer/@name", order={"*": ()})
FEATURE_NAMES = Substitutes("cpu/feature/@name", order={"*": ()})
FEATURE_POLICIES = Substitutes(
    "cpu/feature/@policy",
    order={
        "force": ("require",),
        "optional": ("require",),
        "forbid": ("disable",),
        "require": ("disable",),
        "disable": (),
        "*": ("require",),
    },
    slips={"on": "require", "off": "disable", "yes": "require", "no": "disable"},
)
PROTECTION_TYPES = Substitutes("launchSecurity/@type", order={"*": ()})
