"""Free root ports stay free: libvirt puts devices without addresses into those that are there."""

from __future__ import annotations

import pytest
from lxml import etree

from domcaps.choose.conversion import convert
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.language.domain import Domain
from plain_hosts import open_plain

DISK = "<disk type='file'><source file='/a'/><target dev='{}' bus='virtio'/>{}</disk>"
PC = (
    "<domain type='qemu'><name>g</name><memory unit='MiB'>2048</memory><vcpu>2</vcpu><os>"
    "<type arch='x86_64' machine='{}'>hvm</type></os><devices>{}</devices></domain>"
)
DEVICES = (
    DISK.format("vda", "")
    + DISK.replace("/a", "/b").format("vdb", "")
    + "<rng model='virtio'><backend "
    + ("model='random'>/dev/urandom</backend></rng>")
)


def _free(xml: bytes | str) -> int:
    """Count the root ports that are free once all devices are placed."""
    root = etree.fromstring(xml)
    world = open_plain("sid-x86_64").known_world(None, "x86_64", "q35", "qemu", "12.8")
    return Domain(root, world, new=True).all(PciTopology)[0].ports[1]


@pytest.mark.parametrize("number", [1, 4, 9])
def test_a_new_domain_has_so_many(number: int) -> None:
    host = open_plain("sid-x86_64")
    disks = ["/a", "/b"]
    chosen = host.choose("g", "2GiB", 2, disks=disks, machine="q35", hotplug=number)
    assert _free(chosen.xml) == number


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_a_converted_domain_has_so_many(machine: str, number: int) -> None:
    data = PC.format(machine, DEVICES).encode()
    done = convert([open_plain("sid-x86_64")], data, "12.8", board="q35", hotplug=number)
    assert done.accepted
    assert _free(done.data) == number


def test_ports_that_are_free_stay_free() -> None:
    ports = "".join(
        f"<controller type='pci' index='{n}' model='pcie-{'root' if not n else 'root-port'}'/>"
        for n in range(4)
    )
    taken = "<address type='pci' bus='0x01' slot='0x00'/>"
    quiet = "<memballoon model='none'/><controller type='usb' model='none'/>"
    data = PC.format("q35", ports + DISK.format("vda", taken) + quiet).encode()
    done = convert([open_plain("sid-x86_64")], data, "12.8", hotplug=2)
    assert _free(done.data) == _free(data) + 2
