"""Numbers of queues and ports of virtio controllers that QEMU does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.controllers.controller import Controller
from domcaps.language.finding import Stage
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_MOST_QUEUES = 1022
_MOST_PORTS = 511
_SCSI = "<controller type='scsi' model='virtio-scsi'><driver queues='{}'/></controller>"
_SERIAL = "<controller type='virtio-serial' ports='{}'/>"


@rule(
    "controller-queues-fail-at-start",
    Controller,
    bad=_SCSI.format(1023),
    good=_SCSI.format(1022),
    stage=Stage.START,
)
def scsi_has_few_queues(controller: Controller) -> Problems:
    """Attribute ``queues`` of ``<driver>`` in a SCSI controller must be at most 1022."""
    if controller.type == "scsi" and (controller.queues or 0) > _MOST_QUEUES:
        message = f"a virtio-scsi controller has at most {_MOST_QUEUES} queues"
        yield problem(message, controller, "driver/@queues", accepted=(str(_MOST_QUEUES),))


@rule(
    "controller-ports-fail-at-start",
    Controller,
    bad=_SERIAL.format(512),
    good=_SERIAL.format(511),
    stage=Stage.START,
)
def serial_has_ports(controller: Controller) -> Problems:
    """Attribute ``ports`` of a virtio-serial controller must be from 1 to 511."""
    ports = controller.ports if controller.type == "virtio-serial" else None
    if ports is not None and not 1 <= ports <= _MOST_PORTS:
        message = f"a virtio-serial controller has 1 to {_MOST_PORTS} ports, not {ports}"
        yield problem(message, controller, "@ports", accepted=(str(min(ports or 1, _MOST_PORTS)),))
