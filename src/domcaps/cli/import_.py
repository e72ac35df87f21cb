"""``domcaps import``: QMP transcripts made into a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from domcaps import files
from domcaps.cli._common import write_recording
from domcaps.cli._notes import note

if TYPE_CHECKING:
    from domcaps.facts.record import EmulatorRecord, HostRecord


@click.command("import")
@click.argument(
    "replies",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--facts",
    "facts_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON file with facts about the host, of which only "arch" is '
    "required; section 'Transcripts and host facts' of the API documentation has the form.",
)
@click.option(
    "--emulatorbin",
    "paths",
    metavar="PATH",
    multiple=True,
    help="Path of the emulator to write into the recording. Repeat it for each of REPLIES, in the "
    "same order [default: /usr/bin/qemu-system-TARGET].",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="File to write, - for standard output.",
)
def command(
    *, replies: tuple[Path, ...], facts_file: Path | None, paths: tuple[str, ...], output: str
) -> None:
    """Make a recording from QMP transcripts.

    Use it for a QEMU on a machine where domcaps cannot run. The recording is written to the file in
    --output, and is used like one of 'domcaps record'. Facts about the host, such as its firmware,
    come from --facts; without it, a host without firmware and helper programs is assumed.

    Each of REPLIES holds the commands sent to one emulator and their replies in turn, as JSON
    documents separated by white space, starting with 'qmp_capabilities'.
    """
    from domcaps._version import __version__
    from domcaps.facts.host import read_host_facts
    from domcaps.facts.json_errors import LIMIT
    from domcaps.facts.record import Recording

    if paths and len(paths) != len(replies):
        raise click.UsageError("--emulatorbin is needed once for each transcript, or not at all")
    records = [_read(path, paths[i] if paths else "") for i, path in enumerate(replies)]
    twice = {r.path for r in records if [o.path for o in records].count(r.path) > 1}
    if twice:
        raise click.UsageError(
            f"several transcripts are for {', '.join(sorted(twice))}; name them with --emulatorbin"
        )
    if facts_file:
        host = read_host_facts(files.read(facts_file, LIMIT), where=str(facts_file))
    else:
        host = _assumed_host(records, [str(path) for path in replies])
        note(f"no --facts: a host of {host.arch} without firmware and helpers is assumed")
    made_by = f"domcaps {__version__} (imported)"
    write_recording(Recording(host=host, emulators=tuple(records), made_by=made_by), output)


def _read(path: Path, emulator: str) -> EmulatorRecord:
    from domcaps.facts.arch import qemu_target
    from domcaps.facts.transcript import MAX_BYTES, read_transcript

    record = read_transcript(files.read(path, MAX_BYTES), where=str(path), emulator=emulator)
    if emulator:
        return record
    target = qemu_target(_arch(record, str(path)))
    return msgspec.structs.replace(record, path=f"/usr/bin/qemu-system-{target}")


def _arch(record: EmulatorRecord, where: str) -> str:
    """Give the architecture of the emulator's guests; raises `TranscriptError` if it is missing."""
    from domcaps.errors import TranscriptError
    from domcaps.facts.emulator import EmulatorFacts, Unanswered

    try:
        arch = EmulatorFacts(record).arch
    except Unanswered:
        arch = ""
    if not arch:
        raise TranscriptError(
            "does not hold the reply to 'query-target'",
            where=where,
            remedy="name the emulator with --emulatorbin and the host with --facts",
        )
    return arch


def _assumed_host(records: list[EmulatorRecord], names: list[str]) -> HostRecord:
    """Take the host to be of the first emulator's architecture, with KVM where one used it."""
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.record import HostRecord, Kvm

    emulators = [EmulatorFacts(record) for record in records]
    kvm = any(emulator.kvm for emulator in emulators)
    reason = "" if kvm else "no transcript was made with KVM"
    arch = _arch(records[0], names[0])
    return HostRecord(arch=arch, kvm=Kvm(usable=kvm, reason=reason))
