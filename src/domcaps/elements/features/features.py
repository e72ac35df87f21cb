"""``<features>`` and what else the guest's platform may have, each a plain yes or no.

What a domain writes for it stands in different places::

    <genid/>
    <features>
      <vmcoreinfo state='on'/>
      <async-teardown enabled='yes'/>
      <ps2 state='off'/>
    </features>
    <launchSecurity type='s390-pv'/>

``backup`` and ``backingStoreInput`` are no part of a domain: they tell what libvirt itself can do.
"""

from domcaps.elements.advice.drifts import NO_DMA
from domcaps.elements.boards.families import I440FX, ISAPC, Q35, S390, XENFV
from domcaps.elements.features.launch_security import (
    PROTECTED,
    S390_PV,
    TDX_FOR_GUEST,
    TDX_QEMU,
    TRUSTED,
)
from domcaps.language import Element, Place
from domcaps.language.changes.features import (
    ASYNC_TEARDOWN_KNOWN,
    BACKING_STORE_INPUT,
    PS2_KNOWN,
    S390_PV_EVERYWHERE,
    S390_PV_KNOWN,
    TDX_KNOWN,
    TDX_OF_HOST,
)
from domcaps.language.observed import device, device_property, object_property, option, qapi
from domcaps.language.qemu_args import LIBVIRTS_OWN, NotTriable, QemuArgs

VMCOREINFO = Element(
    "vmcoreinfo",
    place=Place.FEATURES,
    order=20,
    supported=device("vmcoreinfo"),
    at_start=(NO_DMA,),
    qemu_args=QemuArgs("-device vmcoreinfo", alone=True),
)
"""The guest tells where its kernel's crash information is."""

GENID = Element(
    "genid",
    place=Place.FEATURES,
    order=30,
    supported=device("vmgenid"),
    qemu_args=QemuArgs("-device vmgenid,guid=auto", alone=True),
)
"""An identifier that changes when the guest is restored from a snapshot."""

BACKING_STORE_INPUT_UNTIL = Element(
    "backingStoreInput",
    place=Place.FEATURES,
    order=40,
    # libvirt describes images to QEMU itself only where QEMU can save the state of guests then
    # and drives can be told the identifier that they had before
    supported=qapi("human-monitor-command/feature=savevm-monitor-nodes")
    & device_property("scsi-hd", "device_id"),
    until=BACKING_STORE_INPUT,
    qemu_args=LIBVIRTS_OWN,
)
BACKING_STORE_INPUT_SINCE = Element(
    "backingStoreInput",
    place=Place.FEATURES,
    order=40,
    since=BACKING_STORE_INPUT,
    qemu_args=LIBVIRTS_OWN,
)
"""Backing chains may be given in the definition: a matter of libvirt alone."""

BACKUP = Element(
    "backup",
    place=Place.FEATURES,
    order=50,
    supported=qapi("blockdev-reopen")
    & qapi("migrate-set-parameters/arg/block-bitmap-mapping/bitmaps/transform"),
    qemu_args=NotTriable("it concerns running guests only: it adds no QEMU argument"),
)
"""Incremental backup: needs bitmaps that can be moved between images and hosts."""

ASYNC_TEARDOWN = Element(
    "async-teardown",
    place=Place.FEATURES,
    order=60,
    since=ASYNC_TEARDOWN_KNOWN,
    supported=option("run-with", "async-teardown"),
    qemu_args=QemuArgs("-run-with async-teardown=on", alone=True),
)
"""A large guest's memory is given back in the background."""

S390_PV_UNTIL = Element(
    "s390-pv",
    place=Place.FEATURES,
    order=70,
    shown=S390,
    supported=S390_PV,
    since=S390_PV_KNOWN,
    until=S390_PV_EVERYWHERE,
    qemu_args=PROTECTED,
)
S390_PV_SINCE = Element(
    "s390-pv",
    place=Place.FEATURES,
    order=70,
    supported=S390_PV,
    since=S390_PV_EVERYWHERE,
    qemu_args=PROTECTED,
)
"""Protected virtualization of IBM's mainframes; older libvirt speaks of it only there."""

PS2 = Element(
    "ps2",
    place=Place.FEATURES,
    order=80,
    since=PS2_KNOWN,
    supported=(I440FX | Q35 | XENFV | ISAPC)
    & object_property("generic-pc-machine", "i8042", abstract=True),
    qemu_args=QemuArgs(machine="i8042=off"),
)
"""The PS/2 controller can be left out."""

TDX_UNTIL = Element(
    "tdx",
    place=Place.FEATURES,
    order=90,
    supported=TDX_QEMU,
    since=TDX_KNOWN,
    until=TDX_OF_HOST,
    qemu_args=TRUSTED,
)
TDX_SINCE = Element(
    "tdx",
    place=Place.FEATURES,
    order=90,
    supported=TDX_FOR_GUEST,
    since=TDX_OF_HOST,
    qemu_args=TRUSTED,
)
"""Intel's trust domains."""
