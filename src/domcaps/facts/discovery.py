"""Finding the emulators that are installed."""

from __future__ import annotations

import os
from pathlib import Path

from domcaps.facts.ownership import weakness_of_search
from domcaps.facts.real_path import real_path
from domcaps.patterns import late_pattern

_NAME = late_pattern(r"qemu-system-[a-z0-9_]+")
ELSEWHERE = ("/usr/libexec/qemu-kvm", "/usr/bin/qemu-kvm")
"""Emulators whose names do not tell for which guests they are."""
_WITHOUT_TARGET = (*ELSEWHERE, "/usr/bin/kvm", "/usr/bin/kvm-spice")
"""Names of the emulator for the host's own architecture that stand in domains."""


def is_emulator_name(name: str) -> bool:
    """Tell whether a program is an emulator, by its name."""
    return _NAME.fullmatch(name) is not None


def installed_emulators(search_path: str | None = None) -> tuple[str, ...]:
    """Give the path of every ``qemu-system-<target>``, once for each file and target.

    `search_path` has the form of ``PATH``, which is its default. Links to an emulator already found
    are left out, but for those that name another target, as ``qemu-system-ppc64le`` does: domains
    name them.
    """
    folders = (search_path if search_path is not None else os.environ.get("PATH", "")).split(":")
    # where other users can add names, an emulator is none of this system's
    absolute = [
        folder
        for folder in folders
        if folder.startswith("/") and not weakness_of_search(real_path(folder))
    ]
    candidates = [Path(folder) / name for folder in absolute for name in _names(folder)]
    candidates += [Path(path) for path in ELSEWHERE]
    found: dict[tuple[Path, str], str] = {}
    # a file's own name before the links to it
    for path in sorted(candidates, key=lambda p: p.is_symlink()):
        if path.is_file() and os.access(path, os.X_OK):
            real = path.resolve()
            # a name without a target, such as qemu-kvm, stands for that of its file
            target = path.name if _NAME.fullmatch(path.name) else real.name
            found.setdefault((real, target), str(path))
    return tuple(sorted(found.values()))


def emulators_in_domains() -> tuple[str, ...]:
    """Give the installed emulators, and other names such as ``/usr/bin/kvm`` that domains have."""
    others = [path for path in _WITHOUT_TARGET if Path(path).is_file() and os.access(path, os.X_OK)]
    return tuple(sorted({*installed_emulators(), *others}))


def _names(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if is_emulator_name(name)]  # noqa: PTH208
    except OSError:
        return []
