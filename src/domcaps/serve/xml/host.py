"""The host part of ``<capabilities>``: what the machine is, apart from its guests.

Source of the form: libvirt's document *Driver capabilities* (``formatcaps``). What was not read
is left out. What libvirt prints of every host (``<migration_features>``) is printed here, too,
since clients may rely on its being there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.processor import processor
from domcaps.facts.arch import X86
from domcaps.serve.node_info import node_info
from domcaps.serve.xml.caches import shared
from domcaps.serve.xml.topology import E, topology

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.facts.node import Node as Hardware
    from domcaps.facts.record import HostRecord
    from domcaps.hosts.host import Host
    from domcaps.language.dialect import Dialect

_PAGE_KIB = 4
_TRANSPORTS = ("tcp", "rdma")


def host_part(host: Host, dialect: Dialect) -> Node:
    """Describe the host in the words of a release."""
    record, node = host.facts.record, host.node
    found: Node = E("host")
    if node is not None and node.uuid:
        found.append(E("uuid", node.uuid))
    found.append(_cpu(record, node, dialect))
    sleeps = node.suspends if node else ()
    found.append(E("power_management", *(E(f"suspend_{how}") for how in sleeps)))
    has_iommu = record.vfio.usable if node is None or node.iommu is None else node.iommu
    found.append(E("iommu", support="yes" if has_iommu else "no"))
    transports = (E("uri_transport", name) for name in _TRANSPORTS)
    found.append(E("migration_features", E("live"), E("uri_transports", *transports)))
    found.append(topology(record, node))
    if node is not None:
        found.extend(shared(node.caches, node.resctrl))
    found.extend(_security(record, node))
    return found


def _security(record: HostRecord, node: Hardware | None) -> list[Node]:
    """List the security models: files have owners wherever somebody may change them."""
    found = [E("secmodel", E("model", "none"), E("doi", "0"))]
    if record.privileged and node is not None:
        owner = f"+{node.uid}:+{node.gid}"
        labels = (E("baselabel", owner, type=kind) for kind in ("kvm", "qemu"))
        found.append(E("secmodel", E("model", "dac"), E("doi", "0"), *labels))
    return found


def _cpu(record: HostRecord, node: Hardware | None, dialect: Dialect) -> Node:
    cpu = record.cpu
    known = processor(node, record.arch, cpu, dialect)
    found: Node = E("cpu", E("arch", record.arch))
    if known is not None:
        found.append(E("model", known.model))
        if known.vendor:
            found.append(E("vendor", known.vendor))
    if record.arch in X86:
        found.extend(_processor(record, node))
    info = node_info(record, node)
    found.append(
        E(
            "topology",
            sockets=str(info.sockets),
            dies="1",
            clusters="1",
            cores=str(info.cores),
            threads=str(info.threads),
        )
    )
    if cpu.phys_addr_bits:
        found.append(E("maxphysaddr", mode="emulate", bits=str(cpu.phys_addr_bits)))
    found.extend(E("feature", name=feature.name) for feature in (known.features if known else ()))
    for size in sorted({_PAGE_KIB, *record.hugepage_sizes_kib, *_page_sizes(node)}):
        found.append(E("pages", unit="KiB", size=str(size)))
    return found


def _page_sizes(node: Hardware | None) -> set[int]:
    return {size for cell in (node.cells if node else ()) for size, _ in cell.pages}


def _processor(record: HostRecord, node: Hardware | None) -> list[Node]:
    found = []
    if record.cpu.microcode:
        found.append(E("microcode", version=str(record.cpu.microcode)))
    if record.cpu.signature:
        family, model, stepping = map(str, record.cpu.signature)
        found.append(E("signature", family=family, model=model, stepping=stepping))
    if node is not None and node.tsc_hz:
        scaling = "yes" if node.tsc_scaling else "no"
        found.append(E("counter", name="tsc", frequency=str(node.tsc_hz), scaling=scaling))
    return found
