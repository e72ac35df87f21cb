"""The account that QEMU runs as, which decides what a guest may open.

The system's libvirt runs QEMU as the ``user`` of ``/etc/libvirt/qemu.conf``, or else as the account
that distributions build it with: ``libvirt-qemu`` of Debian, ``qemu`` of Fedora and openSUSE. The
libvirt of a session runs it as the user who asks.
"""

from __future__ import annotations

import pwd
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from domcaps.facts.hostfiles import HostFiles

SYSTEM = "system"
"""Stands for the account of the system's libvirt."""

SESSION = "session"
"""Stands for the user who asks."""

CONFIGURATION = "/etc/libvirt/qemu.conf"
_BUILT_IN = ("libvirt-qemu", "qemu")
_USER = late_pattern(r'^\s*user\s*=\s*"([^"]*)"', re.MULTILINE)


def system_account(files: HostFiles) -> str:
    """Name the account of the system's libvirt; "root" where there is no other."""
    configured = _USER.findall(files.text(CONFIGURATION, 1 << 20))
    if configured:
        # the last line counts; +0 is a number that is not to be taken for a name
        return _named(configured[-1])
    return next((name for name in _BUILT_IN if account(name) is not None), "root")


def account(name: str) -> pwd.struct_passwd | None:
    """Give an account by its name or its number, None where there is none."""
    with suppress(KeyError, OverflowError):
        number = name.removeprefix("+")
        return pwd.getpwuid(int(number)) if _is_number(number) else pwd.getpwnam(name)
    return None


def _named(text: str) -> str:
    found = account(text)
    return found.pw_name if found is not None else text


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
