"""Firmware: which descriptor a domain gets, and what it can't be told of its own image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import domcaps
from domcaps.facts.record import FirmwareDescriptor, HostRecord, Recording
from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host
from verdicts import Case, fine, wrong

if TYPE_CHECKING:
    from domcaps.language.finding import Finding

FLASH = {
    "device": "flash",
    "executable": {"filename": "/fw/code.fd", "format": "raw"},
    "nvram-template": {"filename": "/fw/vars.fd", "format": "raw"},
}
ROM = {"device": "memory", "filename": "/fw/rom.bin"}
VARIABLES = ROM | {"uefi-vars": {"template": "/fw/vars.json"}}
KERNEL = {"device": "kernel", "filename": "/fw/kernel.bin"}


def descriptor(*features: str, mapping: dict[str, Any] = FLASH) -> FirmwareDescriptor:
    document = {
        "description": "sample",
        "interface-types": ["uefi"],
        "mapping": mapping,
        "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}],
        "features": list(features),
        "tags": [],
    }
    return FirmwareDescriptor("/usr/share/qemu/firmware", "1.json", json.dumps(document))


def errors(xml: str, offered: FirmwareDescriptor, dialect: str = "12.8") -> list[Finding]:
    """Give the errors of a q35 guest on a host with that firmware only."""
    known = sample_host("x86_64", "sid")
    assert known is not None
    files = ("/fw/code.fd", "/fw/vars.fd", "/fw/rom.bin", "/fw/kernel.bin", "/fw/vars.json")
    record = known.emulators.get(known.default_emulator("x86_64")).record
    with_firmware = HostRecord("x86_64", privileged=True, firmware=(offered,), images=files)
    kvm = msgspec.structs.replace(known.facts.record.kvm)
    host = domcaps.Host.from_recording(
        Recording(host=msgspec.structs.replace(with_firmware, kvm=kvm), emulators=(record,))
    )
    text = domain_of(Sample(xml, arch="x86_64", machine="q35"))
    return list(host.validate(text, dialect).errors)


def refused(xml: str, offered: FirmwareDescriptor, dialect: str = "12.8") -> set[str]:
    """Give the codes of those errors."""
    return {finding.code for finding in errors(xml, offered, dialect)}


EFI = "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type>{}</os>"
SECURE = "<launchSecurity type='{}'>{}</launchSecurity>"
SEV = "<cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>{}</policy>"
NONE = "os-firmware-unavailable"


@pytest.mark.parametrize(
    ("kind", "inside", "features"),
    [
        ("sev", SEV.format("0x0001"), ["amd-sev"]),
        ("sev", SEV.format("0x0005"), ["amd-sev", "amd-sev-es"]),
        ("sev", SEV.format("none"), ["amd-sev"]),
        ("sev-snp", "<policy>0x30000</policy>", ["amd-sev-snp"]),
        ("tdx", "", ["intel-tdx"]),
        ("s390-pv", "", []),
    ],
)
def test_a_guest_that_is_protected_needs_firmware_that_knows(
    kind: str, inside: str, features: list[str]
) -> None:
    guest = EFI.format("") + SECURE.format(kind, inside)
    assert NONE not in refused(guest, descriptor(*features))
    for missing in features:
        left = [feature for feature in features if feature != missing]
        assert NONE in refused(guest, descriptor(*left)), missing


@pytest.mark.parametrize("state", ["mem", "disk"])
def test_a_guest_that_sleeps_needs_firmware_that_knows(state: str) -> None:
    guest = EFI.format("") + f"<pm><suspend-to-{state} enabled='yes'/></pm>"
    knows = {"mem": "acpi-s3", "disk": "acpi-s4"}[state]
    assert NONE not in refused(guest, descriptor(knows))
    assert NONE in refused(guest, descriptor())
    assert NONE not in refused(guest.replace("yes", "no"), descriptor())


def test_firmware_that_is_started_like_a_kernel_is_no_longer_chosen() -> None:
    assert NONE in refused(EFI.format(""), descriptor(mapping=KERNEL))
    assert NONE not in refused(EFI.format(""), descriptor(mapping=KERNEL), "11.3")


def test_firmware_in_memory_keeps_variables_with_a_device_only() -> None:
    guest = EFI.format("<varstore/>")
    assert NONE not in refused(guest, descriptor(mapping=VARIABLES))
    assert NONE in refused(guest, descriptor(mapping=ROM))
    assert NONE not in refused(EFI.format(""), descriptor(mapping=ROM))
    assert NONE in refused(EFI.format("<nvram/>"), descriptor(mapping=ROM))


def test_a_store_is_made_of_a_template_that_is_named_or_known() -> None:
    guest = EFI.replace(" firmware='efi'", "")
    missing, rom = "os-varstore-template-missing", "<loader type='rom'>{}</loader>"
    known, other = rom.format(VARIABLES["filename"]), rom.format("/fw/other.fd")
    assert missing in refused(guest.format(other + "<varstore/>"), descriptor(mapping=VARIABLES))
    for fine_one in (
        known + "<varstore/>",
        known.replace(" type='rom'", "") + "<varstore/>",
        other + "<varstore template='/fw/vars.json'/>",
        other + "<varstore path='/made/by/its/owner.json'/>",
        other,
        # there is no firmware that would use it
        "<varstore/>",
    ):
        found = refused(guest.format(fine_one), descriptor(mapping=VARIABLES))
        assert missing not in found, fine_one
    assert missing not in refused(
        guest.format(other + "<varstore/>"), descriptor(mapping=VARIABLES), "11.3"
    )


def test_an_image_that_needs_smm_switches_it_on() -> None:
    loader = "<loader type='pflash' readonly='yes' secure='yes'>{}</loader>"
    guest = EFI.replace(" firmware='efi'", "").format(loader)
    smm = "os-loader-secure-without-smm"
    needs = descriptor("requires-smm", "secure-boot")
    assert smm not in refused(guest.format("/fw/code.fd"), needs)
    assert smm in refused(guest.format("/fw/other.fd"), needs)
    assert smm in refused(guest.format("/fw/code.fd"), descriptor("secure-boot"))
    on = "<features><smm state='on'/></features>"
    assert smm not in refused(guest.format("/fw/other.fd") + on, needs)


def test_variables_of_an_image_that_is_known_have_a_format() -> None:
    loader = "<loader type='pflash'>{}</loader><nvram>/a/vars.fd</nvram>"
    guest = EFI.replace(" firmware='efi'", "").format(loader)
    assert "os-nvram-format-missing" not in refused(guest.format("/fw/code.fd"), descriptor())
    assert "os-nvram-format-missing" in refused(guest.format("/fw/other.fd"), descriptor())


MANUAL = "<os><type arch='x86_64' machine='q35'>hvm</type>{}</os>"
OWN = "<loader type='pflash' readonly='yes'>/a/code.fd</loader>"
ACPI = "<features><acpi/></features>"
CASES = [
    wrong("a file is not stored in a slice", MANUAL.format(
        OWN + "<nvram type='file'><source file='/a'><slices>"
        "<slice type='storage' offset='0' size='512'/></slices></source></nvram>") + ACPI,
        "os-nvram-source-unsupported", "os-nvram-template-missing"),
    wrong("variables are kept once", EFI.format("<nvram/><varstore/>") + ACPI,
          "os-varstore-conflict", "os-firmware-unsupported", NONE),
    fine("a console is a serial port", "<os><type>hvm</type><bios useserial='yes'/></os>"
         "<console type='pty'/>"),
    wrong("a virtio console is not", "<os><type>hvm</type><bios useserial='yes'/></os>"
          "<console type='pty'><target type='virtio'/></console>", "os-bios-useserial-no-port"),
    wrong("a device without a place is in no order", "<os><type>hvm</type><boot dev='hd'/></os>"
          "<interface type='user'><boot/></interface>", "boot-order-invalid"),
    wrong("an entry of fw_cfg has a name", "<sysinfo type='fwcfg'><entry>a</entry></sysinfo>",
          "sysinfo-entry-incomplete"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_found_of_firmware(case: Case) -> None:
    assert case.found() == case.codes
