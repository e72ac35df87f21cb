"""``<console>``: where the guest's text console leads to.

::

    <console type='pty'>
      <target type='virtio'/>
    </console>

The first console may be a serial port: then it stands for the first ``<serial>``, or becomes it.
"""

from __future__ import annotations

from domcaps.elements.advice.drifts import NO_DBUS_CHARACTERS, older_qemu
from domcaps.elements.characters.chardev import CharacterPort
from domcaps.elements.characters.chardev_command_line import console
from domcaps.elements.characters.serial import Serial, address_problems, port_type
from domcaps.elements.display.graphics import SPICE
from domcaps.language import Choice, Drift, Element, Enum
from domcaps.language.changes.characters import CONSOLE_REPORTED
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device, qapi
from domcaps.language.part import field
from domcaps.language.preference import Decision, Option
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

_SPICE_SAMPLE = "<graphics type='spice' autoport='yes'/>"
_SOCKET_SAMPLE = (
    "<console type='{}'><source mode='connect' host='localhost' service='1'/></console>"
)

_NO_SPICE = Drift(
    title="Consoles of type 'spicevmc'",
    says="type 'spicevmc' is listed for consoles",
    but="libvirt refuses such consoles: only <channel> with <target type='virtio'> can "
    "be of type 'spicevmc'",
    evidence="libvirt 11.3 and 12.8 refuse to define a domain with <console type='spicevmc'/>",
    instead="use <channel type='spicevmc'> with <target type='virtio'>",
)
_VDAGENT_CRASH = Drift(
    title="Consoles of type 'qemu-vdagent'",
    says="type 'qemu-vdagent' is listed for consoles",
    but="only serial ports work: QEMU crashes (segmentation fault) if a virtio console "
    "is connected to it",
    evidence="QEMU 10.0 and 11.1 crash with -chardev qemu-vdagent and -device virtconsole; "
    "QEMU 7.2 starts",
    where=~older_qemu(8, 0),
    found_by="console-vdagent-crash",
    instead="use <channel type='qemu-vdagent'>",
    targets="QEMU 8.0 and later",
)
TYPE = Enum(
    "type",
    attribute="@type",
    choices=(
        Choice("null", qemu_args=console("null")),
        Choice("vc", qemu_args=console("vc")),
        Choice("pty", qemu_args=console("pty")),
        Choice(
            "dev",
            qemu_args=console("dev"),
            sample="<console type='dev'><source path='/dev/a'/></console>",
        ),
        Choice("file", qemu_args=console("file")),
        Choice("pipe", qemu_args=console("pipe")),
        Choice("stdio", qemu_args=console("stdio")),
        Choice("udp", qemu_args=console("udp"), sample=_SOCKET_SAMPLE.format("udp")),
        Choice("tcp", qemu_args=console("tcp"), sample=_SOCKET_SAMPLE.format("tcp")),
        Choice("unix", qemu_args=console("unix")),
        Choice(
            "spicevmc",
            SPICE,
            qemu_args=console("spicevmc"),
            sample=f"<console type='spicevmc'/>{_SPICE_SAMPLE}",
            drifts=(_NO_SPICE,),
        ),
        Choice(
            "spiceport",
            SPICE,
            qemu_args=console("spiceport"),
            sample="<console type='spiceport'><source channel='org.example.0'/></console>"
            + _SPICE_SAMPLE,
        ),
        Choice(
            "qemu-vdagent",
            qapi("chardev-add/arg/backend/case=qemu-vdagent"),
            at_start=(_VDAGENT_CRASH,),
            qemu_args=console("qemu-vdagent"),
        ),
        # listed without a look at QEMU, unlike the display of that name
        Choice(
            "dbus",
            at_start=(NO_DBUS_CHARACTERS,),
            qemu_args=console("dbus"),
            sample="<console type='dbus'><source channel='org.example.0'/></console>",
        ),
    ),
    sample="<console type='{value}'><source path='/a'/></console>",
)

PREFERENCE = Decision(
    "console.type",
    TYPE,
    order=130,
    title="the text console",
    xml="<console type='{value}'/>",
    options=(
        Option("pty", "it works where no screen does"),
        Option("", "the board has none"),
    ),
)

ELEMENT = Element("console", order=130, since=CONSOLE_REPORTED, content=(TYPE,))

TARGET_TYPE = Enum(
    "targetType",
    attribute="target/@type",
    choices=(
        Choice("serial"),
        Choice("virtio"),
        Choice("sclp", device("sclpconsole")),
        Choice("sclplm", device("sclplmconsole")),
        # another way to say serial
        Choice("none", listed=False),
    ),
)


class Console(CharacterPort):
    """A text console."""

    path = "devices/console"

    named_target = field("target/@type", choice=TARGET_TYPE)

    @cached_property
    def is_serial(self) -> bool:
        """Whether it is a serial port."""
        return self.target_type in {"", "none", "serial"}

    @cached_property
    def is_first(self) -> bool:
        """Whether it is the first console."""
        return self.domain.all(Console)[0].node is self.node

    @cached_property
    def becomes_serial(self) -> bool:
        """Whether a serial port is made of it, because there is none."""
        return self.is_first and self.is_serial and not self.domain.all(Serial)

    @property
    def counts(self) -> bool:
        """Whether libvirt looks at it: one that stands for a serial port is dropped."""
        return not (self.is_first and self.is_serial and self.domain.all(Serial))


@rule(
    "console-serial-not-first",
    Console,
    bad="<console type='pty'><target type='virtio'/></console><console type='pty'/>",
    good="<console type='pty'/><console type='pty'><target type='virtio'/></console>",
)
def only_the_first_is_serial(console: Console) -> Problems:
    """Only the first ``<console>`` can be a serial port; others need a ``<target>`` of another
    type, such as ``virtio``.
    """
    if console.is_serial and not console.is_first:
        yield problem(
            "only the first console can be of type 'serial'; use <target type='virtio'/>",
            console,
            "target/@type",
            accepted=["virtio"],
            fix=set_value("virtio", "@type" if console.has("target") else "target/@type"),
        )


@rule(
    "console-serial-address-unsupported",
    Console,
    bad="<console type='pty'><address type='pci'/></console>",
    good="<console type='pty'><address type='isa'/></console>",
)
def address_fits_the_port(console: Console) -> Problems:
    """The ``<address>`` of a ``<console>`` that stands for a serial port must be of a type that
    this serial port can have.
    """
    if console.becomes_serial:
        yield from address_problems(console, port_type(console))


@rule(
    "console-spice-unsupported",
    Console,
    bad="<graphics type='spice'/><console type='spicevmc'><target type='virtio'/></console>",
    good="<console type='pty'/>",
)
def spicevmc_is_for_channels(console: Console) -> Problems:
    """``spicevmc`` is only valid for ``<channel>``, not for ``<console>``."""
    if console.source_type == "spicevmc":
        yield problem(
            "type='spicevmc' is only valid for <channel>; use another type, such as 'pty'",
            console,
            "@type",
        )


@rule(
    "console-virtio-address-unsupported",
    Console,
    bad="<console type='pty'><target type='virtio'/><address type='pci'/></console>",
    good="<console type='pty'><target type='virtio'/>"
    "<address type='virtio-serial' controller='0' bus='0' port='1'/></console>",
    stage=Stage.START,
)
def virtio_consoles_sit_on_virtio_serial(console: Console) -> Problems:
    """The ``<address>`` of a virtio ``<console>`` must be of type ``virtio-serial``."""
    kinds = {None, "virtio-serial", "ccw"}
    if console.target_type == "virtio" and console.address_type not in kinds:
        yield problem(
            "a virtio console needs an <address> of type 'virtio-serial'", console, "address/@type",
            accepted=["virtio-serial"],
        )  # fmt: skip


@rule(
    "console-vdagent-crash",
    Console,
    bad="<console type='qemu-vdagent'><target type='virtio'/></console>",
    good="<console type='qemu-vdagent'><target type='serial'/></console>",
    stage=Stage.START,
)
def vdagent_is_no_virtio_console(console: Console) -> Problems:
    """``<console type='qemu-vdagent'>`` must not be a virtio console: QEMU 8 and later crash."""
    if console.source_type != "qemu-vdagent" or console.target_type != "virtio":
        return
    if console.domain.world.truth(_VDAGENT_CRASH.where) is Truth.YES:
        yield problem(
            "QEMU crashes with a virtio console of type 'qemu-vdagent'; use <channel "
            "type='qemu-vdagent'>",
            console,
            "@type",
            fix=set_value("pty", "@type"),
        )


@rule(
    "console-virtio-ccw-fails-at-start",
    Console,
    bad=Sample(
        "<console type='pty'><target type='virtio'/><address type='ccw' cssid='0xfe' ssid='0x0' "
        "devno='0x0001'/></console>",
        arch="s390x",
    ),
    good=Sample("<console type='pty'><target type='virtio'/></console>", arch="s390x"),
    stage=Stage.START,
)
def virtio_console_is_no_ccw_device(console: Console) -> Problems:
    """A virtio ``<console>`` cannot have ``<address type='ccw'>``: its controller is the CCW
    device.
    """
    if console.target_type == "virtio" and console.address_type == "ccw":
        yield problem(
            "QEMU refuses a virtio console with an <address> of type 'ccw': its controller has one",
            console,
            "address/@type",
            accepted=["virtio-serial"],
        )
