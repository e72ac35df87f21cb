"""The view of a host's record, and facts that people write down."""

from __future__ import annotations

import msgspec
import pytest

from domcaps.errors import HostFactsError
from domcaps.facts.host import HostFacts, read_host_facts
from domcaps.facts.record import Helper, HostCpu, HostRecord, Presence

SWTPM = (
    Helper("swtpm", "/usr/bin/swtpm"),
    Helper("swtpm_setup", "/usr/bin/swtpm_setup", ("tpm-2.0", "cmdarg-x", "tpm-1.2")),
    Helper("swtpm_ioctl", "/usr/bin/swtpm_ioctl"),
)


def host(**fields: object) -> HostFacts:
    return HostFacts(msgspec.convert({"arch": "x86_64", **fields}, HostRecord))


def test_tpm_versions_come_in_the_order_of_a_report() -> None:
    assert HostFacts(HostRecord("x86_64", helpers=SWTPM)).tpm_versions == ("1.2", "2.0")


def test_a_tpm_needs_all_three_programs() -> None:
    for missing in SWTPM:
        rest = tuple(helper for helper in SWTPM if helper is not missing)
        without = (*rest, Helper(missing.name, reason="not there"))
        assert HostFacts(HostRecord("x86_64", helpers=rest)).tpm_versions is None
        assert HostFacts(HostRecord("x86_64", helpers=without)).tpm_versions is None


def test_a_silent_setup_program_leaves_the_versions_open() -> None:
    silent = msgspec.structs.replace(SWTPM[1], features=())
    facts = HostFacts(HostRecord("x86_64", helpers=(SWTPM[0], silent, SWTPM[2])))
    assert facts.tpm_versions == ()


def test_helpers_by_name() -> None:
    facts = HostFacts(HostRecord("x86_64", helpers=(*SWTPM, Helper("passt", reason="gone"))))
    assert facts.helper("swtpm") == SWTPM[0]
    assert facts.helper("passt") is None
    assert facts.helper_presence("passt") == Presence(False, "gone")
    assert facts.helper_presence("swtpm") == Presence(True)
    assert "was not searched" in facts.helper_presence("other").reason


@pytest.mark.parametrize(
    ("ecx", "edx", "limits"),
    [(509, 451, (59, 450)), (0, 5, (0, 0)), (5, 0, (0, 0)), (15, 16, (0, 15)), (10, 20, (0, 19))],
)
def test_sev_limits(ecx: int, edx: int, limits: tuple[int, int]) -> None:
    cpu = HostCpu(cpuid_8000001f_ecx=ecx, cpuid_8000001f_edx=edx)
    assert HostFacts(HostRecord("x86_64", cpu=cpu)).sev_limits == limits


def test_firmware_is_summed_up_once() -> None:
    facts = host()
    assert facts.firmware_for("x86_64", "pc-q35-9.0") is facts.firmware_for("x86_64", "pc-q35-9.0")


def test_facts_from_json() -> None:
    facts = HostFacts.from_json(
        b'{"arch": "s390x", "kvm": {"usable": true, "max_vcpus": 248},'
        b' "asserted": {"os.loader": ["/a", "/b"]}, "cpu": {"signature": [6, 1, 2]}}'
    )
    assert facts.arch == "s390x"
    assert facts.kvm.max_vcpus == 248
    assert facts.asserted["os.loader"] == ("/a", "/b")
    assert facts.cpu.signature == (6, 1, 2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `arch`"),
        (b'{"arch": 1}', "at `$.arch`"),
        (b'{"arch": "x", "kvm": {"usable": "yes"}}', "at `$.kvm.usable`"),
        (b'{"arch": "x", "numa": [{"id": 0, "cpus": ["a"]}]}', "at `$.numa[0].cpus[0]`"),
        (b'{"arch": "x", "hugepages": []}', "unknown key 'hugepages' at $"),
        (b'{"arch": "x", "kvm": {"max_vcpu": 1}}', "did you mean 'max_vcpus'?"),
        (b'{"arch": "x", "helpers": [{"name": "a"}, {"nam": "b"}]}', "at $.helpers[1]"),
        (b'{"arch": "x", "zzz": 1}', "known are arch, kernel"),
    ],
)
def test_facts_that_can_not_be_used(data: bytes, message: str) -> None:
    with pytest.raises(HostFactsError) as caught:
        read_host_facts(data, "facts.json")
    assert caught.value.where == "facts.json"
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_long_unknown_key_is_shortened() -> None:
    with pytest.raises(HostFactsError) as caught:
        read_host_facts(b'{"arch": "x", "%s": 1}' % (b"k" * 100_000))
    assert len(str(caught.value)) < 500


def test_every_record_can_be_given_as_facts() -> None:
    record = HostRecord("x86_64", helpers=SWTPM, cpu=HostCpu(signature=(6, 1, 2)))
    assert read_host_facts(msgspec.json.encode(record)) == record
