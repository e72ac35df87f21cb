"""Documents that repeat one element, by which growth is measured and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _domain(devices: str = "", top: str = "") -> str:
    return (
        "<domain type='qemu'><name>a</name><memory>1048576</memory>"
        f"{top}<os><type arch='x86_64' machine='q35'>hvm</type></os>"
        f"<devices>{devices}</devices></domain>"
    )


def _each(text: str, number: int) -> str:
    """Repeat an element; ``#`` is its number, ``@`` the next, ``%`` modulo 256, ``&`` letters."""
    return "".join(
        text.replace("#", str(i))
        .replace("@", str(i + 1))
        .replace("%", str(i % 256))
        .replace("&", _letters(i))
        for i in range(number)
    )


def _letters(number: int) -> str:
    letters = ""
    while number >= 0:
        letters = chr(97 + number % 26) + letters
        number = number // 26 - 1
    return letters


def _of_devices(text: str) -> Callable[[int], str]:
    return lambda number: _domain(_each(text, number))


def _of_top(before: str, text: str, after: str) -> Callable[[int], str]:
    return lambda number: _domain(top=before + _each(text, number) + after)


DOCUMENTS: dict[str, Callable[[int], str]] = {
    "boot orders": _of_devices("<interface type='user'><boot order='@'/></interface>"),
    "equal boot orders": _of_devices("<interface type='user'><boot order='1'/></interface>"),
    "aliases": _of_devices("<interface type='user'><alias name='ua-#'/></interface>"),
    "USB companions": _of_devices(
        "<controller type='usb' index='#' model='ich9-uhci1'><master startport='0'/></controller>"
    ),
    "USB companions of one bus": _of_devices(
        "<controller type='usb' index='0' model='ich9-uhci1'><master startport='#'/></controller>"
    ),
    "SCSI host devices": _of_devices(
        "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
        "<address bus='0' target='0' unit='#'/></source></hostdev>"
    ),
    "PCI host devices": _of_devices(
        "<hostdev mode='subsystem' type='pci'><source>"
        "<address domain='0' bus='%' slot='1' function='0'/></source></hostdev>"
    ),
    "PCI bridges": _of_devices("<controller type='pci' index='#' model='pci-bridge'/>"),
    "PCIe root ports": _of_devices(
        "<controller type='pci' index='#' model='pcie-root-port'>"
        "<target chassis='%' port='%'/></controller>"
    ),
    "SCSI controllers": _of_devices("<controller type='scsi' index='#' model='virtio-scsi'/>"),
    "controllers without index": _of_devices("<controller type='scsi' model='virtio-scsi'/>"),
    "virtio-serial controllers": _of_devices("<controller type='virtio-serial' index='#'/>"),
    "watchdogs": _of_devices("<watchdog model='i6300esb' action='reset'/>"),
    "watchdogs of the board": _of_devices("<watchdog model='itco' action='reset'/>"),
    "sound cards": _of_devices(
        "<audio id='@' type='none'/><sound model='ich9'><audio id='@'/></sound>"
    ),
    "serial ports": _of_devices("<serial type='pty'><target port='#'/></serial>"),
    "channels": _of_devices("<channel type='unix'><target type='virtio' name='c#'/></channel>"),
    "disks": _of_devices(
        "<disk type='file'><source file='/a#'/><target dev='vd&' bus='virtio'/></disk>"
    ),
    "SATA disks": _of_devices(
        "<disk type='file'><source file='/a#'/><target dev='sd&' bus='sata'/></disk>"
    ),
    "filesystems": _of_devices(
        "<filesystem type='mount'><source dir='/a#'/><target dir='t#'/></filesystem>"
    ),
    "graphics": _of_devices("<graphics type='vnc' port='5900'/>"),
    "video": _of_devices("<video><model type='virtio'/></video>"),
    "USB devices": _of_devices("<input type='tablet' bus='usb'/>"),
    "shared memory": _of_devices(
        "<shmem name='s#'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
    ),
    "hubs": _of_devices("<hub type='usb'/>"),
    "throttle groups": _of_top(
        "<throttlegroups>",
        "<throttlegroup><group_name>g#</group_name><total_bytes_sec>1</total_bytes_sec>"
        "</throttlegroup>",
        "</throttlegroups>",
    ),
    "security labels": _of_top("", "<seclabel type='dynamic' model='m#'/>", ""),
    "NUMA cells": _of_top(
        "<vcpu>4</vcpu><cpu><numa>", "<cell id='#' cpus='#' memory='1'/>", "</numa></cpu>"
    ),
    "huge pages": _of_top(
        "<vcpu>2</vcpu><memoryBacking><hugepages>",
        "<page size='2048' nodeset='%'/>",
        "</hugepages></memoryBacking>",
    ),
    "pinned CPUs": _of_top(
        "<vcpu>4</vcpu><cputune>", "<vcpupin vcpu='#' cpuset='0'/>", "</cputune>"
    ),
    "iothreads": _of_top(
        "<iothreads>4</iothreads><iothreadids>", "<iothread id='@'/>", "</iothreadids>"
    ),
    "CPU features": _of_top(
        "<cpu mode='custom'><model>qemu64</model>",
        "<feature name='f#' policy='require'/>",
        "</cpu>",
    ),
}
"""What is repeated, and the document that has it so many times."""
