"""Disks: what their source, driver, bus and options may be, beyond the samples of the rules."""

from __future__ import annotations

import pytest

import domcaps
from verdicts import Case, fine, wrong


def disk(
    inside: str = "",
    *,
    kind: str = "file",
    device: str = "disk",
    driver: str = "type='raw'",
    source: str = "<source file='/a'/>",
    target: str = "dev='vda' bus='virtio'",
    attributes: str = "",
) -> str:
    return (
        f"<disk type='{kind}' device='{device}'{attributes}><driver name='qemu' {driver}/>{source}"
        f"<target {target}/>{inside}</disk>"
    )


def on_network(protocol: str, inside: str = "", name: str = " name='p/i'", **given: str) -> str:
    source = f"<source protocol='{protocol}'{name}>{inside}</source>"
    return disk(kind="network", source=source, **given)


HOST = "<host name='h'/>"
LUKS = "<source file='/a'><encryption format='{0}'{2}>{1}</encryption></source>"
UNLOCK = "<secret type='passphrase' usage='u'/>"
CEPH = "<auth username='a'><secret type='ceph' usage='u'/></auth>"
ISCSI = "<auth username='a'><secret type='iscsi' usage='u'/></auth>"


def lun(inside: str = "", **given: str) -> str:
    given.setdefault("kind", "block")
    given.setdefault("source", "<source dev='/dev/a'/>")
    given.setdefault("target", "dev='sda' bus='scsi'")
    return disk(inside, device="lun", **given)


def store(inside: str, form: str = "qcow2", kind: str = " type='file'") -> str:
    source = f"<source file='/a'><dataStore{kind}>{inside}</dataStore></source>"
    return disk(driver=f"type='{form}'", source=source)


def backed(inside: str, kind: str = " type='file'") -> str:
    return disk(f"<backingStore{kind}>{inside}</backingStore>", driver="type='qcow2'")


BASE = "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore>"


def backed_by(form: str) -> str:
    return disk(BASE, driver=f"type='{form}'")


SOURCES = [
    fine("a volume is named by its pool", disk(
        kind="volume", source="<source pool='p' volume='v' mode='direct'/>")),
    wrong("a volume has no such mode", disk(
        kind="volume", source="<source pool='p' volume='v' mode='near'/>"),
        "disk-source-invalid"),
    wrong("an NVMe disk of the host has an address", disk(
        kind="nvme", source="<source type='pci' namespace='1' managed='no'/>"),
        "disk-source-invalid"),
    fine("slices of another type are overlooked", disk(
        source="<source file='/a'><slices><slice type='other' offset='x'/></slices></source>")),
    wrong("only the first slice of the storage is looked at", disk(
        source="<source file='/a'><slices><slice type='other'/>"
        "<slice type='storage' offset='0' size='x'/></slices></source>"), "disk-slice-invalid"),
    wrong("below an image is storage of a known type",
          backed("<format type='raw'/><source file='/b'/>", " type='tape'"),
          "disk-backingstore-incomplete"),
    wrong("below an image is one of a known format",
          backed("<format type='zip'/><source file='/b'/>"), "disk-backingstore-incomplete"),
    wrong("below an image is a source", backed("<format type='raw'/>"),
          "disk-backingstore-incomplete"),
    wrong("below an image is a file with a path", backed("<format type='raw'/><source/>"),
          "disk-backingstore-unsupported"),
    *(fine(f"{form} lies above another image", backed_by(form)) for form in
      ("qcow2", "qcow", "qed", "vmdk", "raw")),
    *(wrong(f"{form} lies above no image", backed_by(form), "disk-backingstore-format-unsupported")
      for form in ("vdi", "vpc", "vhd", "ploop")),
    wrong("images below are as those above them", backed(
        "<format type='vdi'/><source file='/b'/><backingStore type='file'><format type='raw'/>"
        "<source file='/c'/></backingStore>"), "disk-backingstore-format-unsupported"),
    fine("any image is the last one", backed("<format type='vdi'/><source file='/b'/>")),
    fine("a drive without a disc has nothing below it", disk(
        BASE, driver="type='vdi'", device="cdrom", source="", target="dev='sda' bus='sata'")),
    wrong("fat is the form of folders", disk(driver="type='fat'"), "disk-format-unsupported"),
    wrong("folders have the form fat", disk(
        "<readonly/>", kind="dir", source="<source dir='/a'/>"), "disk-dir-unsupported"),
    wrong("the size of a cache is a number", disk(driver="type='qcow2'").replace(
        "type='qcow2'/>", "type='qcow2'><metadata_cache><max_size unit='MiB'>x</max_size>"
        "</metadata_cache></driver>"), "disk-metadata-cache-invalid"),
    wrong("what is on the network is not missing at the start", on_network("nbd", HOST).replace(
        "protocol", "startupPolicy='optional' protocol"), "disk-startup-policy-unsupported"),
    wrong("a data file is storage of a type", store(
        "<format type='raw'/><source file='/b'/>", kind=""), "disk-datastore-incomplete"),
    wrong("a data file has a format", store("<source file='/b'/>"), "disk-datastore-incomplete"),
    wrong("a data file has a source", store("<format type='raw'/>"), "disk-datastore-incomplete"),
]  # fmt: skip

NETWORK = [
    fine("an NBD server has one export without a name", on_network("nbd", HOST, name="")),
    wrong("all others name what they offer", on_network("iscsi", HOST, name=""),
          "disk-source-name-invalid"),
    wrong("a socket is of the transport unix",
          on_network("nbd", "<host name='h' socket='/s'/>"), "disk-host-invalid"),
    wrong("NFS is reached over TCP", on_network(
        "nfs", "<host transport='unix' socket='/s'/><identity user='u' group='g'/>"),
        "disk-host-unsupported"),
    wrong("the port of NFS is fixed", on_network(
        "nfs", "<host name='h' port='2049'/><identity user='u' group='g'/>"),
        "disk-host-unsupported"),
    wrong("RBD is reached over TCP", on_network("rbd", "<host transport='unix' socket='/s'/>"),
          "disk-host-count-unsupported"),
    wrong("a cookie has a value", on_network(
        "https", HOST + "<cookies><cookie name='a'/></cookies>"), "disk-cookie-invalid"),
    wrong("a cookie is named once", on_network(
        "https", HOST + "<cookies><cookie name='a'>1</cookie><cookie name='a'>2</cookie></cookies>"
        ), "disk-cookie-invalid"),
    wrong("a cookie's quotation marks are closed", on_network(
        "https", HOST + "<cookies><cookie name='a'>\"1</cookie></cookies>"),
        "disk-cookie-invalid"),
    fine("a cookie can stand in quotation marks", on_network(
        "https", HOST + "<cookies><cookie name='a'>\"1\"</cookie></cookies>")),
]  # fmt: skip

SECRETS = [
    fine("RBD has a login", on_network("rbd", HOST + CEPH)),
    wrong("a secret is named in one way", on_network("rbd", HOST + CEPH.replace(
        "usage='u'", "usage='u' uuid='3e3fce45-4f53-4fa7-bb32-11f34168b82b'")),
        "disk-auth-invalid"),
    wrong("a secret has a UUID", on_network("rbd", HOST + CEPH.replace("usage='u'", "uuid='u'")),
          "disk-auth-invalid"),
    wrong("a login has a user", on_network("rbd", HOST + CEPH.replace(" username='a'", "")),
          "disk-auth-invalid"),
    wrong("a login has a known type", on_network("rbd", HOST + CEPH.replace(
        "username", "type='pam' username")), "disk-auth-invalid"),
    wrong("NBD has no login", on_network("nbd", HOST + ISCSI), "disk-auth-unsupported"),
    wrong("an image is locked with a passphrase", disk(
        source=LUKS.format("luks", "<secret type='key' usage='u'/>", "")),
        "disk-encryption-invalid"),
    wrong("an initial vector needs a cipher", disk(
        source=LUKS.format("luks", UNLOCK + "<ivgen name='plain64'/>", "")),
        "disk-encryption-invalid"),
    wrong("the old encryption is gone", disk(
        driver="type='qcow2'", source=LUKS.format("qcow", UNLOCK, "")),
        "disk-encryption-unsupported"),
    wrong("one secret is enough for QEMU", disk(source=LUKS.format("luks", UNLOCK * 2, "")),
          "disk-encryption-unsupported"),
    fine("librbd opens an image on RBD", on_network(
        "rbd", HOST + f"<encryption format='luks' engine='librbd'>{UNLOCK}</encryption>")),
    wrong("librbd opens no file", disk(source=LUKS.format("luks", UNLOCK, " engine='librbd'")),
          "disk-encryption-unsupported"),
    wrong("a QEMU without RBD opens nothing with librbd", on_network(
        "rbd", HOST + f"<encryption format='luks' engine='librbd'>{UNLOCK}</encryption>"),
        "disk-encryption-unsupported", release="bare"),
]  # fmt: skip

LUNS = [
    fine("a unit of an iSCSI target can be a LUN", lun(
        kind="network", source=f"<source protocol='iscsi' name='iqn.x/1'>{HOST}</source>")),
    wrong("what is not SCSI can't be a LUN", lun(
        kind="network", source=f"<source protocol='nbd'>{HOST}</source>"),
        "disk-lun-source-unsupported"),
    wrong("a LUN has no slices", lun(
        source="<source dev='/dev/a'><slices><slice type='storage' offset='0' size='1'/></slices>"
        "</source>"), "disk-lun-image-unsupported", "disk-slice-fails-at-start"),
    wrong("a LUN is not encrypted", lun(source=LUKS.format("luks", UNLOCK, "").replace(
        "file='/a'", "dev='/dev/a'")), "disk-lun-image-unsupported"),
    wrong("nothing is unfiltered", lun(attributes=" sgio='unfiltered'"),
          "disk-lun-option-unsupported"),
    wrong("a disk has no reservations", disk(
        kind="block", source="<source dev='/dev/a'><reservations managed='yes'/></source>"),
        "disk-lun-option-unsupported"),
    wrong("the helper for reservations listens", lun(
        source="<source dev='/dev/a'><reservations managed='no'>"
        "<source type='unix' path='/s' mode='server'/></reservations></source>"),
        "disk-reservations-invalid"),
]  # fmt: skip

DRIVERS = [
    fine("QEMU has io_uring", disk(driver="type='raw' io='io_uring'")),
    wrong("a QEMU without io_uring", disk(driver="type='raw' io='io_uring'"),
          "disk-io-unsupported", release="bare"),
    wrong("clusters of what is read only stay", disk(
        "<readonly/>", driver="type='qcow2' discard_no_unref='on'"),
        "disk-discard-no-unref-unsupported"),
    fine("clusters can be unreferenced anywhere", disk(driver="discard_no_unref='off'")),
    wrong("only files are transient", disk(
        "<transient/>", kind="block", source="<source dev='/dev/a'/>"),
        "disk-transient-unsupported"),
    wrong("a CD is not transient", disk(
        "<transient/>", device="cdrom", target="dev='sda' bus='sata'"),
        "disk-transient-unsupported"),
    fine("what is below can be shared on virtio", disk("<transient shareBacking='yes'/>")),
    wrong("what is below can't be shared on SATA", disk(
        "<transient shareBacking='yes'/>", target="dev='sda' bus='sata'"),
        "disk-transient-unsupported"),
    fine("a guest that never reboots shares, too", "<on_reboot>destroy</on_reboot>"
         "<on_poweroff>destroy</on_poweroff><on_crash>destroy</on_crash>" + disk(
             "<transient shareBacking='yes'/>")),
    wrong("floppy drives collect no statistics", disk(
        device="floppy", target="dev='fda' bus='fdc'").replace(
        "type='raw'/>", "type='raw'><statistics><statistic interval='10'/></statistics></driver>"),
        "disk-statistics-unsupported", machine="pc"),
]  # fmt: skip

GUESTS = [
    wrong("a floppy drive is on fdc", disk(device="floppy", target="dev='fda' bus='virtio'"),
          "disk-device-bus-conflict", machine="pc"),
    wrong("only a floppy drive is on fdc", disk(target="dev='vda' bus='fdc'"),
          "disk-device-bus-conflict", machine="pc"),
    wrong("DPO and FUA are on or off", disk(target="dev='sda' bus='scsi' dpofua='both'"),
          "disk-dpofua-unsupported"),
    wrong("a LUN has a serial number of its own", lun("<serial>1</serial>"),
          "disk-serial-unsupported"),
    wrong("a virtio disk has no World Wide Name", disk("<wwn>5000c50015ea71ad</wwn>"),
          "disk-wwn-invalid"),
    wrong("a LUN has a World Wide Name of its own", lun("<wwn>5000c50015ea71ad</wwn>"),
          "disk-wwn-invalid"),
    wrong("only IDE translates", disk("<geometry cyls='9' heads='9' secs='9' trans='lba'/>"),
          "disk-geometry-unsupported"),
    wrong("a USB disk has an address of USB", disk(
        "<address type='pci'/>", target="dev='sda' bus='usb'"),
        "disk-address-type-unsupported", "device-usb-address-wrong"),
    wrong("lsilogic has one target", "<controller type='scsi' model='lsilogic'/>" + disk(
        "<address type='drive' target='1'/>", target="dev='sda' bus='scsi'"),
        "disk-address-out-of-range"),
    fine("virtio-scsi has more", "<controller type='scsi' model='virtio-scsi'/>" + disk(
        "<address type='drive' target='1'/>", target="dev='sda' bus='scsi'")),
    wrong("a USB model is not on virtio", disk(attributes=" model='usb-storage'"),
          "disk-model-conflict"),
]  # fmt: skip

BUSES = [
    fine("a floppy drive without a bus is on fdc", disk(device="floppy", target="dev='fda'"),
         machine="pc"),
    fine("nvme0n1 is on NVMe", disk("<serial>S</serial>", target="dev='nvme0n1'")),
    fine("an NVMe disk may have another name", disk(
        target="dev='sda' bus='nvme'") + "<controller type='nvme'><serial>S</serial></controller>"),
    wrong("two namespaces with one number", "".join(
        disk(source=f"<source file='/{n}'/>", target="dev='nvme0n1' bus='nvme'") for n in "ab"),
          "disk-target-duplicate", "disk-address-duplicate", "controller-nvme-serial-missing"),
]  # fmt: skip

LIMITS = [
    wrong("no limit is that large", disk(
        "<iotune><total_bytes_sec>2000000000000000</total_bytes_sec></iotune>"),
        "disk-iotune-invalid"),
    fine("a disk of a group can leave the limits to another", disk(
        "<iotune><group_name>g</group_name></iotune>") + disk(
        "<iotune><total_bytes_sec>9</total_bytes_sec><group_name>g</group_name></iotune>",
        source="<source file='/b'/>", target="dev='vdb' bus='virtio'")),
    wrong("the limits of a group are the same", "".join(disk(
        f"<iotune><total_bytes_sec>{n}</total_bytes_sec><group_name>g</group_name></iotune>",
        source=f"<source file='/{n}'/>",
        target=f"dev='vd{n}' bus='virtio'".replace("8", "a").replace("9", "b")) for n in (8, 9)),
        "disk-iotune-group-invalid"),
]  # fmt: skip

FAST = (
    "<throttlegroups><throttlegroup><group_name>fast</group_name>"
    "<total_bytes_sec>9</total_bytes_sec></throttlegroup></throttlegroups>"
)
FILTER = "<throttlefilter group='fast'/>"
FILTERS = [
    wrong("a group is named once", FAST + disk(
        f"<throttlefilters>{FILTER * 2}</throttlefilters>"), "disk-throttlefilter-unknown"),
    wrong("a CD-ROM drive is not slowed down", FAST + disk(
        f"<throttlefilters>{FILTER}</throttlefilters>", device="cdrom",
        target="dev='sda' bus='sata'"), "disk-throttlefilter-conflict"),
]  # fmt: skip

SOCKET = "<source type='unix' path='/s'/>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def served(inside: str = "", **given: str) -> str:
    given.setdefault("driver", "type='raw'")
    return SHARED + disk(inside, kind="vhostuser", source=SOCKET, **given)


NO_SAY = "disk-vhostuser-option-unsupported"
SERVED = [
    fine("a server has the disk", served()),
    wrong("it is on virtio", served(target="dev='sda' bus='sata'"), NO_SAY),
    wrong("QEMU makes no snapshot of it", served(attributes=" snapshot='internal'"), NO_SAY),
    wrong("QEMU caches nothing of it", served(driver="type='raw' cache='none'"), NO_SAY),
    wrong("nor of its metadata", served(driver="type='qcow2'").replace(
        "type='qcow2'/>", "type='qcow2'><metadata_cache><max_size unit='MiB'>1</max_size>"
        "</metadata_cache></driver>"), NO_SAY),
    wrong("it has no media", served(device="cdrom"), NO_SAY, "disk-device-bus-conflict"),
    wrong("it is not slowed down", served(
        "<iotune><total_bytes_sec>9</total_bytes_sec></iotune>"), NO_SAY),
    wrong("it is in no group of limits", served("<iotune><group_name>g</group_name></iotune>"),
          NO_SAY, "disk-iotune-group-invalid"),
    wrong("it has no geometry", served("<geometry cyls='9' heads='9' secs='9'/>"), NO_SAY),
    wrong("it has blocks of its own", served("<blockio logical_block_size='512'/>"), NO_SAY),
]  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [*SOURCES, *NETWORK, *SECRETS, *LUNS, *DRIVERS, *GUESTS, *BUSES, *LIMITS, *FILTERS, *SERVED],
)
def test_what_is_found_of_disks(case: Case) -> None:
    assert case.found() == case.codes


@pytest.mark.parametrize("release", ["debian13", "sid"])
def test_what_qemu_removed_is_in_no_newer_one(release: str) -> None:
    """QEMU 9.1 took away the property ``scsi`` of virtio-blk."""
    text = (
        "<domain type='kvm'><name>a</name><memory unit='GiB'>1</memory>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
        "<disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/sdx'/>"
        "<target dev='vda' bus='virtio'/></disk></devices></domain>"
    )
    found = domcaps.Host.open(f"shipped:{release}-x86_64").validate(text).errors
    (message,) = [one.message for one in found if one.code == "disk-lun-bus-unsupported"]
    assert "use a QEMU before 9.1" in message
    assert "newer" not in message


@pytest.mark.parametrize(
    ("host", "libvirt", "accepted"),
    [
        ("shipped:debian12-x86_64", "9.0", False),
        ("shipped:debian12-x86_64", "12.8", False),
        ("shipped:debian13-x86_64", "9.0", False),
        ("shipped:debian13-x86_64", "11.3", True),
    ],
)
def test_raw_images_lie_above_others_where_they_are_no_layer(
    host: str, libvirt: str, accepted: bool
) -> None:
    xml = (
        "<domain type='qemu'><name>g</name><memory>1048576</memory><os><type>hvm</type></os>"
        f"<devices>{backed_by('raw')}</devices></domain>"
    )
    assert domcaps.Host.open(host).validate(xml, libvirt).accepted is accepted
