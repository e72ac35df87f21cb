"""Definitions of domains, as a server keeps them, and why one is refused."""

from __future__ import annotations

import sys
import uuid
from copy import deepcopy
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.language.quantities import DEFAULT_UNIT, KIB, NEEDED_SIZE, Unit
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.xml.documents import uuid_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation

_MOST_FINDINGS = 10
_NO_XML = "xml-malformed"
_MOST_KIB = 2**63 - 1
"""``virDomainInfo`` has 64 bits, which clients in other languages take for signed."""


class NetworkCard(msgspec.Struct, frozen=True, array_like=True):
    """A network card: its address, its virtual network, and its name on the host; "" for none."""

    mac: str
    network: str
    target: str


class DefinedDomain(msgspec.Struct, frozen=True):
    """One of them: `memory_kib`, `current_kib` and `vcpus` as in its XML, 0 if unreadable.

    `online` is how many CPUs are there at first. `nvram` tells whether its firmware keeps variables
    in a file. `on_poweroff` and `on_reboot` are the actions that it asks for. `public` is the XML
    without passwords, "" where there are none; `cards` are its network cards.
    """

    name: str
    uuid: bytes
    xml: str
    os_type: str = "hvm"
    memory_kib: int = 0
    current_kib: int = 0
    vcpus: int = 1
    online: int = 1
    nvram: bool = False
    on_poweroff: str = "destroy"
    on_reboot: str = "restart"
    public: str = ""
    cards: tuple[NetworkCard, ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return 800 + sum(map(sys.getsizeof, (self.xml, self.name, self.os_type, self.public)))


def domain_of(root: Node) -> DefinedDomain:
    """Make one of a document that was found acceptable; it gets a UUID if it has none."""
    name = (root.findtext("name") or "").strip()
    if not name:
        raise LibvirtError(ErrorNumber.XML_ERROR, "the domain has no name", ErrorDomain.DOMAIN)
    memory = kib_of(root.find("memory"))
    vcpus = _count(root.findtext("vcpu", "1"))
    identity = _identified(root)
    node = root.find("vcpu")
    return DefinedDomain(
        name,
        identity,
        _text(root),
        (root.findtext("os/type") or "hvm").strip(),
        memory,
        min(kib_of(root.find("currentMemory")) or memory, memory),
        vcpus,
        min(_count(None if node is None else node.get("current")) or vcpus, vcpus),
        _has_variables(root),
        (root.findtext("on_poweroff") or "destroy").strip(),
        (root.findtext("on_reboot") or "restart").strip(),
        _without_passwords(root),
        tuple(map(_card, root.iterfind("devices/interface"))),
    )


def _card(node: Node) -> NetworkCard:
    def named(element: str, attribute: str) -> str:
        found = node.find(element)
        return "" if found is None else found.get(attribute, "")

    network = named("source", "network") if node.get("type") == "network" else ""
    return NetworkCard(named("mac", "address").lower(), network, named("target", "dev"))


def _text(root: Node) -> str:
    return etree.tostring(root, encoding="unicode", with_tail=False) + "\n"


def _has_variables(root: Node) -> bool:
    system = root.find("os")
    if system is None:
        return False
    return system.get("firmware") == "efi" or system.find("nvram") is not None


def _without_passwords(root: Node) -> str:
    """Give the XML as those see it who may not see passwords, "" where there are none."""
    found = root.xpath("devices/graphics[@passwd]")
    if not isinstance(found, list) or not found:
        return ""
    copied = deepcopy(root)
    for node in copied.iterfind("devices/graphics[@passwd]"):
        del node.attrib["passwd"]
    return _text(copied)


def refusal(found: Validation) -> LibvirtError:
    """Say why a domain is refused: the findings, the first ones if there are many.

    What keeps it from being defined goes before what would keep it from being started.
    """
    errors = _first_errors(found)
    shown = findings_of(found)
    if errors[0].code == _NO_XML:
        return LibvirtError(ErrorNumber.XML_DETAIL, f"at {shown}", ErrorDomain.DOMAIN)
    code = ErrorNumber.XML_ERROR if _is_about_form(errors[0]) else ErrorNumber.CONFIG_UNSUPPORTED
    return LibvirtError(code, shown, ErrorDomain.DOMAIN)


def findings_of(found: Validation) -> str:
    """Give the findings for which a domain is refused, the first ones if there are many."""
    errors = _first_errors(found)
    shown = "; ".join(map(_sentence, errors[:_MOST_FINDINGS]))
    if len(errors) > _MOST_FINDINGS:
        shown += f"; and {len(errors) - _MOST_FINDINGS} more"
    return shown


def _first_errors(found: Validation) -> Sequence[Finding]:
    return [f for f in found.errors if f.stage.value == "define"] or found.errors


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


def kib_of(node: Node | None) -> int:
    """Give a size in KiB, rounded up as libvirt does; 0 for one that can't be read."""
    return min(-(-size_of(node, DEFAULT_UNIT) // KIB), _MOST_KIB)


def size_of(node: Node | None, unit: str = "bytes") -> int:
    """Give a size in bytes, `unit` where it has none of its own; 0 for one that can't be read."""
    if node is None:
        return 0
    try:
        factor = Unit().parse((node.get("unit") or unit).strip())
        number = NEEDED_SIZE.parse((node.text or "").strip())
    except ValueError:
        return 0
    return number * factor


def _count(text: str | None) -> int:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0
