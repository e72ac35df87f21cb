"""Samples made into whole domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.validate.schema.vocabulary import vocabulary

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.rule import Sample

_PARSER = etree.XMLParser(remove_comments=True, remove_pis=True)
_PLAIN = {"name": "sample", "memory": "1048576", "vcpu": "1"}


def domain_of(sample: Sample) -> str:
    """Give the whole domain that a sample stands for.

    Children of ``<domain>`` are put into a plain one, and devices into its ``<devices>``.
    """
    if sample.xml.lstrip().startswith(("<domain", "<?xml", "<!DOCTYPE")):
        return sample.xml
    given = etree.fromstring(f"<domain xmlns:qemu='{_QEMU}'>{sample.xml}</domain>", _PARSER)
    domain = etree.Element("domain", type=sample.virttype, nsmap={"qemu": _QEMU})
    devices = etree.Element("devices")
    children = list(given)
    own = [child for child in children if not _is_device(child)]
    names = {child.tag for child in own}
    for name, text in _PLAIN.items():
        if name not in names:
            etree.SubElement(domain, name).text = text
    domain.extend(own)
    _complete_os(domain, sample)
    stated = domain.find("devices")
    if stated is None:
        domain.append(devices)
        stated = devices
    stated.extend([child for child in children if child not in own])
    etree.cleanup_namespaces(domain, keep_ns_prefixes=["qemu"] if b"qemu:" in _text(given) else [])
    etree.indent(domain)
    return _text(domain).decode()


_QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"


def _text(node: Node) -> bytes:
    return etree.tostring(node, encoding="utf-8")


def _is_device(node: Node) -> bool:
    """Tell a device from a child of ``<domain>``; where a name is both, by what stands in it."""
    domain = vocabulary()
    devices = domain.children["devices"]
    tag = str(node.tag)
    if tag in domain.children and tag in devices.children:
        here = domain.children[tag]
        inside = {str(child.tag) for child in node}
        return not (here.attributes >= set(node.keys()) and inside <= set(here.children))
    return tag in devices.children


def _complete_os(domain: Node, sample: Sample) -> None:
    system = domain.find("os")
    if system is None:
        system = etree.SubElement(domain, "os")
    kind = system.find("type")
    if kind is None:
        kind = etree.Element("type")
        kind.text = "hvm"
        system.insert(0, kind)
    if kind.get("arch") is None:
        kind.set("arch", sample.arch)
    if sample.machine and kind.get("machine") is None:
        kind.set("machine", sample.machine)
