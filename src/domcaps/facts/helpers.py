"""Helper programs that stand beside QEMU: where they are and what they can do.

A program is looked for along the search path, after that where a system daemon would look. Some
are asked what they can do, with ``--print-capabilities``, an answer that QEMU's documents
``vhost-user.rst`` and swtpm's manual page describe alike: a JSON object with a list ``features``.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import UntrustedProgramError
from domcaps.facts.descriptors import effective, folders, read_descriptors
from domcaps.facts.helper_programs import (
    NOT_ASKED,
    PROGRAMS,
    SILENT,
    TOO_LONG,
    HelperProgram,
    arguments_of,
    may_answer_later,
)
from domcaps.facts.host_parts import Helper
from domcaps.facts.launch import PIPE, Command, Process, start
from domcaps.facts.ownership import weakness
from domcaps.facts.real_path import real_path
from domcaps.facts.trust import SYSTEM_PATH, ProgramKind, vouch
from domcaps.facts.unprivileged import account_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from domcaps.facts.hostfiles import HostFiles

DEADLINE = 5.0
"""Seconds that a program has for its answer."""

_ANSWER_LIMIT = 64 * 1024


class NoAnswer(Exception):  # noqa: N818 - a reason on its way to the record
    """Why a program did not say what it can do."""


class _Descriptor(msgspec.Struct):
    type: str
    binary: str


class _Capabilities(msgspec.Struct):
    features: list[object]


def read_helpers(
    files: HostFiles,
    *,
    privileged: bool,
    environ: Mapping[str, str],
    run: bool = True,
    known: Iterable[Helper] = (),
) -> tuple[Helper, ...]:
    """Look for all helper programs.

    With `run` they are asked for their features, except those in `known` whose file is still the
    same: what they said then is taken over.
    """
    named = _described(files, privileged=privileged, environ=environ)
    remembered = {helper.name: helper for helper in known}
    path = [*environ.get("PATH", "").split(":"), *SYSTEM_PATH.split(":")]
    helpers = []
    for program in PROGRAMS:
        described = named.get(program.vhost_user, ()) if program.vhost_user else ()
        found = _find(files, program, described, path)
        before = remembered.get(program.name)
        if before and _same_file(found, before) and not (run and may_answer_later(before)):
            found = before
        elif found.path and program.arguments:
            found = _with_features(files, found, program.arguments, run=run)
        helpers.append(found)
    return tuple(helpers)


def ask_features(files: HostFiles, helper: Helper) -> Helper:
    """Ask a helper program that is there for its features, and note them or why there are none."""
    unasked = msgspec.structs.replace(helper, reason="")
    return _with_features(files, unasked, arguments_of(helper.name), run=True)


def _described(
    files: HostFiles, *, privileged: bool, environ: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Gather the programs that vhost-user descriptors name, by their type.

    A descriptor vouches for its program only if no user but root and this one can write it: any
    other is ignored.
    """
    where = folders("vhost-user", privileged=privileged, environ=environ)
    gathered: dict[str, tuple[str, ...]] = {}
    for descriptor in effective(read_descriptors(files, where))[0]:
        try:
            said = msgspec.json.decode(descriptor.text, type=_Descriptor)
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
        if _may_vouch(files, f"{descriptor.directory}/{descriptor.name}"):
            if files.is_live and said.binary.startswith("/"):
                vouch(said.binary, ProgramKind.HELPER)
            gathered[said.type] = (*gathered.get(said.type, ()), said.binary)
    return gathered


def _may_vouch(files: HostFiles, path: str) -> bool:
    return not files.is_live or weakness(real_path(path)) is None


def _find(
    files: HostFiles, program: HelperProgram, named: Sequence[str], path: Sequence[str]
) -> Helper:
    searched = [folder for folder in (*path, *program.elsewhere) if folder.startswith("/")]
    candidates = (*named, *(f"{folder}/{program.name}" for folder in searched))
    for candidate in candidates:
        status = files.program(candidate)
        if status is not None:
            return Helper(program.name, candidate, size=status.st_size, mtime_ns=status.st_mtime_ns)
    return Helper(program.name, reason=f"no program {program.name!r} on the search path")


def _same_file(found: Helper, before: Helper) -> bool:
    def identity(helper: Helper) -> tuple[str, int, int]:
        return helper.path, helper.size, helper.mtime_ns

    return bool(found.path) and identity(found) == identity(before)


def not_started(why: str) -> str:
    """Give the reason of a helper program that is not trusted."""
    return f"{SILENT}not started: {why}"


def _with_features(
    files: HostFiles, helper: Helper, arguments: Sequence[str], *, run: bool
) -> Helper:
    if not run:
        return msgspec.structs.replace(helper, reason=NOT_ASKED)
    try:
        features = features_of(run_briefly(_command(files, helper.path, arguments)))
    except NoAnswer as reason:
        return msgspec.structs.replace(helper, reason=f"{SILENT}{reason}")
    return msgspec.structs.replace(helper, features=features)


def _command(files: HostFiles, path: str, arguments: Sequence[str]) -> Command:
    real = files.real(path)
    if not files.is_live:
        # whoever pretends a host gave the folder in which its programs are
        vouch(real, ProgramKind.HELPER)
    return Command(real, arguments, ProgramKind.HELPER)


def features_of(answer: bytes) -> tuple[str, ...]:
    """Read what a helper program printed of its features; raises `NoAnswer`."""
    try:
        said = msgspec.json.decode(answer, type=_Capabilities).features
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise NoAnswer("no JSON with a list of features") from None
    features = []
    for feature in said:
        # libvirt reads up to the first entry that makes no sense
        if not isinstance(feature, str):
            break
        features.append(feature)
    return tuple(features)


def run_briefly(
    command: Command, deadline: float = DEADLINE, environ: Mapping[str, str] | None = None
) -> bytes:
    """Run a program and give what it printed; nothing of it is left behind afterwards.

    `deadline` is in seconds, `environ` is added to the environment. Root runs it as another user
    where that can be (see `domcaps.facts.unprivileged`). Raises
    `NoAnswer` where it fails, prints too much or takes longer.
    """
    try:
        account = account_for(command.path)
        process = start(command, output=PIPE, session=True, environ=environ, account=account)
    except UntrustedProgramError as error:
        raise NoAnswer(error.message) from None
    except OSError as error:
        raise NoAnswer(error.strerror or "it can't be started") from None
    try:
        end = time.monotonic() + deadline
        answer = _read(process, end)
        status = _status(process, end)
    finally:
        _clean_up(process)
    if status:
        raise NoAnswer(f"it ended with status {status}")
    return answer


def _read(process: Process, end: float) -> bytes:
    """Read all that is printed before the time `end`."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    handle = process.stdout.fileno()
    parts: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while selector.select(max(0.0, end - time.monotonic())):
            part = os.read(handle, _ANSWER_LIMIT)
            if not part:
                return b"".join(parts)
            parts.append(part)
            if sum(map(len, parts)) > _ANSWER_LIMIT:
                raise NoAnswer(f"it prints more than {_ANSWER_LIMIT // 1024} KiB")
    raise NoAnswer(TOO_LONG)


def _status(process: Process, end: float) -> int:
    """Wait for the end without taking note of it: until then the process group keeps its number."""
    pause = 0.0005
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG
    while (found := os.waitid(os.P_PID, process.pid, options)) is None:
        if time.monotonic() > end:
            raise NoAnswer(TOO_LONG)
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    return found.si_status


def _clean_up(process: Process) -> None:
    """Kill the whole process group: the program, and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    process.stdout.close()
