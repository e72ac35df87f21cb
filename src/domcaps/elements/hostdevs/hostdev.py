"""``<hostdev>``: devices of the host given to the guest.

::

    <hostdev mode='subsystem' type='pci'>
      <driver name='vfio'/>
      <source><address domain='0' bus='6' slot='2' function='0'/></source>
    </hostdev>

Which device of the host it is, is checked in `hostdevs.hostdev_source`, what the guest is
given in `hostdevs.hostdev_guest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.drifts import NO_PCI
from domcaps.elements.advice.remedies import ENABLE_VFIO, on_host
from domcaps.elements.base.asserted import asserted_or
from domcaps.elements.base.device import Device
from domcaps.elements.boards.defaults import HOSTDEV_MODE
from domcaps.elements.qemu.fragments import XHCI
from domcaps.language import NEVER, Choice, Drift, Element, Enum
from domcaps.language.changes.hostdevs import HOSTDEV_IOMMUFD
from domcaps.language.observed import HostFact, device, qom_type
from domcaps.language.part import field
from domcaps.language.qemu_args import LIBVIRTS_OWN, NotTriable, QemuArgs

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_GIVEN = NotTriable("it requires a host device that can be passed through")

USB_CONTROLLER = device(
    "piix3-usb-uhci",
    "piix4-usb-uhci",
    "usb-ehci",
    "ich9-usb-ehci1",
    "vt82c686b-usb-uhci",
    "pci-ohci",
    "nec-usb-xhci",
    "qemu-xhci",
)
"""QEMU has a controller that a USB device could be plugged into."""

HOST_VFIO = HostFact(
    "the host has an IOMMU and VFIO",
    "/sys/kernel/iommu_groups, /dev/vfio/vfio",
    lambda host: host.record.vfio.usable,
    lambda host: host.record.vfio.reason or "there",
    advice=on_host(ENABLE_VFIO),
)
VFIO = device("vfio-pci") & HOST_VFIO

HOST_IOMMUFD = HostFact(
    "the host offers iommufd",
    "/dev/iommu",
    lambda host: host.record.iommufd.usable,
    lambda host: host.record.iommufd.reason or "there",
    advice=on_host("use a kernel 6.2 or later with CONFIG_IOMMUFD, and load its module iommufd"),
)

_USB_DEVICE = "<vendor id='0x1234'/><product id='0xbeef'/>"
_USB_SAMPLE = (
    f"<hostdev mode='subsystem' type='usb'><source>{_USB_DEVICE}</source></hostdev>"
    "<controller type='usb' model='qemu-xhci'/>"
)
_SCSI_SAMPLE = (
    "<hostdev mode='{value}' type='scsi'><source><adapter name='scsi_host0'/>"
    "<address bus='0' target='0' unit='0'/></source></hostdev>"
)
_PCI_SAMPLE = (
    "<hostdev mode='subsystem' type='pci'>{}"
    "<source><address domain='0' bus='6' slot='2' function='0'/></source></hostdev>"
)

_NO_VFIO = Drift(
    title="PCI host devices on a host without VFIO",
    says="hostdev type 'pci' is listed on every host",
    but="on a host without IOMMU or VFIO, libvirt does not start a guest with a PCI host device",
    evidence="without /dev/vfio, libvirt 12.8 refuses to build the command line of a guest with "
    "<hostdev type='pci'/>; 11.3 refuses it only if <driver name='vfio'/> is missing",
    instead="switch the IOMMU on, and load the kernel module vfio-pci; 'domcaps host' shows what "
    "is missing",
    targets="hosts without IOMMU or VFIO",
)
_DRIVER_DEFAULT = Drift(
    title="PCI back end 'default' of <hostdev>",
    says="the PCI back end 'default' is listed",
    but="libvirt refuses the value; 'default' means that the attribute is omitted",
    evidence="defining <driver name='default'/> fails with libvirt 11.3 and 12.8",
    instead="omit <driver>",
)
_POLICY_DEFAULT = Drift(
    title="startupPolicy 'default' of <hostdev>",
    says="startupPolicy 'default' is listed",
    but="libvirt refuses the value; 'default' means that the attribute is omitted",
    evidence="defining <source startupPolicy='default'> fails with libvirt 11.3 and 12.8",
    instead="omit startupPolicy",
)
_POLICY_USB = Drift(
    title="startupPolicy of <hostdev> on a QEMU without USB",
    says="startup policies are listed for every QEMU",
    but="they apply to USB host devices only, and some QEMU have no USB controller",
    evidence="QEMU 7.2 for s390x has no USB controller in qom-list-types; libvirt's own report "
    "leaves the type usb out there",
    instead="use startupPolicy for <hostdev type='usb'> only",
)

MODE = Enum(
    "mode",
    attribute="@mode",
    choices=(
        Choice("subsystem", qemu_args=_GIVEN),
        Choice(
            "capabilities",
            NEVER,
            sample="<hostdev mode='capabilities' type='misc'><source><char>/dev/a</char></source>"
            "</hostdev>",
            qemu_args=(),
        ),
    ),
    sample=_SCSI_SAMPLE,
)

STARTUP_POLICY = Enum(
    "startupPolicy",
    attribute="source/@startupPolicy",
    choices=(
        Choice("default", drifts=(_POLICY_DEFAULT,)),
        Choice("mandatory", drifts=(_POLICY_USB,)),
        Choice("requisite", drifts=(_POLICY_USB,)),
        Choice("optional", drifts=(_POLICY_USB,)),
    ),
    qemu_args=LIBVIRTS_OWN,
    sample=_USB_SAMPLE.replace("<source>", "<source startupPolicy='{value}'>"),
)

SUBSYS_TYPE = Enum(
    "subsysType",
    attribute="@type",
    choices=(
        Choice(
            "usb",
            USB_CONTROLLER,
            at_start=(NO_PCI,),
            sample=_USB_SAMPLE,
            # QEMU waits for a device that is not there yet
            qemu_args=QemuArgs(
                f"{XHCI} -device usb-host,bus={{id}}u.0,vendorid=0x1234,productid=0xbeef"
            ),
        ),
        Choice("pci", sample=_PCI_SAMPLE.format(""), drifts=(_NO_VFIO,)),
        Choice("scsi", sample=_SCSI_SAMPLE.replace("{value}", "subsystem")),
        Choice("scsi_host", listed=False),
        Choice("mdev", listed=False),
    ),
    qemu_args=_GIVEN,
)

# storage, misc and net are for containers
CAPS_TYPE = Enum("capsType", attribute="@type", choices=())

PCI_BACKEND = Enum(
    "pciBackend",
    attribute="driver/@name",
    choices=(
        Choice(
            "default",
            asserted_or("hostdev.pciBackend", "default", VFIO),
            drifts=(_DRIVER_DEFAULT,),
        ),
        Choice("vfio", asserted_or("hostdev.pciBackend", "vfio", VFIO)),
    ),
    sample=_PCI_SAMPLE.format("<driver name='{value}'/>"),
    qemu_args=_GIVEN,
)

IOMMUFD = Enum(
    "iommufd",
    attribute="driver/@iommufd",
    since=HOSTDEV_IOMMUFD,
    choices=(
        # libvirt does not look at vfio-pci here, though only that device takes an iommufd
        Choice(
            "yes",
            qom_type("iommufd") & HOST_VFIO & HOST_IOMMUFD,
            qemu_args=_GIVEN,
        ),
        Choice("no", drifts=(_NO_VFIO,), qemu_args=LIBVIRTS_OWN),
    ),
    sample=_PCI_SAMPLE.format("<driver name='vfio' iommufd='{value}'/>"),
)

ELEMENT = Element(
    "hostdev",
    order=40,
    content=(MODE, STARTUP_POLICY, SUBSYS_TYPE, CAPS_TYPE, PCI_BACKEND, IOMMUFD),
)


class Hostdev(Device):
    """A device of the host that the guest is given."""

    path = "devices/hostdev"

    mode = field("@mode", choice=MODE, default=HOSTDEV_MODE)
    type = field("@type", choice=SUBSYS_TYPE, required=True)

    @property
    def source(self) -> Node | None:
        """The element that says which device it is."""
        return self.find("source")

    def on(self, name: str) -> bool:
        """Tell whether a switch of the device is on."""
        return self.node.get(name) == "on"
