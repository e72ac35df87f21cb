"""``<features>`` and what else the guest's platform may have, each a plain yes or no."""

from domcaps.elements.launchsecurity import S390_PV, TDX_FOR_GUEST, TDX_QEMU
from domcaps.elements.machines import I440FX, ISAPC, Q35, XENFV
from domcaps.language import Element, Place
from domcaps.language.observed import arch, device, object_property, option, qapi

VMCOREINFO = Element("vmcoreinfo", place=Place.FEATURES, order=20, supported=device("vmcoreinfo"))
"""The guest tells where its kernel's crash information is."""

GENID = Element("genid", place=Place.FEATURES, order=30, supported=device("vmgenid"))
"""An identifier that changes when the guest is restored from a snapshot."""

BACKING_STORE_INPUT = Element("backingStoreInput", place=Place.FEATURES, order=40)
"""Backing chains may be given in the definition: a matter of libvirt alone."""

BACKUP = Element(
    "backup",
    place=Place.FEATURES,
    order=50,
    supported=qapi("blockdev-reopen")
    & qapi("migrate-set-parameters/arg/block-bitmap-mapping/bitmaps/transform"),
)
"""Incremental backup: needs bitmaps that can be moved between images and hosts."""

ASYNC_TEARDOWN = Element(
    "async-teardown",
    place=Place.FEATURES,
    order=60,
    supported=option("run-with", "async-teardown"),
)
"""A large guest's memory is given back in the background."""

S390_PV_UNTIL = Element(
    "s390-pv",
    place=Place.FEATURES,
    order=70,
    shown=arch("s390", "s390x"),
    supported=S390_PV,
    until="11.6",
)
S390_PV_SINCE = Element("s390-pv", place=Place.FEATURES, order=70, supported=S390_PV, since="11.6")
"""Protected virtualization of IBM's mainframes; older libvirt speaks of it only there."""

PS2 = Element(
    "ps2",
    place=Place.FEATURES,
    order=80,
    supported=(I440FX | Q35 | XENFV | ISAPC)
    & object_property("generic-pc-machine", "i8042", abstract=True),
)
"""The PS/2 controller can be left out."""

TDX_UNTIL = Element(
    "tdx", place=Place.FEATURES, order=90, supported=TDX_QEMU, since="11.6", until="11.10"
)
TDX_SINCE = Element("tdx", place=Place.FEATURES, order=90, supported=TDX_FOR_GUEST, since="11.10")
"""Intel's trust domains."""
