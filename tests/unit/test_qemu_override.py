"""Properties in <qemu:override> are compared with those of the device that has the alias."""

from __future__ import annotations

import pytest

from domcaps.shipped import open_shipped

_DOMAIN = (
    "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name>"
    "<memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{}"
    "</devices><qemu:override><qemu:device alias='{}'><qemu:frontend><qemu:property name='{}' "
    "type='{}' value='1'/></qemu:frontend></qemu:device></qemu:override></domain>"
)
_NET = (
    "<interface type='user'><model type='e1000'/></interface>"
    "<interface type='user'><model type='virtio'/></interface>"
)
_DISK = "<disk><source file='/a'/><target dev='vda' bus='virtio'/><alias name='ua-root'/></disk>"
_CODE = "qemu-override-property-unknown"


@pytest.mark.parametrize(
    ("devices", "alias", "name", "kind", "found"),
    [
        (_NET, "net1", "tx_queue_size", "unsigned", False),
        (_NET, "net1", "tx_queue_sise", "unsigned", True),
        (_NET, "net1", "tx_queue_sise", "remove", False),
        (_NET, "net7", "tx_queue_sise", "unsigned", False),
        (_DISK, "ua-root", "num-queues", "unsigned", False),
        (_DISK, "ua-root", "bootindex", "unsigned", False),
        (_DISK, "ua-root", "nothing", "string", True),
    ],
)
def test_a_property_that_the_device_lacks_is_a_warning(
    devices: str, alias: str, name: str, kind: str, *, found: bool
) -> None:
    result = open_shipped("sid-x86_64").validate(_DOMAIN.format(devices, alias, name, kind))
    (codes,) = [{one.code for one in result.warnings}]
    assert (_CODE in codes) is found
    assert _CODE not in {one.code for one in result.errors}


def test_a_device_that_is_compared_gets_no_notice() -> None:
    notice = "qemu-commandline-not-checked"
    compared = _DOMAIN.format(_DISK, "ua-root", "num-queues", "unsigned")
    assert notice not in {one.code for one in open_shipped("sid-x86_64").validate(compared).notices}
    other = _DOMAIN.format(_DISK, "ua-other", "num-queues", "unsigned")
    assert notice in {one.code for one in open_shipped("sid-x86_64").validate(other).notices}
