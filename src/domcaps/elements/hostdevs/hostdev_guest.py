"""How a device of the host appears in the guest: model, address, display, boot, drivers.

::

    <hostdev mode='subsystem' type='mdev' model='vfio-pci' display='on' ramfb='on'>
      <source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source>
      <address type='pci' slot='0x05'/>
    </hostdev>
"""

from __future__ import annotations

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.hostdevs.hostdev import HOST_IOMMUFD, HOST_VFIO, Hostdev
from domcaps.language.attributes import Attributes
from domcaps.language.changes.hostdevs import (
    HOSTDEV_IOMMUFD,
    HOSTDEV_RAMFB_ONCE,
    UNFILTERED_DROPPED,
)
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.observed import device, device_property, qom_type
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, YES_NO, OneOf
from domcaps.language.wording import one_of

VFIO_PCI = device("vfio-pci")
VFIO_CCW = device("vfio-ccw")
VFIO_AP = device("vfio-ap")
VHOST_SCSI = device("vhost-scsi")
IOMMUFD_OBJECT = qom_type("iommufd")
GUEST_RESET = device_property("usb-host", "guest-resets-all")

_MODEL = {
    "scsi_host": Attributes({"model": OneOf(("default", *VIRTIO_MODELS))}),
    "mdev": Attributes({"model": OneOf(("vfio-pci", "vfio-ccw", "vfio-ap"))}, required=("model",)),
}
_SWITCHES = Attributes({"display": ON_OFF, "ramfb": ON_OFF})
_SCSI_SWITCHES = Attributes({"rawio": YES_NO, "sgio": OneOf(("filtered", "unfiltered"))})
_DRIVER = Attributes({"name": OneOf(("kvm", "vfio", "xen"))})
_IOMMUFD = Attributes({"iommufd": YES_NO})

# kinds of addresses, by the type of the device or the model of a mediated one
_ADDRESSES = {
    "pci": ("pci", "unassigned"),
    "scsi": ("drive",),
    "scsi_host": ("pci", "ccw"),
    "usb": ("usb",),
    "vfio-pci": ("pci",),
    "vfio-ccw": ("ccw",),
}
_WITH_MODEL = {"vfio-pci": VFIO_PCI, "vfio-ccw": VFIO_CCW, "vfio-ap": VFIO_AP}

_PCI = "<hostdev mode='subsystem' type='pci'{}><source{}><address bus='6'/></source>{}</hostdev>"
_USB = (
    "<hostdev mode='subsystem' type='usb'{}><source><vendor id='0x1234'/><product id='0xbeef'/>"
    "</source>{}</hostdev>"
)
_SCSI = (
    "<hostdev mode='subsystem' type='scsi'{}><source><adapter name='scsi_host0'/>"
    "<address bus='0' target='0' unit='0'/></source>{}</hostdev>"
)
_VHOST = (
    "<hostdev mode='subsystem' type='scsi_host'{}>"
    "<source protocol='vhost' wwpn='naa.5123456789abcde0'/>{}</hostdev>"
)
_MDEV = (
    "<hostdev mode='subsystem' type='mdev' {}><source>"
    "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a880{}'/></source>{}</hostdev>"
)
_GPU = "model='vfio-pci'"
_SCREEN = "<graphics type='vnc'/>"
_FIRST = "<boot order='1'/>"
_GOOD = _PCI.format("", "", "")


@rule("hostdev-model-invalid", Hostdev, bad=_MDEV.format("", 4, ""), good=_MDEV.format(_GPU, 4, ""))
def model_suits_type(hostdev: Hostdev) -> Problems:
    """``<hostdev type='mdev'>`` needs the attribute ``model``, which otherwise only
    ``type='scsi_host'`` may have.
    """
    known = _MODEL.get(hostdev.type or "")
    if known is not None:
        yield from known.problems(hostdev.node)
    elif hostdev.node.get("model") is not None and hostdev.type is not None:
        yield problem(
            f"<hostdev type={hostdev.type!r}> cannot have the attribute 'model'; remove it",
            hostdev,
            "@model",
        )


@rule(
    "hostdev-display-invalid",
    Hostdev,
    bad=_MDEV.format(_GPU + " display='yes'", 4, "") + _SCREEN,
    good=_MDEV.format(_GPU + " display='on'", 4, "") + _SCREEN,
)
def display_is_a_switch(hostdev: Hostdev) -> Problems:
    """Attributes ``display`` and ``ramfb`` of a ``<hostdev type='mdev'>`` must be ``on`` or
    ``off``.
    """
    if hostdev.type in {"mdev", "pci"}:
        yield from _SWITCHES.problems(hostdev.node)


@rule(
    "hostdev-display-unsupported",
    Hostdev,
    bad=_MDEV.format(_GPU + " display='on'", 4, ""),
    good=_MDEV.format(_GPU + " display='on'", 4, "") + _SCREEN,
)
def display_needs_a_screen(hostdev: Hostdev) -> Problems:
    """``display='on'`` of a ``<hostdev>`` requires a ``<graphics>`` element."""
    shows = hostdev.type == "pci" or hostdev.node.get("model") == "vfio-pci"
    if shows and hostdev.on("display") and not hostdev.domain.find("devices/graphics"):
        yield problem(
            "display='on' requires a <graphics> element; add one, or remove display",
            hostdev,
            "@display",
            fix=Fix(add="<devices><graphics type='vnc'/></devices>"),
        )


@rule(
    "hostdev-ramfb-duplicate",
    Hostdev,
    since=HOSTDEV_RAMFB_ONCE,
    bad=_MDEV.format(_GPU + " ramfb='on'", 4, "") + _MDEV.format(_GPU + " ramfb='on'", 5, ""),
    good=_MDEV.format(_GPU + " ramfb='on'", 4, ""),
)
def one_early_display(hostdev: Hostdev) -> Problems:
    """Only one ``<hostdev>`` may have ``ramfb='on'``."""
    if hostdev.type not in {"mdev", "pci"} or not hostdev.on("ramfb"):
        return
    others = (d for d in hostdev.domain.all(Hostdev) if d.type in {"mdev", "pci"})
    first = next(d for d in others if d.on("ramfb"))
    if first.node is not hostdev.node:
        yield problem(
            "another <hostdev> has ramfb='on' already; set ramfb='off' here",
            hostdev,
            "@ramfb",
            fix=set_value("off", "@ramfb"),
        )


@rule(
    "hostdev-scsi-option-unsupported",
    Hostdev,
    bad=_VHOST.format(" rawio='yes'", ""),
    good=_SCSI.format(" rawio='yes'", ""),
)
def options_need_scsi(hostdev: Hostdev) -> Problems:
    """Attributes ``rawio`` and ``sgio`` require ``<hostdev type='scsi'>``; ``sgio`` cannot be
    ``unfiltered``.
    """
    yield from _SCSI_SWITCHES.problems(hostdev.node)
    if hostdev.type != "scsi":
        for name in ("rawio", "sgio"):
            if hostdev.node.get(name) is not None:
                yield problem(
                    f"attribute {name!r} is only valid for <hostdev type='scsi'>; remove it",
                    hostdev,
                    f"@{name}",
                )
    elif hostdev.node.get("sgio") == "unfiltered" and libvirt_reads(hostdev, UNFILTERED_DROPPED):
        yield problem("libvirt no longer supports sgio='unfiltered'; remove sgio", hostdev, "@sgio")


@rule(
    "hostdev-driver-invalid",
    Hostdev,
    bad=_PCI.format("", "", "<driver name='default'/>"),
    good=_PCI.format("", "", "<driver name='vfio'/>"),
)
def driver_is_known(hostdev: Hostdev) -> Problems:
    """Attribute ``name`` of ``<driver>`` in a PCI ``<hostdev>`` must be a driver that libvirt
    knows.
    """
    if hostdev.type != "pci":
        return
    driver = hostdev.find("driver")
    named = driver is not None and driver.get("name") != ""
    if named or libvirt_reads(hostdev, VALUES_STRICT):
        yield from _DRIVER.problems(driver)
    if libvirt_reads(hostdev, HOSTDEV_IOMMUFD):
        yield from _IOMMUFD.problems(driver)


@rule(
    "hostdev-driver-unavailable",
    Hostdev,
    bad=_PCI.format("", "", "<driver name='kvm'/>"),
    good=_PCI.format("", "", "<driver name='vfio'/>"),
    stage=Stage.START,
)
def driver_is_vfio(hostdev: Hostdev) -> Problems:
    """Attribute ``name`` of ``<driver>`` in a PCI ``<hostdev>`` must be ``vfio``, not ``kvm`` or
    ``xen``.
    """
    driver = hostdev.find("driver") if hostdev.type == "pci" else None
    if driver is not None and driver.get("name") in {"kvm", "xen"}:
        yield problem(
            "QEMU no longer supports this driver; use 'vfio', or remove <driver>",
            driver,
            "@name",
            accepted=("vfio",),
        )


@rule(
    "hostdev-iommufd-unsupported",
    Hostdev,
    bad=Sample(_PCI.format("", "", "<driver name='vfio' iommufd='yes'/>"), arch="sparc"),
    good=_PCI.format("", "", "<driver name='vfio' iommufd='yes'/>"),
    since=HOSTDEV_IOMMUFD,
)
def iommufd_is_there(hostdev: Hostdev) -> Problems:
    """``<driver iommufd='yes'>`` requires a QEMU and a kernel of the host with iommufd."""
    driver = hostdev.find("driver[@iommufd='yes']") if hostdev.type == "pci" else None
    if driver is None or driver.get("name") != "vfio":
        return
    yield from needs(
        hostdev,
        IOMMUFD_OBJECT,
        "this QEMU does not support iommufd (QEMU 9.0 or later is required); remove iommufd",
        "driver/@iommufd",
    )
    yield from needs(
        hostdev,
        HOST_IOMMUFD,
        "the host does not offer iommufd (/dev/iommu is missing); remove iommufd",
        "driver/@iommufd",
    )


@rule(
    "hostdev-write-filtering-unsupported",
    Hostdev,
    bad=_PCI.format("", " writeFiltering='no'", ""),
    good=_GOOD,
)
def writes_are_not_filtered(hostdev: Hostdev) -> Problems:
    """Attribute ``writeFiltering`` of ``<source>`` is not supported by QEMU."""
    source = hostdev.source
    if hostdev.type == "pci" and source is not None and source.get("writeFiltering") is not None:
        yield problem("QEMU does not support writeFiltering; remove it", source, "@writeFiltering")


@rule(
    "hostdev-address-unsupported",
    Hostdev,
    bad=_SCSI.format("", "<address type='pci' slot='5'/>"),
    good=_SCSI.format("", "<address type='drive' unit='5'/>"),
)
def address_suits_type(hostdev: Hostdev) -> Problems:
    """The ``<address>`` of a ``<hostdev>`` in the guest must suit its type, such as ``pci`` for a
    PCI device.
    """
    kind = hostdev.node.get("model") if hostdev.type == "mdev" else hostdev.type
    accepted, given = _ADDRESSES.get(kind or ""), hostdev.address_type
    if given is not None and accepted is not None and given not in accepted:
        yield problem(
            f"a <hostdev> of type {kind!r} cannot have a guest <address type={given!r}>; use "
            f"{one_of(accepted)}, or remove <address>",
            hostdev, "address/@type",
            accepted=accepted,
        )  # fmt: skip


@rule(
    "hostdev-boot-unsupported",
    Hostdev,
    bad=_VHOST.format("", _FIRST),
    good=_PCI.format("", "", _FIRST),
)
def some_do_not_boot(hostdev: Hostdev) -> Problems:
    """``<hostdev>`` of type ``scsi_host`` or ``mdev`` (other than ``vfio-ccw``) cannot have
    ``<boot>``.
    """
    model = hostdev.node.get("model")
    mediated = hostdev.type == "mdev" and model in {"vfio-pci", "vfio-ap"}
    if hostdev.boot_order and (mediated or hostdev.type == "scsi_host"):
        yield problem("the guest cannot boot from this device; remove <boot>", hostdev, "boot")


@rule(
    "hostdev-ap-duplicate",
    Hostdev,
    bad=Sample(_MDEV.format("model='vfio-ap'", 4, "") + _MDEV.format("model='vfio-ap'", 5, ""),
               arch="s390x"),
    good=Sample(_MDEV.format("model='vfio-ap'", 4, ""), arch="s390x"),
)  # fmt: skip
def one_crypto_card(hostdev: Hostdev) -> Problems:
    """A domain may have only one ``<hostdev type='mdev' model='vfio-ap'>``."""
    if hostdev.type != "mdev" or hostdev.node.get("model") != "vfio-ap":
        return
    others = (d for d in hostdev.domain.all(Hostdev) if d.type == "mdev")
    first = next(d for d in others if d.node.get("model") == "vfio-ap")
    if first.node is not hostdev.node:
        yield problem(
            "another <hostdev> has the model 'vfio-ap' already; remove one", hostdev, "@model"
        )


@rule(
    "hostdev-model-unsupported",
    Hostdev,
    bad=_MDEV.format("model='vfio-ap'", 4, ""),
    good=_MDEV.format(_GPU, 4, ""),
)
def device_is_there(hostdev: Hostdev) -> Problems:
    """QEMU must have the device for a ``<hostdev>``, such as ``vfio-pci`` or ``vhost-scsi-pci``."""
    model = hostdev.node.get("model", "")
    if hostdev.type == "mdev" and model in _WITH_MODEL:
        yield from needs(
            hostdev, _WITH_MODEL[model], f"this QEMU does not have the device {model!r}", "@model"
        )
    elif hostdev.type == "scsi_host":
        yield from needs(hostdev, VHOST_SCSI, "this QEMU does not have vhost-scsi devices", "@type")
    elif hostdev.type == "pci" and hostdev.has("driver[@name='vfio']"):
        yield from needs(
            hostdev, VFIO_PCI, "this QEMU does not have the device 'vfio-pci'", "driver/@name"
        )


@rule(
    "hostdev-guest-reset-unsupported",
    Hostdev,
    bad=Sample(_USB.format("", "").replace("<source>", "<source guestReset='off'>"), arch="sparc"),
    good=_USB.format("", "").replace("<source>", "<source guestReset='off'>"),
)
def guest_reset_is_there(hostdev: Hostdev) -> Problems:
    """Attribute ``guestReset`` of ``<source>`` in a USB ``<hostdev>`` requires a QEMU that supports
    it.
    """
    if hostdev.type == "usb" and hostdev.has("source[@guestReset]"):
        yield from needs(
            hostdev,
            GUEST_RESET,
            "this QEMU does not support guestReset; remove it",
            "source/@guestReset",
        )


@rule(
    "hostdev-vfio-unavailable",
    Hostdev,
    bad=Sample(_GOOD, lacking=("vfio",)),
    good=_GOOD,
    stage=Stage.START,
)
def host_has_vfio(hostdev: Hostdev) -> Problems:
    """A PCI or mediated ``<hostdev>`` requires VFIO and an enabled IOMMU on the host."""
    if hostdev.type == "pci":
        yield from needs(
            hostdev,
            HOST_VFIO,
            "the host does not support VFIO",
            "@type",
        )


@rule(
    "hostdev-teaming-unsupported",
    Hostdev,
    bad=_PCI.format("", "", "<teaming type='persistent'/>"),
    good=_PCI.format("", "", "<teaming type='transient' persistent='ua-net'/>"),
)
def teams_are_transient(hostdev: Hostdev) -> Problems:
    """``<teaming>`` of a PCI ``<hostdev>`` needs ``type='transient'``, and the attribute
    ``persistent`` with the alias of an ``<interface>``.
    """
    team = hostdev.find("teaming")
    kind, partner = (None, None) if team is None else (team.get("type"), team.get("persistent"))
    if not kind and not partner:
        return
    if hostdev.type != "pci":
        yield problem("<teaming> is only valid for PCI devices; remove it", hostdev, "teaming")
    elif kind != "transient" or not partner:
        yield problem(
            "<teaming> of a <hostdev> needs type='transient', and the attribute 'persistent' with "
            "the alias of an <interface>, such as persistent='ua-net'",
            hostdev,
            "teaming",
        )
