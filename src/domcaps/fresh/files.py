"""The host as a task sees it: whatever is read becomes a witness of the task's trace.

`TracedFiles` and `TracedEnviron` stand in for the host's files and for the environment. Inputs
of a fact are never declared by hand, so that none can be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from domcaps.facts.hostfiles import SMALL, HostFiles
from domcaps.fresh.identity import identity, now
from domcaps.fresh.witness import (
    Content,
    CpuinfoProcessor,
    DeviceNode,
    EnvironmentVariable,
    Existence,
    FileStatus,
    Folder,
    KernelBoot,
    KernelFile,
    Listing,
    ModuleParameters,
    RunnableProgram,
    Witness,
    digest,
    error_name,
    plain_status,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domcaps.fresh.host_view import HostView
    from domcaps.fresh.witness import Seen

    Look = Callable[[Witness], Seen]
    Note = Callable[[Witness, Seen, Seen, int], None]

_FIXED: dict[str, Witness] = {"/proc/cpuinfo": CpuinfoProcessor(), "/proc/cmdline": KernelBoot()}
"""Files of the kernel that can't change while it runs, or with the microcode only."""


class TracedFiles(HostFiles):
    """A host's files for one task.

    `look` looks at a witness and notes it in the trace; `note` notes one that was read already,
    with what was seen, its stamp, and the time before either was taken.
    """

    def __init__(self, host_view: HostView, look: Look, note: Note) -> None:
        # not the base class: there is one way to the files, and it leads through `host_view`
        self._host_view = host_view
        self._files = host_view.files
        self._look = look
        self._note = note

    @property
    def uname(self) -> tuple[str, str, str]:
        """Give the kernel's names."""
        self._look(KernelBoot())
        return self._files.uname

    @property
    def is_live(self) -> bool:
        """Tell whether this is the machine that this program runs on."""
        return self._files.is_live

    def real(self, path: str) -> str:
        """Give the name of a file for this program."""
        return self._files.real(path)

    def read(self, path: str, limit: int = SMALL) -> bytes:
        """Read a regular file; raises `OSError`."""
        if self._host_view.is_kernel_file(path):
            return self._read_of_kernel(path, limit)
        witness = Content(path, limit)
        start = now()
        stamp = witness.glance(self._host_view)
        try:
            data = self._files.read(path, limit)
        except (OSError, ValueError) as error:
            self._note(witness, error_name(error), stamp, start)
            raise
        self._note(witness, digest(data), stamp, start)
        return data

    def _read_of_kernel(self, path: str, limit: int) -> bytes:
        shared = _FIXED.get(path) or _module_of(path)
        if shared is not None:
            self._look(shared)
            return self._files.read(path, limit)
        witness = KernelFile(path, "MemTotal" if path.endswith("/meminfo") else "")
        self._look(witness)
        # what is not noted must not be read
        return witness.counting(self._files.read(path, limit))

    def names(self, path: str) -> tuple[str, ...]:
        """List a folder; raises `OSError`."""
        witness = Listing(path)
        start = now()
        stamp = witness.glance(self._host_view)
        try:
            names = self._files.names(path)
        except (OSError, ValueError) as error:
            self._note(witness, error_name(error), stamp, start)
            raise
        self._note(witness, names, stamp, start)
        return names

    def status(self, path: str) -> os.stat_result:
        """Look at a file's mode, owner and size; the rest is 0. Raises `OSError`."""
        start = now()
        try:
            seen = plain_status(self._files.status(path))
        except (OSError, ValueError) as error:
            self._note(FileStatus(path), error_name(error), None, start)
            raise
        self._note(FileStatus(path), seen, None, start)
        mode, user, group, size = seen
        # what is not noted must not be read
        return os.stat_result((mode, 0, 0, 0, user, group, size, 0, 0, 0))

    def exists(self, path: str) -> bool:
        """Tell whether there is anything of that name."""
        start = now()
        there = self._files.exists(path)
        self._note(Existence(path), there, None, start)
        return there

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder of that name."""
        start = now()
        there = self._files.is_folder(path)
        self._note(Folder(path), there, None, start)
        return there

    def program(self, path: str) -> os.stat_result | None:
        """Look at a file that this user may execute."""
        start = now()
        # what is missing is the rule, and asking for that alone is cheaper
        status = self._files.program(path) if self._files.exists(path) else None
        self._note(RunnableProgram(path), None if status is None else identity(status), None, start)
        return status

    def control(self, path: str, requests: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Open a device and send it requests; raises `OSError`."""
        witness = DeviceNode(path, tuple(requests))
        start = now()
        try:
            answers = self._files.control(path, requests)
        except (OSError, ValueError):
            self._look(witness)
            raise
        self._note(witness, answers, None, start)
        return answers


def _module_of(path: str) -> Witness | None:
    """Give the witness of all parameters of a module, which several facts share."""
    above, _, below = path.partition("/sys/module/")
    module, inner, parameter = below.partition("/parameters/")
    is_parameter = inner and not above and "/" not in module + parameter
    return ModuleParameters(module) if is_parameter else None


class TracedEnviron(Mapping[str, str]):
    """The environment for one task. It can't be gone through: each variable is asked for."""

    def __init__(self, host_view: HostView, look: Look) -> None:
        self._host_view = host_view
        self._look = look

    def __getitem__(self, name: str) -> str:
        """Give a variable's value; raises `KeyError`."""
        value = self._look(EnvironmentVariable(name))
        if not isinstance(value, str):
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        """Refuse."""
        raise TypeError("a task asks for the variables that it needs")

    def __len__(self) -> int:
        """Refuse."""
        raise TypeError("a task asks for the variables that it needs")
