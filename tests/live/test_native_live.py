"""Command lines that domains became, started with the emulators that are installed here."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.api import Host
from domcaps.facts.discovery import installed_emulators
from native_domains import DOMAINS

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED = {path.rpartition("-")[2] for path in installed_emulators()}
SECONDS = 60
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


def started(command: tuple[str, ...], *more: dict[str, object]) -> tuple[list[Any], str]:
    """Start it paused, and give what it answers, and what it complains about."""
    usual = [{"execute": name} for name in _ASKED]
    run = subprocess.run(
        [*command, "-S", "-display", "none", "-qmp", "stdio"],
        input="".join(json.dumps(asked) + "\n" for asked in (*usual, *more, {"execute": "quit"})),
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return [line["return"] for line in lines if "return" in line], run.stderr


def prepared(name: str, folder: Path, virttype: str = "qemu") -> str:
    xml = DOMAINS[name].replace("{dir}", str(folder))
    arch = xml.partition("arch='")[2].partition("'")[0]
    if arch not in INSTALLED:
        pytest.skip(f"no emulator for {arch} is installed")
    for file in re.findall(f"{folder}/([a-z.0-9]+)", xml):
        qcow2 = file.endswith(".qcow2")
        (folder / file).write_bytes(_empty_qcow2() if qcow2 else bytes(1 << 20))
    return xml.replace("type='qemu'", f"type='{virttype}'", 1)


@pytest.mark.parametrize("name", DOMAINS)
def test_plain_domains_start(name: str, tmp_path: Path) -> None:
    xml = prepared(name, tmp_path)
    host = Host.local()
    assert host.validate(xml).errors == ()
    answers, complaints = started(host.native(xml))
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
