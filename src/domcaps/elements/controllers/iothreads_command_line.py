"""QEMU arguments for ``<iothreads>`` of a driver: which threads serve which queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line


def mapping(line: Line, node: Node) -> list[dict[str, object]] | None:
    """Take which threads serve which queues."""
    reading = line.reading
    driver = node.find("driver")
    threads = None if driver is None else reading.child(driver, "iothreads")
    if threads is None:
        return None
    found = []
    for thread in reading.children(threads, "iothread"):
        told: dict[str, object] = {"iothread": f"iothread{reading.number(thread, 'id')}"}
        queues = [reading.number(queue, "id") for queue in reading.children(thread, "queue")]
        found.append(told | ({"vqs": queues} if queues else {}))
    return found
