"""QEMU arguments for ``<launchSecurity>``: the object that encrypts a guest's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import YES_NO, Line, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_OBJECTS = {"sev": "sev-guest", "sev-snp": "sev-snp-guest", "s390-pv": "s390-pv-guest",
            "tdx": "tdx-guest"}  # fmt: skip
_NAME = "lsec0"
_TEXTS = {
    "sev-snp": {"guestVisibleWorkarounds": "guest-visible-workarounds", "idBlock": "id-block",
                "idAuth": "id-auth", "hostData": "host-data"},
    "tdx": {"mrConfigId": "mrconfigid", "mrOwner": "mrowner", "mrOwnerConfig": "mrownerconfig"},
}  # fmt: skip
_FILES = {"dhCert": "dh-cert-file", "session": "session-file"}
_SOCKET = "/var/run/tdx-qgs/qgs.socket"


def write_security(line: Line, root: Node) -> None:
    """Write the object, which the machine type refers to."""
    reading = line.reading
    node = reading.child(root, "launchSecurity")
    if node is None:
        return
    kind = reading.one(node, "type", _OBJECTS)
    told: dict[str, object] = {}
    if kind in {"sev", "sev-snp"}:
        told |= _figures(line, node)
    policy = reading.child(node, "policy")
    if policy is not None:
        told["policy" if kind != "tdx" else "attributes"] = _number(line, policy)
    if kind == "sev":
        told |= {option: _file(line, node, tag) for tag, option in _FILES.items()}
    for tag, option in _TEXTS.get(kind, {}).items():
        inside = reading.child(node, tag)
        told[option] = None if inside is None else reading.text(inside)
    told |= _switches(line, node, kind)
    line.machine["confidential-guest-support"] = _NAME
    line.add("-object", options(_OBJECTS[kind], id=_NAME, **told))


def _number(line: Line, node: Node) -> int:
    text = line.reading.text(node)
    try:
        return int(text, 0)
    except ValueError:
        raise untold(node, "", f"the value {text!r}") from None


def _figures(line: Line, node: Node) -> dict[str, object]:
    """Take the figures of the platform, which the domain may repeat."""
    found: dict[str, object] = {}
    sev = line.domain.world.emulator.sev
    for tag, option in (("cbitpos", "cbitpos"), ("reducedPhysBits", "reduced-phys-bits")):
        inside = line.reading.child(node, tag)
        if inside is not None:
            found[option] = _number(line, inside)
        elif sev is not None:
            found[option] = sev.cbitpos if tag == "cbitpos" else sev.reduced_phys_bits
        else:
            raise untold(node, "", "a platform that is not known")
    return found


def _file(line: Line, node: Node, tag: str) -> str | None:
    """Name the file that libvirt writes a text of the owner's into."""
    inside = line.reading.child(node, tag)
    if inside is None:
        return None
    line.reading.text(inside)
    name = {"dhCert": "dh_cert.base64"}.get(tag, "session.base64")
    return line.need("text", line.made_up(name), inside)


def _switches(line: Line, node: Node, kind: str) -> dict[str, object]:
    reading, told = line.reading, dict[str, object]()
    hashes = reading.get(node, "kernelHashes", YES_NO)
    told["kernel-hashes"] = None if hashes is None else hashes == "yes"
    if kind == "sev-snp":
        author, vcek = (reading.get(node, name, YES_NO) for name in ("authorKey", "vcek"))
        told["author-key-enabled"] = None if author is None else author == "yes"
        told["vcek-disabled"] = None if vcek is None else vcek == "no"
    service = reading.child(node, "quoteGenerationService")
    if service is not None:
        path = reading.get(service, "path") or _SOCKET
        told |= {
            "quote-generation-socket.type": "unix",
            "quote-generation-socket.path": line.need("server-socket", path, service),
        }
    return told
