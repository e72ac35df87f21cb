"""Devices of the host, beyond the samples of the rules."""

from __future__ import annotations

import pytest

from verdicts import Case, fine, wrong


def hostdev(kind: str, source: str, inside: str = "", said: str = "", where: str = "") -> str:
    return (
        f"<hostdev mode='subsystem' type='{kind}'{said}><source {where}>{source}</source>"
        f"{inside}</hostdev>"
    )


def stick(address: str = "", ids: str = "") -> str:
    given = f"<address {address}/>" if address else ""
    return hostdev("usb", ids + given)


IDS = "<vendor id='0x1234'/><product id='0xbeef'/>"
ADAPTER = "<adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/>"
LOGIN = "<auth username='u'><secret type='{}' usage='s'/></auth>"
SERVER = "<host name='h' port='3260'/>"
ISCSI = "protocol='iscsi' name='iqn.2026-01.org.x:a/1'"
DISK = "<address domain='0' bus='1' slot='2' function='{}'/>"

DEVICES = [
    wrong("a USB device has no model", hostdev("usb", IDS, said=" model='vfio-pci'"),
          "hostdev-model-invalid"),
    wrong("nothing is unfiltered", hostdev("scsi", ADAPTER, said=" sgio='unfiltered'"),
          "hostdev-scsi-option-unsupported"),
    wrong("only PCI devices are in a team", hostdev(
        "usb", IDS, "<teaming type='transient' persistent='ua-net'/>"),
        "hostdev-teaming-unsupported"),
    fine("a port names a device", stick("bus='1' port='2.1'")),
    wrong("a device number and a port name two", stick("bus='1' device='3' port='2.1'"),
          "hostdev-usb-invalid"),
    wrong("before 12.0 a port named none", stick("bus='0' port='2.1'"), "hostdev-usb-invalid",
          dialect="11.10"),
    wrong("PCI has eight functions", hostdev("pci", DISK.format(8)), "hostdev-pci-invalid"),
    wrong("an adapter has a name", hostdev("scsi", ADAPTER.replace(" name='scsi_host0'", "")),
          "hostdev-scsi-invalid"),
    fine("a unit of an iSCSI target", hostdev(
        "scsi", SERVER + LOGIN.format("iscsi"), where=ISCSI)),
    wrong("an iSCSI target has one server", hostdev("scsi", SERVER * 2, where=ISCSI),
          "hostdev-scsi-invalid"),
    wrong("a login of iSCSI has a secret of its own", hostdev(
        "scsi", SERVER + LOGIN.format("ceph"), where=ISCSI), "hostdev-scsi-invalid"),
    wrong("a device is given once, by its place", stick("bus='1' device='3'") * 2,
          "hostdev-duplicate"),
    wrong("a device is given once, by its port", stick("bus='1' port='2.1'") * 2,
          "hostdev-duplicate"),
    fine("another port is another device",
         stick("bus='1' port='2.1'") + stick("bus='1' port='2.2'")),
    wrong("a device is given once, by its maker", stick(ids=IDS) * 2, "hostdev-duplicate"),
    fine("another product is another device",
         stick(ids=IDS) + stick(ids=IDS.replace("beef", "cafe"))),
]  # fmt: skip


@pytest.mark.parametrize("case", DEVICES)
def test_what_is_found_of_devices_of_the_host(case: Case) -> None:
    assert case.found() == case.codes
