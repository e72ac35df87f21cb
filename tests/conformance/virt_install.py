"""Side by side with virt-install: ``python virt_install.py FOLDER``, where both are.

For 25 usual guests both are asked for a domain, and libvirt is asked to define both. FOLDER is
where the XML is written: ``NN-theirs.xml``, and ``NN-ours.xml`` is expected there already when it
was chosen elsewhere (``--choose HOST`` chooses, and does nothing else). Prints a line for each
guest. With ``--start`` what is defined is also started paused.
"""

# ruff: noqa: E501 - a table

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

DISK = "/var/tmp/choose-side.qcow2"

# a name, what virt-install is told, and the same for us
GUESTS: list[tuple[str, list[str], dict[str, Any]]] = [
    ("Ubuntu desktop", ["--osinfo", "ubuntu22.04"], {"os": "ubuntu22.04"}),
    ("Debian server", ["--osinfo", "debian11", "--graphics", "none"], {"os": "debian11", "graphics": "none"}),
    ("Fedora with UEFI", ["--osinfo", "fedora36", "--boot", "uefi"], {"os": "fedora36", "uefi": True}),
    ("RHEL 9", ["--osinfo", "rhel9.0"], {"os": "rhel9.0"}),
    ("CentOS Stream 9", ["--osinfo", "centos-stream9"], {"os": "centos-stream9"}),
    ("openSUSE", ["--osinfo", "opensuse15.4"], {"os": "opensuse15.4"}),
    ("Alpine, small", ["--osinfo", "alpinelinux3.15", "--graphics", "none"], {"os": "alpinelinux3.15", "use": "small"}),
    ("Arch", ["--osinfo", "archlinux"], {"os": "archlinux"}),
    ("FreeBSD", ["--osinfo", "freebsd13.1"], {"os": "freebsd13.1"}),
    ("OpenBSD", ["--osinfo", "openbsd7.0"], {"os": "openbsd7.0"}),
    ("Windows 10", ["--osinfo", "win10"], {"os": "win10"}),
    ("Windows 11", ["--osinfo", "win11"], {"os": "win11"}),
    ("Windows Server 2022", ["--osinfo", "win2k22"], {"os": "win2k22"}),
    ("Windows 7", ["--osinfo", "win7"], {"os": "win7"}),
    ("Windows XP", ["--osinfo", "winxp"], {"os": "winxp"}),
    ("some Linux", ["--osinfo", "linux2020"], {"os": "linux2020"}),
    ("unknown system", ["--osinfo", "generic"], {}),
    ("SPICE asked for", ["--osinfo", "fedora36", "--graphics", "spice"], {"os": "fedora36", "graphics": "spice"}),
    ("QXL asked for", ["--osinfo", "fedora36", "--video", "qxl"], {"os": "fedora36", "settings": ["video.modelType=qxl"]}),
    ("SPICE and QXL on Windows", ["--osinfo", "win10", "--graphics", "spice", "--video", "qxl"], {"os": "win10", "graphics": "spice", "settings": ["video.modelType=qxl"]}),
    ("UEFI on the old board", ["--osinfo", "debian11", "--machine", "pc", "--boot", "uefi"], {"os": "debian11", "machine": "pc", "uefi": True}),
    ("secure boot", ["--osinfo", "fedora36", "--boot", "firmware=efi,firmware.feature0.name=secure-boot,firmware.feature0.enabled=yes,loader.secure=yes", "--features", "smm.state=on"], {"os": "fedora36", "secure_boot": True}),
    ("a TPM", ["--osinfo", "debian11", "--tpm", "emulator"], {"os": "debian11", "tpm": True}),
    ("64-bit ARM", ["--osinfo", "debian11", "--arch", "aarch64"], {"os": "debian11", "arch": "aarch64"}),
    ("a mainframe", ["--osinfo", "debian11", "--arch", "s390x"], {"os": "debian11", "arch": "s390x"}),
]  # fmt: skip


def theirs(extra: list[str], virttype: str) -> tuple[str, str]:
    """Ask virt-install; give the XML, or what it said."""
    command = [
        "virt-install", "--print-xml", "1", "--dry-run", "--name", "choose-side",
        "--memory", "2048", "--vcpus", "2", "--disk", f"type=file,source.file={DISK},driver.type=qcow2", "--network", "user",
        "--import", *extra,
    ]  # fmt: skip
    if virttype:
        command += ["--virt-type", virttype]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = " ".join((done.stderr or done.stdout).split())
    return (done.stdout, "") if done.returncode == 0 else ("", said)


def choose(host_file: str, folder: Path, virttype: str, libvirt: str) -> None:
    """Choose for the same guests."""
    import domcaps

    host = domcaps.Host.load(host_file)
    for number, (_, _, wishes) in enumerate(GUESTS):
        more = {"virttype": virttype} if virttype and "arch" not in wishes else {}
        try:
            chosen = host.choose(
                "choose-side", "2GiB", 2, disks=[DISK], networks=["user"], libvirt=libvirt,
                **wishes, **more,  # type: ignore[arg-type]
            )  # fmt: skip
        except domcaps.UnmetWishesError as unmet:
            (folder / f"{number:02}-ours.txt").write_text(str(unmet))
            continue
        (folder / f"{number:02}-ours.xml").write_text(chosen.xml)


def main() -> int:
    """Choose, or ask virt-install and libvirt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--choose", metavar="HOST")
    parser.add_argument("--start", action="store_true")
    parser.add_argument("--virttype", default="")
    parser.add_argument("--libvirt", default="12.8")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.choose:
        choose(options.choose, options.folder, options.virttype, options.libvirt)
        return 0
    sys.path.insert(0, str(Path(__file__).parent))
    from live_domains import connect, define
    from live_starts import tried

    def verdict(xml: str) -> str:
        refused = define(connection, xml)
        if refused or not options.start:
            return refused or "accepted"
        return tried(connection, xml) or "starts"

    connection = connect()
    rows = []
    for number, (name, extra, wishes) in enumerate(GUESTS):
        xml, said = theirs(extra, "" if "arch" in wishes else options.virttype)
        row = {"guest": name, "theirs": said or "accepted", "ours": ""}
        if xml:
            (options.folder / f"{number:02}-theirs.xml").write_text(xml)
            row["theirs"] = verdict(xml)
        ours = options.folder / f"{number:02}-ours.xml"
        if ours.exists():
            row["ours"] = verdict(ours.read_text())
        else:
            row["ours"] = (options.folder / f"{number:02}-ours.txt").read_text()
        rows.append(row)
        print(f"{name}: theirs {row['theirs'][:150]} | ours {row['ours'][:150]}")
    (options.folder / "verdicts.json").write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
