"""Small devices: random numbers, balloon, watchdog, TPM, panic, what is redirected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import adds_balloon, panic_model, tpm_model
from domcaps.elements.boards.families import ARM_VIRT, Q35
from domcaps.elements.qemu.types import IOMMUS, PANICS, TPMS, TPMS_OF_VIRT, WATCHDOGS
from domcaps.native.characters import backend
from domcaps.native.disks import usb_place
from domcaps.native.line import Line, Turn, options
from domcaps.native.reading import untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_ON_OFF = {"on", "off"}
_ACTIONS = {"reset": "reset", "shutdown": "shutdown", "poweroff": "poweroff", "pause": "pause",
            "none": "none", "inject-nmi": "inject-nmi"}  # fmt: skip


def write_extras(line: Line, devices: Node) -> None:
    """Tell of them all."""
    reading = line.reading
    for number, node in enumerate(reading.children(devices, "rng")):
        _rng(line, node, number)
    _balloon(line, devices)
    _watchdogs(line, reading.children(devices, "watchdog"))
    for node in reading.children(devices, "tpm"):
        _tpm(line, node)
    for node in reading.children(devices, "panic"):
        _panic(line, node)
    for node in reading.children(devices, "iommu"):
        _iommu(line, node)
    for number, node in enumerate(reading.children(devices, "redirdev")):
        _redirected(line, node, number)
    for number, node in enumerate(reading.children(devices, "hub")):
        reading.get(node, "type", {"usb"})
        told = options("usb-hub", id=f"hub{number}", **usb_place(line, node))
        # before what sits on it
        line.device(Turn.ATTACHED, told, order=-1)


def _rng(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    reading.get(node, "model", {"virtio"})
    source, rate = reading.child(node, "backend"), reading.child(node, "rate")
    if source is None:
        raise untold(node)
    kind = reading.get(source, "model", {"random", "builtin"})
    name, path = f"rng{number}-host", reading.text(source)
    told = options(f"rng-{kind}", id=name, filename=path or None)
    more: dict[str, object] = {}
    if rate is not None:
        # libvirt's period is a second where it says none
        more = {"max-bytes": reading.number(rate, "bytes"),
                "period": reading.number(rate, "period") or 1000}  # fmt: skip
    more |= line.virtio_options(reading.child(node, "driver"))
    line.plug(node, line.virtio("rng"), "-object", told, rng=name, id=f"rng{number}", **more)


def _balloon(line: Line, devices: Node) -> None:
    """Tell of the balloon, and of the one that libvirt adds where a domain says nothing of it."""
    reading = line.reading
    node = reading.child(devices, "memballoon")
    if node is None:
        if adds_balloon(line.domain):
            line.plug(None, line.virtio("balloon"), id="balloon0")
        return
    if reading.get(node, "model", {"virtio", "none"}) == "none":
        return
    stats = reading.child(node, "stats")
    if stats is not None:
        # how often libvirt asks: the guest's device is the same
        reading.set_aside(stats, "period")
    more: dict[str, object] = {
        "deflate-on-oom": reading.get(node, "autodeflate", _ON_OFF),
        "free-page-reporting": reading.get(node, "freePageReporting", _ON_OFF),
    }
    more |= line.virtio_options(reading.child(node, "driver"))
    line.plug(node, line.virtio("balloon"), id="balloon0", **more)


def _watchdogs(line: Line, nodes: list[Node]) -> None:
    reading, actions = line.reading, set()
    for number, node in enumerate(nodes):
        model = reading.get(node, "model", {*WATCHDOGS, "itco"}) or ""
        action = reading.get(node, "action", _ACTIONS) or "reset"
        actions.add(action)
        if len(actions) > 1:
            raise untold(node, "action", "another action than that of the first watchdog")
        if model == "itco":
            if not line.holds(Q35):
                raise untold(node)
            # part of the board, where it is switched off
            line.add("-global", "ICH9-LPC.noreboot=off")
        elif model == "i6300esb":
            line.plug(node, WATCHDOGS[model], id=f"watchdog{number}")
        else:
            line.device(Turn.ATTACHED, options(WATCHDOGS[model], id=f"watchdog{number}"))
    for action in actions:
        line.add("-action", f"watchdog={_ACTIONS[action]}")


def _tpm(line: Line, node: Node) -> None:
    reading = line.reading
    drivers = TPMS if line.is_x86 else TPMS_OF_VIRT if line.holds(ARM_VIRT) else {}
    source = reading.child(node, "backend")
    if source is None or not drivers:
        raise untold(node)
    reading.get(node, "model", drivers)
    model = tpm_model(node, line.domain)
    kind = reading.get(source, "type", {"emulator", "external", "passthrough"})
    if kind == "passthrough":
        device = reading.child(source, "device")
        path = None if device is None else reading.get(device, "path")
        told = ["-tpmdev", options("passthrough", id="tpm0-host", path=path or "/dev/tpm0")]
    else:
        told = _emulated(line, source, kind or "")
    line.device(Turn.ATTACHED, options(drivers[model], id="tpm0", tpmdev="tpm0-host"), *told)


def _emulated(line: Line, source: Node, kind: str) -> list[str]:
    """Take a TPM that another program is: swtpm, which listens at a socket."""
    reading = line.reading
    # these are for that program
    reading.set_aside(source, "version", "persistent_state", "debug")
    path = line.made_up("swtpm.sock")
    if kind == "external":
        place = reading.child(source, "source")
        if place is not None:
            reading.get(place, "type", {"unix"})
            reading.get(place, "mode", {"connect"})
            path = reading.get(place, "path") or path
    return ["-chardev", options("socket", id="tpm0-socket", path=path),
            "-tpmdev", options("emulator", id="tpm0-host", chardev="tpm0-socket")]  # fmt: skip


def _panic(line: Line, node: Node) -> None:
    reading = line.reading
    reading.get(node, "model", {*PANICS, "hyperv", "s390", "default"})
    model = panic_model(node, line.domain)
    if model in {"s390", "hyperv"}:
        # the processor says so
        return
    name = options(PANICS[model], id="panic0")
    if model == "isa":
        address = reading.child(node, "address")
        port = None
        if address is not None:
            reading.get(address, "type", {"isa"})
            port = reading.get(address, "iobase")
        line.device(Turn.ATTACHED, options(PANICS[model], ioport=port))
    elif node.find("address") is None:
        line.device(Turn.ANYWHERE, name)
    else:
        line.plug(node, PANICS[model], id="panic0")


def _redirected(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, f"redir{number}"
    reading.get(node, "bus", {"usb"})
    before = backend(line, node, f"char{name}", "usbredir")
    told = options("usb-redir", chardev=f"char{name}", id=name, **usb_place(line, node),
                   bootindex=line.boot_index(node, "usb"))  # fmt: skip
    line.device(Turn.ATTACHED, told, *before)


def _iommu(line: Line, node: Node) -> None:
    """Write what maps devices' addresses, before all devices."""
    reading = line.reading
    model = reading.get(node, "model", IOMMUS) or ""
    driver = reading.child(node, "driver")
    if model == "virtio":
        if driver is not None:
            raise untold(driver)
        line.plug(node, IOMMUS[model], id="iommu0")
        return
    told: dict[str, object] = {}
    if driver is not None:
        for name, option in (("intremap", "intremap"), ("caching_mode", "caching-mode"),
                             ("eim", "eim"), ("iotlb", "device-iotlb")):  # fmt: skip
            told[option] = reading.get(driver, name, _ON_OFF)
        told["aw-bits"] = reading.number(driver, "aw_bits")
    line.device(Turn.BRIDGE, options(IOMMUS[model], id="iommu0", **told), order=-1)
