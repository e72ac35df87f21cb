"""What counts as repaired back: the original, or one that differs only in a better value."""

from __future__ import annotations

import pytest

from slip_maker import Slip, is_back, is_left

DOMAIN = (
    "<domain><vcpu>{vcpu}</vcpu><os><type machine='{machine}'>hvm</type></os><features><acpi/>"
    "</features><devices><disk type='file'><target dev='{dev}' bus='{bus}'/></disk>"
    "<video><model type='vga'/></video>{more}</devices></domain>"
)
DEFAULTS = {"vcpu": "2", "machine": "pc-q35-9.2", "dev": "hda", "bus": "ide", "more": ""}


def domain(**parts: str) -> bytes:
    return DOMAIN.format(**DEFAULTS | parts).encode()


OLD = Slip("old machine type", b"", "/domain/os/type/@machine", "pc-q35-2.4")
BUS = Slip("wrong bus", b"", "/domain/devices/disk", "nvme")
MANY = Slip("too large a number", b"", "/domain/vcpu")
MISSPELT = Slip("misspelt value", b"", "/domain/devices/disk/target/@bus", "idee")
IOMMU = "<iommu model='intel'><driver eim='on'/></iommu>"


@pytest.mark.parametrize(
    ("slip", "parts", "back"),
    [
        (OLD, {}, True),
        (OLD, {"machine": "q35"}, True),
        (OLD, {"machine": "pc-q35-3.0"}, True),
        (OLD, {"machine": "pc"}, False),
        (OLD, {"machine": "pc-i440fx-9.2"}, False),
        (OLD, {"machine": "q35", "dev": "sda"}, False),
        (BUS, {"bus": "sata", "dev": "sda"}, True),
        (BUS, {"bus": "sata"}, True),
        (BUS, {"bus": "virtio", "dev": "vda"}, False),
        (BUS, {"bus": "scsi"}, False),
        (MANY, {"vcpu": "255"}, True),
        (MANY, {"vcpu": "288", "more": IOMMU}, True),
        (MANY, {"vcpu": "1"}, False),
        (MANY, {"vcpu": "255", "machine": "q35"}, False),
        (MANY, {"vcpu": "255", "more": "<tpm/>"}, False),
        (MISSPELT, {}, True),
        (MISSPELT, {"bus": "sata"}, False),
    ],
)
def test_better_means_of_the_same_use(slip: Slip, parts: dict[str, str], *, back: bool) -> None:
    assert is_back(domain(), slip, domain(**parts)) is back


def test_what_was_missing_has_to_be_there_again() -> None:
    slip = Slip("missing companion", b"", "/domain/memoryBacking")
    shared = "<d><memoryBacking><hugepages/><access mode='shared'/></memoryBacking></d>"
    original = shared.replace("<d>", "<domain>").replace("</d>", "</domain>").encode()
    assert is_back(original, slip, original.replace(b"<hugepages/>", b""))
    assert not is_back(original, slip, original.replace(b"<access mode='shared'/>", b""))
    assert not is_back(original, slip, b"<domain/>")


PINS = "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/></cputune>"


@pytest.mark.parametrize(
    ("vcpu", "more", "left", "back"),
    [
        ("67103", "", True, False),
        ("4096", "", False, False),
        ("3", PINS, False, False),
        ("67103", "<tpm/>", False, False),
    ],
)
def test_a_number_that_no_machine_has_is_left(
    vcpu: str, more: str, *, left: bool, back: bool
) -> None:
    slip = Slip("a number that no machine has", domain(vcpu="67103"), "/domain/vcpu", "67103")
    found = domain(vcpu=vcpu, more=more)
    assert is_left(slip, found) is left
    assert is_back(domain(vcpu="4"), slip, found) is back
