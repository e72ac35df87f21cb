"""``<address type='virtio-mmio'>`` where the machine type has no such bus."""

from __future__ import annotations

import pytest

import domcaps

_WITHOUT_EFFECT = (
    # QEMU is given the port of a virtio-serial bus for it, whatever the address says
    "<channel type='unix'><target type='virtio' name='a'/>{}</channel>",
    "<channel type='null'><target type='guestfwd' address='10.0.2.1' port='99'/>{}</channel>",
    "<hub type='usb'>{}</hub>",
    "<parallel type='null'>{}</parallel>",
)
_PLUGGED = (
    "<rng model='virtio'><backend model='random'/>{}</rng>",
    "<controller type='virtio-serial'>{}</controller>",
    "<vsock model='virtio'><cid auto='yes'/>{}</vsock>",
)


def codes(device: str, machine: str) -> list[str]:
    """Give what is wrong with a domain that has this device."""
    text = (
        f"<domain type='qemu'><name>a</name><memory>9000</memory><os><type arch='x86_64' "
        f"machine='{machine}'>hvm</type></os><devices>"
        f"{device.format('''<address type='virtio-mmio'/>''')}</devices></domain>"
    )
    found = domcaps.Host.open("shipped:debian13-x86_64").validate(text, "12.8").errors
    return [one.code for one in found if "mmio" in one.code]


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("device", _WITHOUT_EFFECT)
def test_an_address_without_effect_is_accepted(device: str, machine: str) -> None:
    assert codes(device, machine) == []


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("device", _PLUGGED)
def test_a_device_that_qemu_would_plug_there_is_refused(device: str, machine: str) -> None:
    assert codes(device, machine) == ["address-virtio-mmio-without-bus"]
