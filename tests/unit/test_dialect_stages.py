"""Checks that moved from the start of a domain to its definition, and values once passed over."""

from __future__ import annotations

import pytest

from domcaps.language.finding import Stage
from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import RELEASES, host_for

_MENU = "<os><type>hvm</type><bootmenu enable='31'/></os>"
_EFI = "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>"
_THREAD = (
    "<disk type='file'><driver name='qemu' iothread='3'/><source file='/a'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)
_MAXIMUM = "<cpu mode='maximum'/>"
_CELL = "<cpu><numa><cell memory='1048576'/></numa></cpu>"
_HOTPLUG = "<maxMemory slots='2' unit='GiB'>8</maxMemory>"
_MODULE = "<memory model='dimm'><target><size unit='MiB'>512</size><node>1</node></target></memory>"
_SOCKET = (
    "<channel type='unix'><source mode='connect' path='/tmp/channel/domain-old/a'>"
    "<reconnect enabled='yes' timeout='10'/></source><target type='virtio' name='a'/></channel>"
)
_SCREEN = "<video><driver iommu='on'/><model type='vga' heads='2'/></video>"


def found(sample: Sample, dialect: str) -> dict[str, Stage]:
    """Give the codes of errors in a dialect, each with its stage."""
    host = host_for(sample, RELEASES[0])
    assert host is not None
    errors = host.validate(domain_of(sample), dialect).errors
    return {error.code: error.stage for error in errors}


@pytest.mark.parametrize(
    ("sample", "code", "before", "since"),
    [
        (Sample(_EFI), "os-firmware-unavailable", "9.1", "9.2"),
        (Sample(_EFI), "os-firmware-unsupported", "9.1", "9.2"),
        (Sample(_THREAD), "disk-iothread-unknown", "7.3", "7.4"),
        (Sample(_CELL + _HOTPLUG + _MODULE), "memory-target-node-without-cell", "7.0", "7.1"),
        (
            Sample("<rng model='virtio'><backend model='random'/><address type='ccw'/></rng>"),
            "address-ccw-unsupported",
            "7.4",
            "7.5",
        ),
        (
            Sample("<tpm><backend type='emulator' version='2.0'/></tpm>", lacking=("helpers",)),
            "tpm-backend-type-unsupported",
            "7.10",
            "8.0",
        ),
    ],
)
def test_a_check_moved_from_start_to_definition(
    sample: Sample, code: str, before: str, since: str
) -> None:
    assert found(sample, before)[code] is Stage.START
    assert found(sample, since)[code] is Stage.DEFINE


_HV = "<features><acpi/>{}</features>"


@pytest.mark.parametrize(
    ("sample", "code", "refusing", "taking"),
    [
        (Sample(_MENU), "os-bootmenu-enable-invalid",
         "8.0", "7.0"),
        (Sample(_MAXIMUM), "cpu-mode-invalid", "7.0", "7.1"),
        (Sample("<input type='mouse' bus='none'/>"), "input-bus-invalid", "7.3", "7.4"),
        (Sample(_HOTPLUG), "max-memory-without-numa", "9.5", "9.6"),
        (Sample("<sound model='ac97'><audio id='2'/></sound>"), "sound-audio-missing",
         "7.2", "7.1"),
        (Sample("<input type='keyboard' bus='ps2'/>", arch="ppc64"), "input-ps2-unsupported",
         "10.7", "10.6"),
        (Sample(_SCREEN), "video-virtio-options-unsupported", "7.2", "7.1"),
        (Sample(_SCREEN), "video-heads-unsupported", "8.0", "7.10"),
        (Sample(_SOCKET), "chardev-reconnect-unsupported", "9.10", "10.0"),
        (Sample(_SOCKET), "chardev-reconnect-unsupported", "7.0", "10.0"),
        (Sample("<resource><fibrechannel appid='web'/></resource>"), "resource-empty",
         "7.6", "7.7"),
        (Sample("<interface type='user'><backend type='default'/></interface>"),
         "interface-backend-type-invalid", "10.5", "10.6"),
        (Sample("<interface type='user'><backend type='passt'/></interface>"),
         "interface-backend-type-invalid", "9.0+debian12", "9.0"),
        (Sample("<memballoon model='virtio'><driver page_per_vq=''/></memballoon>"),
         "memballoon-driver-page-per-vq-invalid", "7.9", "7.8"),
        (Sample("<console type='dbus'/>"), "chardev-type-unknown", "8.3", "8.4"),
        (Sample("<disk type='file'><source file='/a'/><target dev='sda' bus='sd'/><iotune>"
                "<total_bytes_sec>9</total_bytes_sec></iotune></disk>"),
         "disk-iotune-unsupported", "9.5", "9.4"),
        (Sample("<throttlegroups><throttlegroup/></throttlegroups>"),
         "throttlegroups-throttlegroup-name-missing", "11.2", "11.1"),
        (Sample("<vcpu>8</vcpu><cpu><topology sockets='1' clusters='2' cores='2' threads='2'/>"
                "</cpu>", arch="aarch64"), "cpu-topology-mismatch", "10.0", "10.1"),
        (Sample(_HV.format("<hyperv><synic state='on'/></hyperv>")),
         "features-hyperv-feature-dependency", "11.9", "11.8"),
        (Sample(_HV.format("<hyperv><synic state='on'/></hyperv>")),
         "features-hyperv-feature-dependency", "11.10", "12.0"),
        (Sample(_HV.format("<hyperv mode='host-model'><relaxed/></hyperv>")),
         "features-hyperv-feature-invalid", "12.1", "12.0"),
        (Sample("<interface type='user'/>", arch="armv7l", machine="versatilepb"),
         "pci-slots-exhausted", "10.1", "10.2"),
    ],
)  # fmt: skip
def test_a_change_turns_the_verdict(sample: Sample, code: str, refusing: str, taking: str) -> None:
    assert code in found(sample, refusing)
    assert code not in found(sample, taking)


def test_the_setting_of_the_hosts_libvirt_decides_about_spice_with_tls() -> None:
    graphics = "<graphics type='spice' tlsPort='5902'/>"
    off = found(Sample(graphics, lacking=("libvirt.spice_tls",)), "9.0")
    assert off["graphics-spice-tls-unavailable"] is Stage.DEFINE
    assert "graphics-spice-tls-unavailable" not in found(Sample(graphics), "9.0")
