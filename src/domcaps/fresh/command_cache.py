"""What a command printed, kept on the disk with all that it rests on.

A command that is run again on the same files, on a host that is the same, prints the same. Loading
the table to find that out takes most of a command's time; proving it takes a few milliseconds. As
with reports (`domcaps.fresh.report_cache`) nothing is printed that was not proven in the same
process: the files that were read, the facts of the host, the program itself.
`domcaps.fresh.command_inputs` keeps it.
"""

from __future__ import annotations

from domcaps.facts.plain_record import PlainRecord
from domcaps.fresh.disk import DiskStore, cache_folder
from domcaps.fresh.package_identity import answer_name
from domcaps.fresh.report_cache import proven_value
from domcaps.fresh.scanner import scan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from domcaps.fresh.host_view import HostView

_FOLDER, _FOLDER_LIMIT = "commands", 32 << 20
"""A folder of their own: many outputs must not push out what emulators answered."""


class Output(PlainRecord):
    """What was printed, and the exit code.

    `emulators` are those that a domain or the caller named: whether they are trusted is asked for
    in each call, as for every other answer about them.
    """

    out: str
    err: str
    code: int
    emulators: tuple[str, ...] = ()


def recall(
    words: tuple[object, ...],
    disk: DiskStore | None = None,
    host_view: HostView | None = None,
) -> Output | None:
    """Give what a command printed, if that is kept and still holds; None otherwise.

    `words` are all that the output depends on besides files and host.
    """
    value = proven_value(disk or users_store(), output_name(words), host_view)
    if value is None:
        return None
    try:
        out, err, code, emulators = scan(value.decode())
    except (ValueError, TypeError):
        return None
    output = Output(out, err, code, tuple(emulators))
    return output if all(map(_is_admitted, output.emulators)) else None


def _is_admitted(emulator: str) -> bool:
    from domcaps.errors import UntrustedProgramError
    from domcaps.facts import trust

    try:
        trust.admit(emulator)
    except (UntrustedProgramError, OSError):
        return False
    return True


def users_store() -> DiskStore | None:
    """Give the store of this user, None where there is no place for one."""
    folder = cache_folder()
    return None if folder is None else DiskStore(f"{folder}/{_FOLDER}", _FOLDER_LIMIT)


def output_name(words: tuple[object, ...]) -> str:
    """Name the output of a command."""
    return answer_name("command", words)
