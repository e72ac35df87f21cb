"""How long it takes to validate a domain: in process, and as a tool over many files.

::

    python benchmarks/validate.py [RECORDING] [--files 10000] [--libvirt-python PYTHON]

Prints what each costs and may cost at most, and exits with 1 where a limit is not met. Where
PYTHON (this one by default) can import ``libvirt`` and a libvirt runs, its ``domainXMLToNative``,
which checks the same things and builds a command line, is timed beside it on the same domain.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import domcaps
from domcaps.shipped import open_shipped

RUNS = 500
MOST_MS = 1.0
LEAST_FILES_PER_SECOND = 500.0

DOMAIN = """<domain type='qemu'>
  <name>benchmark</name>
  <uuid>2f9f9e8e-6d1b-4c0c-9b61-0c5e0f0b7a11</uuid>
  <metadata><app:vm xmlns:app='https://example.org/app'><app:owner>web</app:owner></app:vm></metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static'>4</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='forbid'>qemu64</model>
  </cpu>
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <pm>
    <suspend-to-mem enabled='no'/>
    <suspend-to-disk enabled='no'/>
  </pm>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/var/lib/libvirt/images/benchmark.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-root-port'/>
    <controller type='pci' index='3' model='pcie-root-port'/>
    <controller type='pci' index='4' model='pcie-root-port'/>
    <controller type='sata' index='0'/>
    <controller type='virtio-serial' index='0'/>
    <interface type='user'>
      <mac address='52:54:00:6b:3c:58'/>
      <model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <serial type='pty'>
      <target type='isa-serial' port='0'>
        <model name='isa-serial'/>
      </target>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
    </console>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
      <address type='virtio-serial' controller='0' bus='0' port='1'/>
    </channel>
    <input type='tablet' bus='usb'>
      <address type='usb' bus='0' port='1'/>
    </input>
    <graphics type='vnc' port='-1' autoport='yes'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>
    <video>
      <model type='virtio' heads='1' primary='yes'/>
    </video>
    <memballoon model='virtio'/>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
  </devices>
</domain>
"""

# what a domain may have besides, for domains that are not built alike
MORE = (
    "<disk device='disk'><source file='/images/data'/><target dev='sdb' bus='sata'/></disk>",
    "<disk device='disk'><source file='/images/more'/><target dev='vdb' bus='virtio'/></disk>",
    "<controller type='scsi' index='0' model='virtio-scsi'/>",
    "<interface type='user'><model type='e1000e'/></interface>",
    "<input type='keyboard' bus='usb'/>",
    "<input type='mouse' bus='virtio'/>",
    "<sound model='ich9'/>",
    "<watchdog model='i6300esb' action='reset'/>",
    "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>",
    "<hub type='usb'/>",
)

# Run by a Python that has libvirt's bindings; prints least and median time in ms. libvirt opens
# /dev/net/tun for a network card: where there is none it is timed without one, which is less work.
NATIVE = """
import libvirt, re, statistics, sys, time
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("qemu:///system")
xml, times = sys.stdin.read(), []
try:
    connection.domainXMLToNative("qemu-argv", xml)
except libvirt.libvirtError:
    xml = re.sub("<interface.*</interface>", "", xml, flags=re.DOTALL)
for _ in range(200):
    start = time.perf_counter()
    connection.domainXMLToNative("qemu-argv", xml)
    times.append((time.perf_counter() - start) * 1000)
print(min(times), statistics.median(times))
"""


class Times(NamedTuple):
    """Milliseconds: on a busy machine the least tells more than the median."""

    least: float
    median: float

    def __str__(self) -> str:
        return f"{self.least:8.2f} ms {self.median:8.2f} ms"


def variants(number: int) -> list[bytes]:
    """Give the domain with other names, numbers and paths each time."""
    found = []
    for index in range(number):
        text = DOMAIN.replace("benchmark", f"benchmark{index}").replace("3c:58", f"3c:{index:02x}")
        text = text.replace("4194304", str(4194304 + 1024 * index))
        found.append(text.replace("0b7a11", f"0b7{index:03}").encode())
    return found


def unlike(number: int) -> list[bytes]:
    """Give domains of which no two have the same devices; there are 1024 of them."""
    assert number <= 1 << len(MORE)
    found = []
    for index in range(number):
        # the number's bits say what each has, the rarest changes first
        more = "".join(text for bit, text in enumerate(reversed(MORE)) if index >> bit & 1)
        found.append(DOMAIN.replace("  </devices>", f"    {more}\n  </devices>").encode())
    return found


def in_process(host: domcaps.Host, documents: list[bytes]) -> Times:
    """Give the time of one validation, of documents that are not the same."""
    result = host.validate(documents[0])
    if not result.accepted:
        raise SystemExit(f"the benchmark's domain is refused: {result.errors[0].message}")
    times = []
    for run in range(max(RUNS, len(documents))):
        data = documents[run % len(documents)]
        start = time.perf_counter()
        host.validate(data)
        times.append((time.perf_counter() - start) * 1000)
    return Times(min(times), statistics.median(times))


def as_tool(recording: str, number: int) -> tuple[float, float]:
    """Give the files per second that the command does, start included, and the cores it used."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(number):
            text = DOMAIN.replace("benchmark", f"benchmark{index}")
            (Path(folder) / f"{index:05}.xml").write_text(text)
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names, as a shell gives them
        command = [sys.executable, "-m", "domcaps", "validate", "--host", recording, *names]
        before, start = os.times(), time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        took, after = time.perf_counter() - start, os.times()
    if done.returncode != 0:
        raise SystemExit(f"domcaps validate: {done.stderr}")
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return number / took, spent / took


def native(python: list[str]) -> Times | None:
    """Give libvirt's times, None where there is no libvirt."""
    done = subprocess.run(
        [*python, "-c", NATIVE], input=DOMAIN, capture_output=True, text=True, check=False
    )
    return Times(*map(float, done.stdout.split())) if done.returncode == 0 else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?", default="")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--libvirt-python", default=sys.executable, help="may be several words")
    options = parser.parse_args()
    host = domcaps.Host.load(options.recording) if options.recording else open_shipped()
    print(f"{host.origin}: a domain of {len(DOMAIN) / 1000:.1f} KB")
    ours = in_process(host, variants(100))
    apart = in_process(host, unlike(1024))
    print(f"{'':28} {'least':>8}    {'median':>8}")
    print(f"{'validate, in process':28} {ours}   (at most {MOST_MS:g} ms)")
    print(f"{'the same, of unlike domains':28} {apart}")
    theirs = native(options.libvirt_python.split())
    if theirs is None:
        print("libvirt                      (not here: nothing to compare with)")
    else:
        least, median = theirs.least / ours.least, theirs.median / ours.median
        print(f"{'libvirt domainXMLToNative':28} {theirs}   ({least:.1f} and {median:.1f} x ours)")
    rate, used = as_tool(options.recording or host.origin, options.files)
    cores = len(os.sched_getaffinity(0))
    print(
        f"{f'validate {options.files} files':28} {rate:8.0f} files/s   "
        f"(at least {LEAST_FILES_PER_SECOND:g}; {used:.2f} of {cores} cores busy)"
    )
    return 0 if ours.least <= MOST_MS and rate >= LEAST_FILES_PER_SECOND else 1


if __name__ == "__main__":
    sys.exit(main())
