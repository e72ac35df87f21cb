"""``domcaps new``: a domain in which everything holds, made for this host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import libvirt_option, note, open_host
from domcaps.cli._terminal import emit, emit_document, say
from domcaps.text import styled

if TYPE_CHECKING:
    from domcaps.choose.chosen import Chosen

_MOST_PINS = 1 << 20


def _complete_host(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from domcaps.cli._common import complete_host as complete

    return complete(ctx, param, incomplete)


def _complete_setting(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001
    from click.shell_completion import CompletionItem

    from domcaps.choose.catalogue import enums

    values = (f"{path}={choice.name}" for path, enum in enums().items() for choice in enum.choices)
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


@click.command("new")
@click.option("--name", required=True, metavar="NAME", help="The domain's name.")
@click.option("--memory", metavar="SIZE", help="4GiB, 512MiB; 2GiB where it is not said.")
@click.option(
    "--vcpus",
    type=click.IntRange(1),
    metavar="N",
    help="The number of virtual CPUs; 2 where it is not said.",
)
@click.option(
    "--os",
    metavar="SYSTEM",
    help="The guest's system by libosinfo's short name (ubuntu24.04, win11), or its family: linux, "
    "windows, bsd, other.",
)
@click.option(
    "--use",
    type=click.Choice(["desktop", "server", "small"]),
    help="What the guest is for; a desktop where it is not said.",
)
@click.option("--arch", metavar="ARCH", help="The guest's architecture; the host's by default.")
@click.option("--machine", metavar="NAME", help="Machine type or alias, such as q35.")
@click.option("--virttype", metavar="TYPE", help="kvm, qemu or hvf; accelerated where possible.")
@click.option(
    "--disk",
    "disks",
    multiple=True,
    metavar="PATH[,size=20GiB,bus=BUS,format=FORMAT]",
    help="A disk; may be repeated. The size is for the command that makes the image.",
)
@click.option(
    "--cdrom", "cdroms", multiple=True, metavar="ISO[,bus=BUS]", help="A CD-ROM drive with a disc."
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="default|user|bridge=BR|network=N|none",
    help="A network card; may be repeated. libvirt's network 'default' where none is named.",
)
@click.option(
    "--graphics", type=click.Choice(["vnc", "spice", "none"]), help="How the screen is seen."
)
@click.option("--uefi", is_flag=True, help="Start from UEFI.")
@click.option("--secure-boot", is_flag=True, help="Start only what is signed.")
@click.option("--tpm", is_flag=True, help="With a trusted platform module.")
@click.option("--share", "shares", multiple=True, metavar="DIR", help="A folder of the host.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="A value of the table, such as video.modelType=virtio; may be repeated.",
    shell_complete=_complete_setting,
)
@click.option(
    "--hotplug",
    type=click.IntRange(0, 64),
    default=0,
    metavar="N",
    help="N free PCIe root ports, for devices that are plugged in while the guest runs.",
)
@click.option(
    "--pin",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the chosen values in FILE; where FILE exists, the values in it are taken again.",
)
@click.option(
    "--host",
    "host_files",
    multiple=True,
    metavar="FILE",
    help="A recording instead of this machine; with several the domain is for all of them.",
    shell_complete=_complete_host,
)
@libvirt_option()
@click.option("--explain", is_flag=True, help="Print every decision, what came next, and why.")
@click.option(
    "--format", "form", type=click.Choice(["xml", "json"]), default="xml", show_default=True
)
def command(
    *,
    name: str,
    memory: str | None,
    vcpus: int | None,
    host_files: tuple[str, ...],
    explain: bool,
    form: str,
    pin: Path | None,
    **wishes: Any,
) -> None:
    """Make a domain: the best that this host has for the guest, and valid by construction.

    Whatever is left open is decided by what the guest can drive, and by what the host, the emulator
    and the machine type have: the choices and rules are those of 'domcaps validate'. The XML goes
    to standard output, for 'virsh define'.

    \b
      domcaps new --name web --os debian13 --disk /srv/web.qcow2,size=20GiB --use server
      domcaps new --name w --os win11 --memory 8GiB --vcpus 4 --disk /srv/w.qcow2 --explain

    The exit code is 1 where the wishes can't be met together: then the fewest that can't are named,
    with the reasons. It is 2 for wrong usage.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.choose import pins
    from domcaps.errors import UnmetWishesError
    from domcaps.hosts.several import choose_for

    hosts = [open_host(file) for file in host_files] or [open_host(None)]
    if pin is not None and pin.exists():
        wishes["pinned"] = pins.loads(
            files.read(pin, _MOST_PINS).decode(errors="replace"), str(pin)
        )
    try:
        chosen = choose_for(hosts, name, memory, vcpus, **wishes)
    except UnmetWishesError as unmet:
        _print_unmet(unmet, form)
        raise click.exceptions.Exit(1) from None
    if pin is not None and not pin.exists():
        files.replace(pin, pins.dumps(chosen).encode())
        note(f"{pin}: the chosen values are kept there")
    if form == "json":
        _print_json(chosen)
        return
    if explain:
        _explain(chosen)
    for text in chosen.notes:
        note(text)
    emit(chosen.xml)


def _print_unmet(unmet: Any, form: str) -> None:

    if form == "json":
        content = {"accepted": False, "wishes": unmet.wishes, "reasons": unmet.reasons}
        emit_document(content)
        return
    say(f"domcaps: {unmet.message}", fg="red", err=True)
    for reason in unmet.reasons:
        on_host = reason.startswith("on the host: ")
        say(f"  {reason}" if on_host else f"  because {reason}", err=True)


def _print_json(chosen: Chosen) -> None:
    import dataclasses

    content = {
        "accepted": True,
        "xml": chosen.xml,
        "machine": chosen.target.machine,
        "virttype": chosen.target.virttype,
        "arch": chosen.target.arch,
        "notes": chosen.notes,
        "steps": [dataclasses.asdict(step) for step in chosen.steps],
    }
    emit_document(content)


def _explain(chosen: Chosen) -> None:
    """Tell the decisions on standard error, so that the XML stays by itself."""
    say(f"guest: {chosen.guest.name or 'any'} ({chosen.guest.source})", err=True)
    for step in chosen.steps:
        value = styled(step.value or "left out", bold=True)
        why = f"wanted by {step.wanted}" if step.why == "wanted" and step.wanted else step.why
        say(f"{step.title} [{step.name}]: {value}, {why}", err=True)
        for passed, reason in step.passed:
            say(f"    before it: {passed}, but {reason}", err=True, dim=True)
        if step.next:
            say(f"    next: {step.next}", err=True, dim=True)
