"""Command lines: names, addresses and order as libvirt has them, and the domain's own arguments."""

from __future__ import annotations

import pytest

from native_domains import told, with_devices, written

_DISK = "<disk type='file'><source file='/a{0}'/><target dev='{0}' bus='{1}'/>{2}</disk>"
_QEMU = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"


def word_of(xml: str, start: str) -> str:
    (word,) = [word for word in told(xml) if word.startswith(start)]
    return word


def test_addresses_are_those_that_libvirt_chooses() -> None:
    words = told(with_devices(_DISK.format("vda", "virtio", "")))
    ports = [word for word in words if word.startswith("pcie-root-port")]
    assert len(ports) == 4
    assert "multifunction=on" in ports[0]
    assert "bus=pcie.0" in ports[0]
    assert word_of(with_devices(_DISK.format("vda", "virtio", "")), "virtio-blk-pci,").count(
        "bus=pci.2"
    )
    old = with_devices(_DISK.format("vda", "virtio", ""), machine="pc")
    assert "bus=pci.0,addr=0x2" in word_of(old, "virtio-blk-pci,")


def test_devices_have_the_names_that_users_give_them() -> None:
    alias = "<alias name='ua-x'/>"
    xml = with_devices(
        f"<controller type='usb' model='qemu-xhci'>{alias}</controller>"
        "<input type='tablet' bus='usb'><alias name='input7'/></input>"
    )
    assert "id=ua-x" in word_of(xml, "qemu-xhci,")
    assert word_of(xml, "usb-tablet,") == "usb-tablet,id=input0,bus=ua-x.0,port=1"


def test_disks_of_a_bus_are_in_the_order_of_their_names() -> None:
    xml = with_devices(*(_DISK.format(name, "virtio", "") for name in ("vdb", "vda")))
    disks = [word for word in told(xml) if word.startswith("virtio-blk-pci")]
    assert [("virtio-disk0" in word, "bootindex=1" in word) for word in disks] == [
        (True, True),
        (False, False),
    ]


def test_arguments_of_the_domains_own_come_last_as_they_are() -> None:
    xml = (
        with_devices()
        .replace("<domain ", f"<domain {_QEMU} ")
        .replace(
            "</domain>",
            "<qemu:commandline><qemu:arg value='-global'/><qemu:arg value='a,b=&quot;c'/>"
            "<qemu:env name='A' value='b c'/></qemu:commandline></domain>",
        )
    )
    command = written(xml)
    assert command[-2:] == ("-global", 'a,b="c')
    assert command.environment == {"A": "b c"}


def test_properties_are_overridden_by_alias() -> None:
    override = (
        "<qemu:override><qemu:device alias='net0'><qemu:frontend>"
        "<qemu:property name='x-a' type='bool' value='true'/>"
        "<qemu:property name='mac' type='remove'/>"
        "<qemu:property name='b' type='string' value='c,d=e'/>"
        "</qemu:frontend></qemu:device></qemu:override>"
    )
    card = (
        "<interface type='user'><mac address='52:54:00:11:22:33'/><model type='e1000'/></interface>"
    )
    xml = (
        with_devices(card)
        .replace("<domain ", f"<domain {_QEMU} ")
        .replace("</domain>", f"{override}</domain>")
    )
    word = word_of(xml, "e1000,")
    assert "x-a=on" in word
    assert "mac=" not in word
    assert word.endswith("b=c,,d=e")


def test_a_console_that_stands_for_a_serial_port_may_have_its_address() -> None:
    address = "<address type='isa' iobase='0x3f8' irq='0x4'/>"
    port = f"<serial type='pty'>{address}</serial>"
    alone = told(with_devices(port))
    assert told(with_devices(port, f"<console type='pty'>{address}</console>")) == alone


def test_what_libvirt_does_not_read_needs_no_argument() -> None:
    """A second name or type, and the start of a clock that has another offset."""
    plain = with_devices("<memballoon model='none'/>")
    more = (
        plain.replace("</name>", "</name><name>b</name>")
        .replace("</type>", "</type><type arch='s390x'>xen</type>")
        .replace("<devices>", "<clock offset='utc' start='5' timezone='Mars/Here'/><devices>")
    )
    assert written(more)[1:] == written(plain)[1:]


def test_devices_may_stand_in_several_elements() -> None:
    one, other = "<rng model='virtio'><backend model='random'/></rng>", "<input type='tablet'/>"
    apart = with_devices(one).replace("</domain>", f"<devices>{other}</devices></domain>")
    assert written(apart)[1:] == written(with_devices(one, other))[1:]


def test_an_empty_cdrom_on_usb_has_the_model_that_libvirt_chooses() -> None:
    """Since 11.5 a new one has a drive of its own; QEMU's usb-storage needs an image."""
    xml = with_devices("<disk device='cdrom'><target dev='sda' bus='usb'/></disk>")
    new = written(xml, libvirt="12.8")
    assert any(word.startswith("usb-bot,") for word in new)
    assert any(word.startswith("scsi-cd,bus=usb-disk0.0,") for word in new)
    image = xml.replace("<target", "<source file='/a'/><target").replace(
        "<disk ", "<disk type='file' "
    )
    known = written(image, libvirt="12.8", new=False)
    assert any(word.startswith("usb-storage,") for word in known)
    assert any(word.startswith("usb-storage,") for word in written(image, libvirt="11.3"))


@pytest.mark.parametrize(
    ("plain", "more"),
    [
        ("<memballoon model='none'/>",
         "<memballoon model='none' autodeflate='on'><stats/><address type='usb'/></memballoon>"),
        ("<input type='mouse' bus='ps2'/>",
         "<input type='mouse' bus='ps2'><driver iommu='on'/><address type='usb' bus='0'/></input>"),
    ],
)  # fmt: skip
def test_what_is_said_of_no_device_needs_no_argument(plain: str, more: str) -> None:
    assert written(with_devices(more))[1:] == written(with_devices(plain))[1:]


def test_a_random_source_without_a_file_takes_none() -> None:
    rng = "<rng model='virtio'><backend model='builtin'>/dev/random</backend></rng>"
    assert word_of(with_devices(rng), "rng-builtin") == "rng-builtin,id=objrng0"


@pytest.mark.parametrize(("loader", "count"), [("", 0), ("<loader type='rom'>/a/b.fd</loader>", 1)])
def test_variables_are_kept_where_there_is_firmware(loader: str, count: int) -> None:
    xml = with_devices().replace("</os>", f"{loader}<varstore path='/a/v.json'/></os>")
    assert sum(word.startswith("uefi-vars") for word in told(xml)) == count
