"""``domcaps convert``: whole domains for another board and for another host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from command_runner import CliRunner
from domcaps.choose.conversion import convert
from domcaps.choose.repair import repair
from domcaps.cli.convert import command
from domcaps.errors import RequestError
from plain_hosts import open_plain
from sample_hosts import _shipped, rich_host

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

PCI = "<address type='pci' domain='0x0000' bus='0x00' slot='0x{:02x}' function='0x{}'/>"
HEAD = (
    "<domain type='qemu'>\n<name>old</name>\n<memory>1048576</memory>\n<vcpu>2</vcpu>\n"
    "<os><type arch='x86_64' machine='{}'>hvm</type></os>\n<features><acpi/></features>\n"
    "<devices>\n{}\n</devices>\n</domain>\n"
)
I440FX = "\n".join([
    ("<disk type='file' device='disk'><source file='/a'/><target dev='hda' bus='ide'/>"
    "<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"),
    ("<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/>"
    "<address type='drive' controller='0' bus='1' target='0' unit='0'/></disk>"),
    "<disk type='file' device='disk'><source file='/b'/><target dev='sda' bus='sata'/></disk>",
    f"<controller type='usb' index='0' model='piix3-uhci'>{PCI.format(1, 2)}</controller>",
    "<controller type='pci' index='0' model='pci-root'/>",
    f"<controller type='pci' index='1' model='pci-bridge'>{PCI.format(9, 0)}</controller>",
    f"<controller type='ide' index='0'>{PCI.format(1, 1)}</controller>",
    (f"<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000'/>"
    f"{PCI.format(3, 0).replace('0x00', '0x01', 1)}</interface>"),
    f"<sound model='ich6'>{PCI.format(4, 0)}</sound>",
    f"<video><model type='cirrus'/>{PCI.format(2, 0)}</video>",
    "<watchdog model='ib700' action='reset'/>",
    ("<hostdev mode='subsystem' type='usb'><source><vendor id='0x1d6b'/><product id='0x0002'/>"
    "</source></hostdev>"),
])  # fmt: skip
Q35 = "\n".join([
    "<disk type='file' device='disk'><source file='/a'/><target dev='sda' bus='sata'/></disk>",
    "<controller type='pci' index='0' model='pcie-root'/>",
    ("<controller type='pci' index='1' model='pcie-root-port'><target chassis='1' port='0x10'/>"
    f"{PCI.format(2, 0)}</controller>"),
    ("<interface type='user'><model type='virtio'/>"
    f"{PCI.format(0, 0).replace(chr(39) + '0x00' + chr(39), chr(39) + '0x01' + chr(39), 1)}"
    "</interface>"),
    "<watchdog model='itco' action='reset'/>",
    "<iommu model='intel'/>",
])  # fmt: skip


def test_a_domain_moves_to_q35_whole() -> None:
    host = open_plain("sid-x86_64")
    done = convert([host], HEAD.format("pc-i440fx-9.2", I440FX).encode(), "12.8", board="q35")
    assert done.accepted, done.repair.findings
    root: Any = etree.fromstring(done.data)
    assert root.find("os/type").get("machine") == "pc-q35-9.2"
    targets = [(t.get("dev"), t.get("bus")) for t in root.iterfind("devices/disk/target")]
    assert targets == [("sdb", "sata"), ("sdc", "sata"), ("sda", "sata")]
    models = [c.get("model") for c in root.iterfind("devices/controller")]
    assert models == ["ich9-ehci1", "pcie-root", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3"]
    assert root.find("devices/watchdog").get("model") == "i6300esb"
    assert root.find("devices/sound").get("model") == "ich6"
    assert root.find("devices/interface/mac").get("address") == "52:54:00:00:00:01"
    assert len(root.findall("devices/hostdev")) == 1
    weights = [notice.weight for notice in done.notices]
    assert weights == sorted(weights, reverse=True)
    assert "chipset" in done.notices[0].text
    assert any("enp" in notice.text for notice in done.notices)


def test_a_domain_moves_back_to_pc() -> None:
    host = open_plain("sid-x86_64")
    done = convert([host], HEAD.format("q35", Q35).encode(), "12.8", board="pc")
    assert done.accepted, done.repair.findings
    text = done.data.decode()
    assert "machine='pc'" in text
    assert "model='pci-root'" in text
    assert "i6300esb" in text
    assert [word for word in ("pcie", "iommu", "itco") if word in text] == []
    assert "<iommu>" in " ".join(change.removes for change in done.repair.removals)


def test_a_domain_of_the_board_stays_byte_for_byte() -> None:
    data = HEAD.format("q35", Q35).encode()
    done = convert([open_plain("sid-x86_64")], data, "12.8", board="q35")
    assert done.data == data
    assert done.notices == ()


def test_a_guest_of_arm_has_no_such_board() -> None:
    data = HEAD.format("virt", "").replace("x86_64", "aarch64").encode()
    with pytest.raises(RequestError):
        convert([open_plain("sid-aarch64")], data, "12.8", board="q35")


@pytest.mark.parametrize(("machine", "devices"), [("q35", I440FX), ("pc", Q35)])
def test_fix_converts_what_another_board_left(machine: str, devices: str) -> None:
    host = open_plain("sid-x86_64")
    found = repair([host], HEAD.format(machine, devices).encode(), "12.8")
    assert found.accepted, found.findings
    assert f"machine='{machine}'".encode() in found.data
    assert b"<source file='/a'/>" in found.data
    assert b"piix3" not in found.data


def test_a_domain_of_an_old_host_is_accepted_on_a_new_one() -> None:
    devices = (
        "<emulator>/usr/libexec/qemu-kvm</emulator><graphics type='spice'/>"
        "<video><model type='qxl' ram='65536'/></video>"
    )
    data = HEAD.format("pc-q35-rhel7.6.0", devices)
    data = data.replace("hvm</type>", "hvm</type><loader readonly='yes' type='pflash'>"
                        "/usr/share/edk2.git/ovmf-x64/OVMF_CODE.fd</loader>")  # fmt: skip
    record = _shipped("x86_64", "sid")
    assert record is not None
    done = convert([rich_host("x86_64", record, "sid")], data.encode(), "12.8", keep=True)
    assert done.accepted, done.repair.findings
    text = done.data.decode()
    assert "machine='pc-q35-" in text
    assert "rhel" not in text
    assert "/usr/bin/qemu-system-x86_64" in text
    assert "edk2.git" not in text
    assert "/code.fd</loader>" in text


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["--host", "shipped:sid-x86_64", *words])


def test_the_command_prints_the_domain_and_what_the_guest_sees(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(HEAD.format("pc", I440FX))
    result = run("--to", "q35", "--keep", "--hotplug", "3", str(file))
    assert result.exit_code == 0, result.output
    root: Any = etree.fromstring(result.stdout)
    assert root.find("os/type").get("machine").startswith("pc-q35-")
    ports = [c for c in root.iterfind("devices/controller") if c.get("model") == "pcie-root-port"]
    assert len(ports) > 3  # the balloon or another device takes one, three stay free
    assert "visible in the guest: the chipset changes" in result.stderr
    document = json.loads(run("--to", "q35", "--format", "json", str(file)).stdout)
    assert document["accepted"]
    assert document["guest"][0]["weight"] == 90
    assert run("--to", "q35", "--diff", str(file)).stdout.startswith("--- a/")
    assert run("--to", "q35", "--write", str(file)).exit_code == 0
    assert "q35" in file.read_text()
