"""A pretended host in a folder, with everything that an answer can depend on.

Its emulators are text files that name device types; whoever asks one reads that file, the libraries
and modules beside it, and a parameter of KVM's module. All links are relative, so that they stay
inside of the folder.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from domcaps.facts.discovery import is_emulator_name
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.host import HostFacts
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.hostprobe import read_host
from domcaps.facts.question import ask
from domcaps.fresh.answers import ElementOf, Local
from domcaps.fresh.build import Build, Observer
from domcaps.fresh.host_view import HostView
from domcaps.fresh.hostfacts import HostQuestion
from domcaps.fresh.machine import LocalMachine
from domcaps.fresh.probing import Probed
from domcaps.fresh.programs import Mapped
from domcaps.hosts.host import Host, LiveHost
from domcaps.language.target import Question
from fakes import emulator_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from domcaps.facts.record import EmulatorRecord
    from domcaps.fresh.disk import DiskStore
    from domcaps.fresh.key import Key
    from domcaps.report.capabilities import DomainCapabilities

UNAME = ("x86_64", "6.1.0", "#1 SMP")

FIRMWARE = "/usr/share/qemu/firmware"
MASKS = "/etc/qemu/firmware"
USERS = "/home/user/.config/qemu/firmware"
EMULATOR = "/usr/bin/qemu-system-x86_64"
REAL_EMULATOR = "/usr/libexec/qemu-real"
LIBRARY = "/usr/lib/libpretended.so.1"
MODULES = "/usr/lib/qemu"
KVM = "/dev/kvm"
NESTED = "/sys/module/kvm_intel/parameters/nested"
IMAGES = ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/CODE_A.fd", "/usr/share/OVMF/CODE_B.fd")


def descriptor(
    image: str = IMAGES[1],
    *,
    interface: str = "uefi",
    arch: str = "x86_64",
    features: Sequence[str] = (),
) -> str:
    """Give the text of a firmware descriptor."""
    return json.dumps(
        {
            "description": "pretended",
            "interface-types": [interface],
            "mapping": {
                "device": "flash",
                "executable": {"filename": image, "format": "raw"},
                "nvram-template": {"filename": image, "format": "raw"},
            },
            "targets": [{"architecture": arch, "machines": ["pc-q35-*", "pc-i440fx-*"]}],
            "features": list(features),
        }
    )


def emulator_text(*types: str) -> str:
    """Give the file of an emulator that has these device types."""
    return json.dumps({"types": types})


def helper_text(*features: str) -> str:
    """Give a program that tells its features."""
    said = json.dumps({"type": "fs", "features": features})
    return f"#!/bin/sh\necho '{said}'\n"


class PretendedFiles(HostFiles):
    """The files of the pretended host. Its ``/dev/kvm`` is a file that holds the answers."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, uname=UNAME)

    def control(self, path: str, requests: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Read the answers; by the mode, since tests may run as root."""
        if not self.status(path).st_mode & 0o002:
            raise PermissionError(13, "Permission denied", path)
        words = [*self.text(path).split(), *["-1"] * len(requests)]
        return tuple(int(word) if word.isdigit() else -1 for word in words[: len(requests)])


class CoarseFiles(PretendedFiles):
    """The same on a file system that keeps whole seconds, as old ones do."""

    def status(self, path: str) -> os.stat_result:
        """Look, and forget the fraction of the second."""
        return _coarse(super().status(path))

    def program(self, path: str) -> os.stat_result | None:
        """Look, and forget the fraction of the second."""
        found = super().program(path)
        return None if found is None else _coarse(found)


def _coarse(status: os.stat_result) -> os.stat_result:
    whole = {
        f"st_{kind}time_ns": getattr(status, f"st_{kind}time_ns") // 10**9 * 10**9 for kind in "amc"
    }
    return os.stat_result(tuple(status), whole)


class PretendedProber:
    """Asks pretended emulators, and counts how often."""

    def __init__(self, files: PretendedFiles) -> None:
        self._files = files
        self.asked = 0
        self.slow = 0.0

    def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
        """Read the emulator and all that it loads."""
        self.asked += 1
        if self.slow:
            import time

            time.sleep(self.slow)
        loaded = [path]
        text = self._files.read(path).decode()
        if text.startswith("#!"):
            loaded.append(text.split()[-2])
            text = self._files.read(loaded[-1]).decode()
        types = list(json.loads(text)["types"])
        names = self._files.names_or_none(MODULES)
        loaded += [f"{MODULES}/{name}" for name in names]
        loaded.append(LIBRARY)
        for file in loaded[1:]:
            if file != REAL_EMULATOR:
                types += self._files.text(file).split()
        if self._files.text(NESTED) == "Y":
            types.append("cirrus-vga")
        answers = {ask("query-tpm-models"): ["tpm-crb"], ask("query-tpm-types"): ["emulator"]}
        record = emulator_record(types=tuple(types), kvm=kvm, path=path, answers=answers)
        return Probed(record, frozenset(self._mapped(file) for file in loaded))

    def _mapped(self, path: str) -> Mapped:
        try:
            inode = self._files.status(path).st_ino
        except OSError:
            return Mapped(path, 0)
        # the kernel names a file without the links to it
        real = os.path.realpath(self._files.real(path)).removeprefix(self._files.real("/")[:-1])
        return Mapped(real, inode)


class Counting(Observer):
    """Counts which tasks run."""

    def __init__(self) -> None:
        self.ran_keys: list[Key[Any]] = []
        self.seen: list[str] = []

    def ran(self, key: Key[Any], seconds: float) -> None:
        self.ran_keys.append(key)

    def changed(self, witness: Any, before: Any, after: Any) -> None:
        self.seen.append(witness.place)

    def kinds(self) -> set[type[Key[Any]]]:
        """Give the kinds of keys that ran."""
        return {type(key) for key in self.ran_keys}

    def elements(self) -> set[str]:
        """Name the elements that were evaluated."""
        texts = (key.text for key in self.ran_keys if isinstance(key, ElementOf))
        return {text.removeprefix("element ") for text in texts}

    def clear(self) -> None:
        self.ran_keys.clear()
        self.seen.clear()


class PretendedHost:
    """A host in a folder that is asked in both ways: with what is remembered, and from nothing."""

    def __init__(
        self,
        root: Path,
        *,
        disk: DiskStore | None = None,
        sentry: bool = True,
        coarse: bool = False,
    ) -> None:
        self.root = root
        self.files = CoarseFiles(root) if coarse else PretendedFiles(root)
        self.environ = {"PATH": "/usr/local/bin:/usr/bin", "HOME": "/home/user"}
        self.prober = PretendedProber(self.files)
        self.counting = Counting()
        self.disk = disk
        self.furnish()
        self.host = self.another(sentry=sentry, observer=self.counting)

    def another(self, *, sentry: bool = True, observer: Observer | None = None) -> LiveHost:
        """Give the host as another process would have it."""
        build = Build(
            HostView(self.files, self.environ),
            disk=self.disk,
            sentry=sentry,
            observer=observer,
        )
        local = Local(HostQuestion(privileged=False), prober=self.prober)
        return LiveHost(LocalMachine(build, local))

    # -- what there is -------------------------------------------------------------------------

    def at(self, path: str) -> Path:
        """Give the place of a file of the host."""
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """Write a file of the host."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        return place

    def furnish(self) -> None:
        """Put everything in its place."""
        self.write("/proc/cpuinfo", "vendor_id : GenuineIntel\nflags : fpu vmx\nmicrocode : 0x1\n")
        self.write(NESTED, "N\n")
        self.write(KVM, "12 1024 8", 0o666)
        self.write(REAL_EMULATOR, emulator_text("VGA", "vfio-pci", "tpm-crb"), 0o755)
        self.write(EMULATOR, f"#!/bin/sh\nexec {REAL_EMULATOR} $@\n", 0o755)
        self.write(f"{LIBRARY}.0", "qxl")
        self.at(LIBRARY).symlink_to("libpretended.so.1.0")
        self.write(f"{MODULES}/hw-usb.so", "usb-host")
        self.write(IMAGES[0], "image")
        self.write(IMAGES[1], "image")
        self.write(f"{FIRMWARE}/50-a.json", descriptor())
        for name in ("swtpm", "swtpm_ioctl"):
            self.write(f"/usr/bin/{name}", "#!/bin/sh\n", 0o755)
        self.write("/usr/bin/swtpm_setup", helper_text("tpm-2.0"), 0o755)
        for folder in (MASKS, "/usr/local/bin", "/sys/kernel/iommu_groups"):
            self.at(folder).mkdir(parents=True, exist_ok=True)

    # -- asking --------------------------------------------------------------------------------

    def remembered(self, **question: Any) -> str:
        """Answer with what is remembered; an error is an answer, too."""
        return shown(self.host, question)

    def from_nothing(self, **question: Any) -> str:
        """Answer without this package's memory: read everything, ask everybody."""
        return shown(self.plain(), question)

    def plain(self) -> Host:
        """Give the host as it is read once, without anything that remembers."""
        record = read_host(
            privileged=False, environ=self.environ, files=self.files, run_helpers=True
        )
        return Host(HostFacts(record), _PlainEmulators(self.files, self.environ, record.kvm.usable))

    def question(self, **options: Any) -> Question:
        """Give a question as the host asks it."""
        return Question(**{"libvirt": "12.8", **options})


class _PlainEmulators:
    """Emulators that are found and asked each time."""

    def __init__(self, files: PretendedFiles, environ: Mapping[str, str], kvm: bool) -> None:
        self._files = files
        self._path = environ["PATH"].split(":")
        self._kvm = kvm

    def paths(self) -> tuple[str, ...]:
        found = [f"{one}/{name}" for one in self._path for name in self._files.names_or_none(one)]
        named = [path for path in found if is_emulator_name(path.rpartition("/")[2])]
        return tuple(path for path in named if self._files.program(path) is not None)

    def get(self, path: str) -> EmulatorFacts:
        return EmulatorFacts(self.record(path))

    def record(self, path: str) -> EmulatorRecord:
        return PretendedProber(self._files)(path, self._kvm, False).record

    def find(self, name: str) -> str:
        places = (f"{folder}/{name}" for folder in self._path)
        return next((place for place in places if self._files.program(place)), "")


def shown(host: Host, question: dict[str, Any]) -> str:
    """Give what a host answers, or its error."""
    try:
        caps: DomainCapabilities = host.domain_capabilities(**question)
    except Exception as error:  # noqa: BLE001 - whatever it is, both must say the same
        return f"{type(error).__name__}: {error}"
    return f"{caps.xml}{caps.unknown}"
