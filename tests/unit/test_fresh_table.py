"""Each input of the table in docs/internals/freshness.md: a change of it does what stands there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import fresh_fakes as fakes
from domcaps.fresh.answers import Local, Report, ReportAnswer
from domcaps.fresh.build import Build
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.emulators import EmulatorAnswers, EmulatorNamed
from domcaps.fresh.host_view import HostView
from domcaps.fresh.hostfacts import (
    FirmwareForGuest,
    HelperFeatures,
    HostQuestion,
    HostRecordField,
    KvmUsable,
)
from domcaps.fresh.machine import LocalMachine
from domcaps.hosts.host import LiveHost
from fresh_fakes import PretendedHost, descriptor, emulator_text, helper_text

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = Path(__file__).parents[2] / "docs/internals/freshness.md"


class Row(NamedTuple):
    """A change of an input. `runs` are kinds of tasks that run, `asks` whether an emulator is."""

    change: Callable[[PretendedHost], object]
    runs: set[type[Any]]
    asks: bool = False
    alters: bool = True


def turn_link(host: PretendedHost) -> None:
    host.write("/usr/libexec/other", emulator_text("cirrus-vga"), 0o755)
    link = host.at("/usr/local/bin/qemu-system-x86_64")
    link.symlink_to("../../libexec/other")


def turn_emulator_link(host: PretendedHost) -> None:
    """Let the emulator be a link, ask, and turn the link."""
    place = host.at(fakes.EMULATOR)
    place.unlink()
    place.symlink_to("../libexec/qemu-real")
    host.remembered()
    host.write("/usr/libexec/other", emulator_text("cirrus-vga"), 0o755)
    other = place.with_name("other")
    other.symlink_to("../libexec/other")
    other.rename(place)


def give_group(host: PretendedHost) -> None:
    host.at("/sys/kernel/iommu_groups/0").mkdir()
    host.write("/dev/vfio/vfio", "")


def replace_quietly(host: PretendedHost, path: str, text: str) -> None:
    """Replace a file by one with its size and times."""
    place = host.at(path)
    status = place.stat()
    other = place.with_name("other")
    other.write_text(text.ljust(status.st_size))
    other.chmod(status.st_mode)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(place)


def turn_library(host: PretendedHost) -> None:
    host.write(f"{fakes.LIBRARY}.1", "cirrus-vga")
    other = host.at("/usr/lib/other")
    other.symlink_to("libpretended.so.1.1")
    other.rename(host.at(fakes.LIBRARY))


def reboot(host: PretendedHost) -> None:
    host.files._uname = ("x86_64", "6.2.0", "#1 SMP")


def set_variable(name: str, value: str) -> Callable[[PretendedHost], None]:
    return lambda host: host.environ.__setitem__(name, value)


def cpu(flags: str, microcode: str) -> str:
    return f"vendor_id : GenuineIntel\nflags : {flags}\nmicrocode : {microcode}\n"


ASKED = {EmulatorAnswers}
FIRMWARE: set[type[Any]] = {HostRecordField, FirmwareForGuest}

ROWS: dict[str, list[Row]] = {
    "search path": [
        Row(set_variable("PATH", "/usr/local/bin"), {EmulatorNamed}),
        Row(turn_link, {EmulatorNamed}, asks=True),
    ],
    "emulator": [
        Row(
            lambda h: replace_quietly(
                h, fakes.REAL_EMULATOR, emulator_text("cirrus-vga", "tpm-crb")
            ),
            ASKED,
            asks=True,
        ),
    ],
    "link to an emulator": [
        Row(
            turn_emulator_link,
            ASKED,
            asks=True,
        ),
    ],
    "wrapper script": [
        Row(
            lambda h: (
                h.write("/usr/libexec/other", emulator_text("cirrus-vga"), 0o755),
                h.write(fakes.EMULATOR, "#!/bin/sh\nexec /usr/libexec/other $@\n", 0o755),
            ),
            ASKED,
            asks=True,
        ),
    ],
    "shared libraries": [
        Row(lambda h: h.write(f"{fakes.LIBRARY}.0", "cirrus-vga"), ASKED, asks=True),
        Row(turn_library, ASKED, asks=True),
    ],
    "linker": [
        Row(lambda h: h.write("/etc/ld.so.cache", "new"), ASKED, asks=True, alters=False),
        Row(set_variable("LD_LIBRARY_PATH", "/opt/lib"), ASKED, asks=True, alters=False),
    ],
    "QEMU modules": [
        Row(lambda h: h.write(f"{fakes.MODULES}/hw-new.so", "cirrus-vga"), ASKED, asks=True),
        Row(lambda h: h.write(f"{fakes.MODULES}/hw-usb.so", "cirrus-vga"), ASKED, asks=True),
        Row(set_variable("QEMU_MODULE_DIR", "/opt/qemu"), ASKED, asks=True, alters=False),
    ],
    "firmware folders": [
        Row(lambda h: h.write(f"{fakes.FIRMWARE}/60-b.json", descriptor(fakes.IMAGES[0])),
            FIRMWARE),
        Row(lambda h: h.write(f"{fakes.MASKS}/50-a.json", ""), FIRMWARE),
        Row(lambda h: h.at(f"{fakes.FIRMWARE}/50-a.json").unlink(), FIRMWARE),
        Row(set_variable("HOME", "/home/other"), {HostRecordField}, alters=False),
        Row(set_variable("XDG_CONFIG_HOME", "/home/other"), {HostRecordField}, alters=False),
    ],
    "firmware descriptors": [
        Row(lambda h: replace_quietly(h, f"{fakes.FIRMWARE}/50-a.json",
                                      descriptor(interface="bios")), FIRMWARE),
    ],
    "firmware images": [
        Row(lambda h: h.at(fakes.IMAGES[1]).unlink(), FIRMWARE),
    ],
    "/dev/kvm": [
        Row(lambda h: h.at(fakes.KVM).unlink(), {HostRecordField, KvmUsable, *ASKED}, asks=True),
        Row(lambda h: h.at(fakes.KVM).chmod(0o660),
            {HostRecordField, KvmUsable, *ASKED}, asks=True),
        Row(lambda h: h.write(fakes.KVM, "12 16 8", 0o666), {HostRecordField}),
    ],
    "KVM module parameters": [
        Row(lambda h: h.write(fakes.NESTED, "Y\n"), {HostRecordField, *ASKED}, asks=True),
        Row(lambda h: h.write("/sys/module/kvm/parameters/new", "1"), ASKED, asks=True,
            alters=False),
    ],
    "kernel": [Row(reboot, {HostRecordField, *ASKED}, asks=True, alters=False)],
    "microcode and CPU flags": [
        Row(lambda h: h.write("/proc/cpuinfo", cpu("fpu vmx", "0x2")), {HostRecordField, *ASKED},
            asks=True, alters=False),
        Row(lambda h: h.write("/proc/cpuinfo", cpu("fpu", "0x1")), {HostRecordField, *ASKED},
            asks=True, alters=False),
    ],
    "SEV and SGX devices": [
        Row(lambda h: h.write("/dev/sev", ""), ASKED, asks=True, alters=False),
        Row(lambda h: h.write("/dev/sgx_vepc", ""), ASKED, asks=True, alters=False),
    ],
    "helper programs": [
        Row(lambda h: h.at("/usr/bin/swtpm").unlink(), {HostRecordField}),
        Row(lambda h: h.write("/usr/local/bin/passt", "#!/bin/sh\n", 0o755), {HostRecordField},
            alters=False),
    ],
    "helper features": [
        Row(lambda h: replace_quietly(h, "/usr/bin/swtpm_setup", helper_text("tpm-1.2")),
            {HelperFeatures, HostRecordField}),
        # it is asked in its turn
        Row(lambda h: h.write("/usr/bin/swtpm", "#!/bin/sh\n# new\n", 0o755), {HelperFeatures},
            alters=False),
    ],
    "vhost-user descriptors": [
        Row(lambda h: h.write("/usr/share/qemu/vhost-user/50-v.json",
                              '{"type": "fs", "binary": "/opt/virtiofsd"}'), {HostRecordField},
            alters=False),
    ],
    "IOMMU and VFIO": [
        Row(give_group, {HostRecordField}),
    ],
}  # fmt: skip

# these take another host, another user or another process: see below, and for the devices
# test_fresh_system_folders.py
ELSEWHERE = {
    "user that runs QEMU", "asking user", "domcaps itself",
    "devices and folders that all programs use",
}  # fmt: skip

CASES = [
    pytest.param(row, id=f"{name} {number}")
    for name, rows in ROWS.items()
    for number, row in enumerate(rows)
]


def rows_of_the_document() -> set[str]:
    table = DOCUMENT.read_text().partition("| input |")[2].partition("\n\n")[0]
    return {found.strip() for found in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)}


def test_every_row_of_the_table_has_a_test() -> None:
    assert rows_of_the_document() == {*ROWS, *ELSEWHERE}


@pytest.mark.parametrize("sentry", [True, False], ids=["sentry", "no sentry"])
@pytest.mark.parametrize("row", CASES)
def test_a_change_does_what_the_table_says(tmp_path: Path, row: Row, sentry: bool) -> None:
    host = PretendedHost(tmp_path / "root", sentry=sentry)
    before = [host.remembered(machine="q35") for _ in range(3)][-1]
    row.change(host)
    host.counting.clear()
    asked = host.prober.asked
    after = host.remembered(machine="q35")
    assert after == host.from_nothing(machine="q35")
    assert (after != before) is row.alters
    assert row.runs <= host.counting.kinds()
    assert (host.prober.asked > asked) is row.asks
    if not row.alters:
        # what comes out equal touches nothing above
        assert not {Report, ReportAnswer} & host.counting.kinds()


@pytest.mark.parametrize("row", CASES)
def test_a_change_shows_in_another_process(tmp_path: Path, row: Row) -> None:
    """What is on the disk is proven in the same way."""
    host = PretendedHost(tmp_path / "root", disk=DiskStore(tmp_path / "cache"))
    host.remembered(machine="q35")
    row.change(host)
    host.host = host.another()
    assert host.remembered(machine="q35") == host.from_nothing(machine="q35")


def with_user(host: PretendedHost, user: str) -> LiveHost:
    build = Build(HostView(host.files, host.environ), observer=host.counting)
    question = HostQuestion(privileged=False, qemu_user=user)
    return LiveHost(LocalMachine(build, Local(question, prober=host.prober)))


def test_user_that_runs_qemu(tmp_path: Path) -> None:
    host = PretendedHost(tmp_path)
    host.at("/etc").mkdir(exist_ok=True)
    live = with_user(host, "nobody")
    for _ in range(3):
        assert live.domain_capabilities(machine="q35").virttype == "kvm"
    # others may write only
    host.at(fakes.KVM).chmod(0o662)
    assert live.domain_capabilities(machine="q35").virttype == "qemu"
    assert live.facts.kvm.reason.startswith("nobody has no permission to read /dev/kvm")
    host.at(fakes.KVM).chmod(0o666)
    assert live.domain_capabilities(machine="q35").virttype == "kvm"
    host.counting.clear()
    host.write("/etc/group", "kvm:x:1:nobody\n")
    live.domain_capabilities(machine="q35")
    assert host.counting.kinds() == {HostRecordField}


def test_asking_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = PretendedHost(tmp_path)
    host.write(f"{fakes.USERS}/70-u.json", descriptor(fakes.IMAGES[0], features=["secure-boot"]))
    build = Build(HostView(host.files, host.environ))
    live = LiveHost(LocalMachine(build, Local(prober=host.prober)))
    said: dict[int, Any] = {}
    for user in (1000, 0, 1000, 0):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        enum = live.domain_capabilities(machine="q35").os.firmwareFeatures.enums["secureBoot"]
        assert said.setdefault(user, enum) == enum
    assert said == {1000: ("yes", "no"), 0: ("no",)}


def test_domcaps_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = PretendedHost(tmp_path / "root", disk=DiskStore(tmp_path / "cache"))
    host.remembered()
    asked = host.prober.asked
    host.host = host.another()
    host.remembered()
    assert host.prober.asked == asked
    monkeypatch.setattr("domcaps.fresh.package_identity.own_identity", lambda: "another version")
    host.host = host.another()
    host.remembered()
    assert host.prober.asked > asked
