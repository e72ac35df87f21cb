"""What somebody could do so that a statement comes out otherwise: advice, which decides nothing."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from domcaps.language.world import World


EffortWord = Literal[
    "domain", "machine type", "virtualization type", "firmware file", "package", "host",
    "accelerator", "build option", "QEMU release", "hardware", "architecture", "nothing helps",
]  # fmt: skip
"""What has to be changed, the least first."""


class Effort(enum.Enum):
    """What has to be changed, the least first; the value is the word for it."""

    DOMAIN = "domain"
    MACHINE = "machine type"
    VIRTTYPE = "virtualization type"
    FIRMWARE = "firmware file"
    PACKAGE = "package"
    HOST = "host"
    ACCELERATOR = "accelerator"
    BUILD = "build option"
    QEMU = "QEMU release"
    HARDWARE = "hardware"
    ARCH = "architecture"
    NOTHING = "nothing helps"

    @property
    def word(self) -> EffortWord:
        """The word for it."""
        return self.value

    @property
    def cost(self) -> int:
        """Give a figure by which ways are compared: what follows in the list costs more."""
        return (1, 1, 1, 2, 2, 4, 4, 8, 8, 30, 60, 10_000)[list(Effort).index(self)]


class Remedy(msgspec.Struct, frozen=True):
    """One thing to do: what is changed by it, and how, as an order to somebody."""

    effort: Effort
    how: str = ""


Adviser = Callable[["World"], Remedy | None]
"""Gives the remedy in a world, None where it knows none."""
