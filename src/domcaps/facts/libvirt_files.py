"""The libvirt that a host has, from the name of its library: no daemon is started or asked.

The library of release 9.0.0 is the file ``libvirt.so.0.9000.0``; every daemon and client of
libvirt is linked to it. The distribution, whose patches may matter, is what ``os-release`` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.facts.host_parts import Libvirt
from domcaps.facts.qemu_account import CONFIGURATION
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.hostfiles import HostFiles

_SPICE_TLS = late_pattern(r"^[ \t]*spice_tls[ \t]*=[ \t]*(\d{1,9})", re.MULTILINE | re.ASCII)
_MOST_SETTINGS = 1 << 20
_LIBRARY = late_pattern(r"libvirt\.so\.0\.(\d{4,6})\.(\d{1,3})", re.ASCII)
_TRIPLETS = {
    "aarch64": "aarch64-linux-gnu",
    "armv7l": "arm-linux-gnueabihf",
    "i686": "i386-linux-gnu",
    "loongarch64": "loongarch64-linux-gnu",
    "ppc64": "powerpc64-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "x86_64": "x86_64-linux-gnu",
}
_RELEASES = ("/etc/os-release", "/usr/lib/os-release")
_ALIKE = {"rhel": "rhel", "centos": "rhel", "rocky": "rhel", "almalinux": "rhel", "ol": "rhel"}
"""Distributions that rebuild another one's packages."""


def read_libvirt(files: HostFiles, arch: str) -> Libvirt:
    """Look for the library along the folders of libraries; nothing where there is none."""
    for folder in _folders(arch):
        versions = sorted(_versions(files.names_or_none(folder)), reverse=True)
        if versions:
            number, micro, name = versions[0]
            version = f"{number // 1000}.{number % 1000}.{micro}"
            found = f"{folder}/{name}"
            return Libvirt(version, _distribution(files), found, _spice_tls(files))
    return Libvirt()


def _spice_tls(files: HostFiles) -> bool | None:
    """Tell whether SPICE may use TLS; None where the settings can't be read, as by a user."""
    try:
        data = files.read(CONFIGURATION, _MOST_SETTINGS)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    said = _SPICE_TLS.findall(data.decode(errors="replace"))
    return bool(said) and said[-1] != "0"


def _folders(arch: str) -> Iterator[str]:
    triplet = _TRIPLETS.get(arch, f"{arch}-linux-gnu")
    for root in ("/usr/local", "/usr"):
        yield from (f"{root}/lib/{triplet}", f"{root}/lib64", f"{root}/lib")


def _versions(names: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    for name in names:
        match = _LIBRARY.fullmatch(name)
        if match:
            yield int(match[1]), int(match[2]), name


def _distribution(files: HostFiles) -> str:
    """Give identifier and version of the distribution, such as ``debian12``."""
    text = next((found for path in _RELEASES if (found := files.text(path))), "")
    values = dict(
        re.findall(r"^(ID|VERSION_ID)=[\"']?([\w.-]{1,40})[\"']?\s*$", text, re.MULTILINE)
    )
    name = values.get("ID", "")
    return f"{_ALIKE.get(name, name)}{values.get('VERSION_ID', '')}" if name else ""
