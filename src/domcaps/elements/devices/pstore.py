"""``<pstore>``: where a crashing guest leaves its last words.

::

    <pstore backend='acpi-erst'>
      <path>/tmp/guest_acpi_esrt</path>
      <size unit='KiB'>8</size>
    </pstore>
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.language import Choice, Enum
from domcaps.language.changes.devices import PSTORE
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.quantities import UNIT, is_power_of_two, kib, size_of
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED64

BACKEND = Enum("backend", attribute="@backend", choices=(Choice("acpi-erst", device("acpi-erst")),))

_LEAST_KIB = 4
_STORE = "<pstore backend='acpi-erst'><path>/tmp/p</path><size>{}</size></pstore>"


class Pstore(Device):
    """Storage that outlives a crash."""

    path = "devices/pstore"
    since = PSTORE

    backend = field("@backend", choice=BACKEND, required=True)
    file = field("path")
    size_number = field("size", UNSIGNED64, required=True)
    size_unit = field("size/@unit", UNIT)


@rule(
    "pstore-duplicate",
    Pstore,
    bad=_STORE.format(8) * 2,
    good=_STORE.format(8),
)
def one_pstore(pstore: Pstore) -> Problems:
    """A domain may have at most one ``<pstore>``."""
    if pstore.domain.all(Pstore)[0].node is not pstore.node:
        yield problem("the domain has a second <pstore>; remove one", pstore)


@rule(
    "pstore-size-unsupported",
    Pstore,
    bad=_STORE.format(3),
    good=_STORE.format(8),
)
def size_is_a_power_of_two(pstore: Pstore) -> Problems:
    """``<size>`` of ``<pstore>`` must be a power of two, at least 4 KiB."""
    size = kib(size_of(pstore.node, "size", "size/@unit"))
    if pstore.size_number is not None and (size < _LEAST_KIB or not is_power_of_two(size)):
        yield problem(
            f"<size> of <pstore> must be a power of two, at least {_LEAST_KIB} KiB", pstore, "size"
        )


@rule(
    "pstore-address-unsupported",
    Pstore,
    bad=_STORE.format("8</size><address type='usb'/><size>"),
    good=_STORE.format(8),
)
def store_sits_on_pci(pstore: Pstore) -> Problems:
    """The ``<address>`` of ``<pstore>`` must be of type ``pci``."""
    if pstore.address_type not in {None, "pci"}:
        yield problem(
            "<pstore> needs an <address> of type 'pci'", pstore, "address/@type", accepted=["pci"]
        )
