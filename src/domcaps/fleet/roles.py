"""Paths of emulators as roles: "the emulator of this host for x86_64 guests".

Distributions install the same QEMU under different paths: ``/usr/bin/qemu-system-x86_64`` here,
``/usr/libexec/qemu-kvm`` there. A fleet compares hosts by what their emulators can do. So the
emulator that libvirt takes by default has one path in all hosts while they are compared, and a
domain that names such a path is judged on each host with that host's own emulator. What is said of
a host names its own path again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.arch import qemu_target

if TYPE_CHECKING:
    from domcaps.fleet.manifest import Manifest
    from domcaps.fleet.store import FleetStore

_FOLDER = "/usr/bin/"
_KVM = frozenset({"/usr/libexec/qemu-kvm", "/usr/bin/qemu-kvm", "/usr/bin/kvm"})
_NAMED = re.compile(
    r"(?:/usr(?:/local)?/s?bin/|/run/current-system/sw/bin/)(qemu-system-[a-z0-9_]+)"
)
_EMULATOR = re.compile(rb"(<emulator>)([^<\s]+)(</emulator>)")


def role_of(path: str, arch: str) -> str:
    """Give the path that stands for an emulator's role; the path itself where it has none.

    `arch` is that of the guests of an emulator whose name does not tell it.
    """
    named = _NAMED.fullmatch(path)
    if named:
        return _FOLDER + named[1]
    return f"{_FOLDER}qemu-system-{qemu_target(arch)}" if path in _KVM and arch else path


def role_paths(store: FleetStore, manifest: Manifest) -> tuple[Manifest, dict[str, str]]:
    """Give a manifest in which default emulators have the path of their role, and the own paths."""
    arch = store.content.value(str, manifest.facts["arch"]) if "arch" in manifest.facts else ""
    own = {}
    taken = {entry.path for entry in manifest.emulators}
    for entry in manifest.emulators:
        role = role_of(entry.path, arch)
        if role != entry.path and role not in taken:
            own[role] = entry.path
            taken.add(role)
    by_path = {path: role for role, path in own.items()}
    emulators = tuple(
        msgspec.structs.replace(entry, path=by_path.get(entry.path, entry.path))
        for entry in manifest.emulators
    )
    return msgspec.structs.replace(manifest, emulators=emulators), own


def judged_document(data: bytes, own: dict[str, str], arch: str = "") -> bytes:
    """Give a domain as a fleet judges it on a host: with that host's own emulator path.

    `own` has the paths of the host by role, `arch` is that of guests of ``qemu-kvm``.
    """

    def replaced(found: re.Match[bytes]) -> bytes:
        path = found[2].decode(errors="replace")
        role = role_of(path, arch)
        mine = own.get(role, role)
        return found[1] + mine.encode() + found[3]

    return _EMULATOR.sub(replaced, data, count=1)
