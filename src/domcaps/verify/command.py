"""From ways to tell QEMU to the words of its command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.emulator import ACCELERATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language import Target
    from domcaps.language.qemu_args import QemuArgs


class QemuRun(msgspec.Struct, frozen=True):
    """A run of QEMU: its arguments, what is added to its environment, and files to be made."""

    arguments: tuple[str, ...]
    added: tuple[str, ...] = ()
    environ: dict[str, str] = {}
    files: tuple[tuple[str, int], ...] = ()


def command(target: Target, alternatives: Sequence[QemuArgs], folder: str) -> QemuRun:
    """Give the run with the arguments of all these at once, on a machine that is paused."""
    words: list[str] = []
    machine = ""
    for number, qemu_args in enumerate(alternatives):
        name = f"t{number}"
        words += [filled(word, name, folder) for word in qemu_args.args.split()]
        if qemu_args.cpu:
            words += ["-cpu", qemu_args.cpu]
        if qemu_args.machine:
            machine += "," + filled(qemu_args.machine, name, folder)
    accelerator = ACCELERATORS[target.virttype]
    base = ["-S", "-no-user-config", "-nodefaults", "-display", "none"]
    board = f"{target.machine},accel={accelerator}{machine}"
    return QemuRun(
        (*base, "-machine", board, *words),
        tuple(words if not machine else ["-machine", machine[1:], *words]),
        {name: value for qemu_args in alternatives for name, value in qemu_args.environ},
        tuple(file for qemu_args in alternatives for file in qemu_args.files),
    )


def filled(text: str, name: str, folder: str) -> str:
    """Put a name and a folder into the places that are kept for them."""
    return text.replace("{id}", name).replace("{dir}", folder)
