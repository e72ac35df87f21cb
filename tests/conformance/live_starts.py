"""Start domains paused on a running libvirt: ``python live_starts.py DIR [--most 50]``.

Takes domains of DIR in turn of their architectures and types, makes the disks that they name,
starts each paused and destroys it. Ends with ``N started, N refused``.

The libvirt may live in a folder with little more than itself. Images are therefore made empty and
raw, whatever leads to a terminal leads nowhere, and domains that need a device or firmware of
the host that is not there, or a program that wants name spaces of its own (virtiofsd, passt), are
left out and counted.
"""

from __future__ import annotations

import argparse
import re
import sys
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from live_domains import connect

HOSTED = ("virtiofs", "<loader", "<hostdev", "passt", "type='passthrough'", 'type="passthrough"',
          # a board whose first program is not QEMU's
          "microchip-icicle-kit")  # fmt: skip
VARIABLES = Path("/var/lib/libvirt/qemu/nvram")
_DISK = re.compile(r'<source (?:file)="([^"]+)"')
_KEY = re.compile(r'arch="([^"]+)" machine="([^"]*)"')


def in_turn(files: list[Path]) -> list[Path]:
    """Order the files so that every architecture, machine and type comes early."""
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        text = path.read_text()
        found = _KEY.search(text)
        kind = "kvm" if 'domain type="kvm"' in text else "qemu"
        arch, machine = found.groups() if found else ("", "")
        board = re.sub(r"-[\d.]+$", "", machine)
        groups.setdefault((kind, arch, board), []).append(path)
    ordered = []
    while any(groups.values()):
        ordered += [group.pop(0) for _, group in sorted(groups.items()) if group]
    return ordered


def is_startable(text: str) -> bool:
    """Tell whether a domain needs nothing of the host that a bare folder lacks."""
    return not any(word in text for word in HOSTED)


def start(connection: Any, xml: str) -> str:
    """Start paused and destroy; give the refusal."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    for path in _DISK.findall(xml):
        file = Path(path)
        if path.startswith("/var/tmp/") and not file.exists():
            with file.open("wb") as stream:
                stream.truncate(2**30)
    try:
        domain = connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
    except libvirt.libvirtError as error:
        return str(error)
    try:
        domain.destroy()
    except libvirt.libvirtError as error:
        return f"not destroyed: {error}"
    return ""


def tried(connection: Any, xml: str) -> str:
    """Start a domain as this folder can: without terminals, with empty disks."""
    # images are made empty, of no format but raw
    xml = xml.replace('type="qcow2"', 'type="raw"')
    xml = re.sub(r'<(\w+) ([^>]*\b)?type="pty"', r'<\1 \2type="null"', xml)
    xml = re.sub(r"<(console|serial|channel|parallel)>", r'<\1 type="null">', xml)
    # a name of its own: variables of firmware are kept by name, and may be another's
    name = f"starts-{uuid.uuid4().hex[:12]}"
    xml = re.sub("<name>[^<]*<", f"<name>{name}<", xml)
    xml = re.sub("<uuid>[^<]*</uuid>", "", xml)
    refusal = start(connection, xml)
    for _ in range(3):
        # another libvirt on this machine took the port that this one had just looked at
        if "Address already in use" in refusal:
            refusal = start(connection, xml)
    for kept in VARIABLES.glob(f"{name}_*"):
        kept.unlink()
    return refusal


def main() -> int:
    """Start as many as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=50)
    options = parser.parse_args()
    connection = connect()
    started = refused = 0
    files = sorted(options.folder.glob("*.xml"))
    startable = [path for path in files if is_startable(path.read_text())]
    print(f"{len(files) - len(startable)} of {len(files)} need the host, and are left out")
    for path in in_turn(startable)[: options.most]:
        xml = path.read_text()
        found = _KEY.search(xml)
        refusal = tried(connection, xml)
        started += not refusal
        refused += bool(refusal)
        print(f"{path.name} {found.groups() if found else ''}: {refusal or 'started'}", flush=True)
    print(f"{started} started, {refused} refused")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
