"""Changes of a domain's definition that clients ask for: devices, CPUs, memory, metadata.

Each function changes a document that was read. What comes of it is judged as any definition is, so
that nothing is accepted here that libvirt would refuse in a definition. Whether a running QEMU
could take such a device is not known to domcaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.elements.boards.defaults import VCPUS
from domcaps.serve.completed import complete_device
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.xml.documents import parse

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_IDENTITY = {"disk": ("target", "dev"), "interface": ("mac", "address"), "lease": ("key", "")}
"""What tells one device from others of its kind: an attribute of an element within."""

_PER_KIND = {"graphics": "type", "controller": "index"}
_DESCRIPTION, _TITLE, _ELEMENT = 0, 1, 2
"""``virDomainMetadataType``."""


def attach(root: Node, xml: bytes) -> str:
    """Add a device; gives its alias."""
    device = parse(xml, ErrorDomain.DOMAIN)
    complete_device(device)
    devices = root.find("devices")
    if devices is None:
        devices = etree.SubElement(root, "devices")
    devices.append(device)
    return _own_alias(device) or f"{device.tag}{len(devices.findall(str(device.tag))) - 1}"


def detach(root: Node, xml: bytes) -> str:
    """Take a device away; gives its alias."""
    return _remove(_matching(root, parse(xml, ErrorDomain.DOMAIN)))


def detach_alias(root: Node, alias: str) -> str:
    """Take the device of an alias away."""
    for node in root.iterfind("devices/*"):
        if _own_alias(node) == alias:
            return _remove(node)
    raise _missing(f"no device found with alias {alias}")


def update(root: Node, xml: bytes) -> str:
    """Put a device in the place of the one that it stands for."""
    device = parse(xml, ErrorDomain.DOMAIN)
    known = _matching(root, device)
    device.tail = known.tail
    known.addnext(device)
    _remove(known)
    return _own_alias(device)


def _remove(node: Node) -> str:
    parent, alias = node.getparent(), _own_alias(node)
    if parent is not None:
        name = alias or f"{node.tag}{parent.findall(str(node.tag)).index(node)}"
        parent.remove(node)
        return name
    return alias


def _own_alias(node: Node) -> str:
    alias = node.find("alias")
    return "" if alias is None else alias.get("name", "")


def _matching(root: Node, device: Node) -> Node:
    """Find the device that a client means, as far as its description tells; raises."""
    known = root.findall(f"devices/{device.tag}")
    element, attribute = _IDENTITY.get(str(device.tag), ("", ""))
    named = _value(device, element, attribute)
    if named:
        found = [node for node in known if _value(node, element, attribute) == named]
    elif kind := _PER_KIND.get(str(device.tag)):
        found = [node for node in known if node.get(kind) == device.get(kind)]
    else:
        found = [node for node in known if _is_within(device, node)]
    if len(found) > 1 and not named:
        found = [node for node in found if _is_within(device, node)]
    if not found:
        raise _missing(f"no {device.tag} matches{f' {named}' if named else ''}")
    if len(found) > 1:
        detail = f"multiple devices matching {device.tag} found"
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.DOMAIN)
    return found[0]


def _value(node: Node, element: str, attribute: str) -> str:
    found = node.find(element) if element else None
    if found is None:
        return ""
    return (found.get(attribute, "") if attribute else found.text or "").strip().lower()


def _is_within(given: Node, node: Node) -> bool:
    """Tell whether all that an element states stands in another one, too."""
    if given.tag != node.tag or any(node.get(k) != v for k, v in given.items()):
        return False
    text = (given.text or "").strip()
    if text and text != (node.text or "").strip():
        return False
    return all(any(_is_within(child, other) for other in node) for child in given.iterchildren("*"))


def _missing(detail: str) -> LibvirtError:
    return LibvirtError(ErrorNumber.DEVICE_MISSING, detail, ErrorDomain.DOMAIN)


def set_vcpus(root: Node, count: int, *, maximum: bool) -> None:
    """Set how many CPUs there are at first, or at most."""
    node = root.find("vcpu")
    if node is None:
        node = etree.SubElement(root, "vcpu")
        node.text = VCPUS
    most = int((node.text or VCPUS).strip() or 1)
    if maximum:
        node.text = str(count)
        if int(node.get("current") or most) >= count:
            node.attrib.pop("current", "")
        elif node.get("current") is None:
            node.set("current", str(most))
        return
    if not 0 < count <= most:
        detail = f"requested vcpus is greater than max allowable vcpus: {count} > {most}"
        raise LibvirtError(ErrorNumber.INVALID_ARG, detail, ErrorDomain.DOMAIN)
    if count == most:
        node.attrib.pop("current", "")
    else:
        node.set("current", str(count))


def set_memory(root: Node, kib: int, most: int, *, maximum: bool) -> None:
    """Set the memory that a guest has at first, or at most; `most` is what it has now."""
    if not maximum and kib > most:
        detail = "cannot set memory higher than max memory"
        raise LibvirtError(ErrorNumber.INVALID_ARG, detail, ErrorDomain.DOMAIN)
    if maximum:
        _size(root, "memory", kib)
        if kib < most:
            _size(root, "currentMemory", kib)
    else:
        _size(root, "currentMemory", kib)


def _size(root: Node, name: str, kib: int) -> None:
    node = root.find(name)
    if node is None:
        node = etree.Element(name)
        memory = root.find("memory")
        (root.append if memory is None else memory.addnext)(node)
    node.text = str(kib)
    node.set("unit", "KiB")


def set_metadata(root: Node, kind: int, text: str | None, key: str | None, uri: str | None) -> None:
    """Set title, description, or an application's element; None removes it."""
    if kind in {_DESCRIPTION, _TITLE}:
        _set_text(root, "title" if kind == _TITLE else "description", text)
        return
    if kind != _ELEMENT or not uri:
        raise LibvirtError(ErrorNumber.INVALID_ARG, "unknown metadata type", ErrorDomain.DOMAIN)
    node = root.find("metadata")
    if node is None:
        node = etree.Element("metadata")
        before = root.find("uuid")
        (root.append if before is None else before.addnext)(node)
    for known in node.findall(f"{{{uri}}}*"):
        node.remove(known)
    if text is not None:
        node.append(_in_namespace(parse(text, ErrorDomain.DOMAIN), key or "ns0", uri))


def _in_namespace(given: Node, key: str, uri: str) -> Node:
    name = etree.QName(given.tag).localname
    made = etree.Element(f"{{{uri}}}{name}", nsmap={key: uri})
    for attribute, value in given.items():
        made.set(attribute, value)
    made.text = given.text
    made.extend(list(given))
    return made


def _set_text(root: Node, name: str, text: str | None) -> None:
    node = root.find(name)
    if text is None:
        if node is not None:
            root.remove(node)
        return
    if node is None:
        node = etree.Element(name)
        before = root.find("uuid")
        (root.append if before is None else before.addnext)(node)
    node.text = text


def metadata(root: Node, kind: int, uri: str | None) -> str:
    """Give title, description, or an application's element; raises where there is none."""
    if kind in {_DESCRIPTION, _TITLE}:
        found = root.findtext("title" if kind == _TITLE else "description")
    else:
        node = root.find(f"metadata/{{{uri}}}*") if uri else None
        found = None if node is None else etree.tostring(node, encoding="unicode", with_tail=False)
    if found is None:
        detail = "Requested metadata element is not present"
        raise LibvirtError(ErrorNumber.NO_DOMAIN_METADATA, detail, ErrorDomain.DOMAIN)
    return found


def rename(root: Node, name: str) -> None:
    """Give a domain another name."""
    node = root.find("name")
    if not name or "/" in name or node is None:
        detail = f"name {name} cannot contain '/'" if name else "the new name is empty"
        raise LibvirtError(ErrorNumber.XML_ERROR, detail, ErrorDomain.DOMAIN)
    node.text = name
