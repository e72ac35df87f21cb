"""Codes of findings about a whole document, which belong to no element of the table."""

from __future__ import annotations

from domcaps.language.finding import Severity
from domcaps.language.struct import Struct


def _domain(kind: str = "qemu", more: str = "", **attributes: str) -> str:
    """Build a minimal domain that has one thing wrong."""
    given = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return (
        f"<domain type='{kind}'><name>a</name><memory>1024</memory>"
        f"<os><type{given}>hvm</type></os>{more}</domain>"
    )


_DEEP = f"<metadata>{'<a>' * 300}{'</a>' * 300}</metadata>"
_ENTITY = "<!DOCTYPE domain [<!ENTITY a 'b'>]>"


class DocumentCode(Struct, frozen=True):
    """A code with its manual. `bad` is a whole domain that triggers it, "" where that is huge.

    Codes of the `schema` are only reported when a domain is validated against libvirt's schema.
    """

    code: str
    manual: str
    bad: str = ""
    good: str = _domain()
    severity: Severity = Severity.ERROR
    schema: bool = False


_SCHEMA = (
    "\n\nOnly reported by validation against libvirt's schema (domcaps validate --schema, virsh "
    "define --validate)."
)


def _of_schema(code: str, manual: str, bad: str, good: str) -> DocumentCode:
    return DocumentCode(code, manual + _SCHEMA, _domain(more=bad), _domain(more=good), schema=True)


DOCUMENT_CODES = (
    DocumentCode(
        "xml-malformed",
        "The document must be well-formed XML.\n\nPlace and reason come from the XML parser.",
        "<domain type='qemu'><name>a</domain>",
    ),
    DocumentCode(
        "xml-too-large",
        "The document must have at most 4 MiB, 50,000 elements, and 10,000 children per element.",
    ),
    DocumentCode(
        "xml-too-deep",
        "Elements must not be nested more than 256 levels deep.",
        _domain(more=_DEEP),
    ),
    DocumentCode(
        "xml-declaration",
        "The document must not declare entities or elements.\n\n"
        "With declarations a small document can expand to a huge one, or fetch another. A DOCTYPE "
        "without declarations is ignored.",
        _ENTITY + _domain(),
        "<!DOCTYPE domain>" + _domain(),
    ),
    DocumentCode(
        "os-arch-missing",
        "``<type>`` in ``<os>`` needs the attribute ``arch`` if ``<emulator>`` is not for the "
        "architecture of the host.",
        good=_domain(arch="x86_64"),
    ),
    DocumentCode(
        "repeated-element",
        "The element must not be repeated: libvirt uses the first one and ignores the others.\n\n"
        "Libvirt's schema rejects it.",
        _domain(more="<memory>2048</memory>"),
        severity=Severity.WARNING,
    ),
    DocumentCode(
        "domain-missing",
        "The root element must be ``<domain>``.",
        "<network><name>a</name></network>",
    ),
    DocumentCode(
        "domain-type-missing",
        "``<domain>`` needs the attribute ``type``, such as ``kvm`` or ``qemu``.",
        _domain().replace(" type='qemu'", "", 1),
    ),
    DocumentCode(
        "domain-type-unsupported",
        "Attribute ``type`` of ``<domain>`` must be supported by the emulator and the host.\n\n"
        "Type ``qemu`` requires a QEMU built with TCG; ``kvm`` requires access to /dev/kvm and a "
        "guest of the host's family of architectures.",
        _domain("xen"),
    ),
    DocumentCode(
        "emulator-unsupported",
        "``<emulator>`` must be an existing emulator for the guest's architecture.",
        _domain(more="<devices><emulator>/nowhere</emulator></devices>"),
    ),
    DocumentCode(
        "emulator-not-probed",
        "``<emulator>`` must be a trusted program; domcaps does not execute others.\n\n"
        "An emulator is trusted if it is in a system folder for emulators, or allowed with "
        "--allow-emulator PATTERN, and if no other user can change it.",
    ),
    DocumentCode(
        "os-arch-unsupported",
        "Attribute ``arch`` of ``<type>`` must be an architecture for which the host has an "
        "emulator.",
        _domain(arch="pdp11"),
    ),
    DocumentCode(
        "os-machine-unsupported",
        "Attribute ``machine`` of ``<type>`` must be a machine type that the emulator has.",
        _domain(machine="no-such-machine"),
    ),
    DocumentCode(
        "unknown-attribute",
        "The attribute should be one that libvirt reads; libvirt ignores others.\n\n"
        "Usually the name is misspelt. Attributes of other namespaces are not checked.",
        _domain(more="<clock ofset='utc'/>"),
        _domain(more="<clock offset='utc'/>"),
        Severity.WARNING,
    ),
    DocumentCode(
        "unknown-element",
        "The element should be one that libvirt reads; libvirt ignores others.\n\n"
        "Usually the name is misspelt. Elements of other namespaces and in ``<metadata>`` are not "
        "checked.",
        _domain(more="<clok offset='utc'/>"),
        _domain(more="<clock offset='utc'/>"),
        Severity.WARNING,
    ),
    DocumentCode(
        "ignored-code-renamed",
        "A comment ``domcaps: ignore`` should use the current name of a code.\n\n"
        "The former name still works; the message gives the current one.",
        f"<!-- domcaps: ignore boot-dev-invalid -->{_domain()}",
        f"<!-- domcaps: ignore os-boot-dev-invalid -->{_domain()}",
        Severity.WARNING,
    ),
    DocumentCode(
        "ignored-code-unknown",
        "A comment ``domcaps: ignore`` must spell ``ignore`` and an existing code correctly.\n\n"
        "Otherwise it has no effect; the message suggests what to write. 'domcaps codes' lists all "
        "codes.",
        f"<!-- domcaps: ignore video-model-type-unknwon -->{_domain()}",
        f"<!-- domcaps: ignore video-model-type-unknown -->{_domain()}",
        Severity.WARNING,
    ),
    DocumentCode(
        "ignored-code-unused",
        "A comment ``domcaps: ignore`` should name a code that is reported for its element.\n\n"
        "Remove the comment, unless the code is reported on other hosts.",
        f"<!-- domcaps: ignore video-model-type-unknown -->{_domain()}",
        severity=Severity.NOTICE,
    ),
    DocumentCode(
        "check-stopped",
        "Validation must not end early.\n\n"
        "It stops after too many findings or too much time. The rest of the document was not "
        "checked, and may have errors as well.",
    ),
    _of_schema(
        "schema-attribute",
        "The attribute must be valid for this variant of the element.",
        "<clock offset='utc' timezone='Europe/Rome'/>",
        "<clock offset='timezone' timezone='Europe/Rome'/>",
    ),
    _of_schema(
        "schema-element",
        "The element must be valid in this variant of its parent.",
        "<sysinfo type='fwcfg'><bios><entry name='vendor'>a</entry></bios></sysinfo>",
        "<sysinfo type='smbios'><bios><entry name='vendor'>a</entry></bios></sysinfo>",
    ),
    _of_schema(
        "schema-missing",
        "A required attribute or element must be present.",
        "<features><capabilities/></features>",
        "<features><capabilities policy='default'/></features>",
    ),
    _of_schema(
        "schema-repeated",
        "The element must not be repeated.",
        "<on_crash>destroy</on_crash><on_crash>restart</on_crash>",
        "<on_crash>destroy</on_crash>",
    ),
    _of_schema(
        "schema-value",
        "The value must have the form that libvirt's schema requires.\n\nMany forms are narrower "
        "than what libvirt reads: names without spaces, absolute paths, numbers of digits only.",
        "<vcpu cpuset='0, 1'>1</vcpu>",
        "<vcpu cpuset='0,1'>1</vcpu>",
    ),
    _of_schema(
        "schema-order",
        "Elements must be in the required order.",
        "<resource><fibrechannel appid='a'/><partition>/a</partition></resource>",
        "<resource><partition>/a</partition><fibrechannel appid='a'/></resource>",
    ),
    _of_schema(
        "schema-text",
        "The element must not contain text.",
        "<pm>never</pm>",
        "<pm><suspend-to-mem enabled='no'/></pm>",
    ),
)
"""All codes of documents and of the schema."""
