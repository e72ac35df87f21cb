"""Verdicts on domains for clients: what is refused as libvirt would refuse it, and in which words.

Workers call these functions: reading XML and validating it may take long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.serve.completed import complete
from domcaps.serve.domains import DefinedDomain, domain_of, findings_of, refusal
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.xml.documents import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.serve.session import ClientSession
    from domcaps.validate.check import Validation

_MISSING_FILES = {"disk-source-file-missing", "disk-backingstore-file-missing"}


def definition(session: ClientSession, xml: bytes) -> DefinedDomain:
    """Judge a definition; raises `LibvirtError` with what libvirt would refuse."""
    require(session, xml, start=False)
    root = parse(xml, ErrorDomain.DOMAIN)
    complete(session, root)
    return domain_of(root)


def require(session: ClientSession, xml: bytes, made: Iterable[str] = (), *, start: bool) -> None:
    """Judge whether a domain can be defined, or started if `start`; raises `LibvirtError`.

    The error has what libvirt would refuse. `made` are paths of volumes that exist in the sandbox
    alone.
    """
    found = without_made(session.served().host.validate(xml, session.libvirt), made)
    if not (found.accepted if start else found.definable):
        raise refusal(found)


def without_made(found: Validation, made: Iterable[str]) -> Validation:
    """Leave out that files are missing which were made in the sandbox."""
    paths = [repr(path) for path in made]
    kept = tuple(
        finding
        for finding in found.findings
        if finding.code not in _MISSING_FILES or not any(p in finding.message for p in paths)
    )
    return msgspec.structs.replace(found, findings=kept)


def not_run(session: ClientSession, function: str, xml: bytes) -> LibvirtError:
    """Say that a function is not carried out, and what libvirt would make of the definition."""
    found = session.served().host.validate(xml, session.libvirt)
    libvirt = f"libvirt {session.libvirt}"
    if found.accepted:
        verdict = f"{libvirt} would accept and start this definition"
    elif found.definable:
        verdict = f"{libvirt} would accept this definition, but not start it: {findings_of(found)}"
    else:
        verdict = f"{libvirt} would refuse this definition: {findings_of(found)}"
    return LibvirtError(ErrorNumber.NO_SUPPORT, f"{function}: domcaps runs no machines; {verdict}")


def live_definition(xml: bytes, last_interface: int) -> DefinedDomain:
    """Give the definition of the running machine; `last_interface` is the last number given.

    A network card gets a name on the host's side, as libvirt gives it when the domain starts.
    """
    root = parse(xml, ErrorDomain.DOMAIN)
    for number, node in enumerate(root.iterfind("devices/interface"), last_interface + 1):
        target = node.find("target")
        if target is None:
            target = etree.SubElement(node, "target")
        if not target.get("dev") or target.get("dev", "").startswith("vnet"):
            target.set("dev", f"vnet{number}")
    return domain_of(root)
