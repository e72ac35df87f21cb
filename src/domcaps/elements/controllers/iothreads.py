"""I/O threads that serve a SCSI controller of virtio: one for all queues, or several.

::

    <controller type='scsi' model='virtio-scsi'>
      <driver queues='2'>
        <iothreads>
          <iothread id='1'><queue id='0'/></iothread>
          <iothread id='2'><queue id='1'/></iothread>
        </iothreads>
      </driver>
    </controller>
"""

from __future__ import annotations

from domcaps.elements.controllers.controller import Controller, threads
from domcaps.elements.controllers.iothread_mapping import (
    duplicates,
    malformed,
    mapping_problems,
    named_threads,
    unknown,
)
from domcaps.language.changes.controllers import CONTROLLER_IOTHREADS
from domcaps.language.rule import Problems, problem, rule

_SCSI = (
    "<iothreads>2</iothreads><controller type='scsi' model='{}'><driver {}</driver></controller>"
)
_TWO = "><iothreads><iothread id='1'>{}</iothread><iothread id='{}'>{}</iothread></iothreads>"
_QUEUE = "<queue id='{}'/>"
_PLAIN = _SCSI.format("virtio-scsi", _TWO.format("", 2, ""))
_MAPPED = _SCSI.format(
    "virtio-scsi", "queues='2'" + _TWO.format(_QUEUE.format(0), 2, _QUEUE.format(1))
)


@rule(
    "controller-iothreads-invalid",
    Controller,
    bad=_SCSI.format("virtio-scsi", "><iothreads><iothread/></iothreads>"),
    good=_PLAIN,
    since=CONTROLLER_IOTHREADS,
)
def numbers_are_given(controller: Controller) -> Problems:
    """Each ``<iothread>`` and ``<queue>`` of a controller needs the attribute ``id``, a number."""
    yield from malformed(named_threads(controller.find("driver")))


@rule(
    "controller-iothreads-conflict",
    Controller,
    bad=_SCSI.format("virtio-scsi", "iothread='1'" + _TWO.format("", 2, "")),
    good=_PLAIN,
    since=CONTROLLER_IOTHREADS,
)
def one_or_several(controller: Controller) -> Problems:
    """A controller must use either attribute ``iothread`` or element ``<iothreads>``, not both."""
    if controller.iothread and named_threads(controller.find("driver")):
        what = "attribute 'iothread' cannot be combined with <iothreads>; remove one of them"
        yield problem(what, controller, "driver/@iothread")


@rule(
    "controller-iothreads-unsupported",
    Controller,
    bad=_SCSI.format("lsilogic", _TWO.format("", 2, "")),
    good=_PLAIN,
    since=CONTROLLER_IOTHREADS,
)
def several_need_virtio_scsi(controller: Controller) -> Problems:
    """``<iothreads>`` of a controller requires ``model='virtio-scsi'``."""
    if not controller.is_virtio_scsi and named_threads(controller.find("driver")):
        what = "<iothreads> is only valid for SCSI controllers of model 'virtio-scsi'; remove it"
        yield problem(what, controller, "driver/iothreads")


@rule(
    "controller-iothreads-unknown",
    Controller,
    bad=_SCSI.format("virtio-scsi", _TWO.format("", 3, "")),
    good=_PLAIN,
    since=CONTROLLER_IOTHREADS,
)
def threads_exist(controller: Controller) -> Problems:
    """Each ``<iothread>`` of a controller must name an I/O thread that the domain defines."""
    several = named_threads(controller.find("driver"))
    if several and controller.is_virtio_scsi:
        yield from unknown(controller.node, several, 0, threads(controller))


@rule(
    "controller-iothreads-duplicate",
    Controller,
    bad=_SCSI.format("virtio-scsi", _TWO.format("", 1, "")),
    good=_PLAIN,
    since=CONTROLLER_IOTHREADS,
)
def threads_are_named_once(controller: Controller) -> Problems:
    """A controller must not list the same I/O thread twice."""
    yield from duplicates(named_threads(controller.find("driver")))


@rule(
    "controller-queue-invalid",
    Controller,
    bad=_SCSI.format(
        "virtio-scsi", "queues='2'" + _TWO.format(_QUEUE.format(0), 2, _QUEUE.format(2))
    ),
    good=_MAPPED,
    since=CONTROLLER_IOTHREADS,
)
def queues_are_all_served(controller: Controller) -> Problems:
    """If the ``<iothread>`` elements of a controller have ``<queue>`` elements, each queue of the
    controller must be assigned to exactly one I/O thread.
    """
    listed = named_threads(controller.find("driver"))
    yield from mapping_problems(controller.node, listed, controller.queues or 0)
