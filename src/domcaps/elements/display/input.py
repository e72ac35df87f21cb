"""``<input>``: keyboards, mice and tablets of the guest, and input devices of the host.

::

    <input type='tablet' bus='usb'/>
    <input type='passthrough' bus='virtio'>
      <source evdev='/dev/input/event1'/>
    </input>
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.boards.defaults import input_bus
from domcaps.elements.boards.families import I440FX, ISAPC, Q35, S390, S390_CCW, X86, XENFV
from domcaps.language.attributes import Attributes
from domcaps.language.changes.display import INPUT_EVDEV, INPUT_MODELS_CHECKED, PS2_OF_BOARDS
from domcaps.language.finding import Stage
from domcaps.language.fix import Substitutes, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device, qom_type
from domcaps.language.part import field
from domcaps.language.predicate import NEVER
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, OneOf

SUBSTITUTES = Substitutes(
    "devices/input/@bus",
    order={
        "ps2": ("usb", "virtio"),
        "usb": ("virtio", "ps2"),
        "virtio": ("usb", "ps2"),
        "*": ("usb", "virtio", "ps2"),
    },
)
"""Every system has drivers for input on USB; one on virtio is needed where there is no USB."""

TYPES = OneOf(("mouse", "tablet", "keyboard", "passthrough", "evdev"), {"evdev": INPUT_EVDEV})
BUSES = OneOf(("ps2", "usb", "xen", "parallels", "virtio", "none"), {"none": INPUT_EVDEV})
MODELS = OneOf(VIRTIO_MODELS)

_I8042_ANYWHERE = X86 | device("i8042")
I8042 = device("i8042") & (I440FX | Q35 | XENFV | ISAPC)
USB_KEYBOARD = device("usb-kbd")
VIRTIO = {
    "mouse": device("virtio-mouse-device"),
    "tablet": device("virtio-tablet-device"),
    "keyboard": device("virtio-keyboard-device"),
    "passthrough": device("virtio-input-host-device"),
    "evdev": qom_type("input-linux"),
}
VIRTIO_CCW = {
    "mouse": device("virtio-mouse-ccw"),
    "tablet": device("virtio-tablet-ccw"),
    "keyboard": device("virtio-keyboard-ccw"),
}

_HOSTED = {"passthrough": "evdev", "evdev": "dev"}
_EVDEV = Attributes(
    {
        "grab": OneOf(("all",)),
        "grabToggle": OneOf(
            (
                "ctrl-ctrl",
                "alt-alt",
                "shift-shift",
                "meta-meta",
                "scrolllock",
                "ctrl-scrolllock",
            )
        ),
        "repeat": ON_OFF,
    }
)


_SEEN = (("graphics.type", ("spice", "vnc", "sdl", "dbus", "rdp", "egl-headless")),)
_XHCI = "<controller type='usb' index='0' model='qemu-xhci'/>"
_USB_2 = "<controller type='usb' index='0' model='ich9-ehci1'/>" + "".join(
    f"<controller type='usb' index='0' model='ich9-uhci{number}'>"
    f"<master startport='{2 * number - 2}'/></controller>"
    for number in (1, 2, 3)
)
_POINTER = "<input type='tablet' bus='{value}'/>"
_BOTH = _POINTER + "<input type='keyboard' bus='{value}'/>"

PREFERENCE = Decision(
    "input.bus",
    order=80,
    title="how the pointer follows the hand",
    options=(
        Option("", "there is no user who types", given=(("graphics.type", ("",)),)),
        Option(
            "usb",
            "a tablet needs no grabbing",
            given=_SEEN,
            when=X86,
            guest=drives("qemu-xhci", "nec-xhci"),
            xml=_XHCI + _POINTER,
        ),
        Option(
            "usb",
            "a tablet needs no grabbing; the guest has no driver for USB 3",
            given=_SEEN,
            when=X86,
            xml=_USB_2 + _POINTER,
        ),
        Option(
            "usb",
            "tablet and keyboard that every guest knows",
            given=_SEEN,
            when=~X86 & ~S390,
            xml=_XHCI + _BOTH,
        ),
        Option("virtio", "what is made for guests", given=_SEEN, xml=_BOTH),
        Option("usb", "a tablet needs no grabbing", given=_SEEN, xml=_POINTER),
        Option("", "what the board has itself"),
    ),
)


class Input(VirtioOptions, Device):
    """An input device: keyboard, mouse or tablet."""

    path = "devices/input"

    type = field("@type", TYPES, required=True)
    named_bus = field("@bus", BUSES)
    model = field("@model", MODELS)

    @cached_property
    def bus(self) -> str:
        """The bus, libvirt's default where none is named."""
        return input_bus(self.node, self.domain)

    @property
    def is_virtio(self) -> bool:
        """Whether it is a virtio device."""
        return self.bus == "virtio"


@rule(
    "input-source-unsupported",
    Input,
    bad="<input type='mouse' bus='usb'><source evdev='/dev/input/event1'/></input>",
    good="<input type='mouse' bus='usb'/>",
    until=INPUT_EVDEV,
)
def source_is_of_passed_devices(device: Input) -> Problems:
    """Attribute ``evdev`` of ``<source>`` in ``<input>`` requires ``type='passthrough'`` (older
    libvirt versions).
    """
    source = device.find("source")
    if device.type != "passthrough" and source is not None and source.get("evdev") is not None:
        yield problem(
            "this libvirt version requires type='passthrough' for <source>", device, "source/@evdev"
        )


@rule(
    "input-bus-unsupported",
    Input,
    bad="<input type='tablet' bus='ps2'/>",
    good="<input type='tablet' bus='usb'/>",
)
def bus_carries_the_type(input_: Input) -> Problems:
    """Attribute ``bus`` of ``<input>`` must suit its ``type``; for example, ``ps2`` is only for
    mouse and keyboard.

    The bus ``xen`` is not supported by QEMU.
    """
    kind, bus = input_.type, input_.bus
    wanted: tuple[str, ...] = ()
    if kind == "passthrough" and bus != "virtio":
        wanted = ("virtio",)
    elif kind == "evdev" and bus != "none":
        wanted = ("none",)
    elif (bus == "ps2" and kind not in {"mouse", "keyboard", None}) or bus == "xen":
        wanted = ("usb", "virtio")
    if wanted:
        yield problem(
            f"the bus {bus!r} does not support type={kind!r}", input_, "@bus", accepted=wanted
        )


@rule(
    "input-ps2-unsupported",
    Input,
    bad=Sample("<input type='mouse' bus='ps2'/>", arch="aarch64"),
    good="<input type='mouse' bus='ps2'/>",
    until=PS2_OF_BOARDS,
)
def ps2_needs_qemu(input_: Input) -> Problems:
    """PS/2 is there on x86, and elsewhere where QEMU has the keyboard controller."""
    if input_.bus == "ps2":
        accepted = ["usb", "virtio"]
        yield from needs(
            input_, _I8042_ANYWHERE, "this QEMU has no PS/2", "@bus", accepted=accepted
        )


@rule(
    "input-ps2-unsupported",
    Input,
    bad=Sample("<input type='mouse' bus='ps2'/>", arch="aarch64"),
    good="<input type='mouse' bus='ps2'/>",
    since=PS2_OF_BOARDS,
)
def ps2_needs_its_controller(input_: Input) -> Problems:
    """``<input bus='ps2'>`` requires an x86 PC machine type."""
    if input_.bus == "ps2":
        accepted = ["usb", "virtio"]
        yield from needs(
            input_,
            I8042,
            "this machine type has no PS/2 controller; use bus='usb' or 'virtio'",
            "@bus",
            accepted=accepted,
        )


@rule(
    "input-usb-keyboard-unsupported",
    Input,
    bad=Sample("<input type='keyboard' bus='usb'/>", arch="s390x"),
    good="<input type='keyboard' bus='usb'/>",
)
def usb_keyboard_is_there(input_: Input) -> Problems:
    """``<input type='keyboard' bus='usb'>`` requires a QEMU with ``usb-kbd``."""
    if input_.bus == "usb" and input_.type == "keyboard":
        yield from needs(
            input_, USB_KEYBOARD, "this QEMU does not have the device 'usb-kbd'", "@bus"
        )


@rule(
    "input-address-unsupported",
    Input,
    bad="<input type='tablet' bus='usb'><address type='pci'/></input>",
    good="<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>",
)
def usb_devices_sit_on_usb(input_: Input) -> Problems:
    """The ``<address>`` of ``<input bus='usb'>`` must be of type ``usb``, if there is one."""
    if input_.named_bus == "usb" and input_.address_type not in {None, "usb"}:
        yield problem(
            "<input bus='usb'> needs an <address> of type 'usb'",
            input_,
            "address/@type",
            accepted=["usb"],
        )


@rule(
    "input-source-missing",
    Input,
    bad="<input type='passthrough'><source dev='/dev/input/event1'/></input>",
    good="<input type='passthrough'><source evdev='/dev/input/event1'/></input>",
)
def source_names_the_device(input_: Input) -> Problems:
    """An ``<input>`` of type ``passthrough`` needs ``<source evdev='…'/>``; one of type ``evdev``
    needs ``<source dev='…'/>``.

    A missing ``<source>`` of type ``evdev`` is reported only at start.
    """
    source = input_.find("source")
    name = _HOSTED.get(input_.type or "")
    if source is not None and name and source.get(name) is None:
        yield problem(
            f"<source> needs the attribute {name!r}, the path of the host's device",
            input_,
            "source",
        )


@rule(
    "input-source-missing-at-start",
    Input,
    bad="<input type='evdev'/>",
    good="<input type='evdev'><source dev='/dev/input/event1'/></input>",
    stage=Stage.START,
)
def evdev_has_a_source(input_: Input) -> Problems:
    """``<source>`` of ``<input type='evdev'>`` needs the attribute ``dev`` at start."""
    if input_.type == "evdev" and not input_.has("source"):
        message = (
            "<input type='evdev'> needs a device of the host, such as <source "
            "dev='/dev/input/event0'/>"
        )
        yield problem(message, input_)


@rule(
    "input-source-invalid",
    Input,
    bad="<input type='evdev'><source dev='/dev/input/event1' grab='some'/></input>",
    good="<input type='evdev'><source dev='/dev/input/event1' grab='all'/></input>",
)
def grabbing_is_known(input_: Input) -> Problems:
    """Attributes ``grab``, ``repeat`` and ``grabToggle`` of ``<source>`` in ``<input>`` must have
    valid values.
    """
    if input_.type == "evdev":
        yield from _EVDEV.problems(input_.find("source"))


@rule(
    "input-model-unsupported",
    Input,
    bad="<input type='mouse' bus='ps2' model='virtio'/>",
    good="<input type='mouse' bus='virtio' model='virtio'/>",
)
def model_needs_virtio(input_: Input) -> Problems:
    """Attribute ``model`` of ``<input>`` requires ``bus='virtio'``, and must not be
    ``virtio-transitional``.
    """
    if input_.model is None:
        return
    if input_.bus != "virtio":
        if not libvirt_reads(input_, INPUT_MODELS_CHECKED):
            return
        message = f"the model {input_.model!r} requires bus='virtio'"
        yield problem(message, input_, "@model", fix=set_value("virtio", "@bus"))
    elif input_.model != "virtio":
        yield problem(
            "virtio input devices have no transitional models; use model='virtio'",
            input_,
            "@model",
            accepted=["virtio"],
        )


@rule(
    "input-virtio-unsupported",
    Input,
    bad=Sample("<input type='passthrough' bus='virtio'/>", arch="s390x"),
    good="<input type='mouse' bus='virtio'/>",
)
def virtio_device_is_there(input_: Input) -> Problems:
    """``<input bus='virtio'>`` requires a QEMU with the virtio device for its type, such as
    ``virtio-tablet-pci``.
    """
    kind = input_.type or ""
    if input_.bus != "virtio" or kind not in VIRTIO:
        return
    yield from needs(
        input_, VIRTIO[kind], f"this QEMU does not have a virtio device of type {kind!r}", "@type"
    )
    on_channel = input_.address_type == "ccw" or (
        input_.address_type is None and input_.holds(S390_CCW)
    )
    if on_channel:
        message = f"this QEMU does not have a virtio device of type {kind!r} for CCW"
        yield from needs(input_, VIRTIO_CCW.get(kind, NEVER), message, "@type")
