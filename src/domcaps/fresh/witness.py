"""Witnesses: what a fact was read from, and how to see that it would be read again like that.

A witness can be looked at in two ways. `Witness.look` gives what was *seen*, as far as it
matters to the reader: the digest of a content, the names in a folder, whether something is there.
`Witness.glance` gives a *stamp* that is cheap to get, or None where there is none: as long as the
stamp is the same and settled (see `domcaps.fresh.identity`), there is no need to look.
"""

from __future__ import annotations

import os
import stat

from domcaps.blake2 import blake2b
from domcaps.facts.hostfiles import SMALL
from domcaps.facts.ownership import depends_on_groups, weakness
from domcaps.facts.plain_record import PlainRecord
from domcaps.fresh.identity import Identity, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from domcaps.fresh.host_view import HostView

Seen = str | bool | int | None | tuple["Seen", ...] | Identity

_CPUINFO = "/proc/cpuinfo"
MICROCODE = "/sys/devices/system/cpu/cpu0/microcode/version"


class Witness(PlainRecord):
    """Something that can be looked at again. Equal witnesses look at the same thing."""

    def look(self, host_view: HostView) -> Seen:
        """Look, and give what is seen; never raises."""
        raise NotImplementedError

    def glance(self, host_view: HostView) -> Seen:  # noqa: ARG002 - see subclasses
        """Give the stamp; None where only looking tells, which then costs no more."""
        return None

    def watched(self, host_view: HostView) -> str:  # noqa: ARG002 - see subclasses
        """Name the path whose changes the kernel tells of; "" where it has to be looked at."""
        return ""

    @property
    def place(self) -> str:
        """Name what is looked at, for people."""
        raise NotImplementedError


class _PathWitness(Witness):
    """Something at a path of the host."""

    path: str

    def watched(self, host_view: HostView) -> str:
        """Give the path, unless the kernel makes up what is there."""
        if host_view.is_kernel_file(self.path) or self.path.startswith("/dev/"):
            return ""
        return host_view.files.real(self.path)

    @property
    def place(self) -> str:
        """Give the path."""
        return self.path


class _FileWitness(_PathWitness):
    """A regular file whose content counts."""

    def watched(self, host_view: HostView) -> str:
        """Give the path, unless the file may change without an event: see `is_private`."""
        path = super().watched(host_view)
        return path if path and host_view.is_private(self.path) else ""


class Content(_FileWitness):
    """The content of a regular file, up to a limit in bytes."""

    limit: int = SMALL

    def look(self, host_view: HostView) -> Seen:
        """Give the content's digest, or the error."""
        try:
            return digest(host_view.files.read(self.path, self.limit))
        except (OSError, ValueError) as error:
            return error_name(error)

    def glance(self, host_view: HostView) -> Seen:
        """Give the file's identity, if that shows every change."""
        return host_view.stamp(self.path)


class KernelFile(_PathWitness):
    """A small file that the kernel makes up when it is read: its times say nothing.

    With `lines` only those count that hold this text: others change all the time.
    """

    lines: str = ""

    def look(self, host_view: HostView) -> Seen:
        """Give the text."""
        data = host_view.kernel_text(self.path)
        return None if data is None else self.counting(data).decode("utf-8", "backslashreplace")

    def counting(self, data: bytes) -> bytes:
        """Give what counts of a content."""
        wanted = self.lines.encode()
        return b"".join(line for line in data.splitlines(keepends=True) if wanted in line)


class Listing(_PathWitness):
    """The names in a folder."""

    def look(self, host_view: HostView) -> Seen:
        """Give the names, or the error."""
        try:
            return host_view.files.names(self.path)
        except (OSError, ValueError) as error:
            return error_name(error)

    def glance(self, host_view: HostView) -> Seen:
        """Give the folder's identity: its times change with its names."""
        return None if host_view.is_kernel_file(self.path) else host_view.identity(self.path)


class FileStatus(_PathWitness):
    """Kind, mode, owner and size of what a path leads to."""

    def look(self, host_view: HostView) -> Seen:
        """Give them, or the error."""
        try:
            return plain_status(host_view.files.status(self.path))
        except (OSError, ValueError) as error:
            return error_name(error)


class Existence(_PathWitness):
    """Whether a path leads to anything."""

    def look(self, host_view: HostView) -> Seen:
        """Tell."""
        return host_view.files.exists(self.path)


class NamedFile(_PathWitness):
    """A file that a domain names: whether it is there, and how large."""

    def look(self, host_view: HostView) -> Seen:
        """Give what `domcaps.facts.named_files.look_at` gives of it, as plain values."""
        # answers for which no such file was looked at are proven without this
        from domcaps.facts.named_files import look_at

        state = look_at(self.path) if host_view.files.is_live else None
        return None if state is None else tuple(state)


class Folder(_PathWitness):
    """Whether a path leads to a folder."""

    def look(self, host_view: HostView) -> Seen:
        """Tell."""
        return host_view.files.is_folder(self.path)


class Access(_PathWitness):
    """Whether this process may read and write what a path leads to."""

    def look(self, host_view: HostView) -> Seen:
        """Tell."""
        return may_use(host_view, self.path)


class RunnableProgram(_PathWitness):
    """A program that this user may execute, by its identity; None where there is none."""

    def look(self, host_view: HostView) -> Seen:
        """Give its identity."""
        # most places on a search path have none: asking for that is cheaper than a status
        if not host_view.files.exists(self.path):
            return None
        status = host_view.files.program(self.path)
        return None if status is None else identity(status)


class RealPath(_PathWitness):
    """The absolute path of what a path leads to, links followed."""

    def look(self, host_view: HostView) -> Seen:
        """Give it."""
        return host_view.real_path(self.path)


class Executable(_PathWitness):
    """Whether this process may execute a file: its mode, its mount and this process's rights."""

    def look(self, host_view: HostView) -> Seen:
        """Tell."""
        return host_view.files.program(self.path) is not None


class TrustedFolder(_PathWitness):
    """Whether programs and libraries of a folder may be used: its real path, its mount, its rights.

    It is no matter whether there is such a folder.
    """

    def look(self, host_view: HostView) -> Seen:
        """Give the real path, what lets another user change it, and whether nothing is executed."""
        real = host_view.real_path(self.path)
        if not host_view.files.is_live:
            return (real, "", False)
        weak = weakness(real)
        return (real, weak.text if weak else "", _forbids_execution(real))

    def watched(self, host_view: HostView) -> str:
        """Give the path, unless a change of a group's members would count."""
        live = host_view.files.is_live and not self.path.startswith("/dev/")
        return self.path if live and not depends_on_groups(host_view.real_path(self.path)) else ""


def _forbids_execution(real: str) -> bool:
    try:
        return bool(os.statvfs(real).f_flag & os.ST_NOEXEC)
    except (OSError, ValueError, AttributeError):
        return False


class DeviceNode(_PathWitness):
    """A device that is opened and asked, as `HostFiles.control` does."""

    requests: tuple[tuple[int, int], ...] = ()

    def look(self, host_view: HostView) -> Seen:
        """Give the answers, or the error and what this process may do."""
        try:
            return host_view.files.control(self.path, self.requests)
        except (OSError, ValueError) as error:
            return (error_name(error), *may_use(host_view, self.path))


class ProgramFile(_FileWitness):
    """A file that is executed or loaded: a program, a library, a module.

    Of a small one, such as a script, the content counts; a large one is another one as soon as its
    identity is.
    """

    SMALL: ClassVar[int] = 64 * 1024

    def look(self, host_view: HostView) -> Seen:
        """Give rights and the content's digest, or the identity of a large file."""
        try:
            status = host_view.files.status(self.path)
            found = identity(status)
            if not stat.S_ISREG(found.mode) or found.size > self.SMALL:
                return found
            rights = (bool(found.mode & 0o111), found.mode & 0o022, status.st_uid)
            return (*rights, digest(host_view.files.read(self.path, self.SMALL)))
        except (OSError, ValueError) as error:
            return error_name(error)

    def glance(self, host_view: HostView) -> Seen:
        """Give the file's identity, if that shows every change; a large one has nothing else."""
        return host_view.stamp(self.path, self.SMALL)


class ModuleParameters(Witness):
    """All parameters of a kernel module, and whether it is there at all."""

    module: str

    def look(self, host_view: HostView) -> Seen:
        """Give names and values."""
        if not host_view.files.exists(f"/sys/module/{self.module}"):
            return False
        folder = f"/sys/module/{self.module}/parameters"
        names = host_view.files.names_or_none(folder)
        return tuple((name, _text(host_view, f"{folder}/{name}")) for name in names)

    def glance(self, host_view: HostView) -> Seen:
        """Give the folder's number, a new one when the module is loaded again, and what may vary.

        A read-only parameter is what it was when the module was loaded.
        """
        folder = f"/sys/module/{self.module}"
        if not host_view.is_kernel_file(folder):
            return None
        if not host_view.files.exists(folder):
            return False
        folder = f"{folder}/parameters"
        found = host_view.identity(folder)
        if found is None:
            return True
        writable = host_view.writable(folder, found.inode)
        return (found.inode, *(_text(host_view, path) for path in writable))

    @property
    def place(self) -> str:
        """Give the folder."""
        return f"/sys/module/{self.module}/parameters"


class KernelBoot(Witness):
    """The running kernel since it started, for what can't change as long as it runs."""

    def look(self, host_view: HostView) -> Seen:
        """Give the kernel's names and the number of this boot."""
        return (*host_view.files.uname, host_view.boot)

    @property
    def place(self) -> str:
        """Name it."""
        return "the running kernel"


class CpuinfoProcessor(Witness):
    """What ``/proc/cpuinfo`` says of a processor: fixed while the kernel runs, but for microcode.

    That file is not read for this: on some kernels making it takes 20 ms. It is where another file
    is mounted over it, as containers do.
    """

    def look(self, host_view: HostView) -> Seen:
        """Give the number of this boot, and the microcode's version."""
        if host_view.is_masked(_CPUINFO):
            return (host_view.boot, _text(host_view, MICROCODE), _text(host_view, _CPUINFO))
        return (host_view.boot, _text(host_view, MICROCODE))

    @property
    def place(self) -> str:
        """Name the file that it stands for."""
        return "/proc/cpuinfo"


class EnvironmentVariable(Witness):
    """A variable of the environment."""

    name: str

    def look(self, host_view: HostView) -> Seen:
        """Give its value, None where it is not set."""
        return host_view.environ.get(self.name)

    @property
    def place(self) -> str:
        """Give its name as a shell does."""
        return f"${self.name}"


class SystemFolders(Witness):
    """What programs open besides their own files: devices, and folders that all systems have.

    Another file system may be mounted over one of them, also for one process only.
    """

    def look(self, host_view: HostView) -> Seen:
        """Give kind and rights of each device, and what the folders are."""
        if not host_view.files.is_live:
            return None
        return (*map(_device, _DEVICES), *map(_folder, _FOLDERS), *map(_is_there, _OF_KERNEL))

    def glance(self, host_view: HostView) -> Seen:
        """Give a stamp with fewer calls: each answer in a process takes them.

        The names in ``/dev`` are in its time of modification; what is mounted over a file or
        folder is a change of the mounts.
        """
        if not host_view.files.is_live:
            return None
        return (host_view.mount_changes, *map(_stamp, _GLANCES))

    @property
    def place(self) -> str:
        """Name the folders."""
        return "/dev, /etc, /proc, /sys and /usr/share"


_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm")  # noqa: S108
_FOLDERS = ("/etc", "/usr/share")
_GLANCES = ("/dev", "/dev/null")
_OF_KERNEL = ("/proc/self/maps", "/sys/devices/system/cpu")


def _device(path: str) -> Seen:
    try:
        found = os.stat(path)  # noqa: PTH116 - in each call
    except OSError as error:
        return error_name(error)
    kind = stat.S_IFMT(found.st_mode), found.st_rdev
    return (*kind, os.access(path, os.R_OK), os.access(path, os.W_OK))


def _folder(path: str) -> Seen:
    try:
        found = os.stat(path)  # noqa: PTH116 - in each call
    except OSError as error:
        return error_name(error)
    return found.st_dev, found.st_ino


def _stamp(path: str) -> Seen:
    try:
        found = os.stat(path)  # noqa: PTH116 - in each call
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mode, found.st_mtime_ns if path == "/dev" else 0


def _is_there(path: str) -> Seen:
    return os.access(path, os.F_OK)


class User(Witness):
    """Who this process runs as."""

    def look(self, host_view: HostView) -> Seen:  # noqa: ARG002 - it is this process
        """Give the real and the effective user and group, and the other groups."""
        return (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *sorted(os.getgroups()))

    @property
    def place(self) -> str:
        """Name it."""
        return "the user of this process"


WITNESSES: dict[str, type[Witness]] = {
    kind.__name__: kind
    for kind in (
        Content, KernelFile, Listing, FileStatus, Existence, Folder, Access, RunnableProgram,
        RealPath, Executable, TrustedFolder, DeviceNode, NamedFile, ProgramFile, ModuleParameters,
        KernelBoot, CpuinfoProcessor, EnvironmentVariable, SystemFolders, User,
    )
}  # fmt: skip
"""Every witness by its name, for those that are read back from a file."""


def digest(data: bytes) -> str:
    """Give a digest of a content."""
    return blake2b(data, digest_size=16).hexdigest()


def seen_digest(seen: Seen) -> str:
    """Give a digest of what was seen, of any kind."""
    return digest(repr(seen).encode("utf-8", "surrogatepass"))


def plain_status(status: os.stat_result) -> tuple[int, int, int, int]:
    """Give mode, user, group and size: nothing that changes though the file does not."""
    return status.st_mode, status.st_uid, status.st_gid, status.st_size


def error_name(error: Exception) -> str:
    """Name what kept something from being read."""
    number = getattr(error, "errno", None)
    return f"error {number}" if number else f"error {type(error).__name__}"


def may_use(host_view: HostView, path: str) -> tuple[bool, bool]:
    """Tell whether this process may read, and may write."""
    real = host_view.files.real(path)
    return os.access(real, os.R_OK), os.access(real, os.W_OK)


def _text(host_view: HostView, path: str) -> str | None:
    data = host_view.kernel_text(path)
    return None if data is None else data.decode("utf-8", "backslashreplace").strip()
