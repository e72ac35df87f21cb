"""``domcaps record``: keep what this host and its emulators say."""

from __future__ import annotations

import datetime
import platform
import sys
from typing import TYPE_CHECKING

import click

from domcaps.cli._common import WholeNumber, local_as_option, write_recording
from domcaps.cli._notes import note, qemu_user
from domcaps.cli._terminal import has_colour, raw_standard_error
from domcaps.errors import DomcapsError
from domcaps.text import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.facts.node import Node
    from domcaps.facts.record import EmulatorRecord


@click.command("record")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="File to write, - for standard output [default: HOSTNAME.domcaps].",
)
@click.option(
    "--emulatorbin",
    "paths",
    metavar="PATH",
    multiple=True,
    help="Path of an emulator; may be repeated.",
)
@click.option("--all", "everything", is_flag=True, help="Record every installed emulator.")
@click.option(
    "--inventory",
    is_flag=True,
    help="Also record the properties of every device type, so that later versions of domcaps "
    "can answer more from this file. Takes longer.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=WholeNumber(1),
    help="Number of emulators to probe at the same time [default: number of CPUs].",
)
@local_as_option
@click.option(
    "--comment", metavar="TEXT", default="", help="Comment about this host, stored in the file."
)
@click.option(
    "--networks",
    is_flag=True,
    help="Also record virtual networks, storage pools and network interfaces, for 'domcaps serve'. "
    "--redact removes them.",
)
@click.option(
    "--redact",
    is_flag=True,
    help="Remove data that identifies the host: UUID, serial numbers, names, addresses, and names "
    "of home folders. Reports and findings stay the same.",
)
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="With --redact: redact this recording instead of recording this host.",
)
def command(
    *,
    output: str | None,
    paths: tuple[str, ...],
    everything: bool,
    inventory: bool,
    jobs: int | None,
    comment: str,
    networks: bool,
    redact: bool,
    source: str | None,
) -> None:
    """Record the facts of this host and its emulators in one file.

    Without --emulatorbin or --all, the emulator for the host's own architecture is recorded. The
    file is HOSTNAME.domcaps in the current folder, or the one in --output. Other commands read
    it as a recording, such as 'domcaps report --host FILE'; 'domcaps host --host FILE' shows its
    content.

    Exit code: 0 if all emulators were recorded, 1 if some failed, 2 if all failed.
    """
    if source is not None:
        _redact_file(source, output, redact=redact)
        return
    from domcaps._version import __version__
    from domcaps.facts.hostprobe import read_host
    from domcaps.facts.nodeprobe import read_node
    from domcaps.facts.record import Recording

    user = qemu_user()
    host = read_host(
        privileged={"system": True, "session": False}.get(user),
        qemu_user="" if user == "session" else user,
    )
    records, errors = _probe(
        _wanted(paths, everything=everything), host.kvm.usable, inventory, jobs
    )
    if not records:
        *others, last = errors or [DomcapsError("no emulator was recorded")]
        _tell(others)
        raise last
    _tell(errors)
    recording = Recording(
        host=host,
        emulators=tuple(records),
        node=_with_networks(read_node()) if networks else read_node(),
        made_by=f"domcaps {__version__}",
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        comment=comment,
    )
    if redact:
        from domcaps.facts.redact import redact as redacted

        recording = redacted(recording, platform.node())
    name = "host" if redact else platform.node() or "host"
    write_recording(recording, f"{name}.domcaps" if output is None else output)
    if errors:
        raise click.exceptions.Exit(1)


def _with_networks(node: Node) -> Node:
    """Read what libvirt's clients find beside domains, too."""
    import msgspec

    from domcaps.facts.host_objects import read_host_objects
    from domcaps.facts.hostfiles import HostFiles

    return msgspec.structs.replace(node, objects=read_host_objects(HostFiles()))


def _redact_file(source: str, output: str | None, *, redact: bool) -> None:
    from pathlib import Path

    from domcaps.facts.recording import load
    from domcaps.facts.redact import redact as redacted

    if not redact or output is None:
        raise click.UsageError("--from is for --redact, and needs --output")
    write_recording(redacted(load(Path(source)), platform.node()), output)


def _tell(errors: Sequence[DomcapsError]) -> None:
    for error in errors:
        note(str(error))


def _wanted(paths: tuple[str, ...], *, everything: bool) -> list[str]:
    from domcaps.errors import UnsupportedTargetError
    from domcaps.facts.discovery import emulators_in_domains
    from domcaps.facts.trust import vouch
    from domcaps.hosts.host import Host

    if paths:
        return list(dict.fromkeys(map(vouch, paths)))
    if everything:
        found = emulators_in_domains()
        if not found:
            raise UnsupportedTargetError(
                "no emulator is installed", remedy="install QEMU, or use --emulatorbin PATH"
            )
        return list(found)
    return [Host.local().default_emulator()]


def _probe(
    paths: list[str], kvm: bool, inventory: bool, jobs: int | None
) -> tuple[list[EmulatorRecord], Sequence[DomcapsError]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from domcaps.elements import questions
    from domcaps.facts.probe import probe
    from domcaps.fresh.trusted import distrust

    untrusted = [error for error in map(distrust, paths) if error is not None]
    paths = [path for path in paths if path not in {error.where for error in untrusted}]
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    console = Console(file=raw_standard_error(), no_color=not has_colour(sys.stderr))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("asking emulators", total=len(paths))
        results = probe(
            paths,
            questions(),
            kvm=kvm,
            inventory=inventory,
            jobs=jobs,
            progress=lambda path, _: bar.update(task, advance=1, description=file_name(path)),
        )
    failed = [result for result in results if isinstance(result, DomcapsError)]
    answered = [result for result in results if not isinstance(result, DomcapsError)]
    return answered, [*untrusted, *failed]
