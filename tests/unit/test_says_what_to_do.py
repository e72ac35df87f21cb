"""A verdict says the next step: by its message, or by what a repair would write first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lxml import etree

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.language.fix import Fix, set_value
from domcaps.validate.advice import says_what_to_do, with_fix, with_requirement, with_value
from plain_hosts import open_plain

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = (
    "<domain type='{}'><name>a</name><memory unit='MiB'>64</memory>{}<os{}>"
    "<type arch='{}' machine='{}'>hvm</type>{}</os>{}<devices>{}</devices></domain>"
)


def domain(
    *, kind: str = "qemu", parts: str = "", firmware: str = "", arch: str = "x86_64",
    machine: str = "q35", os: str = "", features: str = "", devices: str = "",
) -> str:  # fmt: skip
    firmware = f" firmware='{firmware}'" if firmware else ""
    return DOMAIN.format(kind, parts, firmware, arch, machine, os, features, devices)


def said(xml: str, code: str, libvirt: str = "12.8", host: str = "sid-x86_64") -> str:
    found = open_plain(host).validate(xml, libvirt)
    (message,) = (one.message for one in found.findings if one.code == code)
    return message


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("it is wrong; use x='1'", True),
        ("it is wrong. To enable it: install qemu", True),
        ("<a> needs 'b', such as b='1'", True),
        ("it is wrong; did you mean 'c'?", True),
        ("a and b differ; use the same format", False),
        ("a and b differ; make them equal", False),
        ("<a> requires <b>", False),
        ("this machine has no use for it", False),
    ],
)
def test_a_next_step_is_an_order_or_an_example(message: str, says: bool) -> None:
    assert says_what_to_do(message) is says


@pytest.mark.parametrize(
    ("fix", "message", "whole"),
    [
        (set_value("2", "@x"), "x is 1", "x is 1; use x='2'"),
        (set_value("2", "@x"), "'y' requires x='2'", "'y' requires x='2'; set that"),
        (set_value("1", "@x"), "x is 1", "x is 1"),
        (set_value("8", "/domain/c"), "too few", "too few; use <c>8</c>"),
        (Fix(values=(("d/@e", "1"), ("d/@f", "2"))), "empty", "empty; use <d e='1' f='2'/>"),
        (Fix(add="<features><acpi/></features>"), "no ACPI",
         "no ACPI; add <features><acpi/></features>"),
        (Fix(without=("@x",)), "'x' is not valid", "'x' is not valid; remove x='1'"),
        (set_value("2", "@x"), "differs; use another number", "differs; use x='2'"),
        (set_value("2", "@x"), "differs; remove it", "differs; remove it"),
    ],
)  # fmt: skip
def test_the_first_repair_completes_a_message(fix: Fix, message: str, whole: str) -> None:
    root = etree.fromstring("<domain><b x='1'/><c>4</c></domain>")
    assert with_fix(message, (fix,), root[0]) == whole


@pytest.mark.parametrize(
    ("message", "whole"),
    [
        ("device='lun' requires bus='scsi'", "device='lun' requires bus='scsi'; use that"),
        ("<a> requires <b/>", "<a> requires <b/>; add it"),
        ("<a> requires mode='c' of <d>", "<a> requires mode='c' of <d>; use that"),
        ("<a> needs a name", "<a> needs a name"),
        ("<a> needs <b c='…'/>", "<a> needs <b c='…'/>"),
        ("<a> requires <b/>; remove it", "<a> requires <b/>; remove it"),
    ],
)
def test_what_is_required_is_to_be_written(message: str, whole: str) -> None:
    assert with_requirement(message) == whole


def test_a_limit_is_the_value_to_write() -> None:
    assert with_value("at most 16 heads", "heads", "16", ("16",)) == (
        "at most 16 heads; use heads='16'"
    )
    assert with_value("39 or 48 bits", "aw_bits", "48", ("48", "39")) == "39 or 48 bits"


MANY = "<vcpu>{}</vcpu>"
IOMMU = "<iommu model='intel'><driver intremap='on' eim='on'/></iommu>"
ARM = {"arch": "aarch64", "machine": "virt"}
FLASH = "<loader readonly='yes' type='pflash'>{}</loader><nvram template='/a'/>"


@pytest.mark.parametrize(
    ("xml", "code", "libvirt", "words"),
    [
        (domain(parts="<vcpu>12</vcpu><cpu><topology sockets='1' cores='2' threads='3'/></cpu>"),
         "cpu-topology-mismatch", "12.8", "use sockets='2'"),
        (domain(parts=MANY.format(500), machine="pc-q35-6.2"), "vcpu-count-unsupported", "12.8",
         "use <vcpu>288</vcpu> or less"),
        (domain(parts=MANY.format(5000)), "vcpu-count-unsupported", "12.8",
         "Write how many vCPUs the guest should have"),
        (domain(parts=MANY.format(256), machine="pc"), "vcpu-count-without-eim", "10.0",
         f"use machine='q35', and add {IOMMU}"),
        (domain(parts=MANY.format(256), machine="pc"), "vcpu-count-without-eim", "12.8",
         "libvirt then adds the <iommu>"),
        (domain(parts=MANY.format(256)), "vcpu-count-without-eim", "10.0", f"add {IOMMU}"),
        (domain(parts=MANY.format(256), devices="<iommu model='intel'/>"),
         "vcpu-count-without-eim", "9.0",
         "add <driver intremap='on' eim='on'/> to the <iommu>"),
        (domain(parts=MANY.format(256), devices="<iommu model='intel'><driver/></iommu>"),
         "vcpu-count-without-eim", "9.0", "add intremap='on' eim='on' to its <driver>"),
        (domain(devices="<graphics type='spice'/><redirdev bus='usb' type='spicevmc'/>"),
         "graphics-type-unsupported", "12.8", "use 'vnc', and remove <redirdev> (line 1)"),
        (domain(devices="<video><model type='qxl' ram='65536' vgamem='16384'/></video>"),
         "video-model-type-unsupported", "12.8", "use 'virtio', and remove ram, vgamem"),
        (domain(devices="<disk type='file' device='cdrom'><target dev='sda' bus='usb'/></disk>"),
         "disk-source-missing", "11.3", "use bus='scsi'"),
        (domain(devices="<controller type='pci' index='0' model='pci-root'/>"),
         "controller-pci-root-wrong", "12.8", "'domcaps fix' does both"),
        (domain(devices="<disk type='network'><source protocol='iscsi' name=''><host name='h'/>"
                        "</source><target dev='vda'/></disk>"),
         "disk-source-name-invalid", "12.8", "such as 'iqn."),
        (domain(arch="i386"), "os-arch-unsupported", "12.8",
         "known: x86_64, i686, aarch64, armv7l, ppc64, riscv64, s390x and others"),
    ],
)  # fmt: skip
def test_a_message_names_what_to_write(xml: str, code: str, libvirt: str, words: str) -> None:
    assert words in said(xml, code, libvirt)


def test_a_loader_that_is_not_for_the_guest_is_one_finding() -> None:
    arm = domain(
        **ARM, firmware="efi", os="<loader secure='yes'/>", features="<features><acpi/></features>"
    )
    host = open_plain("sid-aarch64")
    codes = [one.code for one in host.validate(arm, "12.8").errors]
    assert codes.count("os-loader-secure-unsupported") == 1
    assert "remove it" in said(arm, "os-loader-secure-unsupported", host="sid-aarch64")
    assert b"secure" not in host.repair(arm, "12.8").data


def test_an_unknown_size_of_firmware_is_a_warning_with_the_size_that_is_needed() -> None:
    arm = domain(**ARM, os=FLASH.format("/srv/QEMU_EFI.fd"))
    host = open_plain("sid-aarch64")
    (warning,) = host.validate(arm, "12.8").warnings
    assert warning.code == "os-loader-size-unknown"
    assert "64 MiB (67108864 bytes)" in warning.message
    known = domain(**ARM, os=FLASH.format("/usr/share/AAVMF/AAVMF_CODE.fd"))
    assert not host.validate(known, "12.8").warnings


def test_a_module_that_libvirt_takes_for_all_addresses_is_the_one_at_fault() -> None:
    nvdimm = (
        "<memory model='nvdimm'><source><path>/x</path><alignsize unit='GiB'>2</alignsize></source>"
        "<target><size unit='MiB'>512</size><node>0</node><label><size unit='KiB'>128</size>"
        "</label></target><address type='dimm' slot='0' base='0x100000000'/></memory>"
    )
    other = (
        "<memory model='virtio-mem'><target><size unit='MiB'>512</size><node>0</node>"
        "<block unit='MiB'>2</block><requested unit='MiB'>512</requested>"
        "<address base='0x180000000'/></target></memory>"
    )
    cell = "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>"
    most = "<maxMemory slots='4' unit='GiB'>16</maxMemory>"
    xml = domain(parts=most + cell, devices=nvdimm + other)
    found = [one for one in open_plain("sid-x86_64").validate(xml).errors
             if one.code == "memory-overlap"]  # fmt: skip
    assert [one.path for one in found] == ["/domain/devices/memory[1]/address/@base"]
    assert "write a smaller <alignsize>" in found[0].message


@pytest.mark.parametrize(
    ("xml", "step"),
    [
        # an edit near the finding
        (domain(devices="<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/>"
                        "<address type='pci' bus='0' slot='5'/></disk>"),
         "fix: <address> removed, so that libvirt chooses one"),
        # no edit near it: what a repair of the whole document does
        (domain(devices="<serial type='tcp'><source mode='connect' service='1'/></serial>"),
         "fix: type='pty' instead of 'tcp'"),
    ],
)  # fmt: skip
def test_the_text_says_what_a_repair_would_write(xml: str, step: str, tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(xml)
    words = ["validate", "--host", "shipped:sid-x86_64", "--libvirt", "12.8"]
    shown = CliRunner().invoke(_root, [*words, str(file)]).stdout
    assert step in shown
    concise = CliRunner().invoke(_root, [*words, "--format", "concise", str(file)]).stdout
    assert "fix: " not in concise


def test_of_many_files_it_is_not_said_what_a_repair_would_write(tmp_path: Path) -> None:
    """A repair takes a hundred times as long as a check."""
    disk = (
        "<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/>"
        "<address type='pci' bus='0' slot='5'/></disk>"
    )
    for number in range(21):
        (tmp_path / f"{number:02}.xml").write_text(domain(devices=disk))
    words = ["validate", "--host", "shipped:sid-x86_64", "--libvirt", "12.8", "--jobs", "1"]
    shown = CliRunner().invoke(_root, [*words, str(tmp_path)]).stdout
    assert shown.count("error: ") >= 21
    assert "fix: " not in shown
    (tmp_path / "20.xml").unlink()
    assert "fix: " in CliRunner().invoke(_root, [*words, str(tmp_path)]).stdout
