"""One domain for several hosts, and one report of what all of them can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps._version import DEFAULT_DIALECT
from domcaps.checked import checked, require
from domcaps.errors import RequestError
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import build

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from domcaps.choose.api import WishOptions
    from domcaps.choose.chosen import Chosen
    from domcaps.hosts.host import Host


@checked
def choose_for(
    hosts: Iterable[Host],
    name: str = "guest",
    memory: str | int | None = None,
    vcpus: int | None = None,
    **wishes: Unpack[WishOptions],
) -> Chosen:
    """Choose a domain that every one of some hosts accepts; see `Host.choose`."""
    from domcaps.choose.api import choose

    listed = _listed(hosts)
    if not listed:
        raise RequestError("a domain needs a host")
    return choose(listed, listed[0].guest_arch, name, memory, vcpus, **wishes)


@checked
def baseline(
    hosts: Iterable[Host],
    emulator: str | None = None,
    arch: str | None = None,
    machine: str | None = None,
    virttype: str | None = None,
    libvirt: str = DEFAULT_DIALECT,
) -> DomainCapabilities:
    """Give what all of some hosts can do, as one report.

    Without a `virttype` one is taken that all of them serve, an accelerated one where possible.
    Raises `RequestError` where the hosts have no target in common.
    """
    from domcaps.report.baseline import baseline as of_all

    listed = _listed(hosts)
    if not listed:
        raise RequestError("a baseline needs a host")
    worlds = [host.world(emulator, arch, machine, virttype, libvirt) for host in listed]
    if virttype is None and len({world.target.virttype for world in worlds}) > 1:
        served = [world.emulator.virttypes for world in worlds]
        kind = next((k for k in served[0] if all(k in other for other in served)), None)
        worlds = [host.world(emulator, arch, machine, kind, libvirt) for host in listed]
    return DomainCapabilities(of_all([build(world) for world in worlds]))


def _listed(hosts: Iterable[Host]) -> list[Host]:
    """Give hosts as a list, of which a generator was not looked into before."""
    from domcaps.argument_kinds import kind_of

    listed = list(hosts)
    require("hosts", listed, kind_of("Iterable[Host]"))
    return listed
