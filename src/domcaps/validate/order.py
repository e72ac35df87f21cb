"""The order of findings: what libvirt refuses first comes first.

Libvirt stops at the first fault. It compares with its schema, parses all elements, fills in what
is missing (post-parse), assigns addresses, and validates: first what concerns the driver, then
device after device, at last the domain as a whole. A user who fixes the first finding of a list in
that order has fixed what libvirt complained about.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from domcaps.elements.buses.disk import BUSES
from domcaps.facts.arch import ARCHITECTURES
from domcaps.files import package_text
from domcaps.language.finding import Severity, Stage
from domcaps.language.node_path import without_positions
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern
from domcaps.validate.catalogue.rules import rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding

_PARSING, _FILLING, _DRIVER, _DEVICES = "parse", "post-parse-devices", "driver", "devices"

_PARSED = (
    *("@", "name", "uuid", "genid", "@type", "os/type", "title", "description", "seclabel"),
    *("memory", "currentMemory", "maxMemory", "memoryBacking", "blkiotune", "memtune", "vcpu"),
    *("vcpus", "iothreads", "iothreadids", "defaultiothread", "cputune", "throttlegroups", "cpu"),
    *("numatune", "resource", "features", "on_poweroff", "on_reboot", "on_crash"),
    *("on_lockfailure", "perf", "clock", "pm", "os", "bootloader", "disk", "controller", "lease"),
    *("filesystem", "interface", "smartcard", "parallel", "serial", "console", "channel", "input"),
    *("graphics", "sound", "audio", "video", "hostdev", "watchdog", "memballoon", "rng", "tpm"),
    *("nvram", "hub", "redirdev", "redirfilter", "panic", "shmem", "memdev", "iommu", "vsock"),
    *("crypto", "pstore", "sysinfo", "idmap", "launchSecurity", "keywrap"),
)
"""Elements in the order in which libvirt parses them."""

_ITERATED = (
    *("disk", "interface", "sound", "hostdev", "filesystem", "video", "controller", "smartcard"),
    *(
        "serial",
        "parallel",
        "channel",
        "console",
        "input",
        "watchdog",
        "memballoon",
        "rng",
        "nvram",
    ),
    *("hub", "shmem", "memdev", "panic", "redirdev", "tpm", "vsock", "crypto", "pstore", "iommu"),
    *("graphics", "lease", "audio"),
)
"""Devices in the order in which libvirt fills in and validates them."""

_RANKS = {
    phase: {tag: rank for rank, tag in enumerate(order)}
    for phase, order in ((_PARSING, _PARSED), (_FILLING, _ITERATED), (_DEVICES, _ITERATED))
}
_AT_PARSING = late_pattern(r"-(invalid|missing|unknown)$")
_TYPE, _ARCH = "domain-type-unsupported", "os-arch-unsupported"
_MACHINE = "os-machine-unsupported"
_TYPES = frozenset(
    {
        *("qemu", "kvm", "hvf", "xen", "lxc", "openvz", "test", "vmware", "hyperv", "vbox", "phyp"),
        *("parallels", "bhyve", "vz"),
    }
)
"""Virtualization types that libvirt knows, whether or not QEMU serves them."""
_LATER_BUSES = frozenset(bus.name for bus in BUSES if bus.since is not None)
"""Buses of disks that some releases have no word for."""
_WITH_ADDRESSES = dict.fromkeys(
    [("device-usb-address-wrong", "disk"), ("device-usb-address-wrong", "hostdev")],
    "usb-port-unavailable",
)
"""What is found of some elements only when addresses are assigned: the code to which it is next."""
_MIDDLE = 500
"""The position of a check that is not listed in its pass."""


def in_libvirts_order(findings: Iterable[Finding], root: Node) -> list[Finding]:
    """Sort findings: refusals of the definition as libvirt meets them, of the start, warnings."""
    found = list(findings)
    if len(found) < 2:
        return found
    alike = _alike(root)
    if any(finding.code == _MACHINE for finding in found):
        # it was judged for another machine type, which may have another root
        alike["controller-pci-root-wrong"] = _MACHINE
    return sorted(found, key=lambda finding: _key(finding, alike))


def _alike(root: Node) -> dict[str, str]:
    """Name for codes of the target those that are found when libvirt makes the check here.

    A word that is no type, or no architecture, is refused at parsing. Libvirt needs the type
    already where it has to choose a machine type, or to find one's name for firmware.
    """
    kind, system = root.find("os/type"), root.find("os")
    arch = "" if kind is None else kind.get("arch", "")
    alike = {_ARCH: "os-type-missing"} if arch and arch not in ARCHITECTURES else {}
    machine = "" if kind is None else kind.get("machine", "")
    firmware = "" if system is None else system.get("firmware", "")
    if root.get("type") not in _TYPES:
        alike[_TYPE] = "domain-type-missing"
    elif not machine or (firmware and not re.search(r"\d\.", machine)):
        alike[_TYPE] = "os-firmware-unavailable"
    if _LATER_BUSES.intersection(node.get("bus") for node in root.iterfind("devices/disk/target")):
        # a bus that a release has no word for is refused when the disk is parsed
        alike["disk-bus-unsupported"] = "disk-target-bus-invalid"
    return alike


class _Moment(NamedTuple):
    """When a check is made: the pass, the element's rank in it, and the order of checks of one."""

    phase: int
    rank: int
    position: int


def _key(finding: Finding, alike: dict[str, str]) -> tuple[int | str, ...]:
    place = (finding.line, finding.column, finding.code)
    if finding.severity is not Severity.ERROR:
        return (2, *place)
    if finding.stage is Stage.START:
        return (1, *place)
    return (0, *_moment(alike.get(finding.code, finding.code), finding.path), *place)


def _moment(code: str, path: str) -> _Moment:
    phases, _ = _order()
    tag = _element(path)
    code = _WITH_ADDRESSES.get((code, tag), code)
    phase, position = _moments().get(code) or (_usual_phase(code, path), _MIDDLE)
    ranks = _RANKS.get(phase, {})
    return _Moment(phases.index(phase), ranks.get(tag, len(ranks)), position)


def _usual_phase(code: str, path: str) -> str:
    """Tell by a code's last word when libvirt makes the check."""
    if _AT_PARSING.search(code):
        return _PARSING
    return _DEVICES if "/devices/" in path else _DRIVER


@functools.cache
def _moments() -> dict[str, tuple[str, int]]:
    """Give for each code whose moment is known its pass, and its position in it."""
    named = {
        rule.code: (rule.phase, _MIDDLE)
        for of_part in rules().values()
        for rule in of_part
        if rule.phase
    }
    return {**named, **_order()[1]}


@functools.cache
def _order() -> tuple[tuple[str, ...], dict[str, tuple[str, int]]]:
    """Read ``order.txt``: the passes, and for each listed code its pass and position."""
    phases: list[str] = []
    listed: dict[str, tuple[str, int]] = {}
    name, first, step = "", 0, 1
    for line in package_text("domcaps.validate.catalogue", "order.txt").splitlines():
        if not line.startswith((" ", "#")):
            name, unordered, _ = line.rstrip(":").partition(", as the document")
            phases += [] if name in phases else [name]
            first, step = (_MIDDLE, 0) if unordered else (0, 1)
        for word in line.split() if line.startswith(" ") else ():
            if word == "...":
                first = _MIDDLE + 1
            else:
                listed[word] = (name, first)
                first += step
    return tuple(phases), listed


@functools.lru_cache(maxsize=1024)
def _element(path: str) -> str:
    """Name what of a domain a path leads to: ``/domain/devices/disk[2]/source`` is a disk."""
    steps = without_positions(path).split("/")[2:]
    if steps[:1] == ["devices"]:
        # <memory> is a device, too
        return "memdev" if steps[1:2] == ["memory"] else "".join(steps[1:2])
    return "os/type" if steps[:2] == ["os", "type"] else (steps[0] if steps else "@")
