"""What several commands complete on a shell's command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click
    from click.shell_completion import CompletionItem

    from domcaps.hosts.host import Host


def complete_code(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Complete the last of several codes that commas divide."""
    from click.shell_completion import CompletionItem

    from domcaps.validate.catalogue.codes import codes

    head, comma, begun = incomplete.rpartition(",")
    return [
        CompletionItem(f"{head}{comma}{name}", help=code.title)
        for name, code in codes().items()
        if name.startswith(begun)
    ]


def complete_arch(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Complete an architecture that libvirt knows."""
    from domcaps.facts.arch import ARCHITECTURES

    return _items(sorted(ARCHITECTURES), incomplete)


def complete_machine(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Complete a machine type: of the recording that the command line names, or of a shipped one.

    No emulator is executed for a completion.
    """
    return _items(machine_types(ctx.params), incomplete)


def machine_types(given: dict[str, object]) -> list[str]:
    """Name the machine types of the host and architecture among a command's parameters."""
    from domcaps.errors import DomcapsError

    try:
        host = _recorded(given)
        arch = given.get("arch")
        chosen = arch[0] if isinstance(arch, tuple) and arch else arch
        path = host.default_emulator(str(chosen) if chosen else host.guest_arch)
        emulator = host.emulators.get(path)
        machines = emulator.machines(emulator.virttypes[0])
    except (DomcapsError, OSError, LookupError):
        return []
    aliases = [machine.alias for machine in machines if machine.alias]
    return [*aliases, *(machine.name for machine in machines)]


def _recorded(given: dict[str, object]) -> Host:
    from domcaps.facts.host_record import libvirt_arch
    from domcaps.hosts.host import Host
    from domcaps.shipped import open_shipped

    named = given.get("host_file") or given.get("hosts") or ""
    name = str(named[0] if isinstance(named, tuple) else named)
    if name.partition(":")[0] == "shipped":
        return open_shipped(name.partition(":")[2])
    if name and name != "local":
        return Host.load(name)
    import platform

    arch = given.get("arch")
    chosen = arch[0] if isinstance(arch, tuple) and arch else arch
    return open_shipped(arch=str(chosen) if chosen else libvirt_arch(platform.machine()))


def complete_system(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Complete a guest's system: a family, or libosinfo's short name where that is installed."""
    from domcaps.facts.osinfo import database_folder, open_database
    from domcaps.language.preference import FAMILIES

    folder = database_folder()
    known = open_database(folder).names() if folder is not None else ()
    return _items([*FAMILIES, *sorted(known)], incomplete)


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
