"""Domains that a client defined: looked at, listed back to it, and gone when it leaves."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.serve.errors import Code, ErrorDomain, LibvirtError
from domcaps.serve.xml.documents import parse, uuid_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation

_MOST_FINDINGS = 10


class Domain(msgspec.Struct, frozen=True):
    """One of them. `memory_kib` and `vcpus` are what its XML says, 0 where it can't be read."""

    name: str
    uuid: bytes
    xml: str
    os_type: str = "hvm"
    memory_kib: int = 0
    vcpus: int = 1

    @property
    def handle(self) -> tuple[str, bytes, int]:
        """What it is on the wire; it never runs, so that it has no number."""
        return self.name, self.uuid, -1


def domain_of(data: bytes) -> Domain:
    """Make one of XML that was found acceptable, with a UUID if it has none of its own."""
    root = parse(data, ErrorDomain.DOMAIN)
    name = (root.findtext("name") or "").strip()
    if not name:
        raise LibvirtError(Code.XML_ERROR, "the domain has no name", ErrorDomain.DOMAIN)
    return Domain(
        name,
        _identified(root),
        etree.tostring(root, encoding="unicode") + "\n",
        (root.findtext("os/type") or "hvm").strip(),
        _memory_kib(root),
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
    code = Code.XML_ERROR if _is_about_form(errors[0]) else Code.CONFIG_UNSUPPORTED
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


_UNITS = {"b": 1, "bytes": 1, "kb": 1000, "k": 1024, "kib": 1024, "mb": 1000**2, "m": 1024**2,
          "mib": 1024**2, "gb": 1000**3, "g": 1024**3, "gib": 1024**3, "tb": 1000**4,
          "t": 1024**4, "tib": 1024**4}  # fmt: skip


def _memory_kib(root: Node) -> int:
    node = root.find("memory")
    if node is None:
        return 0
    unit = _UNITS.get((node.get("unit") or "KiB").lower(), 1024)
    return min(_count(node.text) * unit // 1024, 2**63)


def _count(text: str | None) -> int:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0
