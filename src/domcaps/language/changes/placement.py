"""Changes of boards and of where devices go."""

from __future__ import annotations

from domcaps.language.change import estimate

BOARDS_WITHOUT_PCI = estimate(
    "11.9",
    "11.3 and 12.8 differ; boards were gone through for USB controllers",
    "libvirt knows which boards have no PCI, and what is soldered on them",
)
