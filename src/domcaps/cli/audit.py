"""``domcaps audit``: does a real libvirt report what its release should, and does it hold?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import format_option, host_option, libvirt_option
from domcaps.cli._complete import complete_arch, complete_machine
from domcaps.cli._notes import note, open_host
from domcaps.cli._terminal import emit_document, say

if TYPE_CHECKING:
    from domcaps.hosts.host import Host

_AUTO = "auto"
_STYLES: dict[str, dict[str, Any]] = {
    "heading": {"bold": True},
    "differs": {"fg": "red"},
    "known": {"fg": "yellow"},
    "plain": {},
}


@click.command("audit")
@click.argument("source", metavar="[URI|FILE]", default="qemu:///system")
@host_option
@libvirt_option("libvirt version that wrote FILE:")
@click.option("--emulatorbin", "emulator", metavar="PATH", help="Ask libvirt about this emulator.")
@click.option(
    "--arch",
    metavar="ARCH",
    help="Ask libvirt about this architecture.",
    shell_complete=complete_arch,
)
@click.option(
    "--machine",
    metavar="NAME",
    help="Ask libvirt about this machine type or alias.",
    shell_complete=complete_machine,
)
@click.option("--virttype", metavar="TYPE", help="Ask libvirt about this virtualization type.")
@format_option("text", "json")
def command(
    *,
    source: str,
    host_file: str | None,
    libvirt: str,
    form: str,
    **asked: str | None,
) -> None:
    """Compare the report of a real libvirt with the one that is expected of its release.

    \b
      domcaps audit
      domcaps audit qemu:///session --machine q35
      domcaps audit 'qemu:///system?socket=/run/libvirt/libvirt-sock'
      virsh domcapabilities | domcaps audit - --libvirt 11.3

    A libvirt that runs is asked over its socket, without libvirt's library, for the report of its
    default target or the one that the options name; its own version says what is expected. FILE is
    a <domainCapabilities> document, - is standard input. The emulator that the document names is
    probed on this machine, or taken from --host.

    Printed are the statements that differ, with the reason why domcaps expects another one; then
    statements of libvirt's report that are known to be wrong on this target ('domcaps drift'), or
    that QEMU refused in 'domcaps verify'.

    Exit code: 0 if nothing differs and every wrong statement is known, 1 otherwise, 2 on error.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.report.audit import to_lines
    from domcaps.report.read import MAX_BYTES

    host = open_host(host_file)
    if "://" in source and not Path(source).exists():
        data, libvirt = _asked(host, source, libvirt, asked)
    else:
        if any(asked.values()):
            raise click.UsageError("a file has one report: a target can be named with a URI only")
        data = files.read_input(source, MAX_BYTES + 1)
    found = host.audit(data, libvirt, source=source)
    if form == "json":
        emit_document(found)
    else:
        for style, line in to_lines(found):
            say(line, **_STYLES[style])
    if not found.is_expected:
        raise click.exceptions.Exit(1)


def _asked(host: Host, uri: str, libvirt: str, asked: dict[str, str | None]) -> tuple[bytes, str]:
    """Ask a libvirt that runs; gives its document and its release."""
    from domcaps.serve.client import LibvirtClient

    with LibvirtClient(uri) as client:
        major, minor = client.release()
        data = client.domain_capabilities(**asked)
    release = f"{major}.{minor}"
    own = ".".join(host.few_facts().record.libvirt.version.split(".")[:2])
    if libvirt != _AUTO:
        note(f"libvirt {release} is asked, and {libvirt} is expected")
        return data, libvirt
    # a release of the host's own may have changes of the distribution
    return data, _AUTO if own == release else release
