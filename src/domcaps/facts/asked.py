"""Emulators that are started to be asked, if need be before what asks them is loaded.

asyncio and `qemu.qmp` take as long to load as an emulator takes to greet.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from domcaps.errors import DomcapsError
from domcaps.facts.arch import from_qemu_target, is_native
from domcaps.facts.process import EmulatorProcess, executable_status, questioning
from domcaps.facts.unprivileged import DEVICES, KVM, MSHV, account_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Start = Callable[[str, str], EmulatorProcess]
    """Starts the emulator at a path, to be asked with an accelerator."""

_DEVICES_OF = {"kvm": (KVM,), "mshv": (MSHV,)}


def start_asked(path: str, accelerator: str) -> EmulatorProcess:
    """Start the emulator at `path`; raises what `EmulatorProcess` raises."""
    account = account_for(path, (*DEVICES, *_DEVICES_OF.get(accelerator, ())))
    return EmulatorProcess(path, questioning(accelerator), _environ(), account)


def may_be_native(path: str) -> bool:
    """Guess from its name whether an emulator's guests can run on this machine's processor."""
    name = PurePath(path).name
    target = name.removeprefix("qemu-system-")
    return target == name or is_native(os.uname().machine, from_qemu_target(target))


class HeadStart:
    """Processes of one emulator that run before they are asked for: one for each accelerator.

    Who makes it closes it. What can't be started is not there: `start` tries it once more, and
    raises the error.
    """

    def __init__(self, path: str, accelerators: Sequence[str]) -> None:
        """Begin with the first accelerator, and where the second is asked at once, with both."""
        self._path = path
        self._started: dict[str, EmulatorProcess] = {}
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            with contextlib.suppress(DomcapsError):
                executable_status(path)
                for accelerator in accelerators[: 2 if may_be_native(path) else 1]:
                    self._started[accelerator] = start_asked(path, accelerator)
            undo.pop_all()

    def start(self, path: str, accelerator: str) -> EmulatorProcess:
        """Give a process that runs already, or start one."""
        found = self._started.pop(accelerator, None) if path == self._path else None
        return found or start_asked(path, accelerator)

    def close(self) -> None:
        """End those that were not taken."""
        while self._started:
            _, process = self._started.popitem()
            process.stop()
            process.monitor.close()


def _environ() -> dict[str, str]:
    """Let the emulator take memory in large pieces, unless the user tunes that himself.

    QEMU builds the tree of its schema before it prints it: in small pages that takes 9 ms more.
    """
    return {} if "GLIBC_TUNABLES" in os.environ else {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
