"""Programs that have to run beside QEMU: started for real, and gone afterwards.

Each stands in a process group of its own, which is led by a shell that waits for the end of a pipe
from this process: the kernel closes it whenever this process ends, and the shell then kills the
group, as for emulators (see `domcaps.facts.process`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from domcaps.errors import UntrustedProgramError
from domcaps.facts.launch import PIPE, Command, start, within_shell
from domcaps.facts.process import quotable
from domcaps.facts.trust import ProgramKind
from domcaps.verify.command import filled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from domcaps.facts.host import HostFacts
    from domcaps.facts.launch import Process
    from domcaps.language.qemu_args import HelperProcess

_READY_SECONDS = 10.0
_GUARDED = '("$@"; kill -KILL 0) & read _; kill -KILL 0'


class HelperProcessError(Exception):
    """A program that was to run beside QEMU does not."""


@contextlib.asynccontextmanager
async def running(
    helper: HelperProcess, host: HostFacts, folder: str
) -> AsyncIterator[Callable[[], None]]:
    """Have a program run; raises `BesideError` where that can't be.

    What is given raises it as well, when called after the program has ended too early.
    """
    found = host.helper(helper.program)
    if found is None:
        raise HelperProcessError(f"the program {helper.program!r} is not installed")
    arguments = [filled(word, "t0", folder) for word in helper.arguments.split()]
    with tempfile.TemporaryFile() as output:
        try:
            guarded = within_shell(_GUARDED, Command(found.path, arguments, ProgramKind.HELPER))
            process = start(guarded, stdin=PIPE, output=output, errors=output, group=0)
        except UntrustedProgramError as error:
            raise HelperProcessError(str(error)) from error
        except OSError as error:
            raise HelperProcessError(
                f"{helper.program} can't be started: {error.strerror}"
            ) from error
        try:
            await _ready(Path(folder) / helper.ready, helper.program, process, output)
            yield lambda: _check(helper.program, process, output)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.stdin is not None:
                process.stdin.close()
            process.wait()


async def _ready(path: Path, program: str, process: Process, output: IO[bytes]) -> None:
    limit = asyncio.get_running_loop().time() + _READY_SECONDS
    while not path.exists():
        _check(program, process, output)
        if asyncio.get_running_loop().time() > limit:
            raise HelperProcessError(
                f"{program} is not ready after {_READY_SECONDS:g} s{_said(output)}"
            )
        await asyncio.sleep(0.01)


def _check(program: str, process: Process, output: IO[bytes]) -> None:
    if process.poll() is not None:
        raise HelperProcessError(f"{program} does not run here{_said(output)}")


def _said(output: IO[bytes]) -> str:
    output.seek(0)
    said = quotable(output.read(1 << 16))
    return f": {said}" if said else ""
