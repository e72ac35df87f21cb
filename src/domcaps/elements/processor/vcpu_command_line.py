"""QEMU arguments for ``<vcpu>`` and the topology of processors: ``-smp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.processor.vcpu_count import CLUSTERS, DIES, Topology, initial_vcpus, max_vcpus
from domcaps.language.command_line import Line, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_LEVELS = ("sockets", "dies", "clusters", "cores", "threads")


def vcpu_words(line: Line, root: Node) -> list[str]:
    """Give the words for the number of virtual CPUs and their topology."""
    reading, domain = line.reading, line.domain
    vcpu, several = reading.child(root, "vcpu"), reading.child(root, "vcpus")
    if vcpu is not None:
        reading.text(vcpu)
        reading.get(vcpu, "placement", {"static", "auto"})
        reading.set_aside(vcpu, "current")
        reading.beside_attribute(vcpu, "cpuset", "libvirt pins the threads to processors")
    if several is not None:
        reading.beside(several, "libvirt plugs in processors while it starts the machine")
    most, there = max_vcpus(domain), initial_vcpus(domain)
    topology = domain.first(Topology)
    told: dict[str, object] = {"maxcpus": most if most != there else None}
    if topology is None:
        told |= {"sockets": most, "cores": 1, "threads": 1}
    else:
        reading.children(topology.node.getparent(), "topology")  # type: ignore[arg-type]
        given = {name: reading.number(topology.node, name) for name in _LEVELS}
        # levels in between are named where QEMU knows them, or there are several
        for name, known in (("dies", DIES), ("clusters", CLUSTERS)):
            count = given[name] or 1
            given[name] = count if count > 1 or line.holds(known) else None
        told |= given
    return ["-smp", options(str(there), **told)]
