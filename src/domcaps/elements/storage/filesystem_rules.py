"""``<filesystem>``: what must hold of folders that are shared with the guest.

::

    <filesystem type='mount' accessmode='mapped' fmode='640' dmode='750'>
      <driver type='path' wrpolicy='immediate'/>
      <source dir='/srv/share'/>
      <target dir='share'/>
    </filesystem>
    <filesystem type='mount'>
      <driver type='virtiofs' queue='1024'/>
      <binary path='/usr/libexec/virtiofsd' xattr='on'/>
      <source dir='/srv/other'/>
      <target dir='other'/>
    </filesystem>

Which drivers there are is said in `storage.filesystem`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.device import Device
from domcaps.elements.base.shared_memory import how_to_share, shares_memory, sharing_memory
from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.boards.defaults import FILESYSTEM_TYPE
from domcaps.elements.boards.families import S390_CCW
from domcaps.elements.storage.filesystem import DRIVER_TYPE
from domcaps.elements.storage.images import FORMATS
from domcaps.language.attributes import Attributes
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.changes.storage import (
    FILESYSTEM_BOOT,
    FILESYSTEM_BOOT_PLACED,
    FILESYSTEM_OPEN_FILES,
    FILESYSTEM_SANDBOX,
    FILESYSTEM_SOCKET,
    FILESYSTEM_SOCKET_READONLY,
    FILESYSTEM_THREADS,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.observed import device_property
from domcaps.language.part import field
from domcaps.language.quantities import OrEmpty, size_of
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import ON_OFF, SIGNED, UNSIGNED, UNSIGNED64, OneOf, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.change import LibvirtChange

BOOTINDEX = device_property("vhost-user-fs-pci", "bootindex")

_PERMISSIONS = Text(r"\s*\+?0*[0-7]{1,3}", "permissions such as 644, at most 777")
_SOURCE = {"mount": "dir", "bind": "dir", "file": "file", "block": "dev", "template": "name"}
_OTHERS = ("file", "path", "dev", "name")
"""Attributes of other elements in which people write a folder."""
_IDS = Attributes(
    {"start": UNSIGNED, "target": UNSIGNED, "count": UNSIGNED}, ("start", "target", "count")
)
_DAEMON: tuple[tuple[str, Attributes, LibvirtChange | None], ...] = (
    ("binary", Attributes({"xattr": ON_OFF}), None),
    ("binary/lock", Attributes({"posix": ON_OFF, "flock": ON_OFF}), None),
    ("binary/cache", Attributes({"mode": OneOf(("none", "always"))}), None),
    ("binary/sandbox", Attributes({"mode": OneOf(("namespace", "chroot"))}), FILESYSTEM_SANDBOX),
    ("binary/thread_pool", Attributes({"size": OrEmpty(SIGNED)}), FILESYSTEM_THREADS),
    ("binary/openfiles", Attributes({"max": OrEmpty(UNSIGNED64)}), FILESYSTEM_OPEN_FILES),
    ("driver", Attributes({"queue": OrEmpty(UNSIGNED64)}), None),
)
"""Options of the virtiofs daemon, and the change of libvirt that brought it."""


class Filesystem(VirtioOptions, Device):
    """A folder that the guest is given."""

    path = "devices/filesystem"
    knows = ("source/@dir", "source/@socket", "target/@dir", "readonly", "binary/@path")

    type = field("@type", OneOf((*_SOURCE, "ram", "volume")), default=FILESYSTEM_TYPE)
    access = field(
        "@accessmode", OneOf(("", "passthrough", "mapped", "squash"), {"": VALUES_STRICT})
    )
    fmode = field("@fmode", _PERMISSIONS)
    dmode = field("@dmode", _PERMISSIONS)
    model = field("@model", OneOf(VIRTIO_MODELS))
    multidevs = field("@multidevs", OneOf(("default", "remap", "forbid", "warn")))
    driver = field("driver/@type", choice=DRIVER_TYPE)
    wrpolicy = field(
        "driver/@wrpolicy", OneOf(("default", "immediate"), {"default": VALUES_STRICT})
    )
    format = field("driver/@format", OneOf(FORMATS))

    @property
    def is_virtio(self) -> bool:
        """MTP is of USB."""
        return self.driver != "mtp"

    @property
    def is_virtiofs(self) -> bool:
        """Whether a daemon of its own serves it."""
        return self.driver == "virtiofs"

    @property
    def owned_tag(self) -> tuple[str | None, ...]:
        """The name that no other share may have: that of a virtiofs share alone."""
        return (self.tag,) if self.is_virtiofs else ()

    @property
    def socket(self) -> str | None:
        """The socket of a daemon that was started outside of libvirt."""
        if not libvirt_reads(self, FILESYSTEM_SOCKET):
            return None
        return self.attribute("source", "socket")

    @property
    def tag(self) -> str:
        """The name by which the guest finds it."""
        return self.attribute("target", "dir") or ""

    def attribute(self, element: str, name: str) -> str | None:
        """Give an attribute of one of its elements."""
        node = self.find(element)
        return None if node is None else node.get(name)


_PLAIN = "<filesystem{}><source dir='/a'/><target dir='b'/>{}</filesystem>"
_SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
_VIRTIOFS = _SHARED + _PLAIN.format("{}", "<driver type='virtiofs'/>{}")
_GOOD = _VIRTIOFS.format("", "")


@rule(
    "filesystem-source-missing",
    Filesystem,
    bad="<filesystem><target dir='b'/></filesystem>",
    good=_PLAIN.format("", ""),
)
def source_is_given(share: Filesystem) -> Problems:
    """``<source>`` of a ``<filesystem>`` needs the attribute ``dir``, or ``socket`` for
    virtiofs.
    """
    name = _SOURCE.get(share.type or "")
    if name and share.socket is None and share.attribute("source", name) is None:
        message = f"<source> needs the attribute {name!r}"
        yield problem(message, share, f"source/@{name}", fix=_with_folder(share, name))


def _with_folder(share: Filesystem, name: str) -> Iterator[Fix]:
    """Write the folder that another attribute of the source names into the right one."""
    source = share.find("source")
    for other in _OTHERS if source is not None and name == "dir" else ():
        path = source.get(other, "")  # type: ignore[union-attr]
        if path.startswith("/") and not path.startswith("/dev/"):
            yield Fix(values=((f"@{name}", path),), without=(f"@{other}",))
            return


@rule(
    "filesystem-socket-unusable",
    Filesystem,
    bad="<filesystem><driver type='mtp'/><source socket='/a'/><target dir='b'/></filesystem>",
    good=_GOOD,
    stage=Stage.START,
)
def sockets_are_of_virtiofs(share: Filesystem) -> Problems:
    """Attribute ``socket`` of ``<source>`` in ``<filesystem>`` requires
    ``<driver type='virtiofs'>``.
    """
    if share.driver == "mtp" and share.attribute("source", "dir") is None:
        yield problem(
            "<source> needs the attribute 'dir', such as dir='/srv/share'", share, "source/@dir"
        )


@rule(
    "filesystem-target-missing",
    Filesystem,
    bad="<filesystem><source dir='/a'/></filesystem>",
    good=_PLAIN.format("", ""),
)
def target_is_given(share: Filesystem) -> Problems:
    """``<target>`` of a ``<filesystem>`` needs the attribute ``dir``, the name by which the guest
    mounts it.
    """
    if not share.tag:
        yield problem(
            "<target> needs the attribute 'dir', the name that the guest mounts, such as "
            "dir='share'",
            share,
            "target/@dir",
        )


@rule(
    "filesystem-type-unsupported",
    Filesystem,
    bad="<filesystem type='bind'><source dir='/a'/><target dir='b'/></filesystem>",
    good=_PLAIN.format(" type='mount'", ""),
)
def only_folders_are_shared(share: Filesystem) -> Problems:
    """Attribute ``type`` of ``<filesystem>`` must be ``mount`` for QEMU; other types are for
    containers.
    """
    if share.type != "mount":
        what = f"QEMU does not support <filesystem type={share.type!r}>; use 'mount'"
        yield problem(what, share, "@type", accepted=("mount",))


@rule(
    "filesystem-limit-unsupported",
    Filesystem,
    bad=_PLAIN.format("", "<space_hard_limit unit='GiB'>1</space_hard_limit>"),
    good=_PLAIN.format("", ""),
)
def usage_is_not_limited(share: Filesystem) -> Problems:
    """``<space_hard_limit>`` and ``<space_soft_limit>`` are not supported by QEMU."""
    for name in ("space_hard_limit", "space_soft_limit"):
        node = share.find(name)
        if node is not None and (node.text or "").strip() and size_of(node, scale=1) != 0:
            yield problem(
                "QEMU does not support <space_hard_limit> and <space_soft_limit>; remove them", node
            )


@rule(
    "filesystem-permissions-unsupported",
    Filesystem,
    bad=_PLAIN.format(" accessmode='passthrough' fmode='640'", ""),
    good=_PLAIN.format(" accessmode='mapped' fmode='640'", ""),
)
def permissions_are_mapped(share: Filesystem) -> Problems:
    """Attributes ``fmode`` and ``dmode`` of ``<filesystem>`` require ``accessmode='mapped'``."""
    for name in ("fmode", "dmode"):
        given: str = getattr(share, name) or ""
        if given.strip(" 0+") and share.access != "mapped":
            yield problem(f"attribute {name!r} requires accessmode='mapped'", share, f"@{name}")


@rule(
    "filesystem-sandbox-unsupported",
    Filesystem,
    bad=_VIRTIOFS.format("", "<binary><sandbox mode='jail'/></binary>"),
    good=_VIRTIOFS.format("", "<binary><sandbox mode='chroot'/></binary>"),
)
def daemon_settings_have_their_form(share: Filesystem) -> Problems:
    """Settings in ``<binary>`` of a virtiofs ``<filesystem>`` must have valid values.

    For other drivers libvirt ignores them.
    """
    if not share.is_virtiofs:
        return
    for path, attributes, came in _DAEMON:
        if came is None or libvirt_reads(share, came):
            yield from attributes.problems(share.find(path))
    for tag in ("uid", "gid"):
        for mapped in share.find_all(f"idmap/{tag}"):
            yield from _IDS.problems(mapped)


@rule(
    "filesystem-driver-access",
    Filesystem,
    bad=_VIRTIOFS.format(" accessmode='mapped'", ""),
    good=_VIRTIOFS.format(" accessmode='passthrough'", ""),
)
def some_drivers_pass_through(share: Filesystem) -> Problems:
    """Attribute ``accessmode`` of ``<filesystem>`` must be ``passthrough``, unless ``<driver>`` has
    the type ``path``.

    This is the default there, except with the socket of an external daemon.
    """
    passing = share.driver in {"handle", "mtp"} or (share.is_virtiofs and share.socket is None)
    usual = "passthrough" if share.socket is None else ""
    if passing and (share.access or usual) != "passthrough":
        what = f"the driver {share.driver!r} requires accessmode='passthrough'"
        yield problem(what, share, "@accessmode", accepted=("passthrough",))


@rule(
    "filesystem-virtiofs-option",
    Filesystem,
    bad=_VIRTIOFS.format(" model='virtio'", ""),
    good=_GOOD,
)
def virtiofs_is_plain(share: Filesystem) -> Problems:
    """Attributes ``model``, ``format``, ``fmode`` and ``dmode`` are not valid for a virtiofs
    ``<filesystem>``.
    """
    if not share.is_virtiofs:
        return
    given = {
        "@model": share.model is not None,
        "@multidevs": share.multidevs not in {None, "default"},
        "driver/@format": share.format is not None,
        "driver/@wrpolicy": share.wrpolicy == "immediate" and share.socket is None,
        "@fmode": bool((share.fmode or "").strip(" 0+")),
        "@dmode": bool((share.dmode or "").strip(" 0+")),
    }
    for at in (at for at, there in given.items() if there):
        yield problem(
            f"virtiofs does not support the attribute {at.rpartition('@')[2]!r}; remove it",
            share,
            at,
        )


@rule(
    "filesystem-readonly-unsupported",
    Filesystem,
    bad=_SHARED + "<filesystem><driver type='virtiofs'/><source socket='/s'/><target dir='b'/>"
    "<readonly/></filesystem>",
    good=_PLAIN.format("", "<readonly/>"),
    since=FILESYSTEM_SOCKET_READONLY,
)
def daemons_of_others_are_theirs(share: Filesystem) -> Problems:
    """``<readonly>`` is not supported for a virtiofs ``<filesystem>`` with ``socket`` in
    its ``<source>``.
    """
    if share.is_virtiofs and share.socket is not None and share.has("readonly"):
        yield problem(
            "remove <readonly>: the external virtiofsd controls write access", share, "readonly"
        )


@rule(
    "filesystem-memory-not-shared",
    Filesystem,
    bad=_PLAIN.format("", "<driver type='virtiofs'/>"),
    good=_GOOD,
)
def daemons_need_shared_memory(share: Filesystem) -> Problems:
    """A virtiofs ``<filesystem>`` requires shared memory:
    ``<memoryBacking><access mode='shared'/>``.
    """
    if share.is_virtiofs and not shares_memory(share.domain):
        yield problem(
            f"virtiofs requires shared memory: {how_to_share(share.domain)}",
            share,
            fix=sharing_memory(share.domain),
        )


@rule(
    "filesystem-boot-unsupported",
    Filesystem,
    bad=_PLAIN.format("", "<boot order='1'/>"),
    good=_VIRTIOFS.format("", "<boot order='1'/>"),
    since=FILESYSTEM_BOOT,
)
def only_virtiofs_boots(share: Filesystem) -> Problems:
    """``<boot>`` of a ``<filesystem>`` requires ``<driver type='virtiofs'>``, PCI, and a QEMU that
    supports it.
    """
    if not share.boot_order:
        return
    if not share.is_virtiofs:
        yield problem("<boot> requires <driver type='virtiofs'>", share, "boot")
    elif not _is_on_pci(share) and libvirt_reads(share, FILESYSTEM_BOOT_PLACED):
        yield problem("<boot> requires virtiofs with a PCI address", share, "boot")
    elif share.domain.world.truth(BOOTINDEX) is Truth.NO:
        why = BOOTINDEX.explain(share.domain.world)
        yield problem(
            "this QEMU does not support booting from virtiofs; remove <boot>",
            share,
            "boot",
            reason=why,
        )


def _is_on_pci(share: Filesystem) -> bool:
    """Tell whether a share is on PCI, where mainframes do not place it if nothing is said."""
    given = share.address_type
    return given == "pci" or (given is None and not share.holds(S390_CCW))


@rule(
    "filesystem-target-duplicate",
    Filesystem,
    bad=_GOOD + _PLAIN.format("", ""),
    good=_PLAIN.format("", "") * 2,
)
def names_of_virtiofs_are_unique(share: Filesystem) -> Problems:
    """Attribute ``dir`` of ``<target>`` must differ for each virtiofs ``<filesystem>``."""
    owner = share.domain.firsts(Filesystem, "owned_tag").get((share.tag,), share)
    if owner.node is not share.node:
        yield problem(
            f"another virtiofs <filesystem> has the target {share.tag!r}; choose "
            f"another name, such as '{share.tag}2'",
            share,
            "target/@dir",
        )
