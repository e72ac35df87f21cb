"""Command lines that domains became, started with the emulators that are installed here."""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.discovery import installed_emulators
from domcaps.hosts.host import Host
from native_domains import CHOSEN, DOMAINS

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALLED = {path.rpartition("-")[2] for path in installed_emulators()}
SECONDS = 60
_VARIABLES = 540672
_ASKED = ("qmp_capabilities", "query-status", "query-block", "query-pci")
_USB = {"path": "/machine/peripheral/usb", "property": "parent_bus"}

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not INSTALLED, reason="no QEMU system emulator is installed"),
]


def _empty_qcow2() -> bytes:
    """Give an image in four clusters: header, two tables of what is used, and no content."""
    cluster = 1 << 16
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 20, 0, 1, 3 * cluster,
                         cluster, 1, 0, 0)  # fmt: skip
    used = struct.pack(">Q", 2 * cluster), struct.pack(">4H", 1, 1, 1, 1), b""
    return b"".join(part.ljust(cluster, b"\0") for part in (header, *used))


def started(
    command: tuple[str, ...], *more: dict[str, object], folder: Path | None = None
) -> tuple[list[Any], str]:
    """Start it paused, and give what it answers, and what it complains about.

    What has no path in the domain is in the folder in which it runs.
    """
    usual = [{"execute": name} for name in _ASKED]
    run = subprocess.run(
        [*command, "-S", "-display", "none", "-qmp", "stdio"],
        input="".join(json.dumps(asked) + "\n" for asked in (*usual, *more, {"execute": "quit"})),
        capture_output=True, text=True, timeout=SECONDS, check=False, cwd=folder,
    )  # fmt: skip
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return [line["return"] for line in lines if "return" in line], run.stderr


def prepared(name: str, folder: Path, virttype: str = "qemu") -> str:
    xml = (DOMAINS | CHOSEN)[name].replace("{dir}", str(folder))
    arch = xml.partition("arch='")[2].partition("'")[0]
    if arch not in INSTALLED:
        pytest.skip(f"no emulator for {arch} is installed")
    for file in re.findall(f"{folder}/([a-z.0-9]+)", xml):
        qcow2 = file.endswith(".qcow2")
        # large enough for a disk, and what a PC takes as flash memory
        (folder / file).write_bytes(_empty_qcow2() if qcow2 else bytes(1 << 20))
    for form in ("raw", "qcow2"):
        (folder / f"plain-vars.{form}").write_bytes(
            _empty_qcow2() if form == "qcow2" else bytes(_VARIABLES)
        )
    return xml.replace("type='qemu'", f"type='{virttype}'", 1)


@contextlib.contextmanager
def with_tpm(xml: str, folder: Path) -> Iterator[None]:
    """Run the program that is a TPM, where the domain has one."""
    if "<tpm " not in xml:
        yield
        return
    socket = folder / "plain-swtpm.sock"
    words = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--ctrl",
             f"type=unixio,path={socket}", "--flags", "not-need-init"]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            for _ in range(500):
                if socket.exists():
                    break
                time.sleep(0.01)
            yield
        finally:
            program.terminate()


LACKED = {
    "q35, SPICE": "SPICE",
    "q35, a TPM": "swtpm",
    "virt, a TPM": "swtpm",
    "q35, firmware that is chosen": "firmware",
    "q35, firmware without variables": "firmware of that kind",
}
"""What a host may do without, by the domains that want it."""


@pytest.mark.parametrize("name", [*DOMAINS, *CHOSEN])
def test_plain_domains_start(name: str, tmp_path: Path) -> None:
    xml = prepared(name, tmp_path)
    host = Host.local()
    # what a host's own libvirt knows is not at stake here
    errors = host.validate(xml, "12.8").errors
    if errors and name in LACKED:
        pytest.skip(f"this host has no {LACKED[name]}: {errors[0].message}")
    assert errors == ()
    with with_tpm(xml, tmp_path):
        answers, complaints = started(host.native(xml, "12.8"), folder=tmp_path)
    assert len(answers) > 1, complaints
    assert answers[1]["status"] in {"prelaunch", "paused"}
    disks = [found for found in answers[2] if "inserted" in found]
    assert len(disks) >= xml.count("<source file=")


def test_addresses_are_where_the_domain_says(tmp_path: Path) -> None:
    xml = prepared("q35, addresses", tmp_path)
    asked: dict[str, object] = {"execute": "qom-get", "arguments": _USB}
    answers, complaints = started(Host.local().native(xml), asked)
    assert len(answers) > 4, complaints
    found = {(bus["bus"], device["slot"], device["function"], device["qdev_id"])
             for bus in answers[3] for device in bus["devices"]}  # fmt: skip
    assert {(0, 2, 0, "pci.1"), (0, 2, 1, "pci.2")} <= found
    # behind a port, which nobody has set up yet
    assert answers[4].endswith("/pci.1")


@pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK), reason="KVM can't be used here")
@pytest.mark.parametrize("cpu", ["custom", "host-passthrough", "host-model", "maximum"])
def test_they_start_with_kvm(cpu: str, tmp_path: Path) -> None:
    xml = prepared("q35, nothing", tmp_path, "kvm")
    model = "<model>qemu64</model>" if cpu == "custom" else ""
    xml = xml.replace("<devices>", f"<cpu mode='{cpu}' check='none'>{model}</cpu><devices>")
    host = Host.local()
    if host.validate(xml).errors:
        pytest.skip(f"this host has no {cpu}")
    answers, complaints = started(host.native(xml))
    if cpu != "custom" and "failed to set MSR" in complaints:
        pytest.skip("this host's KVM does not let QEMU set a register of its own CPU")
    assert len(answers) > 1, complaints
    assert answers[1]["status"] in {"prelaunch", "paused"}


def _free_pages() -> int:
    """Count the huge pages of the usual size that are free."""
    meminfo = Path("/proc/meminfo").read_text()
    found = re.search(r"HugePages_Free:\s*(\d+)", meminfo)
    return int(found[1]) if found else 0


@pytest.mark.skipif(_free_pages() < 128, reason="this host has no 128 huge pages to spare")
def test_memory_of_huge_pages_is_there(tmp_path: Path) -> None:
    xml = prepared("q35, nothing", tmp_path)
    backing = "<memoryBacking><hugepages/></memoryBacking>"
    command = Host.local().native(xml.replace("<os>", f"{backing}<os>"))
    answers, complaints = started(command)
    assert len(answers) > 1, complaints
