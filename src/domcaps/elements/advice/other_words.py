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
    Substitutes(
        "devices/input/@type",
        order={"*": ()},
        slips={
            "kbd": "keyboard", "usb-kbd": "keyboard", "usb-mouse": "mouse", "pointer": "mouse",
            "usb-tablet": "tablet", "touchscreen": "tablet",
        },
    ),
    Substitutes("devices/console/target/@type", order={}, slips={"virtio-serial": "virtio"}),
    # a state that is guessed may connect a guest that was to be cut off
    Substitutes(
        "devices/interface/link/@state",
        order={"*": ()},
        slips={
            "on": "up", "yes": "up", "connected": "up", "enabled": "up", "true": "up",
            "off": "down", "no": "down", "disconnected": "down", "disabled": "down",
            "false": "down",
        },
    ),
    Substitutes(
        "devices/graphics/@keymap",
        order={"*": ()},
        slips={
            "us": "en-us", "en": "en-us", "english": "en-us", "uk": "en-gb", "gb": "en-gb",
            "german": "de", "deutsch": "de", "french": "fr", "azerty": "fr", "qwertz": "de",
            "qwerty": "en-us", "spanish": "es", "italian": "it", "dk": "da", "se": "sv",
            "jp": "ja", "br": "pt-br", "swiss": "de-ch", "be": "fr-be", "russian": "ru",
        },
    ),
    # a card of the host is none that a client passes on
    Substitutes("devices/smartcard/@mode", order={"*": ()}),
    Substitutes(
        "devices/filesystem/@type", order={"*": ()}, slips={"bind": "mount", "9p": "mount"}
    ),
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
FEATURE_NAMES = Substitutes(
    "cpu/feature/@name",
    order={"*": ()},
    # names in Linux' /proc/cpuinfo, and of the vendors
    slips={
        "tsc_deadline_timer": "tsc-deadline", "nonstop_tsc": "invtsc", "sse3": "pni",
        "vt-x": "vmx", "vtx": "vmx", "intel-vt": "vmx", "amd-v": "svm", "xd": "nx",
        "aes-ni": "aes", "sha": "sha-ni", "avx512": "avx512f",
    },
)  # fmt: skip
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
