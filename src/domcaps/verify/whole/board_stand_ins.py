"""Options of the whole machine: most are let through, some name files, others are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.verify.whole.scene import LEFT_OUT, is_readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.verify.whole.qemu_option import QemuOption
    from domcaps.verify.whole.scene import Scene

PLAIN = frozenset(
    {"name", "cpu", "m", "smp", "numa", "uuid", "no-user-config", "nodefaults", "rtc", "global",
     "k", "msg", "sandbox", "no-hpet", "no-acpi", "no-shutdown", "no-reboot", "action", "compat",
     "prom-env", "only-migratable", "no-fd-bootchk", "enable-kvm", "vga", "usb",
     "S", "no-kvm-pit-reinjection", "watchdog-action"}
)  # fmt: skip
"""Options that name nothing of the host."""
KERNEL = ("kernel", "initrd", "dtb", "shim", "append")
FILES = {"acpitable": ("file", "data"), "smbios": ("file",), "fw_cfg": ("file",)}


def machine(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take the machine type without files that it would write."""
    settings = option.settings()
    for name in ("dumpdtb", "kernel", "initrd", "append", "dtb", "shim"):
        if name in settings:
            scene.say(option, f"{name}={settings.text(name)}", LEFT_OUT)
            settings.drop(name)
    yield option.told(settings)


def bios(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take firmware that QEMU loads itself; its own one where the image is not there."""
    if not (option.value or "").startswith("/") or is_readable(option.value or ""):
        yield option
        return
    scene.say(option, option.value or "", "the firmware that comes with QEMU")


def accel(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take the accelerator; its device file is the usual one."""
    settings = option.settings()
    if "device" in settings:
        scene.say(option, settings.text("device"), "the usual device")
        settings.drop("device")
    yield option.told(settings)


def overcommit(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take how memory is taken: none of it is locked."""
    settings = option.settings()
    if settings.is_on("mem-lock"):
        scene.say(option, "locked memory", "memory that is not locked")
    settings.drop("mem-lock")
    if settings.pairs:
        yield option.told(settings)


def boot(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take the boot order; a picture that is not there is not shown."""
    settings = option.settings()
    if "splash" in settings and not is_readable(settings.text("splash")):
        scene.say(option, settings.text("splash"), LEFT_OUT)
        settings.drop("splash")
    yield option.told(settings)


class KernelStandIns:
    """A kernel with its files: if one of them is missing, the machine starts without any."""

    def __init__(self, options: list[QemuOption]) -> None:
        """Look whether all files are there."""
        files = [o.value or "" for o in options if o.name in KERNEL[:4]]
        self.is_there = bool(files) and all(map(is_readable, files))

    def kernel(self, scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
        """Take one of the options."""
        if self.is_there:
            yield option
            return
        scene.say(option, f"-{option.name} {option.value}", LEFT_OUT)


def with_file(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take an option that may name a file, which has to be there."""
    settings = option.settings()
    for name in FILES[option.name]:
        path = settings.text(name)
        if path and not all(map(is_readable, path.split(":"))):
            scene.say(option, path, LEFT_OUT)
            return
    yield option
