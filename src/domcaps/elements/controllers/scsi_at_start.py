"""SCSI controllers that libvirt defines and QEMU lacks: a device of another name."""

from __future__ import annotations

from domcaps.elements.controllers.controller import Controller
from domcaps.language.finding import Stage
from domcaps.language.observed import device
from domcaps.language.require import lacks
from domcaps.language.rule import Problems, problem, rule

DC390 = device("dc-390")
"""What libvirt calls QEMU's device ``dc390``: no QEMU has one of that name."""


@rule(
    "controller-scsi-device-missing-at-start",
    Controller,
    bad="<controller type='scsi' model='dc390'/>",
    good="<controller type='scsi' model='am53c974'/>",
    stage=Stage.START,
)
def dc390_has_another_name(controller: Controller) -> Problems:
    """A SCSI controller of model ``dc390`` does not start; use ``am53c974``, the same chip."""
    if controller.type == "scsi" and controller.model == "dc390" and lacks(controller, DC390):
        yield problem(
            "libvirt asks QEMU for the SCSI controller 'dc-390', which QEMU calls 'dc390': the "
            "domain does not start; use 'am53c974'",
            controller,
            "@model",
            accepted=["am53c974"],
        )
