"""Notes on standard error, and the host that a command asks, for commands with or without click.

What a command line chose once for all of a run, such as quiet, is kept in click's context; where a
plain command line is run without click (`_plain`), in a dictionary of this module.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from domcaps.cli._terminal import say

if TYPE_CHECKING:
    from domcaps.facts.record import Libvirt
    from domcaps.hosts.host import Host

QUIET = "domcaps.quiet"
"""The key under which a command says that notes are not wanted."""

AS = "domcaps.as"
"""The key of the user that ``--as`` names."""

AUTO = "domcaps.libvirt_is_auto"
"""The key that tells whether the release of libvirt is left to the host."""

_TOLD = "domcaps.libvirt_told"
_WITHOUT_CLICK: dict[str, Any] = {}


def chosen() -> dict[str, Any]:
    """Give what was chosen for the whole run, by the keys above."""
    click: Any = sys.modules.get("click")
    context = None if click is None else click.get_current_context(silent=True)
    meta: dict[str, Any] = _WITHOUT_CLICK if context is None else context.meta
    return meta


def qemu_user() -> str:
    """Give the user of ``--as`` as `Host.local` takes it."""
    return chosen().get(AS) or ("system" if os.geteuid() == 0 else "session")


def note(text: str) -> None:
    """Print a note on standard error, unless the user wants quiet."""
    if not chosen().get(QUIET):
        say(f"domcaps: {text}", err=True, dim=True)


def open_host(host_file: str | None, *, inventory: bool = False) -> Host:
    """Open a recording or this machine; prints the libvirt version that ``auto`` selects."""
    host = _open_host(host_file, inventory=inventory)
    if chosen().get(AUTO):
        tell_libvirt(host)
    return host


def _open_host(host_file: str | None, *, inventory: bool) -> Host:
    from domcaps.hosts.host import Host

    if host_file is None:
        return Host.local(inventory=inventory, qemu_user=qemu_user())
    if host_file == "local":
        # a file of that name: this machine is None
        return Host.load(host_file)
    return Host.open(host_file)


def tell_libvirt(host: Host) -> None:
    """Print which libvirt version ``--libvirt auto`` selects on a host, and why."""
    tell_found(host.few_facts().record.libvirt)


def tell_found(found: Libvirt) -> None:
    """Print the same where only that of the host is known."""
    from domcaps.language.dialect import why_dialect

    if not found.version:
        # nothing was decided by the host: the newest is what --help says
        return
    _tell_once(why_dialect(found))


def tell_newest(host: Host) -> None:
    """Print which libvirt version judges domains where nothing of the host names one."""
    from domcaps.language.dialect import dialect_for

    found = host.few_facts().record.libvirt
    if found.version:
        return
    missing = (
        "the recording names no libvirt version" if host.origin else "no libvirt was found here"
    )
    _tell_once(
        f"checked against libvirt {dialect_for('auto', found)}, the newest known: {missing}; "
        "choose another with --libvirt"
    )


def _tell_once(text: str) -> None:
    told = chosen().setdefault(_TOLD, set())
    if text not in told:
        told.add(text)
        note(text)
