"""Slips of the pen in accepted domains are repaired back; their places are random."""

from __future__ import annotations

import os
import random

import pytest

from domcaps.choose.repair import repair
from plain_hosts import open_plain
from slip_maker import is_back, is_left, slips

DOMAIN = b"""<domain type='qemu'>
  <name>web</name>
  <memory unit='MiB'>2048</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><hyperv>
    <relaxed state='on'/><vapic state='on'/><vpindex state='on'/><synic state='on'/>
    <stimer state='on'/></hyperv></features>
  <clock offset='localtime'><timer name='hypervclock' present='yes'/></clock>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/srv/a.qcow2'/><target dev='sda' bus='sata'/></disk>
    <filesystem type='mount'><driver type='virtiofs'/><source dir='/srv'/><target dir='s'/>
    </filesystem>
    <interface type='network'><source network='default'/><model type='virtio'/></interface>
    <graphics type='vnc' autoport='yes'/>
    <video><model type='virtio' heads='1'/></video>
    <watchdog model='i6300esb' action='reset'/>
    <input type='tablet' bus='usb'/>
  </devices>
</domain>
"""


def _seeds() -> list[int]:
    """Give other seeds in each run, and the same in all processes of one run and in CI."""
    run = "" if os.environ.get("CI") else os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    source = random.Random(run)  # noqa: S311 - mistakes, not secrets
    return [source.randrange(10**6) for _ in range(4)]


@pytest.mark.parametrize("seed", _seeds())
def test_slips_are_repaired_back(seed: int) -> None:
    host = open_plain("sid-x86_64")
    assert host.validate(DOMAIN, "12.8").accepted
    refused = [
        slip
        for slip in slips(DOMAIN, random.Random(seed))  # noqa: S311 - mistakes, not secrets
        if not host.validate(slip.data, "12.8").accepted
    ]
    assert len(refused) >= 4
    for slip in refused:
        repaired = repair([host], slip.data, "12.8")
        if is_left(slip, repaired.data):
            # a number that only its owner can correct
            assert [one.path for one in repaired.findings] == [slip.path]
            continue
        assert repaired.accepted, (seed, slip.kind, slip.path, repaired.findings)
        assert is_back(DOMAIN, slip, repaired.data), (seed, slip.kind, repaired.changes)
