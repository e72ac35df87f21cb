"""``<controller>``: what other devices are plugged into.

::

    <controller type='scsi' index='0' model='virtio-scsi'>
      <driver queues='4' iothread='1'/>
    </controller>
    <controller type='pci' index='1' model='pcie-root-port'>
      <target chassis='1' port='0x10'/>
    </controller>

libvirt adds those that a domain needs and does not name: see `placement.installed`. What the
kinds of PCI controllers have is said in `placement.pci_controllers`.
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio_options import BUSES
from domcaps.elements.boards.defaults import CONTROLLER_TYPE
from domcaps.elements.boards.families import BUILTIN_IDE, Q35
from domcaps.elements.controllers.iothread_mapping import with_thread
from domcaps.elements.controllers.models import (
    BUILTIN_ESP,
    MODELS,
    SCSI_DEVICES,
    TYPE,
    VIRTIO_SCSI_MODELS,
    default_scsi_model,
    default_usb_model,
)
from domcaps.language.changes.network import PAGE_PER_VQ
from domcaps.language.conversion import OnBoard
from domcaps.language.finding import Stage
from domcaps.language.fix import Substitutes
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import ON_OFF, UNSIGNED, Int

NUMBER = Int(0, 2**31 - 1, minus_zero=True)

SATA = device("ich9-ahci")
NVME = device("nvme")
_MOST_XHCI_PORTS = 15


# libvirt adds the controllers that devices need: one that the board lacks is removed instead
SUBSTITUTES = Substitutes("devices/controller/@type", order={"*": ()})
MODEL_SUBSTITUTES = Substitutes(
    "devices/controller/@model",
    order={
        "pci-expander-bus": ("pcie-expander-bus",),
        "pcie-expander-bus": ("pci-expander-bus",),
        "pci-root": ("pcie-root",),
        "pcie-root": ("pci-root",),
        "ncr53c90": ("virtio-scsi", "lsilogic"),
        "dc390": ("virtio-scsi", "lsilogic"),
        "am53c974": ("virtio-scsi", "lsilogic"),
        "buslogic": ("virtio-scsi", "lsilogic"),
    },
    # the name of QEMU's device
    only={"pci-expander-bus": ("model",), "pcie-expander-bus": ("model",)},
    # names of QEMU's devices, and of what they are
    slips={
        "xhci": "qemu-xhci",
        "usb3": "qemu-xhci",
        "nec-usb-xhci": "nec-xhci",
        "usb-ehci": "ehci",
        "piix3-usb-uhci": "piix3-uhci",
        "piix4-usb-uhci": "piix4-uhci",
        "virtio-scsi-pci": "virtio-scsi",
        "lsi": "lsilogic",
        "lsi53c895a": "lsilogic",
        "megasas": "lsisas1078",
        "mptsas1068": "lsisas1068",
    },
)
"""What a board of conventional PCI has for one of a board of PCI Express, and the reverse."""

_GROWN = ("pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge", "pcie-root-port",
          "pcie-switch-upstream-port", "pcie-switch-downstream-port")  # fmt: skip
_UHCI = (
    "<controller type='usb' index='{}' model='ich9-uhci{}'><master startport='{}'/></controller>"
)
_CONTROLLER = "devices/controller"

CONVERSION = (
    OnBoard(
        "q35", _CONTROLLER, {"@type": ("pci",), "@model": ("pci-root",)},
        values=(("@model", "pcie-root"),),
    ),
    OnBoard(
        "pc", _CONTROLLER, {"@type": ("pci",), "@model": ("pcie-root",)},
        values=(("@model", "pci-root"),), without=("target",),
    ),
    *(
        OnBoard(board, _CONTROLLER, {"@type": ("pci",), "@model": _GROWN}, removed=True)
        for board in ("q35", "pc")
    ),
    *(
        OnBoard(
            board, _CONTROLLER, {"@type": ("pci",), "@model": (model,)},
            values=(("@model", other),), without=("model",),
        )
        for board, model, other in (
            ("q35", "pci-expander-bus", "pcie-expander-bus"),
            ("pc", "pcie-expander-bus", "pci-expander-bus"),
        )
    ),
    OnBoard("q35", _CONTROLLER, {"@type": ("ide",)}, removed=True),
    OnBoard(
        "q35", _CONTROLLER, {"@type": ("usb",), "@model": ("piix3-uhci", "piix4-uhci")},
        values=(("@model", "ich9-ehci1"),),
        add="".join(
            _UHCI.format("{index}", number, 2 * number - 2) for number in (1, 2, 3)
        ),
        guest="the USB controller is Intel's ICH9 (USB 2 with companions) in place of a PIIX",
        weight=20,
    ),
)  # fmt: skip
"""Buses that libvirt grows itself go, so that it grows those of the new board."""


class Controller(Device):
    """A controller of a domain."""

    path = "devices/controller"

    type = field("@type", choice=TYPE, default=CONTROLLER_TYPE)
    model = field("@model")
    index = field("@index", NUMBER, expected="the number of the controller, such as '0'")
    ports = field("@ports", NUMBER, expected="a number of ports, such as '16'")
    queues = field("driver/@queues", UNSIGNED, expected="a number of queues, such as '4'")
    cmd_per_lun = field(
        "driver/@cmd_per_lun", UNSIGNED, expected="a number of commands, such as '128'"
    )
    max_sectors = field(
        "driver/@max_sectors", UNSIGNED, expected="a number of sectors, such as '512'"
    )
    ioeventfd = field("driver/@ioeventfd", ON_OFF)
    iothread = field(
        "driver/@iothread", UNSIGNED, expected="the id of an I/O thread of the domain, such as '1'"
    )
    iommu = field("driver/@iommu", ON_OFF)
    ats = field("driver/@ats", ON_OFF)
    packed = field("driver/@packed", ON_OFF)
    page_per_vq = field("driver/@page_per_vq", ON_OFF, since=PAGE_PER_VQ)

    @property
    def type_and_index(self) -> tuple[str | None, int | None]:
        """What tells controllers apart, save for USB."""
        return self.type, self.index

    @cached_property
    def settled_model(self) -> str | None:
        """The model, with libvirt's choice where none is given; None where it knows none."""
        if self.type == "scsi" and self.model in {None, "auto"}:
            return default_scsi_model(self.domain)
        if self.type == "usb" and self.model is None:
            return default_usb_model(self.domain, addressed=self.address is not None)
        return self.model

    @property
    def is_virtio_scsi(self) -> bool:
        """Whether it is a SCSI controller of virtio."""
        return self.type == "scsi" and self.settled_model in VIRTIO_SCSI_MODELS


class ControllerVectors(Part):
    """What only some types of controllers have."""

    path = "devices/controller"

    @property
    def type(self) -> str:
        """The type of the controller."""
        return self.node.get("type", CONTROLLER_TYPE)


def threads(part: Part) -> frozenset[int]:
    """Give the numbers of the I/O threads that a domain has."""
    root = part.domain.root
    ids = {_whole(node.get("id")) for node in root.findall("iothreadids/iothread")}
    ids.discard(-1)
    count = _whole(root.findtext("iothreads"))
    number = 1
    while len(ids) < min(count, 65536):
        ids.add(number)
        number += 1
    return frozenset(ids)


def _whole(text: str | None) -> int:
    try:
        return NUMBER.parse(text or "")
    except ValueError:
        return -1


_SCSI = "<controller type='scsi' model='virtio-scsi'/>"
_THREADS = "<iothreads>1</iothreads>"


@rule(
    "controller-model-unknown",
    Controller,
    bad="<controller type='usb' model='virtio-scsi'/>",
    good=_SCSI,
)
def model_fits_type(controller: Controller) -> Problems:
    """Attribute ``model`` of ``<controller>`` must be a model for the controller's type."""
    models = MODELS.get(controller.type or "", ())
    if controller.model is not None and controller.model not in models:
        what = f"{controller.model!r} is not a model of {controller.type} controllers"
        yield problem(what, controller, "@model", accepted=models)


@rule(
    "controller-model-missing",
    Controller,
    bad="<controller type='pci' index='1'/>",
    good="<controller type='pci' index='1' model='pci-bridge'/>",
)
def pci_has_a_model(controller: Controller) -> Problems:
    """``<controller type='pci'>`` needs the attribute ``model``, such as
    ``model='pcie-root-port'``.
    """
    if controller.type == "pci" and controller.model is None:
        models = MODELS["pci"]
        yield problem(
            "<controller type='pci'> needs the attribute 'model', such as 'pcie-root-port'",
            controller,
            "@model",
            accepted=models,
        )


@rule(
    "controller-index-duplicate",
    Controller,
    bad=_SCSI.replace("/>", " index='1'/>") * 2,
    good=_SCSI.replace("/>", " index='1'/>"),
)
def index_is_unique(controller: Controller) -> Problems:
    """Attribute ``index`` must differ for all controllers of one type, except USB companions."""
    if controller.index is None or controller.type == "usb":
        return
    first = controller.domain.firsts(Controller, "type_and_index")[controller.type_and_index]
    if first.node is not controller.node:
        what = f"another {controller.type} controller has index {controller.index}; use a free one"
        yield problem(what, controller, "@index")


@rule(
    "controller-duplicate-element",
    Controller,
    bad="<controller type='pci' index='1' model='pci-bridge'><target/><target/></controller>",
    good="<controller type='pci' index='1' model='pci-bridge'><target/></controller>",
)
def one_of_each(controller: Controller) -> Problems:
    """A ``<controller>`` may contain at most one ``<model>`` and one ``<target>``."""
    for tag in ("model", "target"):
        given = controller.find_all(tag)
        if len(given) > 1:
            yield problem(f"<controller> has more than one <{tag}>; keep one", given[1])


@rule(
    "controller-vectors-invalid",
    ControllerVectors,
    bad="<controller type='virtio-serial' vectors='-1'/>",
    good="<controller type='virtio-serial' vectors='4'/>",
)
def vectors_are_a_number(controller: ControllerVectors) -> Problems:
    """Attribute ``vectors`` of a virtio-serial controller must be a whole number."""
    vectors = controller.node.get("vectors") if controller.type == "virtio-serial" else None
    if vectors is not None and _whole(vectors) < 0:
        yield problem(
            "attribute 'vectors' of <controller> must be a whole number, such as '4'",
            controller,
            "@vectors",
        )


@rule(
    "controller-xenbus-invalid",
    ControllerVectors,
    bad="<controller type='xenbus' maxGrantFrames='few'/>",
    good=_SCSI,
)
def xenbus_limits_are_numbers(controller: ControllerVectors) -> Problems:
    """Attributes ``maxGrantFrames`` and ``maxEventChannels`` of ``<controller type='xenbus'>`` must
    be whole numbers.
    """
    for name in ("maxGrantFrames", "maxEventChannels") if controller.type == "xenbus" else ():
        text = controller.node.get(name)
        if text is not None and _whole(text) < 0:
            yield problem(
                f"attribute {name!r} of <controller type='xenbus'> must be a whole "
                "number, such as '64'",
                controller,
                f"@{name}",
            )


@rule(
    "controller-option-unsupported",
    Controller,
    bad="<controller type='virtio-serial'><driver queues='2'/></controller>",
    good=_SCSI.replace("/>", "><driver queues='2'/></controller>"),
)
def options_need_virtio_scsi(controller: Controller) -> Problems:
    """``<driver>`` of a controller requires ``model='virtio-scsi'``; NVMe controllers accept a few
    attributes.
    """
    if controller.is_virtio_scsi:
        return
    nvme = controller.type == "nvme"
    given = {
        "queues": bool(controller.queues) and not nvme,
        "cmd_per_lun": bool(controller.cmd_per_lun),
        "max_sectors": bool(controller.max_sectors),
        "ioeventfd": bool(controller.ioeventfd) and not nvme,
        "iothread": bool(controller.iothread),
    }
    for name in (name for name, there in given.items() if there):
        yield problem(
            f"attribute {name!r} of <driver> is only valid for SCSI controllers of "
            "model 'virtio-scsi'; "
            "remove it",
            controller,
            f"driver/@{name}",
        )


@rule(
    "controller-iothread-unknown",
    Controller,
    bad=_SCSI.replace("/>", "><driver iothread='2'/></controller>") + _THREADS,
    good=_SCSI.replace("/>", "><driver iothread='1'/></controller>") + _THREADS,
)
def iothread_exists(controller: Controller) -> Problems:
    """Attribute ``iothread`` of a controller must be the id of an I/O thread that the domain
    defines.
    """
    if controller.is_virtio_scsi and controller.iothread:
        known = threads(controller)
        if controller.iothread not in known:
            yield problem(
                f"the domain does not define I/O thread {controller.iothread}; raise "
                "<iothreads>, or use the id of another one",
                controller,
                "driver/@iothread",
                accepted=map(str, sorted(known)),
                fix=with_thread(controller.domain.root, controller.iothread),
            )


@rule(
    "controller-iothread-address-invalid",
    Controller,
    bad=Sample(
        _SCSI.replace(
            "/>", "><driver iothread='1'/><address type='virtio-mmio'/></controller>"
        )
        + _THREADS,
        arch="aarch64",
    ),
    good=_SCSI.replace("/>", "><driver iothread='1'/></controller>") + _THREADS,
)  # fmt: skip
def iothread_needs_pci_or_ccw(controller: Controller) -> Problems:
    """A controller with an ``iothread`` needs an address of type ``pci`` or ``ccw``."""
    if not controller.is_virtio_scsi or not controller.iothread:
        return
    if controller.address_type not in {None, "pci", "ccw"}:
        yield problem(
            "a controller with an iothread needs an address of type 'pci' or 'ccw'",
            controller,
            "address",
        )


@rule(
    "controller-scsi-model-unsupported",
    Controller,
    bad="<controller type='scsi' model='buslogic'/>",
    good=_SCSI,
)
def scsi_model_is_there(controller: Controller) -> Problems:
    """Attribute ``model`` of a SCSI controller must be one that QEMU has, such as
    ``virtio-scsi``.
    """
    if controller.type != "scsi":
        return
    model, world = controller.settled_model, controller.domain.world
    needed = SCSI_DEVICES.get(model or "")
    if model is None:
        yield problem(
            "this QEMU has no SCSI controller that libvirt could choose by default: name a model",
            controller,
        )
    elif model == "buslogic":
        yield problem(
            "QEMU does not implement the SCSI controller 'buslogic'; use 'virtio-scsi'",
            controller,
            "@model",
        )
    elif needed is not None and world.truth(needed) is Truth.NO:
        why = needed.explain(world)
        yield problem(
            f"this QEMU does not have the SCSI controller {model!r}",
            controller,
            "@model",
            reason=why,
        )


@rule(
    "controller-scsi-builtin-missing",
    Controller,
    bad="<controller type='scsi' index='0' model='ncr53c90'/>",
    good=_SCSI,
)
def ncr53c90_is_soldered_on(controller: Controller) -> Problems:
    """Model ``ncr53c90`` requires ``index='0'``, and a machine type that has this controller built
    in.
    """
    if controller.type != "scsi" or controller.model != "ncr53c90":
        return
    if controller.index or not controller.holds(BUILTIN_ESP):
        why = BUILTIN_ESP.explain(controller.domain.world)
        yield problem(
            "the SCSI controller 'ncr53c90' cannot be added, as it is built into "
            "some machine types; use "
            "'virtio-scsi'",
            controller,
            "@model",
            reason=why,
        )


@rule(
    "controller-ide-unsupported",
    Controller,
    bad=Sample("<controller type='ide' index='0'/>", machine="q35"),
    good="<controller type='ide' index='0'/>",
)
def ide_is_soldered_on(controller: Controller) -> Problems:
    """An IDE controller requires a machine type that has one built in, such as i440fx."""
    if controller.type != "ide":
        return
    if not controller.holds(BUILTIN_IDE):
        why = BUILTIN_IDE.explain(controller.domain.world)
        yield problem(
            "this machine type has no IDE controller; use 'sata' or 'virtio'",
            controller,
            "@type",
            reason=why,
        )
    elif controller.index:
        yield problem(
            "this machine type has a single IDE controller; set index='0'", controller, "@index"
        )


@rule(
    "controller-sata-unsupported",
    Controller,
    bad=Sample("<controller type='sata' index='0'/>", arch="s390x"),
    good=Sample("<controller type='sata' index='0'/>", machine="q35"),
)
def sata_is_there(controller: Controller) -> Problems:
    """A SATA controller requires a QEMU with ``ich9-ahci``, or a q35 machine type."""
    world = controller.domain.world
    builtin = not controller.index and controller.holds(Q35)
    if controller.type == "sata" and not builtin and world.truth(SATA) is Truth.NO:
        yield problem(
            "this QEMU has no SATA controller (ich9-ahci)",
            controller,
            "@type",
            requires=SATA,
        )


@rule(
    "controller-nvme-unsupported",
    Controller,
    bad=Sample("<controller type='nvme'><serial>a</serial></controller>", arch="sparc"),
    good="<controller type='nvme' index='0'><serial>a</serial></controller>",
)
def nvme_is_there(controller: Controller) -> Problems:
    """An NVMe controller requires a QEMU with the device ``nvme``."""
    world = controller.domain.world
    if controller.type == "nvme" and world.truth(NVME) is Truth.NO:
        yield problem(
            "this QEMU has no NVMe controller (nvme)",
            controller,
            "@type",
            requires=NVME,
        )


@rule(
    "controller-virtio-address-unsupported",
    Controller,
    bad="<controller type='virtio-serial'><address type='usb'/></controller>",
    good="<controller type='virtio-serial'><address type='pci'/></controller>",
    stage=Stage.START,
)
def virtio_controllers_sit_on_pci(controller: Controller) -> Problems:
    """The ``<address>`` of a virtio controller must be of type ``pci``, ``ccw`` or ``virtio-mmio``.

    This is the rule of ``virtio-address-unsupported``, for controllers.
    """
    kind = controller.address_type
    virtio = controller.type == "virtio-serial" or (
        controller.type == "scsi" and controller.settled_model in VIRTIO_SCSI_MODELS
    )
    if virtio and kind is not None and kind not in BUSES:
        what = f"a virtio controller cannot have an address of type {kind!r}"
        yield problem(what, controller, "address/@type", accepted=BUSES)
