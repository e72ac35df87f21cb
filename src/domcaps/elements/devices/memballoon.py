"""``<memballoon>``: a device through which the guest gives memory back to the host.

::

    <memballoon model='virtio' autodeflate='on' freePageReporting='on'>
      <stats period='10'/>
    </memballoon>

A domain without one is given a virtio balloon on most machines.
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.language import Choice, Enum
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.observed import device_property
from domcaps.language.part import field
from domcaps.language.predicate import AnyOf, Predicate
from domcaps.language.preference import Decision, Option
from domcaps.language.quantities import OrEmpty
from domcaps.language.require import needs
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import ON_OFF, UNSIGNED, Int

_FORMS = ("virtio-balloon-pci", "virtio-balloon-ccw", "virtio-balloon-device")


def _balloon_property(name: str) -> Predicate:
    return AnyOf(tuple(device_property(form, name) for form in _FORMS))


AUTODEFLATE = _balloon_property("deflate-on-oom")
FREE_PAGE_REPORTING = _balloon_property("free-page-reporting")

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("virtio"),
        Choice("none"),
        Choice("virtio-transitional"),
        Choice("virtio-non-transitional"),
    ),
)

PREFERENCE = Decision(
    "memballoon.model",
    MODEL,
    order=145,
    title="the memory balloon",
    xml="<memballoon model='{value}'/>",
    options=(
        Option("", "libvirt adds the one that suits the board"),
        Option("none", "the one that libvirt adds would have no place"),
    ),
)


class Memballoon(VirtioOptions, Device):
    """The memory balloon."""

    path = "devices/memballoon"

    model = field("@model", choice=MODEL, required=True)
    autodeflate = field("@autodeflate", ON_OFF)
    free_page_reporting = field("@freePageReporting", ON_OFF)
    stats_period = field(
        "stats/@period",
        Int(-(2**31), 2**31 - 1, base=0),
        strict=VALUES_STRICT,
        before=OrEmpty(UNSIGNED),
        expected="a number of seconds, such as '10'",
    )

    @property
    def is_virtio(self) -> bool:
        """Whether it is a virtio device."""
        return self.model != "none"


@rule(
    "memballoon-duplicate",
    Memballoon,
    bad="<memballoon model='virtio'/><memballoon model='virtio'/>",
    good="<memballoon model='none'/>",
)
def one_balloon(balloon: Memballoon) -> Problems:
    """A domain may have at most one ``<memballoon>``."""
    if balloon.domain.all(Memballoon)[0].node is not balloon.node:
        yield problem("the domain has a second <memballoon>; remove one", balloon)


@rule(
    "memballoon-autodeflate-unsupported",
    Memballoon,
    bad="<memballoon model='virtio' autodeflate='on'/>",
    good="<memballoon model='virtio' autodeflate='on'/>",
)
def balloon_can_deflate(balloon: Memballoon) -> Problems:
    """Attribute ``autodeflate`` of ``<memballoon>`` requires a QEMU that supports it."""
    if balloon.autodeflate is not None and balloon.model != "none":
        yield from needs(
            balloon,
            AUTODEFLATE,
            "this QEMU does not support autodeflate; remove it",
            "@autodeflate",
        )


@rule(
    "memballoon-free-page-reporting-unsupported",
    Memballoon,
    bad="<memballoon model='virtio' freePageReporting='on'/>",
    good="<memballoon model='virtio' freePageReporting='on'/>",
)
def balloon_can_report(balloon: Memballoon) -> Problems:
    """Attribute ``freePageReporting`` of ``<memballoon>`` requires QEMU 5.1 or later."""
    if balloon.free_page_reporting is not None and balloon.model != "none":
        yield from needs(
            balloon,
            FREE_PAGE_REPORTING,
            "this QEMU does not support freePageReporting; remove it",
            "@freePageReporting",
        )
