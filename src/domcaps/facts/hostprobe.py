"""Reading a live host: everything that its record holds, without asking an emulator.

Nothing is changed on the host. Without helper programs being run, it takes a few milliseconds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.facts.host_record import HostReader, HostRecord
from domcaps.facts.hostfiles import HostFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domcaps.facts.host_parts import Helper


def read_host(
    root: Path = Path("/"),
    *,
    privileged: bool | None = None,
    environ: Mapping[str, str] = os.environ,
    run_helpers: bool = True,
    known_helpers: Iterable[Helper] = (),
    qemu_user: str = "",
    files: HostFiles | None = None,
) -> HostRecord:
    """Read the host whose files are below `root`.

    `privileged` says whose configuration counts, root's or a user's: by default that of the user
    that runs this. `run_helpers` asks helper programs what they can do; those in `known_helpers`
    are not asked again while their file is the same. `qemu_user` is the account that QEMU runs as
    ("system": that of the system's libvirt), by default the present one. `files` replaces `root` by
    any other way to see files.
    """
    reader = HostReader(
        files or HostFiles(root),
        privileged=os.geteuid() == 0 if privileged is None else privileged,
        environ=environ,
        qemu_user=qemu_user,
        run_helpers=run_helpers,
        known_helpers=tuple(known_helpers),
    )
    return HostRecord(**{field: getattr(reader, field)() for field in HostRecord.__struct_fields__})
