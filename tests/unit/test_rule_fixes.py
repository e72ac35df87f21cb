"""Rules that know what repairs them: what they ask for makes them hold in their `bad` sample."""

from __future__ import annotations

import pytest

from domcaps.choose.applied import apply
from domcaps.language.rule import Sample
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import host_for

_KNOWN = (
    "chardev-reconnect-timeout-zero", "chardev-reconnect-unsupported",
    "controller-iothread-unknown",
    "controller-pci-index-invalid", "controller-target-index-conflict",
    "controller-usb-master-missing", "controller-usb-none-conflict", "cpu-topology-granularity",
    "cputune-iothreadpin-unknown", "cputune-iothreadsched-unknown", "cputune-vcpusched-overlap",
    "controller-nvme-serial-missing", "max-memory-beyond-addresses",
    "memory-too-small", "cpu-feature-invtsc-emulated",
    "disk-encryption-cipher-unsupported",
    "memory-missing", "vcpu-count-gic-version", "disk-auth-duplicate",
    "disk-iothread-unknown", "disk-product-invalid", "disk-vendor-invalid",
    "features-smm-tseg-invalid", "features-tcg-tb-cache-unaligned", "features-vmport-without-ps2",
    "hostdev-duplicate", "interface-port-forward-unsupported", "max-memory-without-numa",
    "memory-backing-hugepages-page-size-unavailable", "numatune-memnode-mode-conflict",
    "os-loader-stateless-with-variables", "shmem-size-unsupported", "source-seclabel-duplicate",
    "sysinfo-uuid-invalid", "usb-disabled", "video-several-primaries",
    "audio-id-duplicate", "audio-id-missing", "audio-settings-conflict", "chardev-spice-missing",
    "console-serial-not-first", "cpu-maxphysaddr-unsupported", "cpu-model-missing",
    "disk-dir-unsupported", "disk-format-read-only", "hostdev-display-unsupported",
    "iommu-eim-unsupported", "os-firmware-feature-keys-without-secure-boot",
    "shmem-name-unsupported", "vcpu-count-without-eim", "vcpus-vcpu-first-invalid",
    "video-heads-unsupported", "vsock-cid-reserved",
    "clock-timer-catchup-unused", "disk-vhost-memory-private", "features-acpi-without-uefi",
    "features-hyperv-feature-dependency", "filesystem-memory-not-shared", "graphics-audio-missing",
    "interface-memory-private", "iommu-accel-missing", "iommu-acpi-missing",
    "iommu-intremap-unsupported", "memory-target-node-missing",
    "memory-unpluggable", "os-bios-useserial-no-port", "os-firmware-feature-not-automatic",
    "os-firmware-without-acpi", "os-nvram-bios",
    "os-loader-secure-unsupported", "os-loader-secure-without-smm", "os-nvram-template-missing",
    "os-smbios-sysinfo-missing", "sound-audio-missing", "sound-audio-missing-at-start",
    "video-blob-unsupported", "video-none-not-alone",
)  # fmt: skip


@pytest.mark.parametrize("code", _KNOWN)
def test_what_a_rule_asks_for_makes_it_hold(code: str) -> None:
    bad = codes()[code].bad
    assert bad is not None
    host = host_for(bad, "sid")
    assert host is not None
    data = domain_of(bad).encode()
    findings = [f for f in host.validate(data, "12.8").errors if f.code == code]
    new = bool(findings)
    if not findings:  # a rule of an older libvirt, or of domains that are there already
        older = (*host.validate(data, "9.0").errors, *host.validate(data, "12.8", new=False).errors)
        findings = [f for f in older if f.code == code]
    assert findings
    assert findings[0].fixes
    for fix in findings[0].fixes:
        after = apply(data, findings[0].path, fix)
        assert after != data
        left = {f.code for f in host.validate(after, "12.8", new=new).errors}
        assert code not in left


def test_a_floppy_drive_gets_a_name_that_no_other_has() -> None:
    drive = "<disk type='file' device='floppy'><source file='/{0}'/><target dev='{0}'{1}/></disk>"
    disks = "".join((drive.format("fda", ""), drive.format("fdb", ""),
                     drive.format("sda", " bus='sata'")))  # fmt: skip
    data = domain_of(Sample(disks, machine="pc")).encode()
    host = host_for(Sample(disks, machine="pc"), "sid")
    assert host is not None
    found = host.validate(data, "12.8").errors
    (conflict,) = (one for one in found if one.code == "disk-device-bus-conflict")
    assert [text for _, text in conflict.fixes[0].values] == ["fdc", "fdc"]
