"""Secrets of disks: who logs in to a server, and what encrypted images are opened with.

::

    <source protocol='rbd' name='pool/image'>
      <host name='monitor'/>
      <auth username='me'><secret type='ceph' usage='mine'/></auth>
      <encryption format='luks'><secret type='passphrase' usage='image'/></encryption>
    </source>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import ENCRYPTION_ENGINE
from domcaps.elements.storage.disk import Disk
from domcaps.language.attributes import Attributes
from domcaps.language.changes.storage import (
    DISK_ENCRYPTION_FORMATS,
    DISK_ENCRYPTION_LAYERS,
    DISK_LIBRBD,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.observed import qapi
from domcaps.language.quantities import AnyUuid
from domcaps.language.require import lacks, libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED, OneOf, fits

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.storage.images import Image

RBD_ENCRYPTION = qapi("blockdev-add/arg/case=rbd/encrypt")
RBD_LAYERS = qapi("blockdev-add/arg/case=rbd/encrypt/parent")
RBD_LUKS_ANY = qapi("blockdev-add/arg/case=rbd/encrypt/format/value=luks-any")

_WITH_LOGIN = ("iscsi", "http", "https", "ftp", "ftps", "ssh", "rbd")
_USAGES = ("none", "volume", "ceph", "iscsi", "tls", "vtpm")
_OWN_USAGE = {"iscsi": "iscsi", "rbd": "ceph"}
_LOGIN_TYPES = ("none", "chap", "ceph")
_FORMATS = ("luks", "luks2", "luks-any", "default", "qcow")
_DATED = {"luks2": DISK_LIBRBD, "luks-any": DISK_ENCRYPTION_LAYERS}
_UUID = AnyUuid()
_ENGINE = Attributes({"engine": OneOf(("qemu", "librbd"))})
_CIPHER = Attributes({"size": UNSIGNED}, required=("name", "size"))
_IVGEN = Attributes({}, required=("name",))

_RBD = (
    "<disk type='network'><driver name='qemu' type='raw'/><source protocol='rbd' name='p/i'>"
    "<host name='server'/>{}</source><target dev='vda'/></disk>"
)
_FILE = (
    "<disk type='file'><driver name='qemu' type='{}'/><source file='/a'>{}</source>"
    "<target dev='vda'/></disk>"
)
_LOGIN = "<auth username='me'><secret type='{}' {}/></auth>"
_GOOD_LOGIN = _RBD.format(_LOGIN.format("ceph", "usage='mine'"))
_LOCK = "<encryption format='{}'{}>{}</encryption>"
_SECRET = "<secret type='passphrase' usage='image'/>"  # noqa: S105 - names a secret, is none
_LUKS = _FILE.format("qcow2", _LOCK.format("luks", "", _SECRET))


def secret_problems(secret: Node) -> Problems:
    """Report how a secret is named: by its UUID or its usage."""
    uuid, usage = secret.get("uuid"), secret.get("usage")
    if (uuid is None) is (usage is None):
        yield problem("<secret> needs exactly one of the attributes 'uuid' and 'usage'", secret)
    elif uuid is not None and not fits(_UUID, uuid):
        yield problem(
            f"attribute 'uuid' of <secret> is {uuid!r}, but must be a UUID", secret, "@uuid"
        )


def login_problems(login: Node) -> Problems:
    """Report the form of an ``<auth>``."""
    if not login.get("username"):
        yield problem("<auth> needs the attribute 'username'", login, "@username")
    kind = login.get("type")
    if kind and kind not in _LOGIN_TYPES:
        yield problem(
            f"<secret type={kind!r}> is not valid in <auth>; use 'ceph' or 'iscsi'",
            login,
            "@type",
            accepted=_LOGIN_TYPES,
        )
    secret = login.find("secret")
    if secret is None:
        yield problem(
            "<auth> needs a <secret>, such as <secret type='ceph' usage='NAME'/>", login, "secret"
        )
    else:
        yield from secret_problems(secret)


@rule(
    "disk-auth-invalid",
    Disk,
    bad=_RBD.format("<auth username='me'/>"),
    good=_GOOD_LOGIN,
)
def logins_are_complete(disk: Disk) -> Problems:
    """``<auth>`` needs a username and a ``<secret>``."""
    for image in disk.images:
        for holder in (image.source, image.disk):
            login = None if holder is None else holder.find("auth")
            if login is not None:
                yield from login_problems(login)


@rule(
    "disk-auth-duplicate",
    Disk,
    bad=_GOOD_LOGIN.replace("<target", _LOGIN.format("ceph", "usage='mine'") + "<target"),
    good=_GOOD_LOGIN,
)
def one_place_for_secrets(disk: Disk) -> Problems:
    """``<auth>`` and ``<encryption>`` may be in ``<disk>`` or in ``<source>``, not in both."""
    source = disk.image.source
    for tag in ("auth", "encryption"):
        if source is not None and source.find(tag) is not None and disk.has(tag):
            again = Fix(without=("",))
            yield problem(
                f"both <disk> and its <source> have <{tag}>; remove one of them",
                disk,
                tag,
                fix=again,
            )


@rule(
    "disk-auth-unsupported",
    Disk,
    bad=_RBD.format(_LOGIN.format("iscsi", "usage='mine'")),
    good=_GOOD_LOGIN,
)
def logins_suit_the_protocol(disk: Disk) -> Problems:
    """``<auth>`` requires a protocol with authentication, and the type of ``<secret>`` for it, such
    as ``ceph`` for RBD.
    """
    for image in disk.images:
        login = image.child("auth") if image.type == "network" else None
        secret = None if login is None else login.find("secret")
        if login is None or secret is None:
            continue
        usage, wanted = secret.get("type", ""), _OWN_USAGE.get(image.protocol)
        if image.protocol not in {*_WITH_LOGIN, "none"}:
            yield problem(
                f"protocol={image.protocol!r} does not support <auth>; remove it",
                login,
                accepted=_WITH_LOGIN,
            )
        elif usage not in _USAGES:
            yield problem(
                f"<secret type={usage!r}> is not a known type", secret, "@type", accepted=_USAGES
            )
        elif wanted is not None and usage != wanted:
            yield problem(
                f"protocol={image.protocol!r} requires <secret type={wanted!r}> in <auth>, "
                f"but it has type={usage!r}",
                secret,
                "@type",
                accepted=(wanted,),
            )


def _encryptions(image: Image) -> list[Node]:
    holders = [holder for holder in (image.source, image.disk) if holder is not None]
    found = [holder.find("encryption") for holder in holders]
    return [encryption for encryption in found if encryption is not None]


@rule(
    "disk-encryption-invalid",
    Disk,
    bad=_FILE.format("qcow2", _LOCK.format("des", "", _SECRET)),
    good=_LUKS,
)
def encryption_is_described(disk: Disk) -> Problems:
    """``<encryption>`` needs a ``format``, such as ``luks``, and secrets of type ``passphrase``."""
    for image in disk.images:
        for encryption in _encryptions(image):
            yield from encryption_problems(encryption)
            came = _DATED.get(encryption.get("format", ""))
            if came is not None and not libvirt_reads(disk, came):
                yield problem(
                    "this libvirt version does not support this encryption format",
                    encryption,
                    "@format",
                    accepted=("luks",),
                )


def encryption_problems(encryption: Node) -> Problems:
    """Report the form of an ``<encryption>``."""
    form = encryption.get("format")
    if form not in _FORMATS:
        yield problem(
            f"the encryption format {form!r} is unknown; use 'luks'",
            encryption,
            "@format",
            accepted=_FORMATS[:3],
        )
    yield from _ENGINE.problems(encryption)
    for secret in encryption.findall("secret"):
        if secret.get("type") != "passphrase":
            yield problem(
                "<secret> of <encryption> needs type='passphrase'",
                secret,
                "@type",
                accepted=("passphrase",),
            )
        yield from secret_problems(secret)
    if form == "luks":
        cipher, generator = encryption.find("cipher"), encryption.find("ivgen")
        yield from _CIPHER.problems(cipher)
        yield from _IVGEN.problems(generator)
        if generator is not None and cipher is None:
            yield problem("<ivgen> requires a <cipher>", generator)


@rule(
    "disk-encryption-cipher-unsupported",
    Disk,
    bad=_FILE.format("raw", _LOCK.format("luks", "", _SECRET + "<cipher name='aes' size='256'/>")),
    good=_LUKS,
)
def cipher_is_in_the_image(disk: Disk) -> Problems:
    """``<cipher>`` cannot be set for an existing LUKS image: the image itself determines it."""
    for image in disk.images:
        encryption = image.child("encryption")
        if encryption is None or encryption.get("format") != "luks":
            continue
        cipher = encryption.find("cipher")
        if cipher is not None:
            message = "<cipher> is not valid for an existing LUKS image; remove it"
            yield problem(message, cipher, fix=Fix(without=("",)))


@rule(
    "disk-encryption-unsupported",
    Disk,
    bad=_FILE.format("vmdk", _LOCK.format("luks", "", _SECRET)),
    good=_LUKS,
)
def encryption_is_understood(disk: Disk) -> Problems:
    """``<encryption>`` must be of a kind that QEMU supports: LUKS in a raw or qcow2 image, with one
    ``<secret>``.

    With ``engine='librbd'`` more is supported, on RBD only.
    """
    for image in disk.images:
        encryption = image.child("encryption")
        if encryption is None:
            continue
        if encryption.get("format") in {"default", "qcow"}:
            yield problem(
                "QEMU no longer supports the old encryption of qcow2; use 'luks'",
                encryption,
                "@format",
                accepted=("luks",),
            )
        elif encryption.get("engine", ENCRYPTION_ENGINE) == "qemu" or not libvirt_reads(
            disk, DISK_LIBRBD
        ):
            yield from _by_qemu(disk, image, encryption)
        else:
            yield from _by_librbd(disk, image, encryption)


def _by_qemu(disk: Disk, image: Image, encryption: Node) -> Problems:
    if encryption.get("format") != "luks":
        yield problem(
            "engine='qemu' supports the format 'luks' only",
            encryption,
            "@format",
            accepted=("luks",),
        )
    elif image.format not in {"raw", "qcow2"} and libvirt_reads(disk, DISK_ENCRYPTION_FORMATS):
        yield problem(
            f"QEMU does not support encrypted images of format {image.format!r}; use "
            "'raw' or 'qcow2'",
            encryption,
        )
    elif len(encryption.findall("secret")) > 1 and libvirt_reads(disk, DISK_ENCRYPTION_LAYERS):
        yield problem("engine='qemu' supports exactly one <secret>", encryption)


def _by_librbd(disk: Disk, image: Image, encryption: Node) -> Problems:
    layers = libvirt_reads(disk, DISK_ENCRYPTION_LAYERS)
    several = layers and len(encryption.findall("secret")) > 1
    if lacks(disk, RBD_ENCRYPTION):
        missing, what = RBD_ENCRYPTION, "encryption with librbd"
    elif image.type != "network":
        yield problem(
            "engine='librbd' requires protocol='rbd'", encryption, "@engine", accepted=("qemu",)
        )
        return
    elif several and lacks(disk, RBD_LAYERS):
        missing, what = RBD_LAYERS, "nested encryption"
    elif encryption.get("format") == "luks-any" and lacks(disk, RBD_LUKS_ANY):
        missing, what = RBD_LUKS_ANY, "encryption 'luks-any'"
    else:
        return
    reason = missing.explain(disk.domain.world)
    yield problem(f"this QEMU does not support {what}", encryption, reason=reason)


@rule(
    "disk-encryption-secret-missing",
    Disk,
    bad=_FILE.format("raw", _LOCK.format("luks", "", "")),
    good=_LUKS,
    stage=Stage.START,
)
def encryption_has_a_secret(disk: Disk) -> Problems:
    """``<encryption>`` needs a ``<secret>`` at start."""
    for image in disk.images:
        encryption = image.child("encryption")
        if encryption is not None and encryption.find("secret") is None:
            yield problem(
                "<encryption> needs a <secret>, such as <secret type='passphrase' usage='NAME'/>",
                encryption,
                "secret",
            )
