"""Verdicts by release: what a libvirt reads, takes and refuses, on both sides of each change."""

from __future__ import annotations

import pytest

from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import RELEASES, host_for

Q35 = "<os><type arch='x86_64' machine='q35'>hvm</type>{}</os><features><acpi/></features>"
EFI = Q35.replace("<os>", "<os firmware='efi'>")
DISK = "<disk type='file'>{}<source file='/a'/><target dev='{}' bus='{}'/>{}</disk>"
PRODUCT = DISK.format("", "sda", "sata", "<product>A</product>")
UNREF = "<driver name='qemu' type='raw' discard_no_unref='on'/>"
VHOST = (
    "<interface type='vhostuser'><source type='unix' path='/a' mode='client'/>"
    "<model type='virtio'/></interface>"
)


def codes(xml: str, dialect: str, machine: str = "q35") -> set[str]:
    """Give the codes of the errors that are found in one dialect."""
    host = host_for(Sample(xml, machine=machine), RELEASES[0])
    assert host is not None
    document = domain_of(Sample(xml, machine=machine))
    return {finding.code for finding in host.validate(document, dialect, new=False).errors}


@pytest.mark.parametrize(
    ("xml", "code", "refusing", "taking"),
    [
        ("<watchdog model='itco'/>", "watchdog-model-unknown", "9.0", "9.1"),
        ("<audio id='1' type='pipewire'/>", "audio-type-invalid", "9.9", "9.10"),
        ("<audio id='1' type='none'/>", "audio-type-invalid", "7.1", "7.2"),
        ("<features><ps2 state='on'/></features>", "features-unknown", "10.6", "10.7"),
        ("<features><tcg/></features>", "features-unknown", "7.10", "8.0"),
        (
            "<clock offset='utc'><timer name='hpet' present='yes'/></clock>",
            "clock-timer-unsupported",
            "9.1",
            "9.2",
        ),
        (
            "<disk type='file' device='cdrom'><target dev='sda' bus='usb'/></disk>",
            "disk-source-missing",
            "11.4",
            "9.0",
        ),
        (PRODUCT, "disk-product-invalid", "9.0", "12.8"),
        (
            DISK.format(UNREF, "vda", "virtio", ""),
            "disk-discard-no-unref-unsupported",
            "9.5",
            "9.0",
        ),
        (
            "<iothreads>1</iothreads>"
            + DISK.format(
                "<driver name='qemu'><iothreads><iothread id='9'/></iothreads></driver>",
                "vda",
                "virtio",
                "",
            ),
            "disk-iothread-unknown",
            "10.0",
            "9.0",
        ),
        (DISK.format("", "hdaxxxxxxxxxx", "virtio", ""), "disk-target-unknown", "10.1", "9.0"),
        (
            VHOST,
            "interface-memory-private",
            "11.2",
            "11.1",
        ),
        (
            "<interface type='user'><model type='usb-net'/></interface>",
            "interface-usb-address-missing",
            "10.2",
            "10.3",
        ),
        (
            "<interface type='bridge'><source bridge='b'/><vlan><tag id='4'/></vlan></interface>",
            "interface-vlan-unsupported-at-start",
            "9.0",
            "11.0",
        ),
        (EFI.format("<loader secure='no'/>"), "os-loader-conflict", "9.0", "9.2"),
        (
            Q35.format("<firmware><feature name='secure-boot' enabled='no'/></firmware>"),
            "os-firmware-feature-not-automatic",
            "9.0",
            "9.2",
        ),
        ("<cpu mode='maximum'><maxphysaddr mode='emulate'/></cpu>", "cpu-maxphysaddr-unsupported",
         "9.2", "9.3"),
    ],
)  # fmt: skip
def test_a_change_turns_the_verdict(xml: str, code: str, refusing: str, taking: str) -> None:
    assert code in codes(xml, refusing)
    assert code not in codes(xml, taking)


def test_what_is_remembered_of_one_dialect_is_not_of_another() -> None:
    """Verdicts of elements that are met again and again stay those of the dialect."""
    audio = "<audio id='1' type='none'/>"
    for _ in range(4):
        assert "audio-type-invalid" not in codes(audio, "9.0")
        assert "audio-type-invalid" in codes(audio, "7.0")


@pytest.mark.parametrize(
    ("xml", "code", "refusing", "taking"),
    [
        (EFI.format("<loader readonly='no'/>"), "os-loader-conflict", "9.0", "8.5"),
        (EFI.format("<nvram type='network'/>"), "os-nvram-source-missing", "8.5", "8.4"),
        (
            Q35.replace("<os>", "<os firmware='bios'>").format("<nvram>/a</nvram>"),
            "os-nvram-bios",
            "8.6",
            "8.5",
        ),
        ("<audio id='1' type='oss'/>", "audio-device-missing", "7.1", "7.2"),
        (
            "<input type='mouse' bus='usb'><source evdev='/dev/input/event1'/></input>",
            "input-source-unsupported",
            "7.3",
            "7.4",
        ),
    ],
)
def test_what_older_libvirt_chose_and_wanted(
    xml: str, code: str, refusing: str, taking: str
) -> None:
    assert code in codes(xml, refusing)
    assert code not in codes(xml, taking)


def test_the_default_tpm_of_power_was_a_version_that_it_cannot_be() -> None:
    sample = Sample("<tpm><backend type='emulator'/></tpm>", arch="ppc64")
    host = host_for(sample, RELEASES[0])
    assert host is not None
    found = {
        dialect: {f.code for f in host.validate(domain_of(sample), dialect).errors}
        for dialect in ("7.0", "9.0")
    }
    assert "tpm-default-unsupported" in found["7.0"]
    assert "tpm-default-unsupported" not in found["9.0"]
