"""``domcaps fleet pull``: record other machines into a store."""

from __future__ import annotations

import platform
import shlex
from collections import Counter
from typing import TYPE_CHECKING

import click

from domcaps.cli._common import RangedNumber, WholeNumber
from domcaps.cli._notes import note
from domcaps.language.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.facts.record import Recording
    from domcaps.fleet.collect.pull import PullSource


@click.command("pull")
@click.argument("store", metavar="STORE")
@click.argument("names", metavar="[NAME=]HOST…", nargs=-1, required=True)
@click.option("--ssh", "by_ssh", is_flag=True, help="Record each HOST through ssh.")
@click.option(
    "--libvirt",
    "by_libvirt",
    is_flag=True,
    help="Ask the libvirt of each HOST, which is a URI such as 'qemu+ssh://node-1/system'.",
)
@click.option(
    "--ssh-options",
    metavar="TEXT",
    default="",
    help="Options for ssh, such as '-p 2222 -i ~/.ssh/fleet'; also for qemu+ssh:// URIs.",
)
@click.option(
    "--emulatorbin",
    "emulators",
    metavar="PATH",
    multiple=True,
    help="Path of an emulator on the hosts; may be repeated [default: the one for the host's "
    "architecture].",
)
@click.option(
    "--timeout",
    "seconds",
    metavar="SECONDS",
    type=RangedNumber(1, 3600),
    default=120,
    show_default=True,
    help="Time for one host.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=WholeNumber(1, 200),
    default=16,
    show_default=True,
    help="Number of hosts to record at the same time.",
)
def pull(
    *,
    store: str,
    names: tuple[str, ...],
    by_ssh: bool,
    by_libvirt: bool,
    ssh_options: str,
    emulators: tuple[str, ...],
    seconds: float,
    jobs: int,
) -> None:
    """Record other machines into a store, many at the same time.

    \b
      domcaps fleet pull STORE --ssh node-1 node-2 admin@10.0.0.3
      domcaps fleet pull STORE --libvirt qemu+ssh://node-4/system node-5=qemu+tcp://10.0.0.5/system

    ssh connects as it is configured and never asks for a password. Nothing is installed or written
    on the hosts: they need /bin/sh, QEMU, and for all facts Python 3.6 or later. A host that fails
    does not stop the others.

    With --libvirt nothing runs on the hosts but libvirt. It reports what it supports for each
    machine type. This gives a partial recording: what libvirt does not report is unknown.

    Exit code: 0 if all hosts were recorded, 1 if some failed, 2 if all failed.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.fleet.collect.pull import pull as recorded
    from domcaps.fleet.fleet import Fleet

    if by_ssh == by_libvirt:
        raise click.UsageError("use one of --ssh and --libvirt")
    sources = _sources(names, by_libvirt=by_libvirt)
    fleet = Fleet.open(store)
    options = shlex.split(ssh_options)
    recorder = _libvirt_recorder(emulators, seconds, options) if by_libvirt else None
    failed = 0
    found = recorded(
        sources, options=options, emulators=emulators, seconds=seconds, jobs=jobs,
        recorder=recorder,
    )  # fmt: skip
    for number, one in enumerate(found, 1):
        place = f"{number} of {counted(len(sources), 'host')}"
        if one.recording is None:
            failed += 1
            note(f"{one.source.name}: not recorded: {one.error} ({place})")
        else:
            manifest = fleet.add(one.recording, one.source.name)
            note(f"{manifest.host}: class {manifest.digest[:16]} ({place})")
    if failed:
        raise click.exceptions.Exit(2 if failed == len(sources) else 1)


def _libvirt_recorder(
    emulators: tuple[str, ...], seconds: float, options: list[str]
) -> Callable[[str], Recording]:
    from domcaps.serve.recorder import record_libvirt

    return lambda uri: record_libvirt(uri, emulators, seconds, options)


def _sources(names: tuple[str, ...], *, by_libvirt: bool) -> list[PullSource]:
    from domcaps.fleet.collect.pull import source_of

    sources = [_libvirt_source(name) if by_libvirt else source_of(name) for name in names]
    counts = Counter(one.name for one in sources)
    twice = {name for name, count in counts.items() if count > 1}
    if twice:
        raise click.BadParameter(
            f"two hosts are named {min(twice)!r}; write NAME=HOST", param_hint="HOST"
        )
    return sources


def _libvirt_source(text: str) -> PullSource:
    """Read ``URI`` or ``NAME=URI``; without a name it is that of the host in the URI."""
    from domcaps.fleet.collect.pull import PullSource, named_source
    from domcaps.serve.links import host_of

    name, uri = named_source(text)
    return PullSource(name or host_of(uri) or platform.node() or "host", uri)
