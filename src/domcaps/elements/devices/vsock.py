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
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.require import needs
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import POSITIVE, YES_NO, OneOf

VHOST_VSOCK = device("vhost-vsock-device")

# the smaller ones stand for hypervisor, loopback and host
_FIRST_GUEST = 3


class Vsock(VirtioOptions, Device):
    """The device for sockets between host and guest."""

    path = "devices/vsock"

    model = field("@model", OneOf(("default", *VIRTIO_MODELS)))
    address_number = field("cid/@address", POSITIVE)
    auto = field("cid/@auto", YES_NO)


@rule(
    "vsock-duplicate",
    Vsock,
    bad="<vsock/><vsock/>",
    good="<vsock/>",
)
def one_vsock(vsock: Vsock) -> Problems:
    """A domain has one such device at most."""
    if vsock.domain.all(Vsock)[0].node is not vsock.node:
        yield problem("there is a <vsock> already", vsock)


@rule(
    "vsock-unsupported",
    Vsock,
    bad="<vsock/>",
    good="<vsock/>",
)
def vsock_is_there(vsock: Vsock) -> Problems:
    """The device is one that QEMU may be built without."""
    yield from needs(vsock, VHOST_VSOCK, "this QEMU has no vhost-vsock")


@rule(
    "vsock-cid-reserved",
    Vsock,
    bad="<vsock><cid address='2'/></vsock>",
    good="<vsock><cid address='3'/></vsock>",
)
def guests_count_from_3(vsock: Vsock) -> Problems:
    """Addresses of guests begin at 3."""
    if vsock.address_number is not None and vsock.address_number < _FIRST_GUEST:
        yield problem(f"a guest's CID is from {_FIRST_GUEST} on", vsock, "cid/@address")
