"""The virtualization type ``hyperv``: QEMU on Microsoft's hypervisor, through /dev/mshv."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import domcaps
from domcaps.facts.question import ask
from domcaps.facts.record import EmulatorRecord, Kvm, ProbeSession
from domcaps.facts.recording import load
from domcaps.language.dialect import parse_dialect
from domcaps.serve.xml.capabilities import capabilities_xml
from fakes import answer

RECORDINGS = Path(__file__).parents[1] / "recordings"
DOMAIN = """<domain type='hyperv'><name>a</name><memory>1048576</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>{}</domain>"""


def _on_hyperv(emulator: EmulatorRecord) -> EmulatorRecord:
    """Have QEMU answer on Hyper-V what it answered on KVM."""
    first, plain = emulator.sessions
    accelerators = answer(ask("query-accelerators"), {"enabled": "mshv", "present": ["mshv"]})
    state = answer(ask("query-kvm"), {"enabled": False, "present": True})
    new = {a.question: a for a in (*first.answers, accelerators, state)}
    mshv = ProbeSession("mshv", tuple(new.values()))
    return msgspec.structs.replace(emulator, sessions=(mshv, plain))


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    recording = load(RECORDINGS / "sid-x86_64.domcaps")
    around = msgspec.structs.replace(recording.host, kvm=Kvm(reason="/dev/kvm does not exist"))
    emulators = tuple(map(_on_hyperv, recording.emulators))
    return domcaps.Host.from_recording(
        msgspec.structs.replace(recording, host=around, emulators=emulators)
    )


def test_the_accelerated_type_is_the_default(host: domcaps.Host) -> None:
    caps = host.domain_capabilities(machine="q35")
    assert caps.virttype == "hyperv"
    assert caps.top.cpu.host_passthrough.supported


def test_the_report_is_that_of_an_accelerator(host: domcaps.Host) -> None:
    kvm = domcaps.Host.from_recording(load(RECORDINGS / "sid-x86_64.domcaps"))
    own = host.domain_capabilities(machine="q35", virttype="hyperv").xml
    other = kvm.domain_capabilities(machine="q35", virttype="kvm").xml

    def comparable(xml: str) -> str:
        # the number of vCPUs is also that of KVM
        return re.sub(r"<domain>\w+</domain>|<vcpu [^>]*>", "", xml)

    assert comparable(own) == comparable(other)


def test_plain_emulation_is_served_beside_it(host: domcaps.Host) -> None:
    assert host.domain_capabilities(machine="q35", virttype="qemu").virttype == "qemu"


@pytest.mark.parametrize("virttype", [None, "hyperv"])
def test_libvirt_before_11_10_does_not_know_it(host: domcaps.Host, virttype: str | None) -> None:
    if virttype is None:
        assert host.domain_capabilities(machine="q35", libvirt="11.9").virttype == "qemu"
        return
    with pytest.raises(domcaps.UnsupportedTargetError, match=r"11\.9 does not .*--libvirt 11\.10"):
        host.domain_capabilities(machine="q35", virttype=virttype, libvirt="11.9")


def test_a_host_without_it_says_what_it_takes(host: domcaps.Host) -> None:
    kvm = domcaps.Host.from_recording(load(RECORDINGS / "sid-x86_64.domcaps"))
    with pytest.raises(domcaps.UnsupportedTargetError, match=r"/dev/mshv.*QEMU 10\.2"):
        kvm.domain_capabilities(machine="q35", virttype="hyperv")


@pytest.mark.parametrize(
    ("libvirt", "codes"), [("12.8", []), ("11.10", []), ("11.9", ["domain-type-unsupported"])]
)
def test_domains_are_judged_by_date(host: domcaps.Host, libvirt: str, codes: list[str]) -> None:
    verdict = host.validate(DOMAIN.format(""), libvirt=libvirt)
    assert [f.code for f in verdict.findings] == codes


def test_the_command_line_names_qemus_accelerator(host: domcaps.Host) -> None:
    words = host.native(DOMAIN.format(""))
    assert "mshv" in words[words.index("-accel") + 1]


def test_the_hosts_capabilities_list_it(host: domcaps.Host) -> None:
    def listed(release: str) -> list[str]:
        text = capabilities_xml(host, parse_dialect(release))
        x86 = text[text.index('name="x86_64"' if 'name="x86_64"' in text else "name='x86_64'") :]
        return re.findall(r"<domain type=['\"](\w+)", x86[: x86.index("</arch>")])

    assert listed("12.8") == ["qemu", "hyperv"]
    assert listed("11.9") == ["qemu"]
