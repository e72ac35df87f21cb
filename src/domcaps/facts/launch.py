"""The one place where programs are started; `domcaps.facts.trust` says which may be.

No other module of this package starts one, which a test holds. What is started gets

- the real path that was judged, not another name of it;
- a short list of environment variables, `PASSED`, and those that its caller adds: neither
  ``LD_PRELOAD`` nor whatever secrets this process was started with; of those that name folders,
  only the folders that no other user can change (`domcaps.facts.passed`);
- ``/`` as its folder, so that nothing depends on where somebody stood;
- where `Account` is given, another user than root.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import IO, TYPE_CHECKING, Any

from domcaps.facts.descendants import starting
from domcaps.facts.passed import passed
from domcaps.facts.trust import SYSTEM_PATH, ProgramKind, admit
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEVNULL, PIPE = subprocess.DEVNULL, subprocess.PIPE

Process = subprocess.Popen[bytes]
TimeoutExpired = subprocess.TimeoutExpired

PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR",
    "LD_LIBRARY_PATH", "QEMU_MODULE_DIR", "GLIBC_TUNABLES",
)  # fmt: skip
"""Variables of this process that an emulator gets: where it finds what it consists of."""

_OWN = ("HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR")
"""Those that are of no use to another user."""


_nice: int | None = None
_refused = False


class ProgramsRefusedError(BaseException):
    """A program would have been started where none may be: see `no_programs`.

    What meets it is not done, and not remembered as a failure, as `Exception` would be.
    """


@contextlib.contextmanager
def no_programs() -> Iterator[None]:
    """Have every start of a program raise `ProgramsRefusedError`, in all threads."""
    global _refused
    _refused = True
    try:
        yield
    finally:
        _refused = False


def require_programs() -> None:
    """Raise `ProgramsRefusedError` where no program may be started."""
    if _refused:
        raise ProgramsRefusedError


class Account(NamedTuple):
    """A user that a program runs as: numbers of user, group and further groups."""

    user: int
    group: int
    groups: tuple[int, ...] = ()


class Command(NamedTuple):
    """A program and its arguments; `kind` is what it is started as."""

    path: str
    arguments: Sequence[str] = ()
    kind: ProgramKind = ProgramKind.EMULATOR


def start(
    command: Command,
    *,
    output: int | IO[bytes] = DEVNULL,
    errors: int | IO[bytes] = DEVNULL,
    stdin: int = DEVNULL,
    environ: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
    group: int | None = None,
    session: bool = False,
    account: Account | None = None,
) -> Process:
    """Start a program if it is trusted.

    `environ` is added to what is passed, `descriptors` stay open in the program, and `group` is the
    process group to join, 0 for one of its own; `session` gives it a session of its own, without
    the terminal. `account` needs root; where that user can't execute the program, this one does.
    Raises `UntrustedProgramError`, or `OSError` where the system refuses.
    """
    real = admit(command.path, command.kind)
    if _refused:
        raise ProgramsRefusedError(real)
    _step_back()
    settings = {
        "stdin": stdin,
        "stdout": output,
        "stderr": errors,
        "cwd": "/",
        "pass_fds": tuple(descriptors),
        "process_group": group,
        "start_new_session": session,
    }
    with starting() as note:
        process = _started([real, *command.arguments], settings, environ or {}, account)
        note(process.pid)
    return process


def _started(
    words: list[str], settings: dict[str, Any], environ: Mapping[str, str], account: Account | None
) -> Process:
    if account is not None:
        # where the system does not let that user execute it, or root become another one
        with contextlib.suppress(OSError):
            return subprocess.Popen(
                words,
                **settings,
                env=_environment(account) | dict(environ),
                user=account.user,
                group=account.group,
                extra_groups=account.groups,
            )
    return subprocess.Popen(words, **settings, env=_environment(None) | dict(environ))


def leave_processor(nice: int) -> None:
    """Have this process step back to a niceness, at the latest, when it starts its first program.

    The programs begin with it. What answers others needs the processor more than what asks an
    emulator. It holds for the threads that start programs, for good.
    """
    global _nice
    _nice = nice


def _step_back() -> None:
    if _nice is not None and os.getpriority(os.PRIO_PROCESS, 0) < _nice:
        os.setpriority(os.PRIO_PROCESS, 0, _nice)


def shell(arguments: Sequence[str]) -> Command:
    """Give a command of the system's shell."""
    return Command("/bin/sh", arguments, ProgramKind.TOOL)


def within_shell(script: str, command: Command) -> Command:
    """Give a command of the shell in which a script runs another one, as ``"$@"``."""
    return shell(("-c", script, "sh", admit(command.path, command.kind), *command.arguments))


def _environment(account: Account | None) -> dict[str, str]:
    named = ((name, passed(name, os.environ[name])) for name in PASSED if name in os.environ)
    kept = {name: value for name, value in named if value is not None}
    if account is not None:
        kept = {name: value for name, value in kept.items() if name not in _OWN} | {"HOME": "/"}
    return {"PATH": SYSTEM_PATH} | kept | {"LC_ALL": "C"}
