"""``domcaps report``: libvirt's domain capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import host_option, note, open_host, target_options
from domcaps.fresh.printed import Printed, keep, recall

if TYPE_CHECKING:
    from domcaps.api import Host


@click.command("report")
@host_option
@target_options
@click.option(
    "--disable-deprecated-features",
    is_flag=True,
    help="Switch features off in host-model that its CPU model calls deprecated.",
)
@click.option("--expand-cpu-features", is_flag=True, help="List every feature of host-model.")
@click.option(
    "--supported-cpu-features", is_flag=True, help="List every feature that host-model could have."
)
@click.option(
    "--format", "form", type=click.Choice(["xml", "json"]), default="xml", show_default=True
)
@click.option(
    "--shipped",
    is_flag=True,
    help="Where this machine has no emulator for the guest, answer from a recording that comes "
    "with domcaps, and say so.",
)
def command(
    *,
    host_file: str | None,
    emulator: str | None,
    arch: str | None,
    form: str,
    shipped: bool,
    **question: Any,
) -> None:
    """Print what an emulator can give a guest, as libvirt's <domainCapabilities>.

    The options mean what those of 'virsh domcapabilities' mean. The exit code is 2 where the
    question has no answer.
    """
    options = (emulator, arch, *sorted(question.items()))
    answer = recall(options) if host_file is None else None
    if answer is None:
        host = _open(host_file, emulator, arch, shipped=shipped)
        answer = _printed(host, options, {"emulator": emulator, "arch": arch, **question})
    click.echo(answer.xml if form == "xml" else answer.json, nl=False)
    if answer.unknown:
        note(
            f"{len(answer.unknown)} statements are unknown because the emulator was not asked, and "
            f"count as no (first: {answer.unknown[0]}); record it again with 'domcaps record'"
        )


def _open(host_file: str | None, emulator: str | None, arch: str | None, *, shipped: bool) -> Host:
    host = open_host(host_file)
    if shipped and host_file is None and emulator is None and not host.has_emulator(arch):
        from domcaps.shipped import open_shipped

        wanted = arch or host.facts.arch
        host = open_shipped(arch=wanted)
        note(
            f"this machine has no emulator for {wanted} guests; "
            f"answering from the shipped recording {host.origin!r}"
        )
    return host


def _printed(host: Host, options: tuple[object, ...], question: dict[str, Any]) -> Printed:
    """Answer, and keep what is printed for the next process."""
    from domcaps.live import LiveHost

    caps = host.domain_capabilities(**question)
    answer = Printed(caps.xml, caps.json, caps.unknown, caps.snapshot)
    if isinstance(host, LiveHost):
        keep(options, answer, host.entry(**question))
    return answer
