"""``<vsock>``: sockets between host and guest.

::

    <vsock model='virtio'>
      <cid auto='no' address='3'/>
    </vsock>
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.language.changes.devices import VSOCK_OPTIONS
from domcaps.language.fix import set_value
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.require import needs
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import ON_OFF, POSITIVE, YES_NO, OneOf

VHOST_VSOCK = device("vhost-vsock-device")

# the smaller ones stand for hypervisor, loopback and host
_FIRST_GUEST = 3


class Vsock(VirtioOptions, Device):
    """The device for sockets between host and guest."""

    path = "devices/vsock"

    model = field("@model", OneOf(("default", *VIRTIO_MODELS)))
    iommu = field("driver/@iommu", ON_OFF, since=VSOCK_OPTIONS)
    ats = field("driver/@ats", ON_OFF, since=VSOCK_OPTIONS)
    packed = field("driver/@packed", ON_OFF, since=VSOCK_OPTIONS)
    address_number = field(
        "cid/@address",
        POSITIVE,
        expected="a context id, at least 3, that no other guest of the host uses, such as '3'",
    )
    auto = field("cid/@auto", YES_NO)


@rule(
    "vsock-duplicate",
    Vsock,
    bad="<vsock/><vsock/>",
    good="<vsock/>",
)
def one_vsock(vsock: Vsock) -> Problems:
    """A domain may have at most one ``<vsock>``."""
    if vsock.domain.all(Vsock)[0].node is not vsock.node:
        yield problem("the domain has a second <vsock>; remove one", vsock)


@rule(
    "vsock-unsupported",
    Vsock,
    bad="<vsock/>",
    good="<vsock/>",
)
def vsock_is_there(vsock: Vsock) -> Problems:
    """``<vsock>`` requires a QEMU with vhost-vsock."""
    yield from needs(vsock, VHOST_VSOCK, "this QEMU does not have vhost-vsock")


@rule(
    "vsock-cid-reserved",
    Vsock,
    bad="<vsock><cid address='2'/></vsock>",
    good="<vsock><cid address='3'/></vsock>",
)
def guests_count_from_3(vsock: Vsock) -> Problems:
    """Attribute ``address`` of ``<cid>`` must be at least 3: lower numbers are reserved."""
    if vsock.address_number is not None and vsock.address_number < _FIRST_GUEST:
        yield problem(
            f"attribute 'address' of <cid> must be at least {_FIRST_GUEST}: lower "
            "numbers are reserved",
            vsock,
            "cid/@address",
            fix=set_value(str(_FIRST_GUEST), "@address"),
        )
