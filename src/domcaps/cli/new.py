"""``domcaps new``: a domain in which everything holds, made for this host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import WholeNumber, format_option, libvirt_option
from domcaps.cli._complete import complete_arch, complete_machine, complete_system
from domcaps.cli._notes import note, open_host
from domcaps.cli._terminal import emit_document, emit_portable, say
from domcaps.language.quantities import KIB, shown_size
from domcaps.text import styled

if TYPE_CHECKING:
    from domcaps.choose.chosen import Chosen, Step

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
@click.option("--name", required=True, metavar="NAME", help="Name of the domain.")
@click.option("--memory", metavar="SIZE", help="Memory size, such as 4GiB [default: 2GiB].")
@click.option(
    "--vcpus",
    type=WholeNumber(1),
    metavar="N",
    help="Number of virtual CPUs [default: 2].",
)
@click.option(
    "--os",
    metavar="SYSTEM",
    shell_complete=complete_system,
    help="Guest operating system: libosinfo's short name (win11) or full name ('Windows 11'), or "
    "a family (linux, windows, bsd, other).",
)
@click.option(
    "--use",
    type=click.Choice(["desktop", "server", "small"]),
    help="What the guest is for; decides which devices it gets, such as graphics "
    "and sound [default: desktop].",
)
@click.option(
    "--arch",
    metavar="ARCH",
    help="Architecture of the guest [default: the host's].",
    shell_complete=complete_arch,
)
@click.option(
    "--machine",
    metavar="NAME",
    help="Machine type or alias, such as q35 [default: chosen for the guest].",
    shell_complete=complete_machine,
)
@click.option(
    "--virttype",
    metavar="TYPE",
    help="Virtualization type: kvm, hvf, hyperv or qemu [default: the first of them that is "
    "available].",
)
@click.option(
    "--disk",
    "disks",
    multiple=True,
    metavar="PATH[,size=20GiB,bus=BUS,format=FORMAT]",
    help="Add a disk; may be repeated. The size is used in the printed command "
    "that creates the image.",
)
@click.option(
    "--cdrom",
    "cdroms",
    multiple=True,
    metavar="ISO[,bus=BUS]",
    help="Add a CD-ROM drive with this ISO image.",
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="default|user|bridge=BR|network=N|none",
    help="Add a network interface; may be repeated [default: libvirt's network 'default'].",
)
@click.option(
    "--graphics", type=click.Choice(["vnc", "spice", "none"]), help="Type of the graphical console."
)
@click.option("--uefi", is_flag=True, help="Boot with UEFI firmware.")
@click.option("--secure-boot", is_flag=True, help="Boot with UEFI secure boot.")
@click.option("--tpm", is_flag=True, help="Add an emulated TPM.")
@click.option(
    "--share",
    "shares",
    multiple=True,
    metavar="DIR",
    help="Share a folder of the host with the guest; may be repeated. Its name is the tag by which "
    "the guest mounts it: 'data' for /srv/data.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="Set a feature, such as video.modelType=virtio; may be repeated.",
    shell_complete=_complete_setting,
)
@click.option(
    "--hotplug",
    type=WholeNumber(0, 64),
    default=0,
    metavar="N",
    help="Add N free PCIe root ports for hot-plugging.",
)
@click.option(
    "--pin",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the chosen values in FILE; if FILE exists, use its values again.",
)
@click.option(
    "--host",
    "host_files",
    multiple=True,
    metavar="FILE",
    help="Use a recording instead of this machine. May be repeated: the domain "
    "is then valid on all of them.",
    shell_complete=_complete_host,
)
@libvirt_option("libvirt version that must accept the domain:")
@click.option(
    "--explain", is_flag=True, help="Print every decision with its reason and the next best value."
)
@format_option("xml", "json")
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
    """Write the XML of a new domain, with the best settings that this host supports.

    Settings that you do not give are chosen from what the guest, the host, the emulator and the
    machine type support. The XML is printed; save it in a file, and pass that to 'virsh define'.

    \b
      domcaps new --name web --os debian13 --disk /srv/web.qcow2,size=20GiB --use server
      domcaps new --name w --os win11 --memory 8GiB --vcpus 4 --disk /srv/w.qcow2 --explain

    Exit code: 0 if a domain was created, 1 if the options conflict (the smallest conflicting set is
    printed with the reasons), 2 on error.
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
        note(f"the chosen values were saved in {pin}")
    if form == "json":
        _print_json(chosen)
        return
    if explain:
        _explain(chosen)
    for text in chosen.notes:
        note(text)
    emit_portable(chosen.xml)


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


def _shown(step: Step) -> str:
    return shown_size(int(step.value) * KIB) if step.unit == "KiB" else step.value


def _explain(chosen: Chosen) -> None:
    """Tell the decisions on standard error, so that the XML stays by itself."""
    say(f"guest: {chosen.guest.name or 'any'} ({chosen.guest.source})", err=True)
    for step in chosen.steps:
        value = styled(_shown(step) or "left out", bold=True)
        why = f"wanted by {step.wanted}" if step.why == "wanted" and step.wanted else step.why
        say(f"{step.title} [{step.name}]: {value}, {why}", err=True)
        for passed, reason in step.passed:
            say(f"    before it: {passed}, but {reason}", err=True, dim=True)
        if step.next:
            say(f"    next: {step.next}", err=True, dim=True)
