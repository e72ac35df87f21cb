"""Findings about documents as a whole, which belong to no part of the table."""

from __future__ import annotations

from dataclasses import dataclass

from domcaps.language.finding import Severity


def _domain(kind: str = "qemu", more: str = "", **attributes: str) -> str:
    """Give a domain that is as small as can be, with what is wrong with it."""
    given = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return (
        f"<domain type='{kind}'><name>a</name><memory>1024</memory>"
        f"<os><type{given}>hvm</type></os>{more}</domain>"
    )


_DEEP = f"<metadata>{'<a>' * 300}{'</a>' * 300}</metadata>"
_ENTITY = "<!DOCTYPE domain [<!ENTITY a 'b'>]>"


@dataclass(frozen=True)
class DocumentCode:
    """A code with its manual. `bad` is a whole domain that triggers it, "" where that is huge.

    Those of the `schema` are found only where a domain is compared with it.
    """

    code: str
    manual: str
    bad: str = ""
    good: str = _domain()
    severity: Severity = Severity.ERROR
    schema: bool = False


_SCHEMA = (
    "\n\nLibvirt's schema refuses it (virsh define --validate, domcaps validate --schema); without "
    "the schema it counts for nothing."
)


def _of_schema(code: str, manual: str, bad: str, good: str) -> DocumentCode:
    return DocumentCode(code, manual + _SCHEMA, _domain(more=bad), _domain(more=good), schema=True)


DOCUMENT_CODES = (
    DocumentCode(
        "xml-malformed",
        "The document is not well-formed XML.\n\nPlace and reason are those of the XML parser.",
        "<domain type='qemu'><name>a</domain>",
    ),
    DocumentCode(
        "xml-too-large",
        "The document is larger than what libvirt takes (4 MiB), has more than 50 000 elements, or "
        "an element in it has more than 10 000 inside.",
    ),
    DocumentCode(
        "xml-too-deep",
        "Elements are nested more than 256 deep.",
        _domain(more=_DEEP),
    ),
    DocumentCode(
        "xml-declaration",
        "The document declares entities or elements of its own.\n\n"
        "They are not read: by them a small document can become a huge one, or fetch another. A "
        "document type without declarations of its own is passed over.",
        _ENTITY + _domain(),
        "<!DOCTYPE domain>" + _domain(),
    ),
    DocumentCode(
        "os-arch-missing",
        "A domain that names an emulator for another architecture than the host's must name the "
        "architecture as well.",
        good=_domain(arch="x86_64"),
    ),
    DocumentCode(
        "repeated-element",
        "Libvirt reads the first of several elements of that name, and passes over the others.\n\n"
        "Its schema refuses them.",
        _domain(more="<memory>2048</memory>"),
        severity=Severity.WARNING,
    ),
    DocumentCode(
        "domain-missing",
        "The document's root must be <domain>.",
        "<network><name>a</name></network>",
    ),
    DocumentCode(
        "domain-type-missing",
        "<domain> must say its type, such as 'kvm' or 'qemu'.",
        _domain().replace(" type='qemu'", "", 1),
    ),
    DocumentCode(
        "domain-type-unsupported",
        "The emulator can't serve the domain's type on this host.\n\n"
        "'qemu' is there wherever QEMU was built with TCG, 'kvm' where /dev/kvm can be used and "
        "the guest is of the host's family of architectures.",
        _domain("xen"),
    ),
    DocumentCode(
        "emulator-unsupported",
        "The emulator that the domain names is not there, or serves another architecture.",
        _domain(more="<devices><emulator>/nowhere</emulator></devices>"),
    ),
    DocumentCode(
        "emulator-not-probed",
        "The emulator that the domain names is not executed, since nobody but the domain says that "
        "it may be.\n\n"
        "An emulator is trusted if this system keeps it where emulators are, or if the operator "
        "allows it (--allow-emulator PATTERN), and if no other user can change it.",
    ),
    DocumentCode(
        "os-arch-unsupported",
        "No emulator on this host serves the guest's architecture.",
        _domain(arch="pdp11"),
    ),
    DocumentCode(
        "os-machine-unsupported",
        "The emulator has no machine type of that name.",
        _domain(machine="nobodys"),
    ),
    DocumentCode(
        "unknown-attribute",
        "libvirt knows no attribute of that name here, and passes over it.\n\n"
        "Mostly that is a slip of the pen. Attributes of another namespace are not looked at.",
        _domain(more="<clock ofset='utc'/>"),
        _domain(more="<clock offset='utc'/>"),
        Severity.WARNING,
    ),
    DocumentCode(
        "unknown-element",
        "libvirt knows no element of that name here, and passes over it.\n\n"
        "Mostly that is a slip of the pen. Elements of another namespace, and what stands in "
        "<metadata>, are not looked at.",
        _domain(more="<clok offset='utc'/>"),
        _domain(more="<clock offset='utc'/>"),
        Severity.WARNING,
    ),
    DocumentCode(
        "ignored-code-renamed",
        "A comment ``domcaps: ignore`` has the former spelling of a code.\n\n"
        "It still counts; the message has the spelling to write instead.",
        f"<!-- domcaps: ignore boot-dev-invalid -->{_domain()}",
        f"<!-- domcaps: ignore os-boot-dev-invalid -->{_domain()}",
        Severity.WARNING,
    ),
    DocumentCode(
        "ignored-code-unknown",
        "A comment ``domcaps: ignore`` names no code, or misspells the word 'ignore'.\n\n"
        "It leaves nothing out; the message has what may have been meant. 'domcaps codes' lists "
        "all codes.",
        f"<!-- domcaps: ignore video-model-type-unknwon -->{_domain()}",
        f"<!-- domcaps: ignore video-model-type-unknown -->{_domain()}",
        Severity.WARNING,
    ),
    DocumentCode(
        "ignored-code-unused",
        "A comment ``domcaps: ignore`` names a code that was not found in what follows it.\n\n"
        "Remove the comment, unless the finding is there on other hosts.",
        f"<!-- domcaps: ignore video-model-type-unknown -->{_domain()}",
        severity=Severity.NOTICE,
    ),
    DocumentCode(
        "check-stopped",
        "The check was given up: there were too many findings, or it took too long.\n\n"
        "What was not looked at may be wrong as well.",
    ),
    _of_schema(
        "schema-attribute",
        "An attribute belongs to another kind of such elements.",
        "<clock offset='utc' timezone='Europe/Rome'/>",
        "<clock offset='timezone' timezone='Europe/Rome'/>",
    ),
    _of_schema(
        "schema-element",
        "An element belongs into another kind of the element around it, or to another program.",
        "<sysinfo type='fwcfg'><bios><entry name='vendor'>a</entry></bios></sysinfo>",
        "<sysinfo type='smbios'><bios><entry name='vendor'>a</entry></bios></sysinfo>",
    ),
    _of_schema(
        "schema-missing",
        "An attribute or element has to be there.",
        "<features><capabilities/></features>",
        "<features><capabilities policy='default'/></features>",
    ),
    _of_schema(
        "schema-repeated",
        "There is one element of that name too many.",
        "<description>a</description><description>b</description>",
        "<description>a</description>",
    ),
    _of_schema(
        "schema-value",
        "A value has another form than it must have.\n\nMany forms are narrower than what libvirt "
        "reads: names without spaces, absolute paths, numbers of digits alone.",
        "<vcpu cpuset='0, 1'>1</vcpu>",
        "<vcpu cpuset='0,1'>1</vcpu>",
    ),
    _of_schema(
        "schema-order",
        "Elements stand in another order than they must.",
        "<resource><fibrechannel appid='a'/><partition>/a</partition></resource>",
        "<resource><partition>/a</partition><fibrechannel appid='a'/></resource>",
    ),
    _of_schema(
        "schema-text",
        "An element that can't have text has some.",
        "<pm>never</pm>",
        "<pm><suspend-to-mem enabled='no'/></pm>",
    ),
)
"""Every such code."""
