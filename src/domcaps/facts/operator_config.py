"""The operator's own configuration, of the system and of a user.

``/etc/domcaps/config.toml`` and ``~/.config/domcaps/config.toml`` may allow emulators::

    allow-emulators = ["/opt/qemu-*/bin/qemu-system-*"]

It counts only where no other user can write it. A project's ``.domcaps.toml`` is another thing: it
comes with what is checked, and can't allow anything.
"""

from __future__ import annotations

import logging
import os
import tomllib
from pathlib import Path

import msgspec

from domcaps import files
from domcaps.facts.ownership import weakness_by_name

log = logging.getLogger("domcaps.trust")

_MAX_BYTES = 1 << 20


class _Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    allow_emulators: tuple[str, ...] = ()


def allowed_emulators() -> tuple[str, ...]:
    """Give the patterns of emulators that the operator's configuration allows.

    A file that can't be used allows nothing; why is logged.
    """
    return tuple(pattern for file in _files() for pattern in _read(file).allow_emulators)


def _files() -> tuple[Path, ...]:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    folders = ("/etc", home)
    return tuple(Path(f, "domcaps/config.toml") for f in folders if f.startswith("/"))


def _read(file: Path) -> _Config:
    if not os.path.lexists(file):
        return _Config()
    # before it is opened: what another user can change may be another file by then, or a pipe
    if weak := weakness_by_name(str(file)):
        log.warning("%s is ignored: %s (%s)", file, weak.text, weak.remedy)
        return _Config()
    try:
        data = files.read(file, _MAX_BYTES)
    except OSError as error:
        log.warning("%s is ignored: %s", file, error.strerror)
        return _Config()
    try:
        found = msgspec.convert(tomllib.loads(data.decode()), _Config)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        log.warning("%s is ignored: %s", file, error)
        return _Config()
    # a pattern that is not absolute fits nothing
    return _Config(tuple(p for p in found.allow_emulators if p.startswith("/")))
