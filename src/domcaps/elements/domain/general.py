"""``<domain>``: what a definition says of the whole: its names, and what happens at its end.

::

    <domain type='kvm'>
      <name>web</name>
      <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
      <genid/>
      <title>Web server</title>
      <on_poweroff>destroy</on_poweroff>
      <on_reboot>restart</on_reboot>
      <on_crash>coredump-restart</on_crash>
"""

from __future__ import annotations

import re

from domcaps.elements.features.features import GENID
from domcaps.language import Choice, Enum
from domcaps.language.changes.domain import (
    CRASH_PRESERVE_RUNNING,
    HWUUID,
    IOMMUFD_DEFAULT,
    RESOURCE_FIBRECHANNEL,
)
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.fix import Fix, Substitutes, set_value
from domcaps.language.part import Part, field
from domcaps.language.quantities import ANY_UUID, OrEmpty
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.text_tells import text_tells
from domcaps.language.truth import Truth
from domcaps.language.value_types import YES_NO, OneOf

# rename-restart and preserve are known to libvirt, but QEMU domains can't have them here
_OFF = OrEmpty(OneOf(("destroy", "restart")))

ON_CRASH = Enum(
    "onCrash",
    attribute="on_crash",
    choices=(
        Choice(""),
        Choice("destroy"),
        Choice("restart"),
        Choice("preserve"),
        Choice("coredump-destroy"),
        Choice("coredump-restart"),
        Choice("preserve-running", since=CRASH_PRESERVE_RUNNING),
    ),
)


SUBSTITUTES = Substitutes(
    "@type",
    order={
        "kvm": ("qemu",),
        "hvf": ("qemu",),
        "hyperv": ("qemu",),
        "qemu": ("kvm",),
        "*": ("kvm", "qemu"),
    },
    slips={"tcg": "qemu", "kqemu": "qemu", "qemu-kvm": "kvm"},
    remarks={"qemu": "emulation, which is many times slower"},
)
"""Emulation does all that acceleration does, only slower."""


class DomainElement(Part):
    """The domain itself: the elements that stand alone in it."""

    path = ""
    knows = ("@id", "@type", "description", "metadata", "devices/emulator")

    name = field("name", required=True, expected="the name of the domain, such as 'web1'")
    uuid = field("uuid", ANY_UUID)
    hwuuid = field("hwuuid", ANY_UUID, since=HWUUID)
    genid = field("genid", ANY_UUID)
    title = field("title")
    on_poweroff = field("on_poweroff", _OFF)
    on_reboot = field("on_reboot", _OFF)
    on_crash = field("on_crash", choice=ON_CRASH)
    on_lockfailure = field(
        "on_lockfailure", OrEmpty(OneOf(("default", "poweroff", "restart", "pause", "ignore")))
    )


class Iommufd(Part):
    """Whether host devices are handed over through ``/dev/iommu``, where they say nothing."""

    path = "iommufd"
    since = IOMMUFD_DEFAULT

    enabled = field("@enabled", YES_NO, required=True)
    fdgroup = field("@fdgroup")


_IOMMUFD = "<iommufd enabled='{}' fdgroup='a'/>"


class Resource(Part):
    """Where in the host's control groups the domain stands, and under which name on the SAN."""

    path = "resource"

    partition = field("partition")
    appid = field("fibrechannel/@appid", since=RESOURCE_FIBRECHANNEL)


class Pm(Part):
    """Whether the guest can sleep."""

    path = "pm"

    suspend_to_mem = field(
        "suspend-to-mem/@enabled", YES_NO, strict=VALUES_STRICT, before=OrEmpty(YES_NO)
    )
    suspend_to_disk = field(
        "suspend-to-disk/@enabled", YES_NO, strict=VALUES_STRICT, before=OrEmpty(YES_NO)
    )


_PLAIN = "<domain type='qemu'><name>a</name><memory>65536</memory>"
_NAMED = "<on_poweroff>destroy</on_poweroff>"


@rule(
    "domain-name-empty",
    DomainElement,
    bad="<domain type='qemu'><name/><memory>65536</memory><os><type>hvm</type></os></domain>",
    good=_NAMED,
)
def name_has_text(domain: DomainElement) -> Problems:
    """``<name>`` of the domain must not be empty."""
    # blanks are a name: only nothing at all is none
    if not text_tells(domain.domain.root, "name", bool) and domain.name == "":
        yield problem("<name> is empty; write a name", domain, "name")


@rule(
    "domain-name-invalid",
    DomainElement,
    bad="<domain type='qemu'><name>a/b</name><memory>65536</memory>"
    "<os><type>hvm</type></os></domain>",
    good=_NAMED,
)
def name_is_no_path(domain: DomainElement) -> Problems:
    """``<name>`` of the domain must not contain a slash or a line break."""
    if text_tells(domain.domain.root, "name", _is_path):
        text = domain.domain.root.findtext("name") or ""
        named = "-".join(re.split(r"[/\n]+", text.strip("/\n"))) or "domain"
        message = "<name> must not contain '/' or a line break"
        yield problem(message, domain, "name", fix=set_value(named))


def _is_path(text: str) -> bool:
    return "/" in text or "\n" in text


@rule(
    "domain-title-invalid",
    DomainElement,
    bad="<title>one\ntwo</title>",
    good="<title>one, two</title>",
)
def title_is_one_line(domain: DomainElement) -> Problems:
    """``<title>`` must be a single line; longer text belongs in ``<description>``."""
    if "\n" in (domain.domain.root.findtext("title") or ""):
        yield problem(
            "<title> must not contain a line break; move longer text to <description>",
            domain,
            "title",
            fix=set_value(" ".join((domain.title or "").split())),
        )


@rule(
    "domain-genid-duplicate",
    DomainElement,
    bad="<genid/><genid/>",
    good="<genid>e9392370-2917-565e-692b-d057f46512d6</genid>",
)
def one_genid(domain: DomainElement) -> Problems:
    """A domain may have at most one ``<genid>``."""
    given = domain.find_all("genid")
    if len(given) > 1:
        yield problem("<genid> is repeated; keep one", given[1])


@rule(
    "domain-genid-unsupported",
    DomainElement,
    bad=Sample("<genid/>", arch="s390x"),
    good="<title>no genid</title>",
)
def genid_is_supported(domain: DomainElement) -> Problems:
    """``<genid>`` requires an x86 guest, and a QEMU with the device ``vmgenid``."""
    genid = domain.find("genid")
    supported = GENID.supported
    if genid is None or supported is None:
        return
    world = domain.domain.world
    if world.truth(supported) is Truth.NO:
        why = supported.explain(world)
        yield problem(
            "this QEMU does not support <genid> (the device vmgenid); remove it", genid, reason=why
        )


@rule(
    "domain-on-poweroff-conflict",
    DomainElement,
    bad="<on_poweroff>restart</on_poweroff><on_reboot>destroy</on_reboot>",
    good="<on_poweroff>restart</on_poweroff><on_reboot>restart</on_reboot>",
)
def off_and_reboot_agree(domain: DomainElement) -> Problems:
    """A domain with ``<on_poweroff>restart`` must not have ``<on_reboot>destroy``."""
    if domain.on_poweroff == "restart" and domain.on_reboot == "destroy":
        yield problem(
            "<on_poweroff> 'restart' cannot be combined with <on_reboot> 'destroy'; set both to "
            "'restart'",
            domain,
            "on_poweroff",
        )


@rule(
    "os-missing",
    DomainElement,
    bad=f"{_PLAIN}</domain>",
    good=f"{_PLAIN}<os><type>hvm</type></os></domain>",
)
def os_is_named(domain: DomainElement) -> Problems:
    """A domain needs ``<os>`` with a ``<type>``: for QEMU, ``<os><type>hvm</type></os>``."""
    if not domain.has("os"):
        yield problem(
            "<os> with a <type> is missing; write <os><type>hvm</type></os>",
            domain,
            fix=Fix(add="<os><type>hvm</type></os>"),
        )


@rule(
    "domain-bootloader-unsupported",
    DomainElement,
    bad="<bootloader>/usr/bin/pygrub</bootloader>",
    good="<title>no boot loader of the host</title>",
)
def no_bootloader(domain: DomainElement) -> Problems:
    """``<bootloader>`` is for Xen; QEMU does not support it."""
    for tag in ("bootloader", "bootloader_args"):
        if domain.domain.root.findtext(tag):
            yield problem(
                "QEMU does not support <bootloader>; remove it, and set <boot dev='hd'/> or "
                "<kernel> in <os>",
                domain,
                tag,
            )


@rule(
    "iommufd-fdgroup-conflict",
    Iommufd,
    bad=_IOMMUFD.format("no"),
    good=_IOMMUFD.format("yes"),
)
def groups_are_of_iommufd(iommufd: Iommufd) -> Problems:
    """Attribute ``fdgroup`` of ``<iommufd>`` requires ``enabled='yes'``."""
    if iommufd.enabled == "no" and iommufd.fdgroup is not None:
        yield problem(
            "attribute 'fdgroup' of <iommufd> requires enabled='yes'", iommufd, "@fdgroup"
        )


@rule(
    "resource-duplicate",
    DomainElement,
    bad="<resource><partition>/a</partition></resource>"
    "<resource><partition>/b</partition></resource>",
    good="<resource><partition>/a</partition></resource>",
)
def one_resource(domain: DomainElement) -> Problems:
    """A domain may have at most one ``<resource>``."""
    given = domain.find_all("resource")
    if len(given) > 1:
        yield problem("<resource> is repeated; keep one", given[1])


@rule(
    "resource-empty",
    Resource,
    bad="<resource/>",
    good="<resource><fibrechannel appid='web'/></resource>",
)
def resource_says_something(resource: Resource) -> Problems:
    """``<resource>`` needs a ``<partition>``, a ``<fibrechannel>``, or both."""
    if not resource.partition and not resource.appid:
        yield problem("<resource> needs <partition> or <fibrechannel appid='…'/>", resource)


_APPID_LENGTH = 128


@rule(
    "resource-appid-invalid",
    Resource,
    bad="<resource><fibrechannel appid='a&#9;b'/></resource>",
    good="<resource><fibrechannel appid='web'/></resource>",
)
def appid_is_printable(resource: Resource) -> Problems:
    """Attribute ``appid`` of ``<fibrechannel>`` must be 1 to 128 printable ASCII characters."""
    appid = resource.appid or ""
    if len(appid) > _APPID_LENGTH or not all(" " <= letter <= "~" for letter in appid):
        yield problem(
            f"attribute 'appid' of <fibrechannel> must be 1 to {_APPID_LENGTH} "
            "printable ASCII characters",
            resource,
            "fibrechannel/@appid",
        )


@rule(
    "pm-unsupported",
    Pm,
    bad=Sample("<pm><suspend-to-mem enabled='no'/></pm>", arch="aarch64"),
    good="<pm><suspend-to-mem enabled='no'/></pm>",
)
def sleep_needs_x86(pm: Pm) -> Problems:
    """``<pm>`` (ACPI sleep states) requires an x86 guest."""
    if pm.domain.arch in {"i686", "x86_64"}:
        return
    for tag, value in (
        ("suspend-to-mem", pm.suspend_to_mem),
        ("suspend-to-disk", pm.suspend_to_disk),
    ):
        if value is not None:
            yield problem(f"<pm> is not supported for {pm.domain.arch} guests; remove it", pm, tag)
