"""Domains that a client defined: looked at, listed back to it, and gone when it leaves."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.language.quantities import DEFAULT_UNIT, KIB, NEEDED_SIZE, Unit
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.xml.documents import parse, uuid_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation

_MOST_FINDINGS = 10
_NO_XML = "xml-malformed"
_MOST_KIB = 2**63 - 1
"""``virDomainInfo`` has 64 bits, which clients in other languages take for signed."""


class DefinedDomain(msgspec.Struct, frozen=True):
    """One of them: `memory_kib`, `current_kib` and `vcpus` as in its XML, 0 if unreadable."""

    name: str
    uuid: bytes
    xml: str
    os_type: str = "hvm"
    memory_kib: int = 0
    current_kib: int = 0
    vcpus: int = 1

    @property
    def handle(self) -> tuple[str, bytes, int]:
        """What it is on the wire; it never runs, so that it has no number."""
        return self.name, self.uuid, -1

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return (
            sys.getsizeof(self.xml) + sys.getsizeof(self.name) + sys.getsizeof(self.os_type) + 500
        )


def domain_of(data: bytes) -> DefinedDomain:
    """Make one of XML that was found acceptable, with a UUID if it has none of its own."""
    root = parse(data, ErrorDomain.DOMAIN)
    name = (root.findtext("name") or "").strip()
    if not name:
        raise LibvirtError(ErrorNumber.XML_ERROR, "the domain has no name", ErrorDomain.DOMAIN)
    memory = _kib(root.find("memory"))
    return DefinedDomain(
        name,
        _identified(root),
        etree.tostring(root, encoding="unicode") + "\n",
        (root.findtext("os/type") or "hvm").strip(),
        memory,
        min(_kib(root.find("currentMemory")) or memory, memory),
        _count(root.findtext("vcpu")),
    )


def refusal(found: Validation) -> LibvirtError:
    """Say why a domain is refused: the findings, the first ones if there are many.

    What keeps it from being defined goes before what would keep it from being started.
    """
    errors = [f for f in found.errors if f.stage.value == "define"] or found.errors
    shown = "; ".join(map(_sentence, errors[:_MOST_FINDINGS]))
    if len(errors) > _MOST_FINDINGS:
        shown += f"; and {len(errors) - _MOST_FINDINGS} more"
    if errors[0].code == _NO_XML:
        return LibvirtError(ErrorNumber.XML_DETAIL, f"at {shown}", ErrorDomain.DOMAIN)
    code = ErrorNumber.XML_ERROR if _is_about_form(errors[0]) else ErrorNumber.CONFIG_UNSUPPORTED
    return LibvirtError(code, shown, ErrorDomain.DOMAIN)


def _is_about_form(finding: Finding) -> bool:
    return finding.reason is None and finding.code.startswith(("xml-", "domain-"))


def _sentence(finding: Finding) -> str:
    place = f"line {finding.line}: " if finding.line else ""
    return f"{place}{finding.message} [{finding.code}]"


def _identified(root: Node) -> bytes:
    """Give the UUID; a new one is written into the domain, after its name."""
    stated = uuid_of(root, ErrorDomain.DOMAIN)
    if stated is not None:
        return stated
    node = root.find("uuid")
    made = uuid.uuid4()
    if node is None:
        node = etree.Element("uuid")
        before = root.find("name")
        if before is not None:
            node.tail = before.tail
            before.addnext(node)
    node.text = str(made)
    return made.bytes


def _kib(node: Node | None) -> int:
    """Give a size in KiB, rounded up as libvirt does; 0 for one that can't be read."""
    if node is None:
        return 0
    try:
        unit = Unit().parse((node.get("unit") or DEFAULT_UNIT).strip())
        number = NEEDED_SIZE.parse((node.text or "").strip())
    except ValueError:
        return 0
    return min(-(-number * unit // KIB), _MOST_KIB)


def _count(text: str | None) -> int:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0
