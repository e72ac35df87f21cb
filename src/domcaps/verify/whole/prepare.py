"""From the command of a domain to one that starts here and leaves nothing behind.

Options are let through by name. Whatever else an argument of the domain's own asks for is left out,
and said: a domain is data, and must not run a program, open a port or write to a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.verify.whole import backend_stand_ins as backends
from domcaps.verify.whole import board_stand_ins as boards
from domcaps.verify.whole import display_stand_ins as screens
from domcaps.verify.whole.block_stand_ins import BlockStandIns
from domcaps.verify.whole.device_stand_ins import device
from domcaps.verify.whole.qemu_option import QemuOption, read_options
from domcaps.verify.whole.scene import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domcaps.native.write import NativeCommand
    from domcaps.verify.whole.scene import Scene

    Change = Callable[[Scene, QemuOption], Iterable[QemuOption]]

_BEHIND = {"object", "chardev", "netdev", "fsdev", "tpmdev", "blockdev", "audiodev", "display",
           "vnc", "spice"}  # fmt: skip
"""Options for what stands behind devices: they are changed first."""
_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
_SCREENS = {"display", "vnc", "spice", "nographic"}


def prepared(scene: Scene, command: NativeCommand) -> list[QemuOption]:
    """Give the options that are started."""
    options, stray = read_options(command[1:], command.origins[1:])
    for one in stray:
        scene.say(one, one.value or "", LEFT_OUT)
    change = _changes(scene, options)
    found: dict[int, list[QemuOption]] = {}
    for wanted in (True, False):
        for place, option in enumerate(options):
            if (option.name in _BEHIND) is wanted:
                found[place] = [*change(option)]
    kept = [one for place in sorted(found) for one in found[place]]
    return [*_added(scene, {one.name for one in kept}), *kept]


def _added(scene: Scene, names: set[str]) -> list[QemuOption]:
    """Give what every run has: it stays paused, shows no window, and may start no program."""
    added = [QemuOption("S"), *(QemuOption(n) for n in ("no-user-config",) if n not in names)]
    if not names & _SCREENS:
        added.append(QemuOption("display", "none"))
    known = scene.world.emulator.command_line_options.get("sandbox", frozenset())
    if "sandbox" not in names and "spawn" in known:
        added.append(QemuOption("sandbox", _SANDBOX))
    return added


def _changes(
    scene: Scene, options: list[QemuOption]
) -> Callable[[QemuOption], Iterable[QemuOption]]:
    blocks, tpms = BlockStandIns(scene, options), backends.TpmStandIns(scene, options)
    kernel = boards.KernelStandIns(options)
    own: dict[str, Callable[[QemuOption], Iterable[QemuOption]]] = {
        "blockdev": blocks.block, "drive": blocks.drive, "tpmdev": tpms.tpmdev,
    }  # fmt: skip

    def change(option: QemuOption) -> Iterable[QemuOption]:
        if option.name == "chardev" and option.settings().text("id") in tpms.chardevs:
            return tpms.chardev(option)
        if option.name in boards.PLAIN:
            return [option]
        if option.name in own:
            return own[option.name](option)
        by_name = kernel.kernel if option.name in boards.KERNEL else _CHANGES.get(option.name)
        if by_name is not None and option.value is not None:
            return by_name(scene, option)
        scene.say(option, " ".join(option.words), LEFT_OUT)
        return []

    return change


_CHANGES: dict[str, Change] = {
    "chardev": backends.chardev,
    "netdev": backends.netdev,
    "fsdev": backends.fsdev,
    "audiodev": backends.audiodev,
    "object": backends.object_,
    "vnc": screens.vnc,
    "spice": screens.spice,
    "display": screens.display,
    "device": device,
    "machine": boards.machine,
    "bios": boards.bios,
    "accel": boards.accel,
    "overcommit": boards.overcommit,
    "boot": boards.boot,
    **dict.fromkeys(boards.FILES, boards.with_file),
}
