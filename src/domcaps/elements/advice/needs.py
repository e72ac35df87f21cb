"""What guests need of their machine: a short table, for where libosinfo's database says nothing.

Sources: the makers' own lists of minimum and recommended hardware. Sizes are in MiB.
"""

from __future__ import annotations

import re

from domcaps.language.struct import Struct


class Needs(Struct, frozen=True):
    """The least of memory (MiB) and CPUs, what is recommended, and what a guest can't do without.

    0 stands for what is not known.
    """

    memory: int = 0
    vcpus: int = 0
    good_memory: int = 0
    good_vcpus: int = 0
    uefi: bool = False
    secure_boot: bool = False
    tpm: bool = False


_KNOWN = (
    (r"win(dows)?-?11", Needs(4096, 2, 4096, 2, uefi=True, secure_boot=True, tpm=True)),
    (r"win(dows)?-?(2k25|server-?2025)", Needs(2048, 1, 4096, 2, uefi=True)),
    (r"win(dows)?-?(2k(12|16|19|22)|server)", Needs(2048, 1, 4096, 2)),
    (r"win(dows)?-?(10|8)", Needs(2048, 1, 4096, 2)),
    (r"win(dows)?-?7", Needs(1024, 1, 2048, 2)),
    (r"win(dows)?-?(xp|2k3|2k$|98|95|me|nt)|msdos", Needs(128, 1, 1024, 1)),
    (r"(fedora|silverblue|ubuntu|elementary|pop|mint|kali)", Needs(2048, 1, 4096, 2)),
    (r"(rhel|centos|alma|rocky|ol|eurolinux)", Needs(1536, 1, 4096, 2)),
    (r"(opensuse|sle[ds]|suse)", Needs(1024, 1, 4096, 2)),
    (r"(alpine|cirros)", Needs(128, 1, 512, 1)),
    (r"debian", Needs(512, 1, 2048, 2)),
    (r"mac-?os|osx", Needs(4096, 2, 8192, 4, uefi=True)),
)
_FAMILIES = {"windows": Needs(2048, 1, 4096, 2), "linux": Needs(512, 1, 2048, 2)}


def needs_of(name: str, family: str) -> Needs:
    """Give what the table says of a system's name, else of its family."""
    for pattern, needs in _KNOWN:
        if re.match(pattern, name.lower()):
            return needs
    return _FAMILIES.get(family, Needs())
