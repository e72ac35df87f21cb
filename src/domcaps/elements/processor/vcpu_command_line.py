"""QEMU arguments for ``<vcpu>`` and the topology of processors: ``-smp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.processor.vcpu_count import Topology, initial_vcpus, max_vcpus
from domcaps.language.command_line import Line, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def vcpu_words(line: Line, root: Node) -> list[str]:
    """Give the words for the number of virtual CPUs and their topology."""
    reading, domain = line.reading, line.domain
    vcpu = reading.child(root, "vcpu")
    if vcpu is not None:
        reading.text(vcpu)
        reading.get(vcpu, "placement", {"static"})
        reading.set_aside(vcpu, "current")
    most, there = max_vcpus(domain), initial_vcpus(domain)
    topology = domain.first(Topology)
    told: dict[str, object] = {"maxcpus": most if most != there else None}
    if topology is None:
        told |= {"sockets": most, "cores": 1, "threads": 1}
    else:
        reading.children(topology.node.getparent(), "topology")  # type: ignore[arg-type]
        for name in ("sockets", "dies", "clusters", "cores", "threads"):
            count = reading.number(topology.node, name)
            told[name] = None if count == 1 and name in {"dies", "clusters"} else count
    return ["-smp", options(str(there), **told)]
