"""Values that libvirt 7.0 reads in another way than 9.0; seen with both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domcaps.shipped import open_shipped

if TYPE_CHECKING:
    import domcaps

DISK = (
    "<disk type='file' device='disk'{}><source file='/a'/><target dev='vda' bus='virtio'/>{}</disk>"
)
SHARE = "<filesystem type='mount'{}>{}<source dir='/a'/><target dir='b'/></filesystem>"
LEASE = "<lease>{}<target path='/a'{}/></lease>"
SHMEM = "<shmem name='a'><model type='ivshmem-{}'/>{}</shmem>"
SERVER = "<server path='/a'/>"
VIRTIO_MEM = (
    "<memory model='virtio-mem'><target{}><size>524288</size><node>0</node><block>2048</block>"
    "<requested>524288</requested></target></memory>"
)
PORT = "<controller type='pci' index='1' model='pcie-root-port'>{}</controller>"
NAMED = "<lockspace>a</lockspace><key>b</key>"


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    return open_shipped("debian12-x86_64")


def is_accepted(host: domcaps.Host, libvirt: str, top: str, devices: str) -> bool:
    memory = "" if "<memory" in top else "<memory>219200</memory>"
    system = "" if "<os" in top else "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
    about = f"<name>a</name>{memory}{system}{top}<devices>{devices}</devices>"
    domain = f"<domain type='qemu'>{about}</domain>"
    return host.validate(domain, libvirt=libvirt).definable


@pytest.mark.parametrize(
    ("top", "devices"),
    [
        ("<features><apic eoi=''/></features>", ""),
        ("<memory dumpCore=''>219200</memory>", ""),
        ("<pm><suspend-to-mem enabled=''/></pm>", ""),
        ("<cputune><shares>-1</shares></cputune>", ""),
        ("<clock offset='utc'><timer name='tsc' frequency=''/></clock>", ""),
        (
            (
                "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'><catchup slew='-1'/>"
                "</timer></clock>"
            ),
            "",
        ),
        ("", "<memballoon model='virtio'><stats period=''/></memballoon>"),
        ("", "<memballoon model='virtio'><stats period='4294967295'/></memballoon>"),
        ("", DISK.format("", "<blockio logical_block_size='-1'/>")),
        ("", DISK.format("", "<geometry cyls='-1' heads='-1' secs='-1'/>")),
        ("", LEASE.format(NAMED, " offset='-1'")),
        ("", LEASE.format("<key>b</key>", "")),
        ("", LEASE.format("<lockspace>a</lockspace><key/>", "")),
        ("", "<interface type='bridge'><source bridge='a'/><port isolated=''/></interface>"),
        ("", "<input type='mouse' model='virtio'/>"),
        ("", "<smartcard mode='host'/><smartcard mode='host'/>"),
        ("", "<vsock><driver iommu=''/></vsock>"),
        ("", "<vsock><cid auto='yes'/><driver ats=''/></vsock>"),
        ("", DISK.format("", "<blockio logical_block_size='0x10'/>")),
    ],
)
def test_libvirt_7_0_takes_what_9_0_refuses(host: domcaps.Host, top: str, devices: str) -> None:
    assert is_accepted(host, "7.0", top, devices)
    assert not is_accepted(host, "9.0", top, devices)


@pytest.mark.parametrize(
    ("top", "devices"),
    [
        ("<blkiotune><device><path>/a</path><weight/></device></blkiotune>", ""),
        ("<blkiotune><device><path>/a</path><read_iops_sec/></device></blkiotune>", ""),
        ("", "<memballoon model='virtio'><stats period='-1'/></memballoon>"),
        ("", DISK.format(" snapshot='manual'", "")),
        ("", SHARE.format(" accessmode=''", "")),
        ("", SHARE.format("", "<driver type='default'/>")),
        ("", SHARE.format("", "<driver type='path' wrpolicy='default'/>")),
        ("", "<interface type='user'><link state=''/></interface>"),
        ("", "<interface type='null'/>"),
        ("", "<interface type='user'><coalesce><rx><frames max=''/></rx></coalesce></interface>"),
    ],
)
def test_libvirt_9_0_takes_what_7_0_refuses(host: domcaps.Host, top: str, devices: str) -> None:
    assert not is_accepted(host, "7.0", top, devices)
    assert is_accepted(host, "9.0", top, devices)


@pytest.mark.parametrize("libvirt", ["7.0", "9.0", "10.0", "12.8"])
@pytest.mark.parametrize(
    ("devices", "accepted"),
    [
        (SHMEM.format("doorbell", f"<size unit='M'>4</size>{SERVER}"), False),
        (SHMEM.format("doorbell", SERVER), True),
        (DISK.format("", "<address type='unassigned'/>"), False),
        (DISK.format("", "<geometry cyls='x' heads='1' secs='1'/>"), False),
        (LEASE.format(NAMED, " offset=''"), False),
        ("<vsock><cid auto='yes'/><address type='ccw'/></vsock>", False),
        ("<video><model type='qxl' ram='4294967295'/></video>", True),
        ("<video><model type='qxl' vram='2097153'/></video>", False),
    ],
)
def test_what_never_changed(
    host: domcaps.Host, libvirt: str, devices: str, *, accepted: bool
) -> None:
    assert is_accepted(host, libvirt, "", devices) == accepted


@pytest.mark.parametrize(
    ("since", "devices"),
    [
        ("10.1", VIRTIO_MEM.format(" dynamicMemslots='x'")),
        ("10.3", PORT.format("<target memReserve='x'/>")),
        ("10.7", "<iommu model='intel'><driver dma_translation='x'/></iommu>"),
        ("10.4", "<sound model='ich9'><driver iommu='x'/></sound>"),
    ],
)
def test_what_is_not_read_is_not_judged(host: domcaps.Host, since: str, devices: str) -> None:
    major, minor = map(int, since.split("."))
    before = f"{major}.{minor - 1}"
    top = (
        "<maxMemory slots='4'>4194304</maxMemory>"
        "<cpu><numa><cell id='0' cpus='0' memory='219200'/></numa></cpu>"
    )
    assert is_accepted(host, before, top, devices)
    assert not is_accepted(host, since, top, devices)


MANY = "<vcpu>256</vcpu>"
PASSED = "<features><hyperv mode='passthrough'><spinlocks state='on' retries='100'/></hyperv>"
LABELLED = "<disk type='file' device='disk'><source file='/a'><seclabel model='dac' relabel='yes'/>"
ROOT = "<controller type='pci' index='0' model='pci-root'><target hotplug='on'/></controller>"
PC = "<os><type arch='x86_64' machine='pc'>hvm</type></os>"


@pytest.mark.parametrize(
    ("since", "top", "devices", "now"),
    [
        ("10.10", MANY, "", True),
        ("11.1", PASSED + "</features>", "", True),
        ("9.1", "", LABELLED + "</source><target dev='vda' bus='virtio'/></disk>", False),
        ("7.9", PC, ROOT, True),
        ("7.10", "", ("<tpm><backend type='emulator' version='1.2'><active_pcr_banks><sha256/>"
         "</active_pcr_banks></backend></tpm>"), False),
    ],
)  # fmt: skip
def test_what_changed_at_a_release(
    host: domcaps.Host, since: str, top: str, devices: str, *, now: bool
) -> None:
    major, minor = map(int, since.split("."))
    before = {"9.1": "9.0", "11.1": "11.0"}.get(since, f"{major}.{minor - 1}")
    was = is_accepted(host, before, top, devices)
    assert is_accepted(host, since, top, devices) == now
    assert was != now


def test_empty_variables_do_not_matter_to_a_bios_before_9_2(host: domcaps.Host) -> None:
    system = "<os firmware='bios'><type arch='x86_64' machine='pc'>hvm</type>{}</os>"
    assert is_accepted(host, "9.0", system.format("<nvram/>"), "")
    assert not is_accepted(host, "9.0", system.format("<nvram>/a</nvram>"), "")
    assert not is_accepted(host, "12.8", system.format("<nvram/>"), "")


@pytest.mark.parametrize("value", ["passt", "default", "slirp"])
def test_where_a_release_takes_no_value_none_is_listed(host: domcaps.Host, value: str) -> None:
    """Debian built its 9.0 without passt, and no release before 10.6 takes 'default' there."""
    card = f"<interface type='user'><backend type='{value}'/></interface>"
    domain = (
        "<domain type='qemu'><name>a</name><memory>219200</memory>"
        f"<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{card}</devices></domain>"
    )
    (error,) = host.validate(domain, libvirt="9.0+debian12").errors
    assert error.accepted == ()
    assert "libvirt 9.0+debian12 supports no value there; remove it" in error.message
