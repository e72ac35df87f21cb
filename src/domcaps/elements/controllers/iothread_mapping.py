"""Queues of a device served by several I/O threads: for disks on virtio and SCSI controllers.

::

    <driver queues='2'>
      <iothreads>
        <iothread id='1'><queue id='0'/></iothread>
        <iothread id='2'><queue id='1'/></iothread>
      </iothreads>
    </driver>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.attributes import Attributes, number
from domcaps.language.fix import Fix, set_value
from domcaps.language.rule import Problems, problem
from domcaps.language.struct import Struct
from domcaps.language.value_types import UNSIGNED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from lxml.etree import _Element as Node

_MOST_ADDED = 64
"""No more I/O threads are added to a domain that names one which it has not."""

_ID = Attributes({"id": UNSIGNED}, required=("id",))


class Thread(Struct, frozen=True):
    """One I/O thread that a device lists, with its queues."""

    node: Node
    number: int
    queues: tuple[Node, ...]


def named_threads(driver: Node | None) -> tuple[Thread, ...]:
    """Give the I/O threads that are listed in a ``<driver>``."""
    listed = None if driver is None else driver.find("iothreads")
    if listed is None:
        return ()
    return tuple(
        Thread(node, number(node, "id"), tuple(node.findall("queue")))
        for node in listed.findall("iothread")
    )


def malformed(listed: tuple[Thread, ...]) -> Problems:
    """Report I/O threads and queues that are not named by a number."""
    for thread in listed:
        yield from _ID.problems(thread.node)
        for queue in thread.queues:
            yield from _ID.problems(queue)


def unknown(
    device: Node, listed: tuple[Thread, ...], single: int, known: AbstractSet[int]
) -> Problems:
    """Report I/O threads that the domain does not have."""
    named = [(thread.node, thread.number, "@id") for thread in listed]
    if not listed and single:
        named = [(device, single, "driver/@iothread")]
    for node, which, at in named:
        if which not in known:
            yield problem(
                f"the domain does not define I/O thread {which}; raise <iothreads>, or "
                "use the id of another one",
                node,
                at,
                accepted=map(str, sorted(known)),
                fix=with_thread(node.getroottree().getroot(), which),
            )


def with_thread(domain: Node, number: int) -> Iterator[Fix]:
    """Give a domain the I/O thread of a number: listed where the others are, else counted."""
    if not 0 < number <= _MOST_ADDED:
        return
    if domain.find("iothreadids/iothread") is not None:
        yield Fix(add=f"<iothreadids><iothread id='{number}'/></iothreadids>")
    else:
        yield set_value(str(number), "/domain/iothreads")


def duplicates(listed: tuple[Thread, ...]) -> Problems:
    """Report I/O threads that are listed twice."""
    seen: set[int] = set()
    for thread in listed:
        if thread.number in seen:
            yield problem(
                f"I/O thread {thread.number} is listed twice; remove one <iothread>",
                thread.node,
                "@id",
            )
        seen.add(thread.number)


def mapping_problems(device: Node, listed: tuple[Thread, ...], count: int) -> Problems:
    """Report the queues of a device that are given to I/O threads."""
    with_queues = [thread for thread in listed if thread.queues]
    if not with_queues:
        return
    if not count:
        yield problem(
            "<queue> elements require the attribute 'queues' on <driver>", device, "driver/@queues"
        )
        return
    for thread in listed:
        if not thread.queues:
            yield problem(
                "either every <iothread> lists its <queue> elements, or none does", thread.node
            )
    served: set[int] = set()
    for queue in (queue for thread in listed for queue in thread.queues):
        which = number(queue, "id")
        if which >= count:
            yield problem(
                f"the device has {count} queues: queue ids go from 0 to {count - 1}", queue, "@id"
            )
        elif which in served:
            yield problem(
                f"queue {which} is assigned to two I/O threads; remove one <queue>", queue, "@id"
            )
        served.add(which)
    left = next((n for n in range(len(served) + 1) if n < count and n not in served), None)
    if left is not None:
        yield problem(
            f"queue {left} is not assigned to an I/O thread; add a <queue> for it",
            device,
            "driver/iothreads",
        )
