"""What a domain asks of its processor, with what libvirt takes where it leaves something out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.guest_cpu import AskedCpu
from domcaps.cpu.modes import CUSTOM, HOST_MODEL, PASSTHROUGH
from domcaps.elements.processor.definition import Cpu, default_cpu
from domcaps.elements.processor.features import policies
from domcaps.facts.arch import S390, X86
from domcaps.facts.emulator import Unanswered
from domcaps.language.domain import Domain

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.world import World

_HOST = "host"
"""QEMU's name of the processor of the host."""


def asked_cpu(root: Node, world: World) -> AskedCpu:
    """Give what a domain asks for in the target that `world` is.

    A domain that names no model has the default of its machine type; `model` is "" where that is
    not known.
    """
    domain = Domain(root, world)
    cpu = domain.first(Cpu)
    told = policies(domain)
    on, optional, off = (
        frozenset(name for name, policy in told.items() if policy in some)
        for some in (("require", "force"), ("optional",), ("disable", "forbid"))
    )
    if cpu is None or cpu.is_open:
        return _default(domain)
    if cpu.mode != CUSTOM:
        return AskedCpu(cpu.mode, "", on, optional, off)
    if cpu.match == "minimum" and domain.arch in X86:
        # libvirt takes the model of the host, which has to have at least this
        return AskedCpu(HOST_MODEL, "", on, optional, off)
    return AskedCpu(CUSTOM, cpu.model, on, optional, off)


def _default(domain: Domain) -> AskedCpu:
    try:
        model = default_cpu(domain)
    except Unanswered:
        model = ""
    if model == _HOST:
        return AskedCpu(HOST_MODEL if domain.arch in S390 else PASSTHROUGH)
    return AskedCpu(CUSTOM, model)
