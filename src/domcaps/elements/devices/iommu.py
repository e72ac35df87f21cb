"""``<iommu>``: what translates and checks the addresses of devices in the guest.

::

    <features><ioapic driver='qemu'/></features>
    <iommu model='intel'>
      <driver intremap='on' caching_mode='on' eim='on' iotlb='on'/>
    </iommu>
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.boards.families import ARM_VIRT, Q35
from domcaps.facts import arch as archs
from domcaps.language import Choice, Enum
from domcaps.language.attributes import Attributes, number
from domcaps.language.changes.devices import (
    IOMMU_AMD,
    IOMMU_GRANULE,
    IOMMU_OPTIONS,
    IOMMU_SPLIT_ADDED,
    IOMMU_TRANSLATION,
    IOMMU_VIRTIO,
    IOMMU_VIRTIO_WIDTH,
    IOMMUS_SEVERAL,
)
from domcaps.language.changes.schema import IOMMU_PCI_BUS, VALUES_STRICT
from domcaps.language.conversion import OnBoard
from domcaps.language.fix import Fix, Substitutes, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device, device_property
from domcaps.language.part import field
from domcaps.language.quantities import KIB, SIZE, UNIT, size_of
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, SIGNED, UNSIGNED, WRAPPING, OneOf

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("intel", device("intel-iommu")),
        Choice("smmuv3"),
        Choice(
            "virtio",
            device("virtio-iommu-pci") & device_property("virtio-iommu-pci", "boot-bypass"),
            since=IOMMU_VIRTIO,
        ),
        Choice("amd", device("amd-iommu"), since=IOMMU_AMD),
    ),
)

CONVERSION = (
    OnBoard(
        "pc", "devices/iommu", removed=True,
        guest="there is no IOMMU: device assignment inside the guest ends", weight=50,
    ),
)  # fmt: skip
"""Of the boards of x86 only Q35 has an IOMMU."""

_MACHINES = {"intel": Q35, "amd": Q35, "smmuv3": ARM_VIRT, "virtio": Q35 | ARM_VIRT}

# what <driver> may say, by the release of libvirt that came to read it
_READ = (
    (
        IOMMU_AMD,
        Attributes({"xtsup": ON_OFF, "passthrough": ON_OFF}),
    ),
    (IOMMU_PCI_BUS, Attributes({"pciBus": SIGNED})),
    (
        IOMMU_OPTIONS,
        Attributes(
            {
                "accel": ON_OFF,
                "ats": ON_OFF,
                "ril": ON_OFF,
                "ssidsize": SIGNED,
                "oas": SIGNED,
                "cmdqv": ON_OFF,
            }
        ),
    ),
)
_GRANULE = Attributes({"mode": OneOf(("host",)), "size": SIZE, "unit": UNIT})
_GRANULES = tuple(size * KIB for size in (4, 8, 16, 64))

_INTEL = ("caching_mode", "eim")
_NESTED = ("ats", "ril", "ssidsize", "oas", "cmdqv")
_PLUGGED = ("pciBus", "accel", *_NESTED)
# which of that makes no sense with a model
_FOREIGN = {
    "intel": ("xtsup", "passthrough", *_PLUGGED, "granule"),
    "amd": (*_INTEL, "aw_bits", "dma_translation", *_PLUGGED, "granule"),
    "virtio": (*_INTEL, "intremap", "iotlb", "dma_translation", *_PLUGGED),
    "smmuv3": (
        *_INTEL,
        "intremap",
        "iotlb",
        "dma_translation",
        "aw_bits",
        "xtsup",
        "passthrough",
        "granule",
    ),
}
# numbers that say nothing below these
_NOTHING_BELOW = {"aw_bits": 1, "pciBus": 0, "ssidsize": 0, "oas": 0}

INTEL_PROPERTIES = {
    "intremap": device_property("intel-iommu", "intremap"),
    "caching_mode": device_property("intel-iommu", "caching-mode"),
    "eim": device_property("intel-iommu", "eim"),
    "iotlb": device_property("intel-iommu", "device-iotlb"),
    "aw_bits": device_property("intel-iommu", "aw-bits"),
    "dma_translation": device_property("intel-iommu", "dma-translation"),
}


SUBSTITUTES = Substitutes(
    "devices/iommu/@model",
    # one that the board lacks needs another board
    order={"intel": (), "smmuv3": ("intel", "virtio"), "*": ("intel",)},
    # what a unit can do stands in its <driver>
    only={"*": ("driver",)},
    archs=archs.X86,
    elsewhere={"*": ("smmuv3", "virtio")},
)


class Iommu(Device):
    """A unit that translates the addresses of devices."""

    path = "devices/iommu"

    model = field("@model", choice=MODEL, required=True)
    intremap = field("driver/@intremap", ON_OFF)
    caching_mode = field("driver/@caching_mode", ON_OFF)
    iotlb = field("driver/@iotlb", ON_OFF)
    eim = field("driver/@eim", ON_OFF)
    aw_bits = field(
        "driver/@aw_bits",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="a number of address bits, such as '39' or '48'",
    )
    dma_translation = field("driver/@dma_translation", ON_OFF, since=IOMMU_TRANSLATION)

    @cached_property
    def driver_attributes(self) -> dict[str, str]:
        """What its ``<driver>`` says that this release of libvirt reads and that means something.

        ``granule`` stands for the element of that name.
        """
        driver = self.find("driver")
        if driver is None:
            return {}
        read = set(INTEL_PROPERTIES)
        if not libvirt_reads(self, IOMMU_TRANSLATION):
            read.discard("dma_translation")
        for since, attributes in _READ:
            if libvirt_reads(self, since):
                read.update(attributes.kinds)
        said = {name: driver.get(name, "") for name in read if driver.get(name) is not None}
        for name, least in _NOTHING_BELOW.items():
            if name in said and number(driver, name, least) < least:
                del said[name]
        granule = driver.find("granule")
        if granule is not None and granule.attrib and libvirt_reads(self, IOMMU_GRANULE):
            said["granule"] = granule.get("size", granule.get("mode", ""))
        return said


@rule(
    "iommu-several",
    Iommu,
    bad="<iommu model='intel'/><iommu model='intel'/>",
    good="<iommu model='intel'/>",
    until=IOMMUS_SEVERAL,
)
def one_iommu(iommu: Iommu) -> Problems:
    """A domain may have at most one ``<iommu>`` (before libvirt 11.10)."""
    if iommu.domain.all(Iommu)[0].node is not iommu.node:
        yield problem("the domain has a second <iommu>; remove one", iommu)


@rule(
    "iommu-driver-invalid",
    Iommu,
    bad="<iommu model='amd'><driver xtsup='yes'/></iommu>",
    good="<iommu model='amd'><driver xtsup='on'/></iommu>",
)
def newer_attributes_have_their_form(iommu: Iommu) -> Problems:
    """Attributes of ``<driver>`` in ``<iommu>`` must be ``on`` or ``off``, or numbers such as
    ``aw_bits='48'``.
    """
    driver = iommu.find("driver")
    if driver is None:
        return
    for since, attributes in _READ:
        if libvirt_reads(iommu, since):
            yield from attributes.problems(driver)
    if libvirt_reads(iommu, IOMMU_GRANULE):
        yield from _GRANULE.problems(driver.find("granule"))


@rule(
    "iommu-driver-unsupported",
    Iommu,
    bad="<iommu model='intel'><driver passthrough='on'/></iommu>",
    good="<iommu model='intel'><driver caching_mode='on'/></iommu>",
)
def attributes_fit_the_model(iommu: Iommu) -> Problems:
    """Attributes of ``<driver>`` in ``<iommu>`` must be those of its ``model``."""
    foreign = _FOREIGN.get(iommu.model or "", ())
    for name in iommu.driver_attributes:
        if name in foreign:
            at = "driver/granule" if name == "granule" else f"driver/@{name}"
            yield problem(
                f"attribute {name!r} is not valid for <iommu model={iommu.model!r}>; remove it",
                iommu,
                at,
            )


@rule(
    "iommu-machine-unsupported",
    Iommu,
    bad=Sample("<iommu model='intel'/>", machine="pc"),
    good=Sample("<iommu model='intel'/>", machine="q35"),
)
def model_fits_the_board(iommu: Iommu) -> Problems:
    """Attribute ``model`` of ``<iommu>`` must suit the machine type, such as ``intel`` for q35."""
    model = iommu.model or ""
    if model in _MACHINES:
        yield from needs(
            iommu,
            _MACHINES[model],
            f"<iommu model={model!r}> is not supported by this machine type",
            "@model",
        )


@rule(
    "iommu-property-unsupported",
    Iommu,
    bad=Sample("<iommu model='intel'><driver caching_mode='on'/></iommu>", arch="aarch64"),
    good="<iommu model='intel'><driver caching_mode='on'/></iommu>",
)
def intel_iommu_has_it(iommu: Iommu) -> Problems:
    """QEMU must support the ``<driver>`` attributes of ``<iommu model='intel'>``."""
    if iommu.model != "intel":
        return
    for name in iommu.driver_attributes:
        if name in INTEL_PROPERTIES:
            message = f"QEMU's intel-iommu does not support {name!r}"
            yield from needs(iommu, INTEL_PROPERTIES[name], message, f"driver/@{name}")


@rule(
    "iommu-address-unsupported",
    Iommu,
    bad="<iommu model='intel'><address type='pci'/></iommu>",
    good="<features><acpi/></features><iommu model='virtio'><address type='pci'/></iommu>",
)
def address_fits_the_model(iommu: Iommu) -> Problems:
    """``<address>`` is only valid for an ``<iommu>`` of model ``virtio`` or ``amd``, and must be of
    type ``pci``.
    """
    if iommu.address_type is None or iommu.model is None:
        return
    if iommu.model in {"intel", "smmuv3"}:
        yield problem(
            f"<iommu model={iommu.model!r}> cannot have an <address>; remove it", iommu, "address"
        )
    elif iommu.address_type != "pci":
        yield problem(
            f"<iommu model={iommu.model!r}> needs an <address> of type 'pci'",
            iommu,
            "address/@type",
            accepted=["pci"],
        )


@rule(
    "iommu-acpi-missing",
    Iommu,
    bad="<iommu model='virtio'/>",
    good="<features><acpi/></features><iommu model='virtio'/>",
    fix=Fix(add="<features><acpi/></features>"),
)
def virtio_needs_acpi(iommu: Iommu) -> Problems:
    """``<iommu model='virtio'>`` requires ``<acpi/>`` in ``<features>``."""
    if iommu.model == "virtio" and iommu.domain.root.find("features/acpi") is None:
        yield problem(
            "<iommu model='virtio'> requires <features><acpi/></features>", iommu, "@model"
        )


@rule(
    "iommu-intremap-unsupported",
    Iommu,
    bad="<features><ioapic driver='kvm'/></features>"
    "<iommu model='intel'><driver intremap='on'/></iommu>",
    good="<features><ioapic driver='qemu'/></features>"
    "<iommu model='intel'><driver intremap='on'/></iommu>",
    fix=Fix(add="<features><ioapic driver='qemu'/></features>"),
)
def remapping_needs_qemus_ioapic(iommu: Iommu) -> Problems:
    """``intremap='on'`` of ``<iommu>`` requires ``<ioapic driver='qemu'/>``, which is the
    default.
    """
    ioapic = iommu.domain.root.find("features/ioapic")
    driver = None if ioapic is None else ioapic.get("driver")
    set_by_libvirt = driver is None and libvirt_reads(iommu, IOMMU_SPLIT_ADDED)
    if iommu.intremap == "on" and driver != "qemu" and not set_by_libvirt:
        yield problem(
            "intremap='on' requires <ioapic driver='qemu'/>",
            iommu,
            "driver/@intremap",
            accepted=["off"],
        )


@rule(
    "iommu-eim-unsupported",
    Iommu,
    bad="<iommu model='intel'><driver eim='on'/></iommu>",
    good="<features><ioapic driver='qemu'/></features>"
    "<iommu model='intel'><driver intremap='on' eim='on'/></iommu>",
    fix=set_value("on", "@intremap"),
)
def eim_needs_remapping(iommu: Iommu) -> Problems:
    """``eim='on'`` of ``<iommu>`` requires ``intremap='on'``."""
    if iommu.eim == "on" and iommu.intremap != "on":
        yield problem("eim='on' requires intremap='on'", iommu, "driver/@eim")


_WIDTH = (32, 64)


@rule(
    "iommu-aw-bits-unsupported",
    Iommu,
    bad="<features><acpi/></features><iommu model='virtio'><driver aw_bits='20'/></iommu>",
    good="<features><acpi/></features><iommu model='virtio'><driver aw_bits='48'/></iommu>",
)
def addresses_have_a_width(iommu: Iommu) -> Problems:
    """Attribute ``aw_bits`` of a virtio ``<iommu>`` must be from 32 to 64, and requires libvirt
    12.1 or later.
    """
    if iommu.model != "virtio" or not iommu.aw_bits:
        return
    if not libvirt_reads(iommu, IOMMU_VIRTIO_WIDTH):
        yield problem(
            "this libvirt version does not support 'aw_bits' for <iommu model='virtio'>; remove it",
            iommu,
            "driver/@aw_bits",
        )
    elif not _WIDTH[0] <= iommu.aw_bits <= _WIDTH[1]:
        yield problem("attribute 'aw_bits' must be from 32 to 64", iommu, "driver/@aw_bits")


@rule(
    "iommu-accel-missing",
    Iommu,
    bad=Sample("<iommu model='smmuv3'><driver ats='on'/></iommu>", arch="aarch64"),
    good=Sample("<iommu model='smmuv3'><driver accel='on' ats='on'/></iommu>", arch="aarch64"),
    fix=Fix(values=(("@accel", "on"),)),
)
def nesting_needs_acceleration(iommu: Iommu) -> Problems:
    """Some attributes of ``<driver>`` in ``<iommu model='smmuv3'>`` require ``accel='on'``."""
    if iommu.model == "smmuv3" and iommu.driver_attributes.get("accel") != "on":
        for name in _NESTED:
            if name in iommu.driver_attributes:
                yield problem(f"attribute {name!r} requires accel='on'", iommu, f"driver/@{name}")


@rule(
    "iommu-granule-unsupported",
    Iommu,
    bad="<features><acpi/></features>"
    "<iommu model='virtio'><driver><granule size='5' unit='KiB'/></driver></iommu>",
    good="<features><acpi/></features>"
    "<iommu model='virtio'><driver><granule mode='host'/></driver></iommu>",
)
def granule_is_a_page(iommu: Iommu) -> Problems:
    """``<granule>`` of ``<iommu>`` needs ``mode='host'``, or a ``size`` of 4, 8, 16 or 64 KiB."""
    granule = iommu.find("driver/granule")
    if granule is None or "granule" not in iommu.driver_attributes:
        return
    if granule.get("mode") is not None and granule.get("size") is not None:
        yield problem("<granule> needs either 'mode' or 'size', not both", granule)
    size = size_of(granule, "@size", "@unit")
    if iommu.model == "virtio" and size and size not in _GRANULES:
        yield problem("attribute 'size' of <granule> must be 4, 8, 16 or 64 KiB", granule, "@size")
