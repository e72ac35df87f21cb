"""A number of 0 that libvirt does not pass on: QEMU has its own default then, or would refuse 0."""

from __future__ import annotations

import pytest

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
