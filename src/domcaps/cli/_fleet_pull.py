"""``domcaps fleet pull``: record other machines into a store."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

import click

from domcaps.cli._common import RangedNumber, WholeNumber
from domcaps.cli._notes import note
from domcaps.language.wording import counted

if TYPE_CHECKING:
    from domcaps.fleet.collect.pull import PullSource


@click.command("pull")
@click.argument("store", metavar="STORE")
@click.argument("names", metavar="[NAME=]HOST…", nargs=-1, required=True)
@click.option("--ssh", "by_ssh", is_flag=True, help="Record each HOST through ssh.")
@click.option(
    "--ssh-options",
    metavar="TEXT",
    default="",
    help="Options for ssh, such as '-p 2222 -i ~/.ssh/fleet'.",
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
    ssh_options: str,
    emulators: tuple[str, ...],
    seconds: float,
    jobs: int,
) -> None:
    """Record other machines into a store, many at the same time.

    \b
      domcaps fleet pull STORE --ssh node-1 node-2 admin@10.0.0.3

    ssh connects as it is configured and never asks for a password. Nothing is installed or written
    on the hosts: they need /bin/sh, QEMU, and for all facts Python 3.6 or later. A host that fails
    does not stop the others.

    Exit code: 0 if all hosts were recorded, 1 if some failed, 2 if all failed.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.fleet.collect.pull import pull as recorded
    from domcaps.fleet.fleet import Fleet

    sources = _sources(names, by_ssh=by_ssh)
    fleet = Fleet.open(store)
    options = shlex.split(ssh_options)
    failed = 0
    found = recorded(sources, options=options, emulators=emulators, seconds=seconds, jobs=jobs)
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


def _sources(names: tuple[str, ...], *, by_ssh: bool) -> list[PullSource]:
    from domcaps.fleet.collect.pull import source_of

    if not by_ssh:
        raise click.UsageError("--ssh is required: no other way of recording is supported")
    sources = [source_of(name) for name in names]
    counts = Counter(one.name for one in sources)
    twice = {name for name, count in counts.items() if count > 1}
    if twice:
        raise click.BadParameter(
            f"two hosts are named {min(twice)!r}; write NAME=HOST", param_hint="HOST"
        )
    return sources
