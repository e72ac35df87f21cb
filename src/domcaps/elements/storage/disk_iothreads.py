"""I/O threads that serve a disk on virtio: one for all queues, or several with queues each.

::

    <driver name='qemu' type='qcow2' queues='2'>
      <iothreads>
        <iothread id='1'><queue id='0'/></iothread>
        <iothread id='2'><queue id='1'/></iothread>
      </iothreads>
    </driver>
"""

from __future__ import annotations

from domcaps.elements.controllers.controller import threads
from domcaps.elements.controllers.iothread_mapping import (
    Thread,
    duplicates,
    malformed,
    mapping_problems,
    named_threads,
    unknown,
)
from domcaps.elements.storage.disk import Disk
from domcaps.language.changes.storage import DISK_IOTHREAD_DEFINED, DISK_IOTHREADS
from domcaps.language.fix import Fix
from domcaps.language.observed import device_property
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, problem, rule

MAPPING = device_property("virtio-blk-pci", "iothread-vq-mapping") | device_property(
    "virtio-blk-ccw", "iothread-vq-mapping"
)

_DISK = (
    "<iothreads>2</iothreads><disk type='file'><driver name='qemu' {}</driver>"
    "<source file='/a'/><target dev='{}'/></disk>"
)
_TWO = "><iothreads><iothread id='1'>{}</iothread><iothread id='{}'>{}</iothread></iothreads>"
_QUEUE = "<queue id='{}'/>"
_PLAIN = _DISK.format(_TWO.format("", 2, ""), "vda")
_MAPPED = _DISK.format("queues='2'" + _TWO.format(_QUEUE.format(0), 2, _QUEUE.format(1)), "vda")


def _threads(disk: Disk) -> tuple[Thread, ...]:
    """Give the I/O threads that are listed, where libvirt reads them."""
    return named_threads(disk.find("driver")) if libvirt_reads(disk, DISK_IOTHREADS) else ()


@rule(
    "disk-iothreads-invalid",
    Disk,
    bad=_DISK.format("><iothreads><iothread/></iothreads>", "vda"),
    good=_PLAIN,
)
def numbers_are_given(disk: Disk) -> Problems:
    """Each ``<iothread>`` and ``<queue>`` of a disk needs the attribute ``id``, a number."""
    yield from malformed(_threads(disk))


@rule(
    "disk-iothread-conflict",
    Disk,
    bad=_DISK.format("iothread='1'" + _TWO.format("", 2, ""), "vda"),
    good=_PLAIN,
)
def one_or_several(disk: Disk) -> Problems:
    """A disk must use either attribute ``iothread`` of ``<driver>``, or ``<iothreads>``,
    not both.
    """
    if disk.iothread and _threads(disk):
        yield problem(
            "attribute 'iothread' cannot be combined with <iothreads>; remove one of them",
            disk,
            "driver/@iothread",
        )


@rule(
    "disk-iothread-unsupported",
    Disk,
    bad=_DISK.format("iothread='1'>", "sda"),
    good=_DISK.format("iothread='1'>", "vda"),
    defined=DISK_IOTHREAD_DEFINED,
)
def threads_need_virtio(disk: Disk) -> Problems:
    """Attribute ``iothread`` and element ``<iothreads>`` of ``<driver>`` require
    ``<target bus='virtio'>`` and a QEMU that supports them.
    """
    several = _threads(disk)
    if not several and not disk.iothread:
        return
    if disk.bus != "virtio":
        # another bus needs another driver in the guest
        fix = Fix(without=("@iothread", "iothreads"))
        yield problem(
            "I/O threads of a disk require <target bus='virtio'>; use that bus, or remove them",
            disk,
            "driver",
            fix=fix,
        )
    elif several:
        yield from needs(
            disk,
            MAPPING,
            "this QEMU does not support several I/O threads for a disk; use the "
            "attribute 'iothread'",
            "driver",
        )


@rule(
    "disk-iothread-unknown",
    Disk,
    bad=_DISK.format("iothread='3'>", "vda"),
    good=_DISK.format("iothread='2'>", "vda"),
    defined=DISK_IOTHREAD_DEFINED,
)
def threads_exist(disk: Disk) -> Problems:
    """Each ``<iothread>`` of a disk must have the id of an I/O thread that the domain defines."""
    several = _threads(disk)
    if disk.bus != "virtio" or not (several or disk.iothread):
        return
    yield from unknown(disk.node, several, disk.iothread or 0, threads(disk))


@rule(
    "disk-iothread-duplicate",
    Disk,
    bad=_DISK.format(_TWO.format("", 1, ""), "vda"),
    good=_PLAIN,
)
def threads_are_named_once(disk: Disk) -> Problems:
    """A disk must not list the same I/O thread twice."""
    yield from duplicates(_threads(disk))


@rule(
    "disk-queue-invalid",
    Disk,
    bad=_DISK.format("queues='2'" + _TWO.format(_QUEUE.format(0), 2, _QUEUE.format(2)), "vda"),
    good=_MAPPED,
)
def queues_are_all_served(disk: Disk) -> Problems:
    """If a disk has ``<queue>`` elements, each of its queues must be assigned exactly once."""
    yield from mapping_problems(disk.node, _threads(disk), disk.queues or 0)
