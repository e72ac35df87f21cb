"""What usual guests get, beside virt-install: ``python usual_guests.py ask FOLDER``, ``table``.

``ask FOLDER`` runs where virt-install and libvirt are. virt-install is told the name of each system
and nothing else; its domain is defined. ``table FOLDER --host RECORDING`` chooses a domain for the
same system on the recorded host, and prints both as a table. ``OSINFO_SYSTEM_DIR`` names the
folder of libosinfo's database, which ought to be the one that virt-install reads. A domain of ours
with less than the guest's minimum, or without what it can't do without, makes the exit code 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    import domcaps
    from domcaps.language.preference import Guest

SYSTEMS = (
    "win11", "win10", "win2k22", "win2k25", "win7", "debian13", "ubuntu24.04", "fedora42",
    "rhel9.5", "almalinux10", "opensuse15.6", "freebsd14.2", "alpinelinux3.21",
)  # fmt: skip
_MIB = 1024
_NAMED = re.compile(
    r"install [\w-]+( [\w-]+)* \((?:as Debian calls it|Debian's package)\)|package [\w-]+"
)
"""How a refusal names what is to be installed."""


def ask(folder: Path) -> None:
    """Write what virt-install makes of each system, and what libvirt says to it."""
    from live_domains import connect, define

    folder.mkdir(parents=True, exist_ok=True)
    connection = connect()
    for system in SYSTEMS:
        command = [
            "virt-install", "--print-xml", "1", "--dry-run", "--name", "usual-guest",
            "--osinfo", system, "--disk", "none", "--import",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        said = " ".join(done.stderr.split())
        if done.returncode == 0:
            (folder / f"{system}.xml").write_text(done.stdout)
            said = define(connection, done.stdout)
        (folder / f"{system}.txt").write_text(said)
        print(f"{system}: {said or 'defined'}")


def described(xml: str) -> str:
    """Say what a domain has of what guests need."""
    root = ET.fromstring(xml)  # noqa: S314 - of virt-install and of this program
    words = [_size(_memory(root)), _cpus(int(root.findtext("vcpu") or 0))]
    if _has_uefi(root):
        words.append("secure boot" if _has_secure_boot(root) else "UEFI")
    if root.find("devices/tpm") is not None:
        words.append("TPM")
    return ", ".join(words)


def _cpus(number: int) -> str:
    return "1 CPU" if number == 1 else f"{number} CPUs"


def _memory(root: ET.Element) -> int:
    """Give the memory in MiB."""
    node = root.find("memory")
    assert node is not None
    unit = {"KiB": 1, "MiB": _MIB, "GiB": _MIB**2}[node.get("unit", "KiB")]
    return int(node.text or 0) * unit // _MIB


def _has_uefi(root: ET.Element) -> bool:
    system = root.find("os")
    return system is not None and system.get("firmware") == "efi"


def _has_secure_boot(root: ET.Element) -> bool:
    loader = root.find("os/loader")
    asked = root.find("os/firmware/feature[@name='secure-boot']")
    by_name = asked is not None and asked.get("enabled") == "yes"
    return by_name or (loader is not None and loader.get("secure") == "yes")


def _size(mib: int) -> str:
    return f"{mib / _MIB:g} GiB"


def lacking(xml: str, guest: Guest) -> list[str]:
    """Give what a domain lacks of what its guest can't do without."""
    root = ET.fromstring(xml)  # noqa: S314 - written by this program
    found = {
        "memory": _memory(root) < guest.memory[0],
        "CPUs": int(root.findtext("vcpu") or 0) < guest.vcpus[0],
        "UEFI": guest.firmware == frozenset({"efi"}) and not _has_uefi(root),
        "secure boot": guest.secure_boot and not _has_secure_boot(root),
        "TPM": guest.tpm and root.find("devices/tpm") is None,
    }
    return [name for name, lacks in found.items() if lacks]


def needed(guest: Guest) -> str:
    """Say what a guest can't do without."""
    words = [_size(guest.memory[0]) if guest.memory[0] else "memory unknown"]
    words.append(_cpus(guest.vcpus[0] or 1))
    if guest.firmware == frozenset({"efi"}):
        words.append("secure boot" if guest.secure_boot else "UEFI")
    return ", ".join([*words, "TPM"] if guest.tpm else words)


def table(folder: Path, host: domcaps.Host, libvirt: str) -> int:
    """Print the table; give how many domains of ours have less than their guest needs."""
    import domcaps
    from domcaps.choose.os_database import guest_of

    print("| guest | needs | virt-install | domcaps |\n|---|---|---|---|")
    short = 0
    for system in SYSTEMS:
        guest, made = guest_of(system, None, "x86_64"), folder / f"{system}.xml"
        said = (folder / f"{system}.txt").read_text().partition(".")[0].partition(":")[2].strip()
        theirs = described(made.read_text()) if made.exists() else "none"
        theirs += f"; refused: {said}" if said else ""
        try:
            ours = host.choose("usual-guest", os=system, libvirt=libvirt)
        except domcaps.UnmetWishesError as unmet:
            cause = next((line for line in unmet.reasons if _NAMED.search(line)), "")
            package = _NAMED.search(cause)
            short += package is None
            said = f"refused; {package[0]}" if package else f"refused, UNSAID: {unmet}"
            print(f"| {system} | {needed(guest)} | {theirs} | {said} |")
            continue
        lacks = lacking(ours.xml, guest)
        short += bool(lacks)
        mine = described(ours.xml) + (f"; LACKS {', '.join(lacks)}" if lacks else "")
        print(f"| {system} | {needed(guest)} | {theirs} | {mine} |")
    print(f"\n{short} of {len(SYSTEMS)} have less than their guest needs")
    return short


def main() -> int:
    """Ask virt-install, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("ask", "table"))
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--host",
        type=Path,
        help="a recording of the host; without it one that lacks KVM, but has swtpm",
    )
    parser.add_argument("--libvirt", default="12.8")
    options = parser.parse_args()
    if options.verb == "ask":
        ask(options.folder)
        return 0
    from poor_hosts import host_at

    host = host_at(options.host)
    return 1 if table(options.folder, host, options.libvirt) else 0


if __name__ == "__main__":
    sys.exit(main())
