"""Which files of a host appeared, changed or disappeared between two of its manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.fleet.manifest import encode, sha256

if TYPE_CHECKING:
    from domcaps.fleet.manifest import Manifest
    from domcaps.fleet.store import FleetStore

_MOST = 50
_FACTS = ("firmware", "images", "image_sizes", "helpers", "libvirt")


def changed_files(store: FleetStore, before: Manifest, after: Manifest) -> tuple[str, ...]:
    """Give a line for each file: ``removed /usr/share/qemu/firmware/60-edk2.json``.

    Emulators, firmware descriptors and their images, helper programs and libvirt's library count.
    """
    if not _differ(before, after):
        return ()
    old, new = _files(store, before), _files(store, after)
    lines = [f"removed {path}" for path in old.keys() - new.keys()]
    lines += [f"added {path}" for path in new.keys() - old.keys()]
    lines += [f"changed {path}" for path in old.keys() & new.keys() if old[path] != new[path]]
    lines.sort(key=lambda line: line.partition(" ")[2])
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return tuple(lines[:_MOST] + more)


def _differ(before: Manifest, after: Manifest) -> bool:
    def facts(one: Manifest) -> list[tuple[str | None, str | None]]:
        return [(one.facts.get(name), one.aside.get(name)) for name in _FACTS]

    return facts(before) != facts(after) or before.emulators != after.emulators


def _files(store: FleetStore, manifest: Manifest) -> dict[str, Any]:
    """Give what is known of each file by its path."""
    host = store.host_record(manifest)
    found: dict[str, Any] = {
        entry.path: sha256(encode([entry.inventory, entry.sessions]))
        for entry in manifest.emulators
    }
    for one in host.firmware:
        if one.name:
            found[f"{one.directory}/{one.name}"] = one.text, one.failure
    found |= {path: host.image_sizes.get(path) for path in host.images}
    found |= {one.path: (one.features, one.reason) for one in host.helpers if one.path}
    if host.libvirt.found:
        found[host.libvirt.found] = host.libvirt.version
    return found
