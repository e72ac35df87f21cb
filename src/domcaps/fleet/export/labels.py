"""The labels of a host: its class, its QEMU, and each feature; nothing that the host lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.fleet.export.names import LABEL_PREFIX, label_name, label_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.fleet.features import GuestFeatures, HostFeatures

CLASS_LABEL = f"{LABEL_PREFIX}class"
YES = "true"


def features_of(host: HostFeatures) -> Iterator[str]:
    """Name all features of a host: common ones plainly, those of machine types by their group.

    The first emulator's come without its architecture, those of others with it.
    """
    for number, guest in enumerate(host.guests):
        prefix = f"{guest.arch}." if number else ""
        yield from (f"{prefix}{feature}" for feature in guest.features)
        for group in guest.groups:
            yield from (f"{prefix}machine.{group.name}.{feature}" for feature in group.more)


def labels_of(host: HostFeatures) -> dict[str, str]:
    """Give the labels of every host of a class, sorted by name."""
    first: GuestFeatures | None = next(iter(host.guests), None)
    found = {CLASS_LABEL: host.class_id}
    if first is not None:
        found |= {
            f"{LABEL_PREFIX}qemu": label_value(first.qemu),
            f"{LABEL_PREFIX}libvirt": label_value(first.libvirt),
            f"{LABEL_PREFIX}virttype": label_value(first.virttype),
        }
    found |= {label_name(feature): YES for feature in features_of(host)}
    return dict(sorted(found.items()))
