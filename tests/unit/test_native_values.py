"""Numbers that libvirt does not pass on as they are: 0, and sizes of memory."""

from __future__ import annotations

import pytest

import domcaps
from native_domains import told, with_devices

_DISK = (
    "<disk type='file'><driver name='qemu' {}/><source file='/a'/><target dev='vda' bus='virtio'/>"
    "{}</disk>"
)
_CARD = "<interface type='user'><model type='virtio'/>{}</interface>"
ZEROS = {
    "queue-size=": _DISK.format("queue_size='0'", ""),
    "num-queues=": _DISK.format("queues='0'", ""),
    "logical_block_size=": _DISK.format("", "<blockio logical_block_size='0'/>"),
    "rx_queue_size=": _CARD.format("<driver rx_queue_size='0'/>"),
    "host_mtu=": _CARD.format("<mtu size='0'/>"),
    "cmd_per_lun=": "<controller type='scsi' model='virtio-scsi'><driver cmd_per_lun='0'/>"
    "</controller>",
    "timer-period=": "<audio id='1' type='none' timerPeriod='0'/>",
    "voices=": "<audio id='1' type='none'><input voices='0'/></audio>",
}


@pytest.mark.parametrize("option", ZEROS)
def test_zero_is_left_to_qemu(option: str) -> None:
    zero = ZEROS[option]
    assert not [word for word in told(with_devices(zero)) if option in word]
    assert [word for word in told(with_devices(zero.replace("'0'", "'512'"))) if option in word]


@pytest.mark.parametrize(("name", "size"), [("ppc64", 256 << 20), ("x86_64", 65 << 20)])
def test_memory_is_counted_in_steps(name: str, size: int) -> None:
    text = (
        f"<domain type='qemu'><name>a</name><memory>66000</memory><os><type arch='{name}'>"
        "hvm</type></os><devices/></domain>"
    )
    command = domcaps.Host.open(f"shipped:sid-{name}").native(text, libvirt="12.8")
    assert f"size={size >> 10}k" in command


def test_what_libvirt_ignores_needs_no_argument() -> None:
    text = (
        "<domain type='kvm'><name>a</name><memory>1000000</memory><vcpu>2</vcpu><vcpu>4</vcpu>"
        "<metadata><m:y xmlns:m='urn:a'/></metadata>"
        "<foo><bar/></foo><os><type>hvm</type></os><devices><graphics type='vnc' display=':3'/>"
        "<input type='mouse' colour='red'/><m:x xmlns:m='urn:a'><b/></m:x></devices></domain>"
    )
    host = domcaps.Host.open("shipped:debian13-x86_64")
    command = host.native(text, libvirt="12.8")
    assert any(word.startswith("2,") for word in command)
    paths = {note.path for note in command.notes}
    assert paths == {"/domain/foo", "/domain/devices/input", "/domain/devices/{urn:a}x"}


def test_numa_cells_are_all_this_far_from_each_other() -> None:
    cell = "<cell id='{}' cpus='{}' memory='1048576'>{}</cell>"
    told = "<distances><sibling id='1' value='31'/></distances>"
    cells = cell.format(0, 0, told) + cell.format(1, 1, "") + cell.format(2, 2, "")
    text = (
        "<domain type='qemu'><name>a</name><memory>3145728</memory><vcpu>3</vcpu><os>"
        f"<type arch='x86_64'>hvm</type></os><cpu><numa>{cells}</numa></cpu><devices/></domain>"
    )
    command = domcaps.Host.open("shipped:sid-x86_64").native(text, libvirt="12.8")
    far = {word.rpartition("val=")[0]: word[-2:] for word in command if word.startswith("dist,")}
    assert len(far) == 9
    assert (far["dist,src=0,dst=1,"], far["dist,src=1,dst=0,"]) == ("31", "31")
    assert (far["dist,src=2,dst=2,"], far["dist,src=2,dst=0,"]) == ("10", "20")


def test_arm_gets_the_interrupt_controller_that_libvirt_chooses_without_kvm() -> None:
    text = (
        "<domain type='qemu'><name>a</name><memory>1048576</memory><os><type arch='aarch64' "
        "machine='virt'>hvm</type></os><devices/></domain>"
    )
    command = domcaps.Host.open("shipped:sid-aarch64").native(text, libvirt="12.8")
    assert any("gic-version=2" in word for word in command)
