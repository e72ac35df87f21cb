"""KVM: whether it can be used, and what it can do.

Sources: the kernel's ``Documentation/virt/kvm/api.rst`` for the requests, ``/sys/module`` and
``/proc/cmdline`` for what was switched on. libvirt asks for the largest number of virtual CPUs
first, then for the recommended one, and takes 4 where neither is known, as that document says.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from typing import TYPE_CHECKING

from domcaps.facts.arch import S390, X86
from domcaps.facts.host_parts import Kvm, Presence
from domcaps.facts.qemu_account import account

if TYPE_CHECKING:
    from domcaps.facts.hostfiles import HostFiles

DEVICE = "/dev/kvm"
KVM_UNSEEN = f"who asked QEMU may not open {DEVICE}"
"""Why something about KVM is not known, though the account that runs QEMU may use it."""

_GET_API_VERSION = 0xAE00
_CHECK_EXTENSION = 0xAE03
_CAP_NR_VCPUS = 9
_CAP_MAX_VCPUS = 66
_CAP_X86_SMM = 117
_STABLE_API = 12
_FEWEST_VCPUS = 4

# where a request without data carries a bit that says so
_MARKED_ARCHITECTURES = ("alpha", "mips", "ppc", "sparc")
_NO_DATA = 0x20000000

_NESTING_MODULES = ("kvm_intel", "kvm_amd", "kvm_hv", "kvm")
_PROT_VIRT_ON = ("y", "Y", "1", "on", "On", "oN", "ON")


def read_kvm(files: HostFiles, arch: str, user: str = "") -> Kvm:
    """Read what KVM offers to a user who runs QEMU, by default to the one who runs this."""
    presence, max_vcpus, smm = _open(files, arch)
    if user and (presence.usable or _is_forbidden(files)):
        presence = _permitted(files, user)
    return Kvm(
        usable=presence.usable,
        reason=presence.reason,
        max_vcpus=max_vcpus,
        nested=any(_is_on(files, module, "nested") for module in _NESTING_MODULES),
        secure_guest=_secure_guest(files, arch),
        tdx=arch in X86 and _is_on(files, "kvm_intel", "tdx"),
        smm=smm,
    )


def _open(files: HostFiles, arch: str) -> tuple[Presence, int, bool | None]:
    mark = _NO_DATA if arch.startswith(_MARKED_ARCHITECTURES) else 0
    check = mark | _CHECK_EXTENSION
    requests = [(mark | _GET_API_VERSION, 0), (check, _CAP_MAX_VCPUS), (check, _CAP_NR_VCPUS)]
    if arch in X86:
        requests.append((check, _CAP_X86_SMM))
    try:
        version, largest, recommended, *more = files.control(DEVICE, tuple(requests))
    except OSError as error:
        return Presence(False, _refusal(files, error)), 0, None
    if version != _STABLE_API:
        return Presence(False, f"{DEVICE} does not answer as KVM does"), 0, None
    limits = (limit for limit in (largest, recommended) if limit > 0)
    # a kernel that does not know the question refuses it, and has no such mode
    smm = more[0] > 0 if more else None
    return Presence(True), next(limits, _FEWEST_VCPUS), smm


def _refusal(files: HostFiles, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{DEVICE} does not exist"
    if not isinstance(error, PermissionError):
        return f"{DEVICE} can't be opened: {error.strerror}"
    real = files.real(DEVICE)
    missing = [
        name for name, mode in (("read", os.R_OK), ("write", os.W_OK)) if not os.access(real, mode)
    ]
    who = f"no permission for uid {os.geteuid()} to {' or '.join(missing) or 'open'} {DEVICE}"
    return f"{who}{_owners(files)}"


def _owners(files: HostFiles) -> str:
    """Say whose the device is, and what to do: ", root:kvm 0660: …"; "" where that is not told."""
    try:
        status = files.status(DEVICE)
        owner = pwd.getpwuid(status.st_uid).pw_name
        group = grp.getgrgid(status.st_gid).gr_name
    except (KeyError, OSError):
        return ""
    mode = stat.S_IMODE(status.st_mode)
    return f", {owner}:{group} {mode:04o}: add the user to the group {group}"


def _is_forbidden(files: HostFiles) -> bool:
    """Tell whether it is only this process that may not open the device, which is there."""
    real = files.real(DEVICE)
    return files.exists(DEVICE) and not os.access(real, os.R_OK | os.W_OK)


def _permitted(files: HostFiles, user: str) -> Presence:
    """Judge by owner, group and mode alone: an access control list may allow more."""
    found = account(user)
    if found is None:
        return Presence(False, f"there is no user {user!r}")
    try:
        status = files.status(DEVICE)
    except OSError as error:
        return Presence(False, _refusal(files, error))
    mode = status.st_mode
    groups = os.getgrouplist(found.pw_name, found.pw_gid)
    if found.pw_uid == 0:
        return Presence(True)
    if found.pw_uid == status.st_uid:
        allowed = (bool(mode & stat.S_IRUSR), bool(mode & stat.S_IWUSR))
    elif status.st_gid in groups:
        allowed = (bool(mode & stat.S_IRGRP), bool(mode & stat.S_IWGRP))
    else:
        allowed = (bool(mode & stat.S_IROTH), bool(mode & stat.S_IWOTH))
    missing = [name for name, may in zip(("read", "write"), allowed, strict=True) if not may]
    if missing:
        who = f"{user} has no permission to {' or '.join(missing)} {DEVICE}"
        return Presence(False, f"{who}{_owners(files)}")
    return Presence(True)


def _is_on(files: HostFiles, module: str, parameter: str) -> bool:
    return files.text(f"/sys/module/{module}/parameters/{parameter}")[:1] in {"Y", "y", "1"}


def _secure_guest(files: HostFiles, arch: str) -> bool:
    if arch in S390:
        return files.is_folder("/sys/firmware/uv") and _protected_by_command_line(files)
    if arch in X86:
        return _is_on(files, "kvm_amd", "sev") and files.exists("/dev/sev")
    return False


def _protected_by_command_line(files: HostFiles) -> bool:
    """Tell whether the kernel was started with ``prot_virt=1``; the first mention counts."""
    for word in files.text("/proc/cmdline").split():
        name, _, value = word.partition("=")
        # the kernel takes - and _ in names for the same
        if name.replace("-", "_") == "prot_virt":
            return value.strip('"').startswith(_PROT_VIRT_ON)
    return False
