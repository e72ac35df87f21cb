"""What is known while a command is prepared: what was replaced, and what follows from that."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from domcaps.language import World
    from domcaps.language.qemu_args import HelperProcess
    from domcaps.native.write import NativeOrigin
    from domcaps.verify.whole.qemu_option import QemuOption


class TrialReplacement(msgspec.Struct, frozen=True):
    """Something of the host that QEMU was not given: `what`, and what it was given instead.

    `path` and `line` are those of the element that asks for it, "" and 0 for none.
    """

    what: str
    by: str
    path: str
    line: int


LEFT_OUT = "left out"


class Scene:
    """One command that is prepared, in a folder of its own."""

    def __init__(self, world: World, folder: Path, templates: Mapping[str, str]) -> None:
        """Take where files are made, and which file libvirt would copy for another one."""
        self.world = world
        self.folder = folder
        self.templates = templates
        self.tpm_version = "2.0"
        self.replaced: dict[TrialReplacement, None] = {}
        self.helpers: list[HelperProcess] = []
        self.without_gl = False
        self.environment: dict[str, str] = {}
        self.gone: set[str] = set()
        """Names of objects and back ends that are left out."""
        self.fast_cards: set[str] = set()
        """Names of network back ends that were programs of their own, which allow longer queues."""
        self._files = 0

    def has_type(self, name: str) -> bool:
        """Tell whether this QEMU has a type."""
        return name in self.world.emulator.qom_types

    def say_named(self, option: QemuOption, path: str, by: str) -> None:
        """Note the same of a file, unless it is one that libvirt would make up."""
        if os.path.isabs(path):  # noqa: PTH117 - it is only asked
            self.say(option, path, by)

    def say(self, option: QemuOption, what: str, by: str) -> None:
        """Note that something was replaced."""
        origin: NativeOrigin | None = option.origin
        path, line = (origin.path, origin.line) if origin else ("", 0)
        self.replaced[TrialReplacement(what, by, path, line)] = None

    def new_path(self, ending: str) -> Path:
        """Give a path in the folder of the run that nothing else has."""
        self._files += 1
        return self.folder / f"{self._files}{ending}"


def is_readable(path: str) -> bool:
    """Tell whether a file of the host is there, and may be read."""
    return os.path.isabs(path) and os.path.exists(path) and os.access(path, os.R_OK)  # noqa: PTH110, PTH117


def is_folder(path: str) -> bool:
    """Tell whether a folder of the host is there."""
    return os.path.isabs(path) and os.path.isdir(path)  # noqa: PTH112, PTH117
