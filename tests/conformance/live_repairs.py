"""Define and start repaired and converted domains on a running libvirt.

``python live_repairs.py make FOLDER --host RECORDING --libvirt VERSION [--cases DIR]`` repairs
domains for the host of a recording, and converts those of i440fx to q35: the domains of
``tests/real_domains.py``, and with ``--cases`` those of a folder of recorded cases, in the order of
a printed seed. FOLDER gets ``fix-NAME.xml`` and ``q35-NAME.xml``.

``python live_repairs.py ask FOLDER`` runs where the libvirt is, and needs nothing but libvirt's
Python module: each file is defined as ``virsh define`` does (with ``--schema`` as ``virsh define
--validate`` does), and as many as ``--starts`` says of each kind are started paused. For that,
storage becomes empty files and networks QEMU's own; domains with devices of the host are left out
and counted. Prints every refusal, and counts.
"""

from __future__ import annotations

import argparse
import random
import sys
import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from live_domains import connect, define

if TYPE_CHECKING:
    from collections.abc import Iterator

    import domcaps
    from domcaps.choose.repaired import Repair

KINDS = ("fix", "q35")
IMAGES = Path("/var/tmp/live-repairs")
VARIABLES = Path("/var/lib/libvirt/qemu/nvram")
HOSTED = ("hostdev", "tpm", "vsock", "redirdev", "smartcard", "lease", "nvram", "crypto")
"""Devices that need hardware or a program of the host."""
_QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"


# -- making the domains, with domcaps --------------------------------------------------------------


def sources(cases: Path | None, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give names and texts: domains as people have them, and then those of recorded cases."""
    from real_domains import real_domains

    yield from ((domain.name, domain.xml) for domain in real_domains())
    files = sorted((cases / "domains" / "xml").glob("*.xml")) if cases is not None else []
    random.Random(seed).shuffle(files)  # noqa: S311 - an order, no secret
    yield from ((path.stem, path.read_bytes()) for path in files)


def make(folder: Path, host: domcaps.Host, options: argparse.Namespace) -> None:
    """Write at most so many domains of each kind, and say what can't be repaired or converted."""
    import domcaps

    folder.mkdir(parents=True, exist_ok=True)
    tried: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for name, data in sources(options.cases, options.seed):
        for kind in KINDS:
            if made[kind] >= options.most:
                continue
            try:
                done = _made(kind, host, data, options.libvirt)
            except domcaps.DomcapsError:
                continue  # no XML, or of no architecture that the host has
            if done is None:
                continue
            tried[kind] += 1
            made[kind] += done.accepted
            if done.accepted:
                (folder / f"{kind}-{name}.xml").write_bytes(done.data)
            else:
                print(f"NOT {kind} {name}: {'; '.join(f.message for f in done.findings)[:200]}")
    for kind in KINDS:
        print(f"{kind}: {made[kind]} of {tried[kind]} made")


def _made(kind: str, host: domcaps.Host, data: bytes, libvirt: str) -> Repair | None:
    """Repair or convert one domain; None where there is nothing to do."""
    from domcaps.choose.conversion import convert

    if kind == "q35":
        return convert([host], data, libvirt, board="q35").repair if _is_i440fx(data) else None
    return None if host.validate(data, libvirt).accepted else host.repair(data, libvirt)


def _is_i440fx(data: bytes) -> bool:
    return b"i440fx" in data or b'machine="pc"' in data or b"machine='pc'" in data


# -- asking libvirt --------------------------------------------------------------------------------


def startable(xml: str) -> str:
    """Give a domain that needs nothing of the host, "" where one can't be made of it."""
    root = ET.fromstring(xml)  # noqa: S314 - written by this program
    devices = root.find("devices")
    if devices is None or any(devices.find(tag) is not None for tag in HOSTED):
        return ""
    if root.find(f"{{{_QEMU}}}commandline") is not None or root.find("launchSecurity") is not None:
        return ""
    makers = (
        _with_own_name, _with_empty_disks, _with_own_network, _with_own_channels,
        _with_own_backends,
    )  # fmt: skip
    return ET.tostring(root, encoding="unicode") if all(make(root) for make in makers) else ""


def _with_own_name(root: ET.Element) -> bool:
    """Names are of files, too, such as those of firmware's variables."""
    for tag in ("name", "uuid", "seclabel", "metadata", "numatune", "resource", "cputune"):
        for node in root.findall(tag):
            root.remove(node)
    ET.SubElement(root, "name").text = f"repairs-{uuid.uuid4().hex[:12]}"
    for path in (
        "os/acpi",
        "devices/memory/source",
        # memory that is taken at once, or from other files
        "memoryBacking/allocation",
        "memoryBacking/locked",
        "vcpu[@placement='auto']",
        "os/loader",
        "os/kernel",
        "os/initrd",
        "os/nvram",
        "memoryBacking/hugepages",
    ):
        if root.find(path) is not None:
            return False
    return True


def _with_empty_disks(root: ET.Element) -> bool:
    IMAGES.mkdir(exist_ok=True)
    for number, disk in enumerate(root.iterfind("devices/disk")):
        source, driver = disk.find("source"), disk.find("driver")
        if disk.get("type") not in {"file", "block"} or disk.get("device") == "lun":
            return False
        for node in disk.findall("driver/metadata_cache/.."):
            node.clear()
        for tag in ("backingStore", "encryption", "mirror", "auth"):
            for node in disk.findall(tag):
                disk.remove(node)
        if source is not None:
            disk.remove(source)
            disk.set("type", "file")
            image = IMAGES / f"{number}.raw"
            with image.open("ab") as stream:
                stream.truncate(2**30)
            ET.SubElement(disk, "source", {"file": str(image)})
        if driver is not None and driver.get("type"):
            driver.set("type", "raw")
    return True


def _with_own_network(root: ET.Element) -> bool:
    for card in root.iterfind("devices/interface"):
        if card.get("type") not in {"network", "bridge", "user", "direct", "ethernet", "internal"}:
            return False
        card.set("type", "user")
        for node in list(card):
            if node.tag not in {"mac", "model", "address", "boot", "alias", "link"}:
                card.remove(node)
    return True


def _with_own_channels(root: ET.Element) -> bool:
    for tag in ("serial", "console", "parallel"):
        for device in root.iterfind(f"devices/{tag}"):
            device.set("type", "null")
            for node in [*device.findall("source"), *device.findall("protocol")]:
                device.remove(node)
    for channel in root.iterfind("devices/channel"):
        if channel.get("type", "pty") not in {"unix", "spicevmc", "qemu-vdagent", "null"}:
            channel.set("type", "null")
            for source in channel.findall("source"):
                channel.remove(source)
        for source in channel.findall("source") if channel.get("type") == "unix" else ():
            channel.remove(source)
    return True


def _with_own_backends(root: ET.Element) -> bool:
    for devices in root.iterfind("devices"):  # a graphics card of the host is not there
        for screen in devices.findall("graphics[@type='egl-headless']"):
            devices.remove(screen)
    for screen in root.iterfind("devices/graphics"):
        kind = screen.get("type") or "vnc"
        screen.clear()
        kind = "vnc" if kind == "sdl" else kind  # it is shown on a desktop of the host
        screen.attrib.update({"type": kind, "autoport": "yes"})
    for audio in root.iterfind("devices/audio"):
        number = audio.get("id") or "1"
        audio.clear()
        audio.attrib.update({"id": number, "type": "none"})
    for backend in root.iterfind("devices/rng/backend[@model='random']"):
        backend.text = "/dev/urandom"
    shares = [share.find("driver") for share in root.iterfind("devices/filesystem")]
    inputs = {device.get("type") for device in root.iterfind("devices/input")}
    return not shares and not inputs & {"passthrough", "evdev"}


def start(connection: Any, xml: str) -> str:
    """Start paused and destroy; give the refusal."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    refusal = ""
    for _ in range(3):  # another libvirt of the machine may take the port of a screen
        try:
            domain = connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
        except libvirt.libvirtError as error:
            refusal = str(error)
            if "Address already in use" in refusal:
                continue
            return refusal
        domain.destroy()
        return ""
    return refusal


def ask(folder: Path, starts: int, seed: int, *, schema: bool) -> int:
    """Define all, start some in the order of a seed; give the number of refusals."""
    connection = connect()
    refused = 0
    for kind in KINDS:
        files = sorted(folder.glob(f"{kind}-*.xml"))
        random.Random(seed).shuffle(files)  # noqa: S311 - an order, no secret
        defined, started, failed, left_out = 0, 0, 0, 0
        for path in files:
            xml = path.read_text()
            refusal = define(connection, xml, schema=schema)
            defined += not refusal
            if refusal:
                print(f"DEFINE {path.name}: {refusal}")
            if started + failed >= starts:
                continue
            mine = startable(xml)
            left_out += not mine
            if mine:
                refusal = start(connection, mine)
                started, failed = started + (not refusal), failed + bool(refusal)
                if refusal:
                    print(f"START {path.name}: {refusal}")
        refused += len(files) - defined + failed
        print(
            f"{kind}: {defined} of {len(files)} defined; {started} of {started + failed} started "
            f"paused, {left_out} need the host",
            flush=True,
        )
    return refused


def main() -> int:
    """Make the domains, or ask libvirt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("make", "ask"))
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--host", type=Path, help="a recording; without it a host without KVM, SPICE, QXL"
    )
    parser.add_argument("--libvirt", default="12.8", help="the release that is there")
    parser.add_argument("--cases", type=Path, help="a folder of recorded cases")
    parser.add_argument("--most", type=int, default=120, help="so many domains of each kind")
    parser.add_argument("--starts", type=int, default=30, help="so many of each kind are started")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--schema", action="store_true", help="as virsh define --validate does")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    if options.verb == "ask":
        refused = ask(options.folder, options.starts, options.seed, schema=options.schema)
        return 1 if refused else 0
    from poor_hosts import host_at

    host = host_at(options.host)
    make(options.folder, host, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
