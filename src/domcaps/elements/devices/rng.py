"""``<rng>``: a source of random numbers for the guest.

::

    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
"""

from __future__ import annotations

from domcaps.elements.advice.drifts import NO_CHANNEL_FORM, NO_PCI
from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio import FORMS
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.characters.chardev import CharacterSource
from domcaps.elements.qemu.fragments import on_any_bus, on_pci_or_ccw
from domcaps.language import Choice, Element, Enum
from domcaps.language.fix import Fix
from domcaps.language.observed import device, qom_type
from domcaps.language.part import field
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.quantities import OrEmpty
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED, fits

_RANDOM = "-object rng-random,id={id}r,filename=/dev/urandom"
_DEVICE = "-device virtio-rng-{bus},rng={id}r"

VIRTIO_RNG = device("virtio-rng-pci", "virtio-rng-ccw", "virtio-rng-device")

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("virtio", VIRTIO_RNG, qemu_args=on_any_bus(f"{_RANDOM} {_DEVICE}")),
        *(
            Choice(
                f"virtio-{form}",
                VIRTIO_RNG & when,
                since=since,
                until=until,
                at_start=(NO_PCI, NO_CHANNEL_FORM),
                qemu_args=on_pci_or_ccw(f"{_RANDOM} {_DEVICE}".replace("{bus}", f"{{bus}}-{form}")),
            )
            for when, since, until in FORMS
            for form in ("transitional", "non-transitional")
        ),
    ),
    sample="<rng model='{value}'><backend model='random'>/dev/urandom</backend></rng>",
)

BACKEND_MODEL = Enum(
    "backendModel",
    attribute="backend/@model",
    choices=(
        Choice("random", qom_type("rng-random"), qemu_args=on_any_bus(f"{_RANDOM} {_DEVICE}")),
        Choice(
            "egd",
            qom_type("rng-egd"),
            sample="<rng model='virtio'><backend model='egd' type='tcp'>"
            "<source mode='connect' host='localhost' service='1'/></backend></rng>",
            qemu_args=on_any_bus(
                "-chardev socket,id={id}c,path={dir}/egd,server=on,wait=off "
                f"-object rng-egd,id={{id}}r,chardev={{id}}c {_DEVICE}"
            ),
        ),
        Choice(
            "builtin",
            qom_type("rng-builtin"),
            qemu_args=on_any_bus(f"-object rng-builtin,id={{id}}r {_DEVICE}"),
        ),
    ),
    sample="<rng model='virtio'><backend model='{value}'>/dev/urandom</backend></rng>",
)

PREFERENCE = Decision(
    "rng.model",
    MODEL,
    order=120,
    title="the source of random numbers",
    xml="<rng model='{value}'><backend model='random'>/dev/urandom</backend></rng>",
    options=(
        Option(
            "virtio",
            "keys can be made right after the start",
            guest=drives("virtio-rng", "virtio1.0-rng"),
        ),
        Option("", "the guest would not use it"),
        Option("virtio", "wanted"),
    ),
)

ELEMENT = Element("rng", order=50, content=(MODEL, BACKEND_MODEL))

_BACKEND = "<backend model='builtin'/>"


class Rng(VirtioOptions, Device):
    """A source of random numbers."""

    path = "devices/rng"
    knows = ("rate/@period",)

    model = field("@model", choice=MODEL, required=True)
    rate = field(
        "rate/@bytes", OrEmpty(UNSIGNED), expected="a number of bytes per period, such as '1024'"
    )


class RngBackend(CharacterSource):
    """Where random numbers come from; that of model ``egd`` is a character device."""

    path = "devices/rng/backend"

    model = field("@model", choice=BACKEND_MODEL, required=True)

    @property
    def source_type(self) -> str:
        """The type of character device, "" where it is none."""
        return self.node.get("type", "") if self.model == "egd" else ""


@rule(
    "rng-backend-count",
    Rng,
    bad="<rng model='virtio'/>",
    good=f"<rng model='virtio'>{_BACKEND}</rng>",
)
def one_backend(rng: Rng) -> Problems:
    """``<rng>`` needs exactly one ``<backend>``."""
    backends = rng.find_all("backend")
    if len(backends) != 1:
        fix = (
            ()
            if backends
            else Fix(values=(("backend/@model", "random"), ("backend", "/dev/urandom")))
        )
        place = backends[1] if backends else rng
        yield problem("<rng> needs exactly one <backend>", place, fix=fix)


@rule(
    "rng-rate-period-invalid",
    Rng,
    bad=f"<rng model='virtio'><rate bytes='1024' period='second'/>{_BACKEND}</rng>",
    good=f"<rng model='virtio'><rate bytes='1024' period='1000'/>{_BACKEND}</rng>",
)
def period_is_a_number(rng: Rng) -> Problems:
    """Attribute ``period`` of ``<rate>`` in ``<rng>`` must be a number of milliseconds, such as
    ``2000``.
    """
    node = rng.find("rate")
    period = "" if node is None else node.get("period", "")
    if rng.rate and period and not fits(UNSIGNED, period):
        yield problem(
            f"attribute 'period' of <rate> is {period!r}, but must be a number of milliseconds",
            rng,
            "rate/@period",
        )


@rule(
    "rng-egd-type-missing",
    RngBackend,
    bad="<rng model='virtio'><backend model='egd'/></rng>",
    good="<rng model='virtio'><backend model='egd' type='udp'><source service='1234'/>"
    "</backend></rng>",
)
def egd_has_a_type(backend: RngBackend) -> Problems:
    """``<backend model='egd'>`` of ``<rng>`` needs the attribute ``type`` of a character device,
    such as ``type='udp'``.
    """
    if backend.model == "egd" and not backend.node.get("type"):
        yield problem(
            "<backend model='egd'> needs the attribute 'type', such as 'udp' or 'tcp'",
            backend,
            "@type",
        )
