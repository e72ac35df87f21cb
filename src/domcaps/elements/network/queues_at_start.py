"""How long queues of virtio network cards may be: libvirt knows only that it is a power of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.network.interface import Interface
from domcaps.language.attributes import number
from domcaps.language.finding import Stage
from domcaps.language.quantities import is_power_of_two
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_LEAST, _MOST = 256, 1024
_FAST = frozenset({"vhostuser", "vdpa"})
"""Types of interfaces whose queues for sending may be longer."""
_CARD = "<interface type='user'><model type='virtio'/><driver {}='{}'/></interface>"


@rule(
    "interface-queue-size-fails-at-start",
    Interface,
    bad=_CARD.format("tx_queue_size", 1024),
    good=_CARD.format("rx_queue_size", 1024),
    stage=Stage.START,
)
def queues_have_usual_lengths(interface: Interface) -> Problems:
    """``rx_queue_size`` of ``<driver>`` must be from 256 to 1024, and ``tx_queue_size`` 256.

    With an interface of type ``vhostuser`` or ``vdpa``, ``tx_queue_size`` may be up to 1024.
    """
    driver = interface.find("driver")
    if driver is None or interface.type == "hostdev" or not interface.is_virtio:
        return
    longest = {"rx_queue_size": _MOST, "tx_queue_size": _LEAST}
    if interface.type in _FAST:
        longest["tx_queue_size"] = _MOST
    for name, most in longest.items():
        size = number(driver, name)
        # what is no power of two is refused when the domain is defined
        if is_power_of_two(size) and not _LEAST <= size <= most:
            wanted = f"from {_LEAST} to {most}" if most > _LEAST else str(most)
            message = f"attribute {name!r} of <driver> is {size}, but must be {wanted}"
            yield problem(message, interface, f"driver/@{name}", accepted=(str(_LEAST),))
