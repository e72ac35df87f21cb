"""Where a running domain can go: hosts that accept it and show its guest the same machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps._version import DEFAULT_DIALECT
from domcaps.errors import DomainError, DomcapsError, UnansweredError
from domcaps.fleet.fleet import CountedReason, accepts_of
from domcaps.fleet.hosts import bits, emulator_key
from domcaps.fleet.roles import judged_document
from domcaps.validate.document.parse import Unreadable, read

if TYPE_CHECKING:
    from domcaps.fleet.fleet import Fleet
    from domcaps.fleet.hosts import FleetHosts
    from domcaps.hosts.host import Host


class Destination(msgspec.Struct, frozen=True):
    """A host that would accept the domain; it can go there where `differences` is empty."""

    host: str
    differences: tuple[str, ...] = ()


class Where(msgspec.Struct, frozen=True):
    """Where a domain can go, where its guest would see a difference, and why not elsewhere."""

    domain: str
    source: str
    machine: str
    destinations: tuple[Destination, ...]
    refused: tuple[str, ...]
    reasons: tuple[CountedReason, ...]


def where(
    fleet: Fleet, xml: bytes, source: str, libvirt: str = DEFAULT_DIALECT, *, name: str = "domain"
) -> Where:
    """Tell where a domain that runs on `source` can go.

    An alias of a machine type stands for what it is on `source`. The processor is compared where
    the domain takes the host's, and the devices as QEMU would get them on each host. Raises
    `DomainError` for a domain that `source` does not accept.
    """
    hosts = fleet.hosts
    if source not in hosts.names:
        fleet.host(source)  # raises
    number = hosts.names.index(source)
    home = fleet.deciding_host(number)
    own = judged_document(xml, hosts.own_paths[number], home.facts.arch)
    refused = home.validate(own, libvirt).errors
    if refused:
        raise DomainError(f"{source} does not accept it: {refused[0].message}", where=name)
    pinned, machine = _pinned(xml, own, home, libvirt)
    answer = fleet.engine(libvirt).ask(name, pinned)
    summary = accepts_of(answer, hosts, pinned)
    looks = _Looks(fleet, pinned, number, libvirt)
    return Where(
        name, source, machine,
        tuple(Destination(hosts.names[n], looks.differences(n))
              for n in bits(answer.accepting) if n != number),
        summary.refused, summary.reasons,
    )  # fmt: skip


def _pinned(xml: bytes, own: bytes, home: Host, libvirt: str) -> tuple[bytes, str]:
    """Give a domain with the canonical name of its machine type, which a guest keeps."""
    from domcaps.validate.target import wanted_of

    try:
        root = read(own).root
    except Unreadable as stopped:
        raise DomainError(stopped.finding.message) from stopped
    world = home.known_world(**wanted_of(root), libvirt=libvirt)
    kept = read(xml).root
    kind = kept.find("os/type")
    if kind is not None:
        kind.set("machine", world.target.machine)
        kind.set("arch", world.target.arch)
    kept.set("type", world.target.virttype)
    return etree.tostring(kept), world.target.machine


class _Looks:
    """What the guest would see on a host, worked out once for hosts that can't differ in it."""

    def __init__(self, fleet: Fleet, xml: bytes, source: int, libvirt: str) -> None:
        self._fleet, self._xml, self._libvirt = fleet, xml, libvirt
        self._mode = _cpu_mode(xml)
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._home = self._seen(source)

    def differences(self, number: int) -> tuple[str, ...]:
        """Name what the guest would see otherwise than at home."""
        hosts = self._fleet.hosts
        key = _class_of(hosts, number)
        if key not in self._known:
            seen = self._seen(number)
            self._known[key] = tuple(
                f"{name}: {self._home.get(name, 'none')} → {seen.get(name, 'none')}"
                for name in sorted(self._home.keys() | seen.keys())
                if self._home.get(name) != seen.get(name)
            )
        return self._known[key]

    def _seen(self, number: int) -> dict[str, str]:
        hosts = self._fleet.hosts
        host = self._fleet.deciding_host(number)
        data = judged_document(self._xml, hosts.own_paths[number], host.facts.arch)
        found = {"processor": self._processor(host)} if self._mode else {}
        try:
            arguments = host.native(data, self._libvirt)[1:]
        except DomcapsError as error:
            return found | {"devices": f"not known of {hosts.names[number]}: {error}"}
        return found | _by_option(arguments)

    def _processor(self, host: Host) -> str:
        """Name what the guest gets of the host's processor."""
        from domcaps.fleet.manifest import encode, sha256

        try:
            cpu, leaves = host.facts.cpu, host.facts.cpuid.leaves
        except UnansweredError:
            # what is not known of two hosts need not be the same
            return f"not known of {host.origin}"
        told = encode([cpu.model, cpu.vendor, cpu.signature, sorted(cpu.flags), leaves])
        return f"{cpu.name or cpu.model or 'unknown'} ({sha256(told)[:8]})"


def _cpu_mode(xml: bytes) -> str:
    found = read(xml).root.find("cpu")
    mode = "" if found is None else found.get("mode", "")
    return mode if mode in {"host-passthrough", "host-model", "maximum"} else ""


def _by_option(arguments: tuple[str, ...]) -> dict[str, str]:
    """Index options by their name and number, so that the odd one is named."""
    found: dict[str, str] = {}
    for number, text in enumerate(arguments):
        if not text.startswith("-"):
            continue
        value = arguments[number + 1] if number + 1 < len(arguments) else ""
        if value.startswith("-"):
            value = ""
        key, count = text, 1
        while key in found:
            count += 1
            key = f"{text} {count}"
        found[key] = value
    return found


def _class_of(hosts: FleetHosts, number: int) -> tuple[str, ...]:
    manifest = hosts.manifests[number]
    return (*map(emulator_key, manifest.emulators), hosts.digests[number])
