"""From a finding alone a reader knows what to do, and `fix` does what the finding says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli import _root
from plain_hosts import open_plain

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = (
    "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name>"
    "{}<memory unit='MiB'>64</memory><os><type arch='x86_64' machine='{}'>hvm</type>{}</os>"
    "{}<devices>{}</devices>{}</domain>"
)


def domain(
    machine: str = "q35", *, uuid: str = "", os: str = "", parts: str = "", devices: str = "",
    qemu: str = "",
) -> str:  # fmt: skip
    return DOMAIN.format(uuid, machine, os, parts, devices, qemu)


CASES = [
    # an old version of a machine type: the nearest one that there is, in both commands
    (domain("pc-q35-2.4"), "did you mean 'pc-q35-5.2'?", "machine='pc-q35-5.2'"),
    # a word that is a part of the wrong one
    (domain(devices="<interface type='user'><model type='virtio-net'/></interface>"),
     "use type='virtio'", "type='virtio'"),
    (domain(devices="<interface type='user'><model type='vmxnet'/></interface>"),
     "use type='vmxnet3'", "type='vmxnet3'"),
    (domain(parts="<cpu mode='maximum'><feature name='sse4_2'/></cpu>"),
     "did you mean 'sse4.2'?", "name='sse4.2'"),
    # a number with a minus sign that means nothing
    (domain(os="<bootmenu enable='yes' timeout='-0'/>"), "is '-0'", "timeout='0'"),
    (domain(devices="<disk type='file'><source file='/a'/><target dev='' bus='virtio'/></disk>"),
     "use a name such as 'vda'", "dev='vda'"),
    # which attribute differs from which
    (domain(devices="<graphics type='vnc' listen='::1'><listen type='address' address=''/>"
            "</graphics>"),
     "address='' differs from listen='::1' of <graphics>; remove address here",
     "<listen type='address'/>"),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "said", "repaired"), CASES)
def test_the_finding_names_what_the_repair_does(xml: str, said: str, repaired: str) -> None:
    host = open_plain("sid-x86_64")
    messages = [finding.message for finding in host.validate(xml).errors]
    assert [message for message in messages if said in message]
    done = host.repair(xml)
    assert done.accepted
    assert repaired in done.data.decode()


def test_memory_that_overlaps_is_named_with_its_line() -> None:
    module = (
        "<memory model='dimm'><target><size unit='MiB'>512</size><node>0</node></target>{}</memory>"
    )
    address = "<address type='dimm' slot='{}' base='{:#x}'/>"
    devices = "\n".join(
        module.format(address.format(n, base)) for n, base in enumerate((0x100000000, 0x110000000))
    )
    parts = (
        "<maxMemory slots='2' unit='GiB'>8</maxMemory><cpu><numa>"
        "<cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>"
    )
    xml = domain(parts=parts, devices=f"\n{devices}")
    host = open_plain("sid-x86_64")
    found = {finding.code: finding for finding in host.validate(xml).errors}
    message = found["memory-overlap"].message
    assert "0x110000000 on overlap with those of the <memory model='dimm'> in line 2" in message
    assert "0x100000000 to 0x11fffffff" in message


def test_elements_have_the_prefix_that_the_document_gives_them(tmp_path: Path) -> None:
    removed = "<qemu:capabilities><qemu:del capability='no.such'/></qemu:capabilities>"
    file = tmp_path / "a.xml"
    file.write_text(domain(qemu=removed))
    done = CliRunner().invoke(_root, ["fix", "--host", "shipped:sid-x86_64", str(file)])
    assert "<qemu:del> removed" in done.stderr
    assert "{http" not in done.output + done.stderr


@pytest.mark.parametrize(
    ("uuid", "parts", "named"),
    [("<uuid></uuid>", "", "codes schema-value"),
     ("", "<on_reboot>restart</on_reboot><vcpu>1</vcpu>", "codes schema-order")],
)  # fmt: skip
def test_what_only_the_schema_refuses_does_not_lead_to_fix(
    uuid: str, parts: str, named: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.xml"
    file.write_text(domain(uuid=uuid, parts=parts))
    words = ["validate", "--schema", "--host", "shipped:sid-x86_64", str(file)]
    done = CliRunner().invoke(_root, words)
    codes = set(re.findall(r"\[([a-z-]+)\]", done.stdout))
    assert codes
    assert all(code.startswith("schema-") for code in codes)
    assert f"next: domcaps {named}" in done.stderr


def test_a_feature_that_the_domain_requires_is_found_where_it_says_so() -> None:
    cpu = (
        "<cpu mode='custom' match='exact' check='partial'><model>kvm64</model>"
        "<feature policy='require' name='avx512-fp16'/></cpu>"
    )
    host = open_plain("sid-x86_64")
    found = [
        one for one in host.validate(domain(parts=cpu)).errors if one.code == "cpu-incompatible"
    ]
    assert found
    for finding in found:
        assert "/feature" in finding.path
        assert "use policy='optional'" in finding.message


def test_firmware_of_tdx_is_named_for_another_guest(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    for smm, is_named in (("off", True), ("on", False)):
        file.write_text(
            "<domain type='qemu'><name>a</name><memory>1048576</memory><os firmware='efi'>"
            "<type arch='x86_64' machine='q35'>hvm</type><firmware>"
            "<feature enabled='yes' name='secure-boot'/></firmware></os>"
            f"<features><acpi/><smm state='{smm}'/></features></domain>"
        )
        done = CliRunner().invoke(_root, ["validate", "--host", "shipped:sid-x86_64", str(file)])
        assert ("os-firmware-of-tdx" in done.stdout) is is_named


def test_advice_is_not_taken_from_an_attribute_of_another_element() -> None:
    disk = (
        "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/a'/>"
        "<backingStore type='file'><source file='/b'/></backingStore>"
        "<target dev='vda' bus='virtio'/></disk>"
    )
    found = open_plain("sid-x86_64").validate(domain(devices=disk)).errors
    messages = [one.message for one in found if one.code == "disk-backingstore-incomplete"]
    assert messages
    assert all("use type=" not in message for message in messages)


def test_fix_names_the_schema_that_it_does_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(domain(uuid="<uuid></uuid>"))
    done = CliRunner().invoke(_root, ["fix", "--host", "shipped:sid-x86_64", str(file)])
    assert "domcaps validate --schema" in done.stderr
