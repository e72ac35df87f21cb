"""Devices that need the host: replaced by one that takes the same place, otherwise left out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from domcaps.elements.qemu import of_host
from domcaps.verify.whole.scene import LEFT_OUT, is_folder, is_readable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from domcaps.verify.whole.qemu_option import QemuOption, Settings
    from domcaps.verify.whole.scene import Scene

_PLACE = {"driver", "id", "bus", "addr", "multifunction", "acpi-index", "devno", "port"}
_ON_SCSI = {"driver", "id", "bus", "channel", "scsi-id", "lun", "drive", "bootindex"}
_OF_HOST = {"file", "filename", "rootdir", "dir", "path", "hidraw", "sdrfile", "frudatafile",
            "sysfsdev", "host", "hostdevice", "hostbus", "hostaddr", "evdev", "vhostfd", "fd",
            "fds", "vhostfds", "host-path", "socket", "jsonfile", "wwpn", "dumpfile"}  # fmt: skip
"""Properties that name something of the host."""
_MOST_QUEUED = 256
_FIRST_CID = 1 << 31


def device(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take a device."""
    settings = option.settings()
    kind = settings.text("driver")
    if settings.text("tpmdev") in scene.gone or {settings.text("memdev")} & scene.gone - {""}:
        scene.say(option, kind, LEFT_OUT)
        return
    changed = _changed(scene, option, settings, kind)
    if not changed:
        scene.say(option, _shown(settings), LEFT_OUT)
        return
    _image_of_rom(scene, option, settings)
    if settings.text("netdev") not in scene.fast_cards:
        yield option.told(settings) if str(settings) != option.value else option
        return
    if int(settings.get("tx_queue_size") or 0) > _MOST_QUEUED:
        settings.drop("tx_queue_size")
    yield option.told(settings)


def _shown(settings: Settings) -> str:
    named = [settings.text(name) for name in ("host", "sysfsdev", "wwpn", "evdev", "chardev")]
    return " ".join(filter(None, (settings.text("driver"), *named)))


def _changed(scene: Scene, option: QemuOption, settings: Settings, kind: str) -> bool:
    """Change a device so that it needs nothing of the host; False where there is no way."""
    if kind.startswith(of_host.NEVER):
        return False
    if kind.startswith(of_host.VSOCK) and os.access("/dev/vhost-vsock", os.W_OK):
        # the number is the host's: another guest may have it
        scene.say(option, f"the number {settings.text('guest-cid')}", "another one")
        settings.set("guest-cid", _FIRST_CID + os.getpid())
        settings.drop("vhostfd")
        return True
    if kind.startswith(of_host.OF_HOST):
        return _hosted(scene, option, settings, kind)
    if kind in of_host.REPLACED:
        kept = _ON_SCSI if kind in of_host.ON_SCSI else _PLACE
        return _instead(scene, option, settings, of_host.REPLACED[kind], kept)
    if "-gl" in kind and scene.without_gl:
        scene.say(option, kind, kind.replace("-gl", ""))
        settings.set("driver", kind.replace("-gl", ""))
        settings.drop("blob", "venus", "hostmem")
        return True
    if scene.without_gl:
        settings.drop("virgl")
    return _with_files(scene, option, settings)


def _hosted(scene: Scene, option: QemuOption, settings: Settings, kind: str) -> bool:
    """Replace a device of the host's by a small one at the same place."""
    base = kind.removesuffix("-non-transitional").removesuffix("-transitional")
    ending = next((end for end in ("-pci", "-ccw", "-device") if base.endswith(end)), "-pci")
    ending = "-ccw" if "devno" in settings else ending
    other = of_host.REPLACED.get(kind, f"{of_host.SMALL}{ending}")
    return _instead(scene, option, settings, other, _PLACE)


def _instead(
    scene: Scene, option: QemuOption, settings: Settings, other: str, kept: Collection[str]
) -> bool:
    if not scene.has_type(other):
        return False
    scene.say(option, _shown(settings), f"{other} at the same place")
    settings.keep(kept)
    settings.set("driver", other)
    return True


def _with_files(scene: Scene, option: QemuOption, settings: Settings) -> bool:
    """Take files and folders that a device itself opens."""
    kind = settings.text("driver")
    if kind == of_host.SHARED_FOLDER and not is_folder(settings.text("rootdir")):
        folder = scene.new_path(".d")
        folder.mkdir()
        scene.say(option, settings.text("rootdir"), "an empty folder")
        settings.set("rootdir", str(folder))
        return True
    if kind.startswith(of_host.VARIABLE_STORE) and "jsonfile" in settings:
        scene.say(option, settings.text("jsonfile"), "an empty store of variables")
        settings.set("jsonfile", str(scene.new_path(".json")))
        return True
    if kind == of_host.LOADER:
        return is_readable(settings.text("file"))
    if kind == of_host.SHARED_FOLDER:
        return True
    return not _OF_HOST & settings.names()


def _image_of_rom(scene: Scene, option: QemuOption, settings: Settings) -> None:
    file = settings.text("romfile")
    if file.startswith("/") and not is_readable(file):
        scene.say(option, file, "the device's usual one")
        settings.drop("romfile")
