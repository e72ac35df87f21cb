"""``<driver>`` of an ``<interface>``: how a virtio card is emulated.

::

    <driver name='vhost' txmode='iothread' queues='4' rx_queue_size='256' rss='on'>
      <host csum='off' gso='off'/>
      <guest tso4='off'/>
    </driver>

Other models, and cards that belong to the host, have no such driver: libvirt overlooks it.
"""

from __future__ import annotations

from domcaps.elements.network.interface import Interface
from domcaps.language.attributes import Attributes, number
from domcaps.language.observed import device_property
from domcaps.language.quantities import is_power_of_two
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, UNSIGNED, OneOf

RSS = device_property("virtio-net-pci", "rss") | device_property("virtio-net-ccw", "rss")

_DRIVER = Attributes(
    {
        "name": OneOf(("qemu", "vhost")),
        "txmode": OneOf(("iothread", "timer")),
        "ioeventfd": ON_OFF,
        "event_idx": ON_OFF,
        "queues": UNSIGNED,
        "rx_queue_size": UNSIGNED,
        "tx_queue_size": UNSIGNED,
        "rss": ON_OFF,
        "rss_hash_report": ON_OFF,
    }
)
_GUEST = ("csum", "tso4", "tso6", "ecn", "ufo")
_OFFLOADS = {
    "host": Attributes(dict.fromkeys((*_GUEST, "gso", "mrg_rxbuf"), ON_OFF)),
    "guest": Attributes(dict.fromkeys(_GUEST, ON_OFF)),
}

_CARD = "<interface type='user'><model type='virtio'/>{}</interface>"


def _has_driver(interface: Interface) -> bool:
    return interface.type != "hostdev" and interface.is_virtio


@rule(
    "interface-driver-invalid",
    Interface,
    bad=_CARD.format("<driver queues='-5'/>"),
    good=_CARD.format("<driver queues='4'/>"),
)
def driver_has_its_form(interface: Interface) -> Problems:
    """Attributes of ``<driver>`` in a virtio ``<interface>`` must be ``on`` or ``off``, a known
    name such as ``vhost``, or numbers such as ``queues='4'``.
    """
    driver = interface.find("driver")
    if driver is None or not _has_driver(interface):
        return
    yield from _DRIVER.problems(driver)
    for side, offloads in _OFFLOADS.items():
        yield from offloads.problems(driver.find(side))


@rule(
    "interface-queue-size-unsupported",
    Interface,
    bad=_CARD.format("<driver rx_queue_size='300'/>"),
    good=_CARD.format("<driver rx_queue_size='256' tx_queue_size='256'/>"),
)
def sizes_are_powers_of_two(interface: Interface) -> Problems:
    """Attributes ``rx_queue_size`` and ``tx_queue_size`` of ``<driver>`` must be powers of two."""
    driver = interface.find("driver")
    if driver is None or not _has_driver(interface):
        return
    for name in ("rx_queue_size", "tx_queue_size"):
        size = number(driver, name)
        if size and not is_power_of_two(size):
            yield problem(
                f"attribute {name!r} of <driver> is {size}, but must be a power of two",
                interface,
                f"driver/@{name}",
                accepted=[str(1 << size.bit_length() - 1), str(1 << size.bit_length())],
            )


@rule(
    "interface-rss-unsupported",
    Interface,
    bad=Sample(_CARD.format("<driver rss='on'/>")),
    good=_CARD.format("<driver rss='on'/>"),
)
def rss_is_there(interface: Interface) -> Problems:
    """Attribute ``rss`` of ``<driver>`` requires a QEMU that supports it."""
    driver = interface.find("driver")
    if driver is None or not _has_driver(interface):
        return
    for name in ("rss", "rss_hash_report"):
        if driver.get(name) is not None:
            message = f"QEMU's virtio-net does not support {name!r}"
            yield from needs(interface, RSS, message, f"driver/@{name}")
