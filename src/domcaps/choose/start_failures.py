"""What choosing has to know of values that are refused when a guest starts.

The findings themselves are the validator's: it has one for everything that is known to fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.at_start import start_failure

if TYPE_CHECKING:
    from domcaps.language import Choice, Enum, World

HELPED_BY = {
    "features-smm-unavailable": "os.secureBoot",
    "start-without-pci-balloon": "memballoon.model",
}
"""The decision that may help where something fails, however little else is said."""

COMPANIONS = {"graphics.type": "video.modelType"}
"""Decisions without which libvirt adds a device of its own choice, as soon as another is made."""


def choice_of(enum: Enum, value: str, world: World) -> Choice | None:
    """Give what a value of an enum means; what a dialect has no words for QEMU may have or lack."""
    dialect = world.target.dialect
    if dialect.has_between(enum.since, enum.until):
        return enum.find(value, dialect)
    return next((choice for choice in enum.choices if choice.name == value), None)


def fails_at_start(choice: Choice, world: World) -> str:
    """Say why a value that the report lists is refused at start for sure, "" where it is not."""
    failure = start_failure(choice, world)
    return failure.but if failure is not None else ""
