"""The user that programs are asked as when root runs this: one that may do nothing.

An emulator that is only asked what it can do needs no rights, but that it can open the devices that
its answers depend on, ``/dev/kvm`` above all. Root therefore asks as the user ``nobody``, in the
groups of those devices. It stays root only where the answer would be another one: where ``nobody``
can't execute the program or can't open a device that root can, or where this root may not become
another user and see what a process of it has loaded, as in many containers.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from typing import TYPE_CHECKING

from domcaps.errors import UntrustedProgramError
from domcaps.facts.launch import Account, TimeoutExpired, shell, start

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KVM = "/dev/kvm"
MSHV = "/dev/mshv"
DEVICES = ("/dev/sev", "/dev/sgx_vepc")
"""What any session may open; one with KVM or Hyper-V opens that as well."""

_NOBODY = 65534
# CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SYS_PTRACE by their numbers
_NEEDED = (2, 5, 6, 7, 19)
_TRY = 'test -x "$1" || exit 1; shift; for d; do test -r "$d" && test -w "$d" || exit 1; done'
_TRIAL_SECONDS = 5.0


def account_for(path: str, devices: Iterable[str] = ()) -> Account | None:
    """Give the user that a program is to be asked as, None for the one that runs this.

    `devices` are those that its answers may depend on: root tries whether that user can open them,
    which takes about 2 ms. Whether the user can execute the program is seen when it starts.
    """
    if os.geteuid() != 0 or not _may_become_another():
        return None
    needed = [device for device in devices if os.access(device, os.R_OK | os.W_OK)]
    account = _nobody(needed)
    return account if not needed or _works(account, path, needed) else None


def _may_become_another() -> bool:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            line = next(line for line in file if line.startswith("CapEff:"))
        held = int(line.split()[1], 16)
    except (OSError, StopIteration, ValueError, IndexError):
        return False
    return all(held >> number & 1 for number in _NEEDED)


def _nobody(devices: Iterable[str]) -> Account:
    try:
        found = pwd.getpwnam("nobody")
        user, group = found.pw_uid, found.pw_gid
    except (KeyError, OSError):
        user = group = _NOBODY
    groups = set()
    for device in devices:
        with contextlib.suppress(OSError):
            status = os.stat(device)  # noqa: PTH116 - as in `HostFiles`
            # no device is worth the group of root
            if status.st_gid and status.st_mode & stat.S_IRGRP and status.st_mode & stat.S_IWGRP:
                groups.add(status.st_gid)
    return Account(user, group, tuple(sorted(groups)))


def _works(account: Account, path: str, devices: Sequence[str]) -> bool:
    """Try it: what access lists, user namespaces and containers make of it can't be foreseen."""
    command = shell(("-c", _TRY, "sh", os.path.realpath(path), *devices))
    try:
        process = start(command, account=account)
    except (OSError, UntrustedProgramError):
        return False
    try:
        return process.wait(_TRIAL_SECONDS) == 0
    except TimeoutExpired:
        return False
    finally:
        process.kill()
        process.wait()
