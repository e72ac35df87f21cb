"""``domcaps report``: libvirt's domain capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from domcaps.cli._common import host_option, note, open_host

if TYPE_CHECKING:
    from domcaps.api import DomainCapabilities, Host


@click.command("report")
@host_option
@click.option("--emulatorbin", metavar="PATH", help="The emulator; the architecture's by default.")
@click.option("--arch", metavar="ARCH", help="The guest's architecture; the host's by default.")
@click.option("--machine", metavar="NAME", help="Machine type or alias, such as q35.")
@click.option("--virttype", metavar="TYPE", help="kvm, qemu or hvf; accelerated where possible.")
@click.option(
    "--libvirt",
    metavar="VERSION",
    default="12.8",
    show_default=True,
    help="The release of libvirt whose document is wanted.",
)
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
    emulatorbin: str | None,
    arch: str | None,
    machine: str | None,
    virttype: str | None,
    libvirt: str,
    disable_deprecated_features: bool,
    expand_cpu_features: bool,
    supported_cpu_features: bool,
    form: str,
    shipped: bool,
) -> None:
    """Print what an emulator can give a guest, as libvirt's <domainCapabilities>.

    The options mean what those of 'virsh domcapabilities' mean. The exit code is 2 where the
    question has no answer.
    """

    def ask(host: Host) -> DomainCapabilities:
        return host.domain_capabilities(
            emulatorbin,
            arch,
            machine,
            virttype,
            libvirt,
            disable_deprecated_features=disable_deprecated_features,
            expand_cpu_features=expand_cpu_features,
            supported_cpu_features=supported_cpu_features,
        )

    host = open_host(host_file)
    if shipped and host_file is None and emulatorbin is None and not host.has_emulator(arch):
        from domcaps.shipped import open_shipped

        wanted = arch or host.facts.arch
        host = open_shipped(arch=wanted)
        note(
            f"this machine has no emulator for {wanted} guests; "
            f"answering from the shipped recording {host.origin!r}"
        )
    caps = ask(host)
    click.echo(caps.xml if form == "xml" else caps.json, nl=False)
    if caps.unknown:
        note(
            f"{len(caps.unknown)} statements are unknown because the emulator was not asked, and "
            f"count as no (first: {caps.unknown[0]}); record it again with 'domcaps record'"
        )
