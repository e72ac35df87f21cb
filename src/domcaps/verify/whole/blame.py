"""Which element of a domain QEMU's words belong to.

QEMU begins most of its messages with the option that it could not take. Others name a device, a
file, or only a subject.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

import msgspec

from domcaps.facts.process import readable_text
from domcaps.language.node_path import line_of, path_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.verify.whole.qemu_option import QemuOption

_WARNING = "warning: "
_OPTION = re.compile(r"-[\w-]+ (\{.*?\}|\S+): ")
_OF_STAND_INS = re.compile(r"hub \d+ is not connected|hub port \S+ is not connected")
"""Warnings about what was replaced."""
_OF_OPTION = {
    "cpu": ("cpu", "vcpu"),
    "smp": ("vcpu",),
    "m": ("memory",),
    "numa": ("cpu/numa", "cpu"),
    "rtc": ("clock",),
    "boot": ("os/bootmenu", "os/boot", "os"),
    "bios": ("os/loader", "os"),
    "kernel": ("os/kernel",),
    "initrd": ("os/initrd",),
    "dtb": ("os/dtb",),
    "append": ("os/cmdline",),
    "acpitable": ("os/acpi",),
    "smbios": ("sysinfo",),
    "fw_cfg": ("sysinfo",),
    "uuid": ("uuid",),
    "machine": ("os/type",),
    "accel": (".",),
    "blockdev": ("os/loader", "os/nvram", "os"),
    "object": ("memoryBacking", "memory"),
}
"""Elements for options of the whole machine, the likeliest first."""
_SUBJECTS = (
    (r"smp|max(?:imum)? ?cpus|vcpu|hotpluggable cpu", "vcpu"),
    (r"cpu model|cpu feature|cpuid|requested feature|-cpu|cpu type", "cpu"),
    (r"pflash|firmware|bios|flash", "os/loader"),
    (r"kernel image|load kernel|kernel ", "os/kernel"),
    (r"initrd", "os/initrd"),
    (r"system management mode|smm", "features/smm"),
    (r"machine type|machine property|-machine|unsupported machine", "os/type"),
    (r"\bvnc\b", "devices/graphics[@type='vnc']"),
    (r"\bspice\b", "devices/graphics[@type='spice']"),
    (r"hugepage|huge page|prealloc|memory|\bram\b", "memory"),
    (r"kvm|accelerator|hvf", "."),
)
"""What a message is about, where it names neither option nor device."""


class TrialMessage(msgspec.Struct, frozen=True):
    """A message of QEMU, and the element that it belongs to, "" and 0 for none."""

    text: str
    severity: Literal["error", "warning"]
    path: str
    line: int


def messages(printed: bytes, emulator: str, *, folder: str) -> Iterator[tuple[str, bool]]:
    """Give the messages in what an emulator printed, and whether each is a warning.

    A message begins with the emulator's own name; lines without it belong to the one before.
    """
    own = re.compile(rf"(?:^|\n)(?:{re.escape(PurePath(emulator).name)}|qemu[\w-]*): ")
    text = printed.decode(errors="replace").replace(folder, "DIR")
    for part in own.split(text):
        line = readable_text(part)
        if line and not _OF_STAND_INS.search(line):
            yield line.removeprefix(_WARNING), line.startswith(_WARNING)


class Blame:
    """Finds the elements of one domain."""

    def __init__(self, root: Node, options: Sequence[QemuOption], folder: str) -> None:
        """Take the domain, and the options that QEMU was started with."""
        self._root = root
        self._options = [(o, " ".join(o.words).replace(folder, "DIR")) for o in options]

    def said(self, found: Iterable[tuple[str, bool]]) -> tuple[TrialMessage, ...]:
        """Give messages with their elements, errors first."""
        told = [self._of(text, is_warning=warning) for text, warning in found]
        return tuple(dict.fromkeys(sorted(told, key=lambda one: one.severity != "error")))

    def _of(self, text: str, *, is_warning: bool) -> TrialMessage:
        path, line = self._element(text)
        return TrialMessage(text, "warning" if is_warning else "error", path, line)

    def _element(self, text: str) -> tuple[str, int]:
        fitting = [(o, shown) for o, shown in self._options if readable_text(shown) in text]
        named = max(fitting, key=lambda pair: len(pair[1]), default=None) if (
            _OPTION.search(text)) else None  # fmt: skip
        if named is None:
            named = next(((o, s) for o, s in self._options if _names(s, text)), None)
        if named is not None:
            return self._of_option(named[0])
        for pattern, where in _SUBJECTS:
            node = self._root.find(where)
            if node is not None and re.search(pattern, text, re.IGNORECASE):
                return _place(node)
        return "", 0

    def _of_option(self, option: QemuOption) -> tuple[str, int]:
        origin = option.origin
        if origin is not None and "/devices/" in origin.path:
            return origin.path, origin.line
        for where in _OF_OPTION.get(option.name, ()):
            node = self._root.find(where)
            if node is not None:
                return _place(node)
        return (origin.path, origin.line) if origin is not None else ("", 0)


def _names(shown: str, text: str) -> bool:
    """Tell whether a message has the name of a device, or a value, in quotes."""
    ids = re.findall(r"(?:\bid=|\"id\":\"|node-name\":\s?\")([\w.-]+)", shown)
    return any(re.search(rf"(?<![\w.-]){re.escape(one)}(?![\w-])", text) for one in ids)


def _place(node: Node) -> tuple[str, int]:
    return path_of(node), line_of(node)
