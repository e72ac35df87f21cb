"""``<nvram><source>``: the storage that flash firmware keeps its variables on.

::

    <nvram type='network'>
      <source protocol='iscsi' name='iqn.2013-07.com.example:iscsi/0'>
        <host name='server' port='3260'/>
        <auth username='me'><secret type='iscsi' usage='mine'/></auth>
      </source>
    </nvram>

It is described as the image of a disk is, and must be as sound: the rules are those of images in
`storage.disk_network` and its siblings.
"""

from __future__ import annotations

from domcaps.elements.boot.os import Nvram
from domcaps.elements.storage import disk_network, disk_secrets, disk_source
from domcaps.language.attributes import Attributes
from domcaps.language.changes.boot import NVRAM_VXHS_DROPPED
from domcaps.language.finding import Stage
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import YES_NO

_DROPPED = frozenset({"tftp", "vxhs"})
_OF_IMAGES = (
    disk_network.protocol_is_known,
    disk_network.images_are_named,
    disk_network.servers_are_named,
    disk_network.nfs_has_one_server,
    disk_network.tls_hostname_needs_nbd,
    disk_network.transfer_is_well_described,
    disk_network.ssh_says_who,
    disk_network.cookies_are_well_formed,
    disk_secrets.logins_are_complete,
    disk_secrets.encryption_is_described,
    disk_source.slices_have_bounds,
    disk_source.data_file_is_complete,
)
_OF_IMAGES_AT_START = (
    disk_network.iscsi_units_are_numbers,
    disk_network.most_have_one_server,
    disk_network.tls_needs_nbd,
    disk_secrets.encryption_has_a_secret,
)

_LABEL = Attributes({"relabel": YES_NO})

_NVRAM = (
    "<os><type machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/a/code.fd</loader>"
    "<nvram {}</source></nvram></os><features><acpi/></features>"
)
_OS = _NVRAM.format("type='network'><source protocol='{}'>{}")
_FILE = _NVRAM.format("type='file'><source file='/a/vars.fd'>{}")
_LOCK = "<encryption format='luks'{}><secret type='passphrase' usage='a'/></encryption>"
_GOOD = _OS.format("nbd", "<host name='server'/>")


@rule(
    "os-nvram-source-invalid",
    Nvram,
    bad=Sample(_OS.format("nbd", "<host port='10809'/>"), machine="q35"),
    good=Sample(_GOOD, machine="q35"),
)
def source_is_sound(nvram: Nvram) -> Problems:
    """``<source>`` of ``<nvram>`` needs the attributes, hosts and secrets of its type, as that of a
    disk.
    """
    if nvram.images:
        for of_images in _OF_IMAGES:
            yield from of_images.check(nvram)
        for label in nvram.find_all("source/seclabel"):
            yield from _LABEL.problems(label)


@rule(
    "os-nvram-protocol-unsupported",
    Nvram,
    bad=Sample(_OS.format("tftp' name='a", "<host name='server'/>"), machine="q35"),
    good=Sample(_GOOD, machine="q35"),
)
def protocol_is_there(nvram: Nvram) -> Problems:
    """Attribute ``protocol`` of ``<source>`` in ``<nvram>`` cannot be ``tftp`` or ``vxhs``: QEMU
    removed them.
    """
    dropped = _DROPPED if libvirt_reads(nvram, NVRAM_VXHS_DROPPED) else _DROPPED - {"vxhs"}
    for image in nvram.images:
        if image.protocol in dropped:
            yield problem(
                f"QEMU no longer supports the protocol {image.protocol!r}; use another, "
                "such as 'https'",
                nvram,
                "source/@protocol",
            )


@rule(
    "os-nvram-encryption-engine-missing",
    Nvram,
    bad=Sample(_FILE.format(_LOCK.format("")), machine="q35"),
    good=Sample(_FILE.format(_LOCK.format(" engine='qemu'")), machine="q35"),
)
def encryption_names_its_engine(nvram: Nvram) -> Problems:
    """``<encryption>`` of ``<nvram>`` needs the attribute ``engine``, such as ``engine='qemu'``."""
    for image in nvram.images:
        encryption = image.child("encryption")
        if encryption is None:
            continue
        if encryption.get("engine") is None:
            yield problem(
                "<encryption> needs the attribute 'engine', such as 'qemu'",
                encryption,
                "@engine",
                accepted=("qemu",),
            )
        else:
            yield from disk_secrets.encryption_is_understood.check(nvram)


@rule(
    "os-nvram-source-unavailable",
    Nvram,
    bad=Sample(_OS.format("nbd", "<host name='one'/><host name='two'/>"), machine="q35"),
    good=Sample(_GOOD, machine="q35"),
    stage=Stage.START,
)
def source_can_be_opened(nvram: Nvram) -> Problems:
    """``<source>`` of ``<nvram>`` must be a single image that QEMU can open.

    Most protocols require exactly one ``<host>``.
    """
    if nvram.images:
        for of_images in _OF_IMAGES_AT_START:
            yield from of_images.check(nvram)
    for image in nvram.images:
        if image.protocol == "sheepdog":
            yield problem(
                "QEMU does not support the protocol 'sheepdog'", nvram, "source/@protocol"
            )
        if nvram.has("source/dataStore"):
            yield problem("<nvram> must be a single image", nvram, "source/dataStore")
