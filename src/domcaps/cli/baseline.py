"""``domcaps baseline``: what several hosts can all do."""

from __future__ import annotations

import click

from domcaps.cli._common import complete_place, format_option, target_options
from domcaps.cli._notes import note, open_host
from domcaps.cli._terminal import emit_portable


@click.command("baseline")
@click.argument(
    "hosts", metavar="HOST HOST…", nargs=-1, required=True, shell_complete=complete_place
)
@target_options
@format_option("xml", "json")
def command(
    *,
    hosts: tuple[str, ...],
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virttype: str | None,
    libvirt: str,
    form: str,
) -> None:
    """Print the features that all given hosts support, as one report.

    HOST is a recording, 'shipped:NAME', or 'local' for this machine. A domain that uses only
    features of this report can run on any of the hosts.

    Without --virttype, a virtualization type that all hosts support is used, KVM if possible.
    """
    from domcaps.hosts.several import baseline

    found = baseline(
        [open_host(None if name == "local" else name) for name in hosts],
        emulator=emulator, arch=arch, machine=machine, virttype=virttype, libvirt=libvirt,
    )  # fmt: skip
    emit_portable(found.xml if form == "xml" else found.json)
    if found.unknown:
        note(f"{len(found.unknown)} statements are unknown and count as no")
