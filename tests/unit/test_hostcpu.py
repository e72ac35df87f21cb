"""The host's processor, from samples of /proc/cpuinfo of several architectures."""

from __future__ import annotations

import mmap
import platform
import struct
from pathlib import Path

import pytest

from domcaps.facts import cpuid
from domcaps.facts.hostcpu import cpu_list, read_cpu
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.record import HostCpu

X86 = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 94
model name\t: Intel(R) Xeon(R) CPU E3-1245 v5 @ 3.50GHz
stepping\t: 3
microcode\t: 0xf0
flags\t\t: fpu vme de
address sizes\t: 39 bits physical, 48 bits virtual

processor\t: 1
vendor_id\t: Other
"""
POWER = """\
processor\t: 0
cpu\t\t: POWER9 (raw), altivec supported
clock\t\t: 2500.000000MHz
revision\t: 2.2 (pvr 004e 1202)

timebase\t: 512000000
"""
S390 = """\
vendor_id       : IBM/S390
# processors    : 2
features\t: esan3 zarch stfle
facilities      : 0 1 2
processor 0: version = FF,  identification = 123456,  machine = 8561
"""
ARM = """\
processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd evtstrm
CPU implementer\t: 0x41
CPU part\t: 0xd0c
"""


def read(root: Path, text: str, arch: str) -> HostCpu:
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc/cpuinfo").write_text(text)
    return read_cpu(HostFiles(root), arch)


def test_x86(tmp_path: Path) -> None:
    cpu = read(tmp_path, X86, "x86_64")
    assert cpu.vendor == "GenuineIntel"
    assert cpu.name.startswith("Intel(R) Xeon(R)")
    assert cpu.signature == (6, 94, 3)
    assert cpu.flags == ("fpu", "vme", "de")
    assert cpu.microcode == 0xF0
    assert cpu.phys_addr_bits == 39
    assert cpu.model == ""


def test_power_has_a_model_name(tmp_path: Path) -> None:
    cpu = read(tmp_path, POWER, "ppc64le")
    assert cpu.model == "POWER9"
    assert cpu.phys_addr_bits == 0
    assert cpu.signature is None


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("POWER8E (raw), altivec supported", "POWER8"),
        ("POWER10 (architected), altivec supported", "POWER10"),
        ("PPC970FX, altivec supported", ""),
    ],
)
def test_variants_of_power(tmp_path: Path, line: str, model: str) -> None:
    assert read(tmp_path, f"cpu\t\t: {line}\n", "ppc64").model == model


def test_s390(tmp_path: Path) -> None:
    cpu = read(tmp_path, S390, "s390x")
    assert cpu.vendor == "IBM/S390"
    assert cpu.flags == ("esan3", "zarch", "stfle")
    assert cpu.phys_addr_bits == 0


def test_arm(tmp_path: Path) -> None:
    cpu = read(tmp_path, ARM, "aarch64")
    assert cpu.vendor == "0x41"
    assert cpu.flags == ("fp", "asimd", "evtstrm")


def test_no_cpuinfo_gives_an_unknown_cpu(tmp_path: Path) -> None:
    assert read_cpu(HostFiles(tmp_path), "x86_64") == HostCpu()


@pytest.mark.parametrize(
    "text",
    [
        "microcode : 0xzz\ncpu family : six\nmodel : 1\nstepping : 2\naddress sizes : many",
        ":::::\n: \n\0\0\0",
        "address sizes : " + "9" * 5000,
        "microcode : " + "9" * 5000,
    ],
)
def test_nonsense_is_survived(tmp_path: Path, text: str) -> None:
    cpu = read(tmp_path, text, "x86_64")
    assert cpu.signature is None
    assert cpu.microcode == 0


def test_topology_takes_the_first_cpu_for_an_example(tmp_path: Path) -> None:
    topology = tmp_path / "sys/devices/system/cpu/cpu0/topology"
    topology.mkdir(parents=True)
    (topology / "thread_siblings_list").write_text("0,8\n")
    (topology / "core_siblings_list").write_text("0-3,8-11\n")
    (topology.parent.parent / "present").write_text("0-15\n")
    cpu = read_cpu(HostFiles(tmp_path), "x86_64")
    assert (cpu.sockets, cpu.cores, cpu.threads) == (2, 4, 2)


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0", (0,)),
        ("0-2,7\n", (0, 1, 2, 7)),
        ("3-1", ()),
        ("", ()),
        ("0-", ()),
        ("x", ()),
        ("0-99999999", ()),
    ],
)
def test_lists_of_cpus(text: str, cpus: tuple[int, ...]) -> None:
    assert cpu_list(text) == cpus


@pytest.mark.skipif(platform.machine() != "x86_64", reason="CPUID is of x86")
def test_cpuid_agrees_with_the_kernel() -> None:
    answer = cpuid.from_processor(0)
    if answer is None:
        pytest.skip("this system lets nobody map memory that may be executed")
    vendor = struct.pack("<3I", answer.ebx, answer.edx, answer.ecx).decode()
    assert f": {vendor}\n" in Path("/proc/cpuinfo").read_text()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="CPUID is of x86")
def test_a_leaf_beyond_the_last_has_no_answer() -> None:
    assert cpuid.ask(0x8FFFFFFF) is None


def test_other_processors_are_not_given_our_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert cpuid.from_processor(0) is None


def test_a_refused_mapping_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(mmap, "mmap", refuse)
    assert cpuid.from_processor(0) is None


class LiveWithSev(HostFiles):
    """A live host whose kernel lists SEV."""

    def text(self, path: str, limit: int = 0) -> str:
        return "flags : fpu sev\n" if path == "/proc/cpuinfo" else ""


def test_sev_limits_are_asked_for_where_the_kernel_has_sev(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def answer(leaf: int) -> cpuid.Registers:
        asked.append(leaf)
        return cpuid.Registers(0, 0, 509, 100)

    monkeypatch.setattr(cpuid, "ask", answer)
    cpu = read_cpu(LiveWithSev(), "x86_64")
    assert (cpu.cpuid_8000001f_ecx, cpu.cpuid_8000001f_edx) == (509, 100)
    assert asked == [0x8000001F]
    assert read_cpu(LiveWithSev(), "s390x").cpuid_8000001f_ecx == 0
