"""QMP with an emulator of another machine: the same questions as here, over SSH."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from domcaps.errors import FleetError, NotAnEmulatorError
from domcaps.facts.interrogation import Interrogation
from domcaps.facts.launch import start
from domcaps.facts.open_files import require_open_files
from domcaps.facts.plan import Plan
from domcaps.facts.process import MARK, EmulatorProcess, questioning
from domcaps.facts.record import EmulatorRecord
from domcaps.fleet.collect.ssh import environment, quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import NoReturn

    from domcaps.facts.launch import Process
    from domcaps.facts.question import QmpCommand
    from domcaps.facts.record import ProbeSession
    from domcaps.fleet.collect.ssh import SshHost

_PATH = re.compile(r"/[A-Za-z0-9_./+-]{1,250}", re.ASCII)
_QUESTION_SECONDS = 20.0
_SECONDS_LEFT = 10
"""How much longer than the questions an emulator may run there if this program is killed."""

# an emulator drops what it has not read when its monitor is closed: "quit" needs time
_SCRIPT = (
    'limit=; command -v timeout >/dev/null 2>&1 && limit="timeout -k 5 {seconds}"; '
    '{{ cat; echo {{\\"execute\\":\\"quit\\"}}; sleep 2; }} | $limit {words}'
)


class RemoteProcess(EmulatorProcess):
    """An emulator of another machine; what runs here is ssh.

    Its monitor is standard input and output. If the connection ends, the emulator gets the
    command `quit`, and after its time it is killed.
    """

    def __init__(self, host: SshHost, path: str, arguments: list[str], seconds: float) -> None:
        self._host, self._seconds = host, int(seconds) + _SECONDS_LEFT
        super().__init__(path, arguments)

    def _admit(self) -> None:
        """Leave it to the start: it is ssh that is executed here."""

    def _start(self, monitor: int, output: int) -> Process:
        words = " ".join([self.path, *self._arguments, "-qmp stdio"])
        script = _SCRIPT.format(seconds=self._seconds, words=words)
        try:
            return start(
                self._host.command(quoted(script)),
                stdin=monitor,
                output=monitor,
                errors=output,
                group=self._leash.pid,
                environ={**environment(), MARK: self._mark},
            )
        except OSError as error:
            self._refuse(error)

    def _refuse(self, error: OSError) -> NoReturn:
        raise NotAnEmulatorError(
            f"ssh can't be started: {error.strerror}", where=self.path
        ) from error


class RemoteInterrogation(Interrogation):
    """Questions to an emulator of another machine."""

    def __init__(self, host: SshHost, path: str, accelerator: str, plan: Plan, seconds: float):
        super().__init__(
            path, accelerator, plan, deadline=seconds, question_deadline=_QUESTION_SECONDS
        )
        self._host, self._seconds = host, seconds

    def _process(self) -> EmulatorProcess:
        arguments = questioning(self.accelerator)
        return RemoteProcess(self._host, self.path, arguments, self._seconds)


def record_emulator(
    host: SshHost,
    path: str,
    questions: Iterable[QmpCommand],
    status: os.stat_result,
    *,
    kvm: bool,
    seconds: float,
) -> EmulatorRecord:
    """Ask an emulator, with KVM if the user there may use it, and then with TCG.

    Raises the `ProbeError` that tells why it can't be asked, and `FleetError` for a path that is
    none of an emulator's. Must not be called from within a running event loop.
    """
    if not _PATH.fullmatch(path):
        raise FleetError(f"{path[:80]!r} is not a path of an emulator")
    asked = tuple(questions)

    async def ask(accelerator: str, *, complete: bool) -> ProbeSession:
        plan = Plan(asked, accelerator=accelerator, complete=complete)
        return await RemoteInterrogation(host, path, accelerator, plan, seconds).run()

    async def ask_all() -> tuple[ProbeSession, ...]:
        first = await ask("kvm" if kvm else "tcg", complete=True)
        if first.accelerator != "kvm":
            return (first,)
        return first, await ask("tcg", complete=False)

    require_open_files()
    sessions = asyncio.run(ask_all())
    return EmulatorRecord(path, sessions, status.st_size, status.st_mtime_ns)
