"""What ``<driver>`` says to any virtio device.

::

    <driver iommu='on' ats='on' packed='on' page_per_vq='on'/>
"""

from __future__ import annotations

from domcaps.language.kinds import ON_OFF
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, problem

NAMES = ("iommu", "ats", "packed", "page_per_vq")


class VirtioOptions(Part):
    """Base of parts whose ``<driver>`` may carry the options of virtio devices."""

    iommu = field("driver/@iommu", ON_OFF)
    ats = field("driver/@ats", ON_OFF)
    packed = field("driver/@packed", ON_OFF)
    page_per_vq = field("driver/@page_per_vq", ON_OFF)


def given_options(part: Part) -> Problems:
    """Find fault with each such option that is given to a device that is not virtio."""
    driver = part.find("driver")
    if driver is None:
        return
    for name in NAMES:
        if driver.get(name) is not None:
            yield problem(f"{name} is an option of virtio devices only", part, f"driver/@{name}")
