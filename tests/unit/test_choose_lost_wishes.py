"""What a repair keeps, leaves to the owner and says, where an administrator had a remark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_choose_readers import HEAD, USUAL, repaired

from domcaps.choose.repair import repair
from domcaps.elements.advice.lost import lost
from domcaps.language.quantities import SIZE
from domcaps.language.value_types import UNSIGNED
from domcaps.validate.messages import cause_of
from poor_hosts import poor_host
from sample_hosts import _shipped, rich_host

if TYPE_CHECKING:
    from domcaps.choose.repaired import Repair

DOMAIN = (
    "<domain type='qemu'><name>g</name>{memory}<vcpu>2</vcpu><os><type arch='{arch}' "
    "machine='{machine}'>hvm</type></os>{top}<devices>{devices}</devices></domain>"
)
PARTS = {
    "memory": "<memory unit='MiB'>2048</memory>", "arch": "x86_64", "machine": "q35", "top": "",
    "devices": "",
}  # fmt: skip


def of(arch: str = "x86_64", **parts: str) -> Repair:
    record = _shipped(arch, "sid")
    assert record is not None
    text = DOMAIN.format(**PARTS | {"arch": arch} | parts)
    return repair([rich_host(arch, record, "sid")], text.encode(), "12.8")


SIZES = {
    "<memory unit='GiB'>1.5</memory>": "<memory unit='MiB'>1536</memory>",
    "<memory unit='GiB'>1,5</memory>": "<memory unit='MiB'>1536</memory>",
    "<memory unit='G'>0.5</memory>": "<memory unit='MiB'>512</memory>",
    "<memory unit='TiB'>0.25</memory>": "<memory unit='GiB'>256</memory>",
    "<memory unit='GB'>1.5</memory>": "<memory unit='MB'>1500</memory>",
    "<memory unit='GiB'>2.0</memory>": "<memory unit='GiB'>2</memory>",
    "<memory unit='GiB'>1.2345</memory>": "<memory unit='KiB'>1294467</memory>",
    "<memory>1.5 GiB</memory>": "<memory unit='MiB'>1536</memory>",
    "<memory>1,5GiB</memory>": "<memory unit='MiB'>1536</memory>",
    "<memory unit='MiB'>2,048</memory>": "<memory unit='MiB'>2048</memory>",
    "<memory unit='MiB'>2 048</memory>": "<memory unit='MiB'>2048</memory>",
    "<memory unit='GiB'>4</memory><currentMemory unit='GiB'>1.5</currentMemory>":
        "<currentMemory unit='MiB'>1536</currentMemory>",
}  # fmt: skip


@pytest.mark.parametrize("memory", SIZES)
def test_a_size_with_a_fraction_is_written_in_a_smaller_unit(memory: str) -> None:
    found = of(memory=memory)
    assert found.accepted
    assert SIZES[memory] in found.data.decode()
    assert not any("CHECK" in change.what for change in found.changes)


def test_a_fraction_without_a_unit_is_left_to_the_owner() -> None:
    assert of(memory="<memory>1.5</memory>").changes == ()
    assert SIZE.fixes("1.5", "") == ()


@pytest.mark.parametrize(
    ("text", "meant"), [("-10", "10"), ("-0", "0"), ("-1", ""), ("ten", ""), ("--5", "")]
)
def test_a_minus_sign_is_a_slip_but_of_no_limit(text: str, meant: str) -> None:
    assert UNSIGNED.respelt(text) == meant


CARD = "<interface type='user'><bandwidth>{}</bandwidth></interface>"
OUTBOUND = "<outbound average='100'/>"


@pytest.mark.parametrize(
    ("inbound", "right"),
    [
        ("<inbound peak='20'/>", "<inbound peak='20' average='20'/>"),
        ("<inbound average='-10'/>", "<inbound average='10'/>"),
        ("<inbound average='1,000'/>", "<inbound average='1000'/>"),
        ("<inbound average='10mb'/>", ""),
        ("<inbound burst='20'/>", ""),
    ],
)
def test_a_limit_of_a_network_card_does_not_go(inbound: str, right: str) -> None:
    found = of(devices=CARD.format(inbound + OUTBOUND))
    assert found.accepted == bool(right)
    assert (right or inbound) + OUTBOUND in found.data.decode()


@pytest.mark.parametrize("offset", ["timezone", "absolute"])
def test_the_time_of_a_clock_is_known_to_the_owner(offset: str) -> None:
    found = of(top=f"<clock offset='{offset}'/>")
    assert found.changes == ()
    assert [one.code.partition("-")[0] for one in found.findings] == ["clock"]


@pytest.mark.parametrize(
    ("offset", "right"), [("gmt", "utc"), ("UTC", "utc"), ("local", "localtime"), ("utcc", "utc")]
)
def test_other_words_for_the_time_are_known(offset: str, right: str) -> None:
    found = of(top=f"<clock offset='{offset}'/>").data.decode()
    assert f"<clock offset='{right}'/>" in found


@pytest.mark.parametrize("machine", ["powernv9", "powernv"])
def test_a_board_gets_the_memory_that_it_starts_with(machine: str) -> None:
    found = of("ppc64", machine=machine, memory="<memory unit='MiB'>512</memory>")
    assert found.accepted
    assert "<memory unit='GiB'>1</memory>" in found.data.decode()


MEMORY = (
    "<memory model='virtio-mem'><target><size unit='MiB'>512</size>{}<block unit='MiB'>2</block>"
    "<requested unit='MiB'>512</requested></target></memory>"
)
CELL = "<cpu><numa><cell id='0' cpus='0-1' memory='2048' unit='MiB'/></numa></cpu>"
MOST = "<maxMemory slots='4' unit='MiB'>8192</maxMemory><memory unit='MiB'>2048</memory>"


@pytest.mark.parametrize("top", ["", CELL])
def test_memory_of_a_mainframe_belongs_to_no_cell(top: str) -> None:
    parts = {"machine": "s390-ccw-virtio", "memory": MOST, "top": top}
    found = of("s390x", devices=MEMORY.format("<node>0</node>"), **parts)
    assert found.accepted
    assert MEMORY.format("") in found.data.decode()
    assert "<numa>" not in found.data.decode()
    assert of("s390x", devices=MEMORY.format(""), **parts | {"top": ""}).changes == ()


@pytest.mark.parametrize("model", ["vga", "virtio", "qxl", "bochs"])
def test_a_board_without_pci_gets_a_display_that_it_can_have(model: str) -> None:
    devices = f"<graphics type='vnc'/><video><model type='{model}'/></video>"
    found = of(machine="microvm", devices=devices)
    assert found.accepted
    assert "<model type='ramfb'/>" in found.data.decode()
    # what was written in between is nothing that the user's file has
    assert [change.what for change in found.changes] == [f"type='ramfb' instead of '{model}'"]


QXL = "<graphics type='vnc'/><video><model type='qxl' ram='65536' vram='65536' vgamem='16384'/>"


@pytest.mark.parametrize(("name", "model"), [("win10", "vga"), ("debian", "virtio")])
def test_memory_of_a_display_stays_where_it_has_a_meaning(name: str, model: str) -> None:
    found = repaired(name=name, devices=QXL + "</video>")
    kept = " vram='65536'" if model == "vga" else ""
    assert f"<model type='{model}'{kept}/>" in found.data.decode()
    (change,) = found.changes
    assert "valid only with" not in change.reason
    assert ("vram" in change.reason.partition("and remove")[2]) == (model == "virtio")


@pytest.mark.parametrize("name", ["hdb", "sdb", "vdb"])
def test_a_cd_rom_drive_is_not_on_nvme_for_a_reason_of_its_own(name: str) -> None:
    disk = (
        "<disk type='file' device='cdrom'><source file='/a.iso'/>"
        f"<target dev='{name}' bus='nvme'/></disk>"
    )
    (found,) = of(devices=disk).changes
    assert "NVMe has no CD-ROM drives" in found.reason
    assert "serial" not in found.reason


FEATURES = (
    "<features><acpi/><hyperv mode='custom'><relaxed state='on'/></hyperv><kvm><hidden state='on'/>"
    "</kvm><ioapic driver='kvm'/></features>"
)
TOPOEXT = "<cpu mode='host-passthrough' check='none'><feature name='topoext'/></cpu>"


def test_what_has_no_effect_without_kvm_is_said() -> None:
    text = HEAD.format(**USUAL | {"kind": "kvm", "cpu": FEATURES + TOPOEXT})
    found = poor_host().repair(text)
    said = {change.code: change.consequences for change in found.changes}
    assert "no effect of <ioapic driver='kvm'>, <hyperv>, <kvm>" in said["domain-type-unsupported"]
    assert "a CPU without topoext" in said["cpu-mode-unsupported"]
    # nothing was found at the feature, and a host with KVM has it again
    assert b"<feature name='topoext'/>" in found.data
    # an edit of something else does not repeat it
    assert all("no effect" not in str(s) for code, s in said.items() if code[:6] != "domain")


@pytest.mark.parametrize("virttype", ["kvm", "xen"])
def test_settings_of_kvm_are_no_matter_of_other_edits(virttype: str) -> None:
    from lxml import etree

    before = etree.fromstring(f"<domain type='{virttype}'>{FEATURES}</domain>")
    assert lost(before, before) == []
    kvm, qemu = (etree.fromstring(f"<domain type='{kind}'/>") for kind in ("kvm", "qemu"))
    assert lost(kvm, qemu) == ["the guest is many times slower"]


def test_who_lacks_a_feature_is_named() -> None:
    cpu = "<cpu check='partial'><model>Broadwell</model><feature name='vmx'/></cpu>"
    for change in repaired(cpu=cpu).changes:
        assert "this host's CPU" not in change.reason
        assert "QEMU does not emulate" in change.reason


SPICE = "<graphics type='spice'/><sound model='ich9'/><audio id='1' type='spce'/>"


def test_no_edit_is_told_of_what_goes() -> None:
    found = repaired(devices=SPICE)
    assert found.accepted
    assert [change.what for change in found.changes if "spce" in change.what] == []
    assert "audio" not in found.data.decode()


def test_reasons_list_no_other_values_than_the_finding() -> None:
    found = of(top="<clock><timer name='pit' tickpolicy='dellay'/></clock>")
    (change,) = found.changes
    cause = cause_of(change.reason)
    assert cause.endswith("is 'dellay', which is not accepted there")


def test_a_value_that_is_written_twice_is_told_once() -> None:
    cpu = "<cpu check='partial'><model>Penryn</model><feature policy='requir' name='vmx'/></cpu>"
    (change,) = repaired(cpu=cpu).changes
    assert change.what == "policy='optional' instead of 'requir' for vmx"
    assert "cpu-feature-policy-invalid" in change.reason
    assert change.code == "cpu-incompatible"


@pytest.mark.parametrize(
    ("kind", "source"), [("block", "file='/a.img'"), ("file", "dev='/dev/sdb'")]
)
def test_a_source_that_is_not_read_is_not_called_missing(kind: str, source: str) -> None:
    disk = f"<disk type='{kind}'><source {source}/><target dev='vda' bus='virtio'/></disk>"
    (change,) = of(devices=disk).changes
    assert "libvirt does not read the attribute" in change.reason
    assert "such as" not in change.reason
