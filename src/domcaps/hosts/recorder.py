"""Recording this machine: its facts, and what its emulators answer."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from domcaps._version import __version__
from domcaps.elements import questions
from domcaps.errors import DomcapsError
from domcaps.facts.hostprobe import read_host
from domcaps.facts.nodeprobe import read_node
from domcaps.facts.open_files import says_open_files
from domcaps.facts.probe import probe
from domcaps.facts.record import Recording
from domcaps.facts.trust import vouch
from domcaps.fresh.trusted import distrust
from domcaps.hosts.host import Host

if TYPE_CHECKING:
    from collections.abc import Sequence


@says_open_files
def record_here(emulators: Sequence[str] = (), comment: str = "") -> Recording:
    """Start emulators of this machine and record them with the host's facts.

    Without `emulators` it is the one that libvirt takes by default. Naming one vouches for it, as
    `docs/security.md` says. Raises the error of the first emulator that can't be recorded.
    """
    paths = [vouch(path) for path in emulators] or [Host.local().default_emulator()]
    for error in filter(None, map(distrust, paths)):
        raise error
    host = read_host()
    results = probe(paths, questions(), kvm=host.kvm.usable)
    for result in results:
        if isinstance(result, DomcapsError):
            raise result
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Recording(
        host=host,
        emulators=tuple(r for r in results if not isinstance(r, DomcapsError)),
        node=read_node(),
        made_by=f"domcaps {__version__}",
        made_at=now,
        comment=comment,
    )
