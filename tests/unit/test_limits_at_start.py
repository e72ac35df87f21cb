"""Limits of QEMU that libvirt does not know: such a domain is defined, and not started."""

from __future__ import annotations

import pytest

from domcaps.language.rule import Sample
from domcaps.shipped import open_shipped
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import host_for

_DISK = "<disk type='file'{}><driver name='qemu'{}/><source file='/{}'/><target dev='{}'/>{}</disk>"


def _disk(
    name: str = "vda", inside: str = "", *, file: str = "a", kind: str = "", driver: str = ""
) -> str:
    return _DISK.format(kind, driver, file, name, inside)


def _codes(xml: str, machine: str = "q35", arch: str = "x86_64") -> set[str]:
    sample = Sample(xml, machine=machine, arch=arch)
    host = host_for(sample, "sid")
    assert host is not None
    found = host.validate(domain_of(sample))
    assert found.definable, found
    return {one.code for one in found.errors}


_BLOCKS = "<blockio logical_block_size='{}' physical_block_size='{}'/>"


@pytest.mark.parametrize(
    ("name", "logical", "physical", "starts"),
    [
        ("vda", 512, 4096, True),
        ("vda", 4096, 512, False),
        ("vda", 513, 4096, False),
        ("sda", 2 << 20, 2 << 20, True),
        ("sda", 4 << 20, 4 << 20, False),
        ("sda", 0, 0, True),
    ],
)
def test_block_sizes(name: str, logical: int, physical: int, *, starts: bool) -> None:
    xml = _disk(name, _BLOCKS.format(logical, physical))
    assert ("disk-blockio-fails-at-start" not in _codes(xml)) is starts


def test_ata_has_sectors_of_512_bytes_and_few_heads() -> None:
    sata = _disk("sda", _BLOCKS.format(4096, 4096)).replace("dev='sda'", "dev='sda' bus='sata'")
    assert "disk-blockio-fails-at-start" in _codes(sata)
    heads = sata.replace(_BLOCKS.format(4096, 4096), "<geometry cyls='9' heads='17' secs='9'/>")
    assert "disk-geometry-fails-at-start" in _codes(heads)
    assert not _codes(heads.replace("sata", "scsi"))


@pytest.mark.parametrize(
    ("one", "other", "starts"),
    [
        ("", "", False),
        ("", "<readonly/>", False),
        ("<readonly/>", "<readonly/>", True),
        ("<shareable/>", "", False),
        ("<shareable/>", "<shareable/>", True),
    ],
)
def test_an_image_is_written_by_one_disk(one: str, other: str, *, starts: bool) -> None:
    xml = _disk("vda", one) + _disk("vdb", other)
    assert ("disk-source-file-duplicate" not in _codes(xml)) is starts
    assert "disk-source-file-duplicate" not in _codes(_disk("vda") + _disk("vdb", file="b"))


@pytest.mark.parametrize(
    ("limits", "starts"),
    [
        ({"total_bytes_sec": 1000, "total_bytes_sec_max": 500}, False),
        ({"total_bytes_sec": 1000, "total_bytes_sec_max": 1000}, True),
        ({"total_bytes_sec_max": 500}, False),
        ({"total_bytes_sec": 1000, "total_bytes_sec_max_length": 5}, False),
        ({"read_bytes_sec": 1000, "size_iops_sec": 5}, False),
        ({"write_iops_sec": 1000, "size_iops_sec": 5}, True),
    ],
)
def test_bursts_fit(limits: dict[str, int], *, starts: bool) -> None:
    tune = "".join(f"<{name}>{value}</{name}>" for name, value in limits.items())
    found = _codes(_disk("vda", f"<iotune>{tune}</iotune>"))
    assert ("disk-iotune-fails-at-start" not in found) is starts


def test_ports_are_counted_with_those_of_other_types() -> None:
    isa, debug = (
        "<serial type='null'/>",
        "<serial type='null'><target type='isa-debug'{}/></serial>",
    )
    assert not _codes(isa * 4 + debug.format(""))
    assert "serial-isa-too-many" in _codes(debug.format("") + isa * 4)
    assert "serial-isa-too-many" in _codes(isa * 3 + debug.format(" port='9'"))


def test_a_chassis_that_libvirt_gives_is_taken() -> None:
    port = (
        "<controller type='pci' index='{}' model='pcie-root-port'><target chassis='{}'/>"
        "</controller>"
    )
    plain = "<controller type='pci' index='2' model='pcie-root-port'/>"
    assert not _codes(port.format(1, 9) + port.format(2, 8))
    assert "controller-pci-chassis-duplicate" in _codes(port.format(1, 9) + port.format(2, 9))
    assert "controller-pci-chassis-duplicate" in _codes(port.format(1, 2) + plain)
    assert not _codes(port.format(1, 0) + plain)


def test_only_vcpus_that_are_there_need_x2apic() -> None:
    many = "<vcpu current='{}'>256</vcpu>"
    assert "vcpu-count-x2apic" not in _codes(many.format(1))
    assert "vcpu-count-x2apic" in _codes(many.format(256))


def test_a_hole_is_left_out_for_cpus_of_32_bits() -> None:
    hole = (
        "<controller type='pci' model='pcie-root'><pcihole64 unit='TiB'>2</pcihole64></controller>"
    )
    assert "controller-pcihole64-fails-at-start" in _codes(hole)
    for cpu in ("<model>486</model>", "<maxphysaddr mode='emulate' bits='46'/>"):
        assert "controller-pcihole64-fails-at-start" not in _codes(f"<cpu>{cpu}</cpu>{hole}")


@pytest.mark.parametrize(("dialect", "starts"), [("12.8", False), ("11.3", True)])
def test_the_firmware_that_is_chosen_once_gave_its_format(dialect: str, *, starts: bool) -> None:
    text = (
        "<domain type='qemu'><name>a</name><memory>65536</memory><os firmware='efi'>"
        "<type arch='x86_64' machine='q35'>hvm</type><loader format='raw'/><nvram format='qcow2'/>"
        "</os><features><acpi/></features></domain>"
    )
    codes = {one.code for one in open_shipped("sid-x86_64").validate(text, dialect).errors}
    assert ("os-nvram-template-format-conflict" not in codes) is starts


def test_minus_zero_is_a_chassis() -> None:
    target = "<target chassis='-0'/>"
    port = f"<controller type='pci' index='1' model='pcie-root-port'>{target}</controller>"
    assert not _codes(port)
