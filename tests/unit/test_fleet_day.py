"""A day of a small fleet: a package goes; labels, metrics, page and history follow."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.hostprobe import read_host
from domcaps.facts.record import Recording
from domcaps.facts.recording import save
from domcaps.fleet.fleet import Fleet
from fleet_hosts import shipped

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = {"node-1": "debian12-x86_64", "node-2": "debian13-x86_64", "node-3": "sid-x86_64"}
DESCRIPTOR = {
    "description": "UEFI",
    "interface-types": ["uefi"],
    "mapping": {
        "device": "flash",
        "executable": {"filename": "/usr/share/OVMF/OVMF_CODE_4M.fd", "format": "raw"},
        "nvram-template": {"filename": "/usr/share/OVMF/OVMF_VARS_4M.fd", "format": "raw"},
    },
    "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*", "pc-i440fx-*"]}],
    "features": ["acpi-s3"],
    "tags": [],
}
NAME = "60-edk2-x86_64.json"
WEB = """<domain type='qemu'><name>web</name><memory>1048576</memory>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
<devices><video><model type='vga'/></video></devices></domain>"""
OLD = """<domain type='qemu'><name>old</name><memory>1048576</memory>
<os><type arch='x86_64' machine='pc-i440fx-2.4'>hvm</type></os>
<devices><video><model type='vga'/></video></devices></domain>"""
LABEL = "domcaps-machine.q35.os.firmware.efi=true"


class Day:
    """Three hosts, each a folder with its own QEMU, and the store that they push to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, folder / "store"
        for name in RELEASES:
            root = folder / name
            (root / "usr/share/qemu/firmware").mkdir(parents=True)
            (root / "usr/share/OVMF").mkdir(parents=True)
            (root / "usr/share/qemu/firmware" / NAME).write_text(json.dumps(DESCRIPTOR))
            for image in ("CODE", "VARS"):
                path = root / f"usr/share/OVMF/OVMF_{image}_4M.fd"
                path.write_bytes(bytes((4 << 20) - (540 << 10 if image == "CODE" else 0)))
        (folder / "domains").mkdir()
        (folder / "domains" / "web.xml").write_text(WEB)
        (folder / "domains" / "old.xml").write_text(OLD)

    def push(self, name: str) -> None:
        """Record a host as it is now, and add it to the store."""
        files = HostFiles(self.folder / name, uname=("x86_64", "6.12", "#1"))
        host = read_host(files=files, privileged=True, environ={}, run_helpers=False)
        recording = Recording(
            host, shipped(RELEASES[name]).emulators, made_at="2026-11-30T10:00:00+00:00"
        )
        save(recording, self.folder / f"{name}.domcaps")
        self.run("add", str(self.store), str(self.folder / f"{name}.domcaps"))

    def run(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(command, list(words))
        assert done.exit_code == code, (done.output, done.exception)
        return done.stdout

    def results(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--format", "json", code=code))["results"]

    def labels(self) -> dict[str, str]:
        """Export feature files, and give their texts."""
        folder = self.folder / "features.d"
        self.run("export", str(self.store), "--format", "nfd", "-o", str(folder))
        return {path.name: path.read_text() for path in folder.iterdir()}

    def metrics(self) -> dict[str, str]:
        text = self.run("export", str(self.store), "--format", "prometheus")
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")

    def cell(self) -> str:
        """Give what the page says of the domain for the whole fleet."""
        page = self.run("page", str(self.store), str(self.folder / "domains"))
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
        texts, cells = data["texts"], data["cells"]
        rows = {texts[row[0]].rpartition("/")[2]: row[1] for row in data["groups"][0][1]}
        state, text, _ = cells[rows["web.xml"][0]]
        return str(texts[text] or data["states"][state][0])


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path)


def test_a_day(day: Day) -> None:
    store, web = str(day.store), str(day.folder / "domains" / "web.xml")
    for name in RELEASES:
        day.push(name)
    (morning,) = day.results("accepts", store, web)
    assert morning["answer"]["accepted"] == list(RELEASES)
    assert all(LABEL in text for text in day.labels().values())
    assert day.cell() == "yes"
    before = day.metrics()
    assert before['domcaps_differing_facts{host="node-2"}'] == "0"

    # the package is removed on one host, and this host pushes
    shutil.rmtree(day.folder / "node-2/usr/share/OVMF")
    (day.folder / "node-2/usr/share/qemu/firmware" / NAME).unlink()
    day.push("node-2")

    (noon,) = day.results("accepts", store, web)
    assert noon["answer"]["accepted"] == ["node-1", "node-3"]
    assert noon["answer"]["reasons"][0]["hosts"] == ["node-2"]
    labels = day.labels()
    assert {name for name, text in labels.items() if LABEL in text} == {"node-1", "node-3"}
    assert day.cell() == "2 of 3"
    after = day.metrics()
    assert int(after['domcaps_differing_facts{host="node-2"}']) >= 1
    assert (
        after['domcaps_differing_facts{host="node-1"}']
        == (before['domcaps_differing_facts{host="node-1"}'])
    )

    # when, and by which file
    moments = day.results("history", store, "node-2")
    assert len(moments) == 2
    since, files = moments[1]["since"], moments[1]["files"]
    assert f"removed /usr/share/qemu/firmware/{NAME}" in files
    assert "removed /usr/share/OVMF/OVMF_CODE_4M.fd" in files
    (change,) = day.results("history", store, "node-2", "os.firmware=efi")
    assert change["since"] == since
    assert (change["before"], change["after"]) == ("yes", "no")
    assert change["files"] == files
    assert NAME in day.run("history", store, "node-2")

    # tomorrow's QEMU
    rehearsed = day.results(
        "rehearse", store, "--with", "shipped:sid-x86_64", "--now", "12.8",
        str(day.folder / "domains"), code=1,
    )  # fmt: skip
    broken = {one["domain"].rpartition("/")[2]: one["breaks"] for one in rehearsed if one["breaks"]}
    assert broken == {"old.xml": ["node-1", "node-2"]}

    # the package comes back
    day.push("node-3")
    assert Fleet.open(day.store).hosts.names == list(RELEASES)
