"""PCI buses: what can be plugged into which, which slots are free, and how buses are added.

Every PCI controller gives one bus. What a device needs and what a bus accepts is a set of
connections, kept as bits of an integer: a device can be plugged in where they have one in common.
"""

from __future__ import annotations

from domcaps.elements.base.address import PciAddress
from domcaps.named_tuples import NamedTuple

HOTPLUG = 1
AUTOMATIC = 2
"""The bus takes devices that libvirt places; the device is one of those."""
AGGREGATE = 4
"""Several of its kind can share a slot, as functions."""
INTEGRATED = 8
"""The device is part of the root: it sits on bus 0."""
PCI = 16
PCIE = 32
ROOT_PORT = 64
UPSTREAM = 128
DOWNSTREAM = 256
DMI_TO_PCI = 512
PCIE_TO_PCI = 1024
EXPANDER = 2048
PCIE_EXPANDER = 4096
BRIDGE = 8192

ENDPOINT = PCI | PCIE
_KINDS = ~(HOTPLUG | AUTOMATIC | AGGREGATE | INTEGRATED)

PCI_DEVICE = PCI | AUTOMATIC
PCIE_DEVICE = PCIE | AUTOMATIC

NEEDS = {
    "pci-bridge": BRIDGE,
    "pci-expander-bus": EXPANDER,
    "pcie-expander-bus": PCIE_EXPANDER,
    "dmi-to-pci-bridge": DMI_TO_PCI,
    "pcie-to-pci-bridge": PCIE_TO_PCI,
    "pcie-root-port": ROOT_PORT | AGGREGATE,
    "pcie-switch-upstream-port": UPSTREAM,
    "pcie-switch-downstream-port": DOWNSTREAM,
}
"""What PCI controllers are plugged into, by model."""

_SPOKEN = (
    (PCI, "a conventional PCI device"),
    (PCIE, "a PCI Express device"),
    *((bit & _KINDS, f"a {model}") for model, bit in NEEDS.items()),
)


_MOST_BUSES = 256


class _Offer(NamedTuple):
    """What the bus of a controller accepts, and its slots."""

    accepts: int
    first: int
    last: int
    hotplug: bool = True


_CONVENTIONAL = AUTOMATIC | PCI | BRIDGE
_PORT = _Offer(AUTOMATIC | PCIE | UPSTREAM | PCIE_TO_PCI, 0, 0)

OFFERS = {
    "pci-root": _Offer(_CONVENTIONAL | EXPANDER, 1, 31),
    "pci-bridge": _Offer(_CONVENTIONAL, 1, 31),
    "pci-expander-bus": _Offer(_CONVENTIONAL, 0, 31),
    "pcie-root": _Offer(PCIE | ROOT_PORT | DMI_TO_PCI | PCIE_EXPANDER, 1, 31, hotplug=False),
    "dmi-to-pci-bridge": _Offer(PCI | BRIDGE, 0, 31, hotplug=False),
    "pcie-to-pci-bridge": _Offer(_CONVENTIONAL, 1, 31),
    "pcie-root-port": _PORT,
    "pcie-switch-downstream-port": _PORT,
    "pcie-switch-upstream-port": _Offer(DOWNSTREAM, 0, 31, hotplug=False),
    "pcie-expander-bus": _Offer(ROOT_PORT | DMI_TO_PCI, 0, 31, hotplug=False),
}
"""The buses of PCI controllers, by model."""


class NoPlace(Exception):  # noqa: N818 - an answer
    """A device has no place here; the text says why."""


class Bus:
    """One bus: which functions of which slots are taken."""

    __slots__ = ("accepts", "first", "last", "model", "shared", "taken")

    def __init__(self, model: str, *, hotplug: bool = True) -> None:
        offer = OFFERS[model]
        self.model = model
        self.accepts = offer.accepts | (HOTPLUG if hotplug and offer.hotplug else 0)
        self.first = offer.first
        self.last = offer.last
        self.taken: dict[int, int] = {}
        self.shared: set[int] = set()

    @property
    def full(self) -> bool:
        """Whether every slot is taken."""
        return all(self.taken.get(slot) for slot in range(self.first, self.last + 1))

    def take(self, slot: int, function: int, needs: int) -> None:
        """Take a function of a slot."""
        mask = self.taken.get(slot, 0)
        if not mask and needs & AGGREGATE:
            self.shared.add(slot)
        self.taken[slot] = mask | 1 << function

    def free(self, needs: int, function: int) -> tuple[int, int] | None:
        """Give a slot and a function that are free; `function` -1 takes any."""
        wanted = max(function, 0)
        taken = self.taken
        for slot in range(self.first, self.last + 1):
            mask = taken.get(slot, 0)
            if not mask:
                return slot, wanted
            if needs & AGGREGATE and slot in self.shared:
                for candidate in range(wanted, 8) if function == -1 else (wanted,):
                    if not mask >> candidate & 1:
                        return slot, candidate
        return None


def _accepts(bus: Bus, number: int, needs: int, *, given: bool) -> bool:
    """Tell whether a device can be plugged into a bus; `given` tells that the domain says so."""
    accepts = bus.accepts
    if needs & INTEGRATED:
        if number != 0:
            return False
        accepts |= PCI_DEVICE
    if given:
        # whoever writes an address may plug conventional devices into PCI Express, and vice versa
        if accepts & ENDPOINT:
            accepts |= ENDPOINT
        if needs & BRIDGE:
            needs |= PCI
    elif needs & AUTOMATIC and not accepts & AUTOMATIC:
        return False
    return bool(needs & accepts & _KINDS)


class Buses:
    """All buses of a domain. While `growing`, buses are added where devices need them."""

    def __init__(self, *, growing: bool, several_roots: bool, pcie_to_pci: bool) -> None:
        self.buses: list[Bus] = []
        self.growing = growing
        self.several_roots = several_roots
        self.pcie_to_pci = pcie_to_pci
        # where to begin to look, by what is wanted: what is full stays full
        self._begin: dict[tuple[int, int], int] = {}

    def reserve(self, place: PciAddress, needs: int, *, given: bool = True) -> PciAddress:
        """Take a place, and give it; it may be moved to a bus that had to be added.

        Raises `NoPlace` where there is no such place, it is taken, or the bus is of another kind.
        """
        if self.growing and place.domain == 0:
            place = place._replace(bus=self._grow(place.bus, needs))
        bus = self._checked(place, needs, given=given)
        if bus.taken.get(place.slot, 0) >> place.function & 1:
            raise NoPlace(f"the PCI address {place} is used by another device; remove or change it")
        bus.take(place.slot, place.function, needs)
        return place

    def _checked(self, place: PciAddress, needs: int, *, given: bool) -> Bus:
        if not self.buses:
            raise NoPlace("this machine has no PCI bus")
        if place.domain != 0:
            raise NoPlace(
                f"the PCI address {place} is in domain {place.domain:#x}, but only domain 0 exists"
            )
        if place.bus >= len(self.buses):
            raise NoPlace(
                f"the PCI bus {place.bus:#04x} of {place} does not exist; add a controller for it"
            )
        bus = self.buses[place.bus]
        if not _accepts(bus, place.bus, needs, given=given):
            wants = next((text for bit, text in _SPOKEN if needs & bit), "this device")
            what = f"bus {place.bus:#04x} belongs to a {bus.model}, which does not accept {wants}"
            raise NoPlace(what if not needs & INTEGRATED else "this device must be on bus 0")
        if not bus.first <= place.slot <= bus.last:
            last = "" if bus.first == bus.last else f" to {bus.last:#04x}"
            raise NoPlace(
                f"a {bus.model} has no slot {place.slot:#04x}; use slot {bus.first:#04x}{last}"
            )
        return bus

    def in_use(self, bus: int, slot: int) -> bool:
        """Tell whether a slot is taken by any function."""
        return bool(self.buses[bus].taken.get(slot))

    def assign(self, needs: int, function: int = -1) -> PciAddress:
        """Take the first place that is free and suits; raises `NoPlace` where there is none."""
        if not self.buses:
            raise NoPlace("this machine has no PCI bus for this device")
        for number in range(self._begin.get((needs, function), 0), len(self.buses)):
            bus = self.buses[number]
            if _accepts(bus, number, needs, given=False):
                found = bus.free(needs, function)
                if found is not None:
                    self._begin[needs, function] = number
                    slot, free = found
                    bus.take(slot, free, needs)
                    return PciAddress(0, number, slot, free)
        if not self.growing:
            raise NoPlace("no PCI slot is free for this device")
        if len(self.buses) >= _MOST_BUSES:
            raise NoPlace("no PCI slot is free for this device, and all bus numbers are used")
        number = self._grow(len(self.buses), needs)
        place = PciAddress(0, number, self.buses[number].first, max(function, 0))
        return self.reserve(place, needs, given=False)

    def _grow(self, number: int, needs: int) -> int:
        """Add buses up to a number, and give that of the bus that suits."""
        missing = number - len(self.buses) + 1
        if missing <= 0 or not self.buses:
            return number
        if needs & PCI:
            return self._grow_conventional(number, missing)
        if not needs & (PCIE | UPSTREAM):
            wants = next((text for bit, text in _SPOKEN if needs & bit), "this device")
            raise NoPlace(
                f"no slot is free for {wants}, and libvirt cannot add a bus; remove a "
                "device, or add a controller"
            )
        self._add("pcie-root-port", missing)
        return number

    def _grow_conventional(self, number: int, missing: int) -> int:
        if self.several_roots:
            self._add("pci-root", missing)
            return number
        if not any(bus.accepts & BRIDGE for bus in self.buses):
            # a board of PCI Express only: a bridge to conventional PCI comes first
            if missing == 1:
                missing, number = 2, number + 1
            if self.pcie_to_pci:
                port = Bus("pcie-root-port")
                port.accepts = PCIE_TO_PCI
                self.buses += [port, Bus("pcie-to-pci-bridge")]
                missing -= 2
            else:
                self.buses.append(Bus("dmi-to-pci-bridge", hotplug=False))
                missing -= 1
        self._add("pci-bridge", missing)
        return number

    def _add(self, model: str, count: int) -> None:
        self.buses.extend(Bus(model) for _ in range(count))
