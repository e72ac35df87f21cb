"""Keys about emulators: where they are, what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.facts.discovery import ELSEWHERE, is_emulator_name
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.ownership import weakness_of_search
from domcaps.facts.process import quotable
from domcaps.facts.record import EmulatorRecord
from domcaps.facts.trust import admit
from domcaps.fresh.disk_memo import remembered
from domcaps.fresh.failures import ask_with_pauses
from domcaps.fresh.hostfacts import HostProcessor, HostQuestion, HostRecordField, KvmUsable
from domcaps.fresh.key import Key
from domcaps.fresh.probing import MEANWHILE, Prober, probe_live, probe_provably
from domcaps.fresh.programs import LINKER_VARIABLES, passed_to_program
from domcaps.fresh.witness import Access, FileStatus, ModuleParameters, RealPath, TrustedFolder

if TYPE_CHECKING:
    from domcaps.fresh.fetch import Fetch

_KVM_MODULES = ("kvm", "kvm_intel", "kvm_amd", "kvm_hv", "kvm_pr", "kvm_arm")
_DEVICES = ("/dev/sev", "/dev/sgx_vepc", "/dev/mshv")
_VARIABLES = (*LINKER_VARIABLES, "QEMU_MODULE_DIR")


class EmulatorNamed(Key[str], frozen=True):
    """The path of a program on the search path, "" where there is none."""

    name: str

    def task(self, fetch: Fetch) -> str:
        """Look along the search path; a name that is a path is looked at only there."""
        if self.name.startswith("/"):
            return self.name if fetch.files.program(self.name) is not None else ""
        for folder in _folders(fetch):
            path = f"{folder}/{self.name}"
            if fetch.files.program(path) is not None and not _is_foreign(fetch, folder):
                return path
        return ""

    @property
    def text(self) -> str:
        """Name it."""
        return f"where {self.name} is"


class EmulatorsInstalled(Key[tuple[str, ...]], frozen=True):
    """The paths of the emulators on the search path, and of those that have no name there."""

    def task(self, fetch: Fetch) -> tuple[str, ...]:
        """List each folder of the search path."""
        found: list[str] = []
        for folder in _folders(fetch):
            names = [one for one in fetch.files.names_or_none(folder) if is_emulator_name(one)]
            if names and not _is_foreign(fetch, folder):
                found += [f"{folder}/{name}" for name in names]
        runnable = (path for path in (*found, *ELSEWHERE) if fetch.files.program(path) is not None)
        return tuple(dict.fromkeys(runnable))

    @property
    def text(self) -> str:
        """Name it."""
        return "which emulators are installed"


def _is_foreign(fetch: Fetch, folder: str) -> bool:
    """Tell whether another user could have put a program into a folder: it is left out."""
    fetch.look(TrustedFolder(folder))
    fetch.look(FileStatus(folder))
    real = fetch.host_view.real_path(folder)
    weak = weakness_of_search(real) if fetch.host_view.files.is_live else None
    if weak is not None:
        import logging

        logging.getLogger("domcaps.trust").info("%s is left out: %s", folder, weak.text)
    return weak is not None


def _folders(fetch: Fetch) -> tuple[str, ...]:
    folders = fetch.environ.get("PATH", "").split(":")
    return tuple(folder for folder in folders if folder.startswith("/"))


class EmulatorAt(Key[str], frozen=True):
    """The real path of the emulator that a path leads to: that is what is asked and kept."""

    path: str

    def task(self, fetch: Fetch) -> str:
        """Follow the links."""
        return str(fetch.look(RealPath(self.path)))

    @property
    def text(self) -> str:
        """Name it."""
        return f"what {self.path} leads to"


class EmulatorAnswers(Key[EmulatorRecord], frozen=True):
    """What an emulator answers, asked only if no process has asked it before.

    `prober` asks.
    """

    host: HostQuestion
    path: str
    inventory: bool = False
    prober: Prober = probe_live

    def task(self, fetch: Fetch) -> EmulatorRecord:
        """Probe it, or take the answer that another process got."""
        self._require_trusted(fetch)
        kvm = fetch(KvmUsable(self.host))
        # what changes an emulator's answers besides its files
        circumstances = (
            fetch(HostRecordField(self.host, "kernel")),
            fetch(HostProcessor(self.host)),
            tuple(passed_to_program(fetch, name) for name in _VARIABLES),
            tuple(fetch.look(ModuleParameters(module)) for module in _KVM_MODULES),
            tuple(fetch.look(Access(device)) for device in _DEVICES),
        )
        parts = ("emulator", self.path, repr(self.inventory), repr(kvm), repr(circumstances))
        return remembered(
            fetch,
            parts,
            EmulatorRecord,
            lambda inner: ask_with_pauses(inner, parts, lambda one: self._ask(one, kvm)),
        )

    def _require_trusted(self, fetch: Fetch) -> None:
        """Refuse it, though answers are kept, where it would not be asked any more."""
        fetch.look(TrustedFolder(self.path.rpartition("/")[0] or "/"))
        host_view = fetch.host_view
        if (
            self.prober is probe_live
            and host_view.files.is_live
            and host_view.files.exists(self.path)
        ):
            admit(self.path)

    def _ask(self, fetch: Fetch, kvm: bool) -> EmulatorRecord:
        with fetch.beside() as begin:
            token = MEANWHILE.set(begin)
            try:
                record = probe_provably(
                    fetch, self.prober, self.path, kvm=kvm, inventory=self.inventory
                )
            finally:
                MEANWHILE.reset(token)
        mishaps = [doubt.text for doubt in fetch.doubts if doubt.is_momentary]
        if mishaps:
            _warn(mishaps)
        return record

    @property
    def text(self) -> str:
        """Name it."""
        return f"answers of {self.path}"


def _warn(mishaps: list[str]) -> None:
    """Say that an answer is incomplete: on standard error, unless the program logs elsewhere."""
    import logging

    more = f" (and {len(mishaps) - 1} more)" if len(mishaps) > 1 else ""
    logging.getLogger("domcaps").warning(
        "domcaps: the probe was disturbed, so that this answer may be incomplete; it is not kept, "
        "and the next call probes again: %s%s",
        quotable(mishaps[0].encode("utf-8", "replace")),
        more,
    )


class Emulator(Key[EmulatorFacts], frozen=True):
    """The facts of an emulator: its answers, indexed."""

    host: HostQuestion
    path: str
    inventory: bool = False
    prober: Prober = probe_live

    def task(self, fetch: Fetch) -> EmulatorFacts:
        """Index them."""
        return EmulatorFacts(
            fetch(EmulatorAnswers(self.host, self.path, self.inventory, self.prober))
        )

    @property
    def text(self) -> str:
        """Name it."""
        return f"facts of {self.path}"
