"""Recordings that belong to the package are of virtualization hosts: modern guests are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from domcaps.shipped import open_shipped, shipped_names

EXAMPLES = Path(__file__).parents[2] / "examples"
X86 = [name for name in shipped_names() if name.endswith("-x86_64")]
UNNAMED = """<domain type='kvm'><name>a</name><memory>1048576</memory>
<os{0}><type machine='q35'>hvm</type></os><features><acpi/>{1}</features>
<devices>{2}</devices></domain>"""
SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><os"
_HYPER_V = (
    "<hyperv><relaxed state='on'/><vapic state='on'/><vpindex state='on'/><synic state='on'/>"
    "<tlbflush state='on'/></hyperv>"
)
_GPU = (
    "<hostdev mode='subsystem' type='pci'><source>"
    "<address domain='0' bus='1' slot='0' function='0'/></source></hostdev>"
)
_VIRGL = (
    "<graphics type='spice'><listen type='none'/><gl enable='yes'/></graphics>"
    "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>"
)
GUESTS = {
    "uefi": (" firmware='efi'", "", ""),
    "tpm-2": ("", "", "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"),
    "spice": ("", "", "<graphics type='spice' autoport='yes'/><video><model type='qxl'/></video>"),
    "hyper-v": ("", _HYPER_V, ""),
    "gpu": ("", "", _GPU),
    "virgl": ("", "", _VIRGL),
}


@pytest.mark.parametrize("name", X86)
@pytest.mark.parametrize("guest", ["windows11.xml", "web.xml"])
def test_a_modern_guest_is_accepted(name: str, guest: str) -> None:
    found = open_shipped(name).validate((EXAMPLES / guest).read_bytes())
    assert found.accepted, [(finding.code, finding.message) for finding in found.findings]


@pytest.mark.parametrize("name", X86)
@pytest.mark.parametrize("feature", GUESTS)
def test_what_a_virtualization_host_has_is_there(name: str, feature: str) -> None:
    found = open_shipped(name).validate(UNNAMED.format(*GUESTS[feature]))
    assert found.accepted, [(finding.code, finding.message) for finding in found.findings]


@pytest.mark.parametrize("name", [name for name in X86 if not name.startswith("debian12")])
def test_a_folder_and_a_network_in_user_mode_are_there(name: str) -> None:
    devices = """<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv'/>
    <target dir='srv'/></filesystem><interface type='user'><backend type='passt'/>
    <model type='virtio'/></interface>"""
    xml = UNNAMED.format("", "", devices).replace("<os", SHARED_MEMORY, 1)
    found = open_shipped(name).validate(xml)
    assert found.accepted, [(finding.code, finding.message) for finding in found.findings]


@pytest.mark.parametrize("name", shipped_names())
def test_a_host_is_judged_for_the_account_that_runs_qemu(name: str) -> None:
    record = open_shipped(name).facts.record
    assert (record.qemu_user, record.privileged) == ("libvirt-qemu", True)


@pytest.mark.parametrize("name", shipped_names())
def test_a_recording_names_no_machine_of_ours(name: str) -> None:
    host = open_shipped(name)
    record = host.facts.record
    assert (record.cpu.name, record.kernel, record.numa) == ("", "", ())
    assert host.domain_capabilities().xml.startswith("<domainCapabilities>")


@pytest.mark.parametrize(
    ("release", "libvirt"), [("debian12", "9.0"), ("debian13", "11.3"), ("sid", "12.")]
)
def test_a_recording_answers_as_the_libvirt_of_that_release(release: str, libvirt: str) -> None:
    record = open_shipped(f"{release}-x86_64").facts.record
    assert record.libvirt.version.startswith(libvirt)


def test_what_such_a_host_lacks_is_still_refused() -> None:
    domain = (EXAMPLES / "refused.xml").read_bytes()
    codes = {f.code for f in open_shipped("debian13-x86_64").validate(domain).findings}
    assert "disk-bus-unsupported" in codes


def test_recordings_stay_small() -> None:
    folder = Path(__file__).parents[2] / "src/domcaps/recordings"
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert max(sizes.values()) < 90_000, sizes
    assert sum(sizes.values()) < 1_300_000, sizes
