"""Virtio devices behind an IOMMU: on conventional PCI QEMU refuses them in their older form.

QEMU offers a plain virtio device in both forms, except where a PCIe port serves it alone. With
``iommu='on'`` it refuses to start: "VIRTIO_F_IOMMU_PLATFORM was supported by neither legacy nor
transitional device" (10.0 and 11.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.boards.families import S390_CCW
from domcaps.elements.controllers.controller import Controller
from domcaps.elements.controllers.models import VIRTIO_SCSI_MODELS
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.finding import Stage
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from domcaps.language.part import Part

_IN_BOTH_FORMS = frozenset({"disk", "interface", "rng", "filesystem", "memballoon", "controller"})
_CONVENTIONAL = frozenset(
    {"pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge"}
)
_NUMBERS = ("domain", "bus", "slot", "function")
_RNG = "<rng model='{}'><backend model='random'>/dev/urandom</backend><driver iommu='on'/></rng>"


def _model(part: Part) -> str:
    """Give the virtio model of a device; network cards have it in an element."""
    node = part.node.find("model")
    inner = None if node is None else node.get("type")
    return part.node.get("model") or inner or ""


def _bus_of(part: Part) -> str:
    """Give the model of the controller that a device is plugged into, "" where it is not on PCI."""
    hardware = part.domain.all(InstalledControllers)[0]
    address = part.find("address")
    if address is not None and address.get("type") != "pci":
        return ""
    if address is None and part.holds(S390_CCW):
        return ""
    if address is None or not any(name in address.attrib for name in _NUMBERS):
        # libvirt looks for a root port of its own on boards with PCIe
        return "pci-root" if hardware.pci_root == "pci-root" else ""
    try:
        index = int(address.get("bus", "0"), 0)
    except ValueError:
        return ""
    models = {known.index: known.model for known in hardware.of("pci")}
    return models.get(index, hardware.pci_root if not index else "") or ""


@rule(
    "virtio-iommu-fails-at-start",
    VirtioOptions,
    bad=Sample(_RNG.format("virtio"), machine="pc"),
    good=Sample(_RNG.format("virtio-non-transitional"), machine="pc"),
    stage=Stage.START,
)
def iommu_needs_the_new_form(part: VirtioOptions) -> Problems:
    """``iommu='on'`` of ``<driver>`` requires a virtio device that is not transitional; otherwise
    QEMU fails at start.

    That is the model virtio-non-transitional, or an address on a PCIe root port.
    """
    if part.iommu != "on" or part.node.tag not in _IN_BOTH_FORMS or not part.is_virtio:
        return
    driver, model = part.find("driver"), _model(part)
    if model.endswith("non-transitional") or (
        part.node.tag == "filesystem" and driver is not None and driver.get("type") == "virtiofs"
    ):
        return
    yield from _in_both_forms(part, model)


def _in_both_forms(part: Part, model: str) -> Problems:
    if model.endswith("-transitional") or _bus_of(part) in _CONVENTIONAL:
        yield problem(
            "iommu='on' requires model='virtio-non-transitional', or an address on a "
            "PCIe root port; use one of these, or iommu='off'",
            part,
            "driver/@iommu",
            accepted=("off",),
        )


_SCSI = "<controller type='scsi' model='{}'><driver iommu='on'/></controller>"


@rule(
    "controller-iommu-fails-at-start",
    Controller,
    bad=Sample(_SCSI.format("virtio-scsi"), machine="pc"),
    good=Sample(_SCSI.format("virtio-non-transitional"), machine="pc"),
    stage=Stage.START,
)
def controllers_need_the_new_form(controller: Controller) -> Problems:
    """``iommu='on'`` of ``<driver>`` requires a virtio controller that is not
    transitional; otherwise QEMU fails at start.

    That is the model virtio-non-transitional, or an address on a PCIe root port.
    """
    driver, model = controller.find("driver"), controller.settled_model or ""
    is_virtio = controller.type == "virtio-serial" or model in VIRTIO_SCSI_MODELS
    if driver is None or driver.get("iommu") != "on" or not is_virtio:
        return
    if model != "virtio-non-transitional":
        yield from _in_both_forms(controller, model)


_ATS = "<rng model='virtio'><backend model='random'/><driver ats='on'/></rng>"


@rule(
    "virtio-ats-fails-at-start",
    VirtioOptions,
    bad=Sample(_ATS, arch="s390x"),
    good=Sample(_ATS, machine="q35"),
    stage=Stage.START,
)
def ats_is_of_pci(part: VirtioOptions) -> Problems:
    """Attribute ``ats`` of ``<driver>`` requires a virtio device on PCI.

    QEMU's virtio devices on channels and on virtio-mmio lack the property.
    """
    address = part.find("address")
    kind = "" if address is None else address.get("type", "")
    on_channel = kind == "ccw" or (not kind and part.holds(S390_CCW))
    if part.ats and part.is_virtio and (on_channel or kind == "virtio-mmio"):
        yield problem(
            "a virtio device that is not on PCI has no 'ats'; remove it", part, "driver/@ats"
        )
