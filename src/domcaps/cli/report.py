"""``domcaps report``: libvirt's domain capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import (
    as_option,
    format_option,
    many_hosts_option,
    many_target_options,
    own_libvirt,
    tell_own_libvirt,
)
from domcaps.cli._notes import note, open_host, qemu_user
from domcaps.cli._terminal import emit_portable
from domcaps.facts import trust
from domcaps.fresh.report_cache import Printed, keep, options_of, recall

AUTO = "auto"

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.report.capabilities import DomainCapabilities


@click.command("report")
@many_hosts_option
@as_option
@many_target_options
@click.option(
    "--disable-deprecated-features",
    is_flag=True,
    help="Show host-model with those features disabled that its CPU model marks as deprecated.",
)
@click.option("--expand-cpu-features", is_flag=True, help="List every feature of host-model.")
@click.option(
    "--supported-cpu-features", is_flag=True, help="List every feature that host-model could have."
)
@format_option("xml", "json", "html")
@click.option(
    "--truth",
    is_flag=True,
    help="Leave out values that failed in 'domcaps verify' with this emulator on this host.",
)
@click.option(
    "--extended",
    is_flag=True,
    help="Print what the report leaves out: more devices, and values that work only together.",
)
@click.option(
    "--shipped",
    is_flag=True,
    help="If this machine has no emulator for the guest, use a recording that comes "
    "with domcaps, with a note.",
)
def command(
    *,
    hosts: tuple[str, ...],
    form: str,
    truth: bool,
    extended: bool,
    shipped: bool,
    **question: Any,
) -> None:
    """Print the features that an emulator offers to guests, as <domainCapabilities>.

    The options have the same meaning as in 'virsh domcapabilities'.

    With --format html, the report is one HTML page with the reasons. --host, --emulatorbin, --arch,
    --machine, --virttype and --libvirt may then be repeated: each combination becomes a column.

    \b
      domcaps report --format html --machine pc --machine q35 >machines.html
      domcaps report --format html --host 'shipped:*-x86_64' >releases.html

    With --extended, sound, input, watchdogs, IOMMUs, network cards, controllers, serial ports,
    memory devices and virtio options are listed, and combinations of values that must fit
    together: TPM, graphics with video, firmware with machine type, disk bus with format. Each
    combination is validated as a domain. The document has its own namespace; --format json has
    the refused combinations as well.

    \b
      domcaps report --extended --machine q35 --format json

    Exit code: 0 if a report was printed, 2 on error.
    """  # noqa: D301 - click takes the character, not its name
    if extended:
        _print_extended(hosts, form, question, shipped=shipped, truth=truth)
        return
    if truth:
        _print_truth(hosts, form, question)
        return
    if form == "html":
        _print_page(hosts, question)
        return
    _print_one(hosts, form, question, shipped=shipped)


def _print_extended(
    hosts: tuple[str, ...], form: str, several: dict[str, Any], *, shipped: bool, truth: bool
) -> None:
    flags = [name for name, value in several.items() if value is True]
    if form == "html" or truth or flags:
        name = "truth" if truth else flags[0].replace("_", "-") if flags else "format html"
        raise click.UsageError(f"--{name} is not valid with --extended")
    question = {k: _single(k, v) for k, v in several.items() if not isinstance(v, bool)}
    emulator, arch = question["emulator"], question["arch"]
    host = _open(_single("host", hosts), emulator, arch, shipped=shipped)
    found = host.extended_capabilities(**question)
    emit_portable(found.xml if form == "xml" else found.json)


def _print_page(hosts: tuple[str, ...], question: dict[str, Any]) -> None:
    from domcaps.cli._grid import columns
    from domcaps.page.html import to_html
    from domcaps.report.matrix import capability_matrix

    flags = [name for name, value in question.items() if value is True]
    if flags:
        raise click.UsageError(f"--{flags[0].replace('_', '-')} is not valid with --format html")
    wanted = {name: value for name, value in question.items() if isinstance(value, tuple)}
    emit_portable(to_html(capability_matrix(columns(hosts, wanted))))


def _print_truth(hosts: tuple[str, ...], form: str, several: dict[str, Any]) -> None:

    from domcaps.hosts.host import Host

    if hosts or form == "html":
        raise click.UsageError("--truth requires this machine and --format xml or json")
    question = {name: _single(name, value) for name, value in several.items()}
    host = Host.local(qemu_user=qemu_user())
    tell_own_libvirt()
    named = ("emulator", "arch", "machine", "virttype", "libvirt")
    lies = host.shown_lies(**{name: question[name] for name in named})
    if lies is None:
        note("no current results: QEMU or the host changed; run 'domcaps verify' first")
    caps = host.domain_capabilities(**question).without(lies or ())
    emit_portable(caps.xml if form == "xml" else caps.json)


def _print_one(
    hosts: tuple[str, ...], form: str, several: dict[str, Any], *, shipped: bool
) -> None:
    host_file = _single("host", hosts)
    question = {name: _single(name, value) for name, value in several.items()}
    if question["emulator"] is not None and host_file is None:
        # what is kept must be of this path, wherever somebody stands
        question["emulator"] = trust.vouch(question["emulator"])
    emulator, arch = question["emulator"], question["arch"]
    options = options_of({**question, "as": qemu_user()})
    answer: Printed | DomainCapabilities | None
    recalled = recall(options) if host_file is None else None
    if recalled is None:
        host = _open(host_file, emulator, arch, shipped=shipped)
        answer = _printed(host, options, question)
    else:
        answer = recalled
        if recalled.libvirt and question["libvirt"] == AUTO:
            note(recalled.libvirt)
    emit_portable(answer.xml if form == "xml" else answer.json)
    if answer.unknown:
        note(
            f"{len(answer.unknown)} statements are unknown because the emulator was not probed for "
            f"them; they count as no (first: {answer.unknown[0]}). Run 'domcaps record' again"
        )


def _single(name: str, value: Any) -> Any:
    """Give the one value of an option that may have several."""
    if not isinstance(value, tuple):
        return value
    if len(value) > 1:
        name = {"emulator": "emulatorbin"}.get(name, name)
        raise click.UsageError(f"--{name} may be repeated only with --format html")
    return value[0] if value else None


def _open(host_file: str | None, emulator: str | None, arch: str | None, *, shipped: bool) -> Host:
    host = open_host(host_file)
    if shipped and host_file is None and emulator is None and not host.has_emulator(arch):
        from domcaps.shipped import open_shipped

        wanted = arch or host.few_facts().arch
        host = open_shipped(arch=wanted)
        note(
            f"this machine has no emulator for {wanted} guests; "
            f"answering from the shipped recording {host.origin!r}"
        )
    return host


def _printed(
    host: Host, options: tuple[object, ...], question: dict[str, Any]
) -> Printed | DomainCapabilities:
    """Answer, and keep what is printed of this machine for the next process."""
    from domcaps.hosts.host import LiveHost

    caps = host.domain_capabilities(**question)
    if not isinstance(host, LiveHost):
        return caps
    answer = Printed(caps.xml, caps.json, caps.unknown, caps.snapshot, own_libvirt(host))
    entry = host.entry(**question)
    if entry.value is caps:
        # something may have changed since: then the trace is not that of what is printed
        keep(options, answer, entry)
    return answer
