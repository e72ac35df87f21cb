"""``<zpci>``: by which identifiers a mainframe tells a PCI device.

::

    <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'>
      <zpci uid='0x0001' fid='0x00000001'/>
    </address>
"""

from __future__ import annotations

from domcaps.elements.base.address import ZPCI, Address, identifier
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

_LARGEST_UID = 0xFFFF
_EXAMPLES = {"uid": "'0x0001'", "fid": "'0x00000001'"}

_Z_CARD = (
    "<interface type='user'><model type='virtio'/>"
    "<address type='pci'><zpci {}/></address></interface>"
)
_Z_GOOD = Sample(_Z_CARD.format("uid='0x0001' fid='1'"), arch="s390x")


@rule(
    "address-zpci-invalid", Address, bad=Sample(_Z_CARD.format("uid='one'"), arch="s390x"),
    good=_Z_GOOD,
)  # fmt: skip
def zpci_identifiers_are_numbers(address: Address) -> Problems:
    """``uid`` and ``fid`` of ``<zpci>`` must be numbers, such as ``1`` or ``0x0001``."""
    inner = address.node.find("zpci") if address.type == "pci" else None
    for name in ("uid", "fid"):
        text = None if inner is None else inner.get(name)
        if text is not None and identifier(text) is None:
            yield problem(
                f"attribute {name!r} of <zpci> is {text!r}, but must be a number such as "
                f"{_EXAMPLES[name]}",
                address,
                f"zpci/@{name}",
            )


@rule(
    "address-zpci-unsupported",
    Address,
    bad=_Z_CARD.format("uid='1'"),
    good=_Z_GOOD,
)
def zpci_needs_its_device(address: Address) -> Problems:
    """``<zpci>`` is only valid for s390x guests, and requires QEMU's device ``zpci``."""
    world = address.domain.world
    if any(i is not None for i in address.zpci) and world.truth(ZPCI) is Truth.NO:
        yield problem(
            "this QEMU does not support zPCI; remove <zpci>",
            address,
            "zpci",
            requires=ZPCI,
        )


@rule(
    "address-zpci-out-of-range",
    Address,
    bad=Sample(_Z_CARD.format("uid='0'"), arch="s390x"),
    good=_Z_GOOD,
)
def zpci_is_in_range(address: Address) -> Problems:
    """Attribute ``uid`` of ``<zpci>`` must be from 0x0001 to 0xffff."""
    uid, _ = address.zpci
    if uid is not None and not 1 <= uid <= _LARGEST_UID:
        yield problem(
            f"attribute 'uid' of <zpci> is {uid:#x}, but must be from 0x0001 to 0xffff",
            address,
            "zpci/@uid",
        )
