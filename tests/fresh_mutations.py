"""Random changes to a pretended host, and what must hold after each.

``python tests/fresh_mutations.py STEPS [SEED [THREADS]]`` runs many of them; a test runs some.
"""

from __future__ import annotations

import mmap
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fresh_fakes as fakes
from domcaps.fresh.answers import ElementOf, Report, ReportAnswer
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.emulators import Emulator
from domcaps.fresh.hostfacts import FirmwareForGuest
from fresh_fakes import PretendedHost, descriptor, emulator_text, helper_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.hosts.host import Host

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"machine": "q35"},
    {"machine": "pc", "virttype": "qemu"},
)
TYPES = ("VGA", "qxl-vga", "virtio-vga", "cirrus-vga", "usb-host", "vfio-pci", "qxl", "tpm-crb")
LAYERS = (fakes.FIRMWARE, fakes.MASKS, fakes.USERS)
NAMES = tuple(f"{number}-{letter}.json" for number, letter in zip("24568", "abcde", strict=True))
HELPERS = ("swtpm", "swtpm_setup", "swtpm_ioctl", "passt", "virtiofsd")
KINDS: tuple[dict[str, bool], ...] = (
    {"sentry": True},
    {"sentry": False},
    {"sentry": True, "disk": True},
    {"sentry": False, "disk": True, "coarse": True},
)
_Facts = tuple[Any, Any, Any]
FAR_BACK = 1_600_000_000_123_456_789


class Mutator:
    """Changes a pretended host at random, often in ways that leave few traces."""

    def __init__(self, host: PretendedHost, rng: random.Random) -> None:
        self.host = host
        self.rng = rng
        self.kept: dict[str, tuple[bytes, os.stat_result]] = {}
        self.mapped: list[mmap.mmap] = []
        self.changes: tuple[Callable[[], object], ...] = (
            self.install, self.install, self.remove, self.edit, self.mask, self.swap_names,
            self.replace_by_rename, self.replace_at_once, self.restore, self.change_mode,
            self.link_descriptor, self.hide_folder, self.change_image, self.touch, self.rewrite,
            self.replace_emulator, self.edit_emulator, self.turn_wrapper, self.change_library,
            self.turn_library, self.change_module, self.change_kvm, self.change_kvm_mode,
            self.flip_parameter, self.change_processor, self.change_helper, self.change_path,
            self.change_iommu, self.exchange_twice, self.map_and_write, self.keep_mapped,
        )  # fmt: skip

    def change(self) -> str:
        """Change something, and give the name of the change."""
        change = self.rng.choice(self.changes)
        try:
            change()
        except (OSError, ValueError):
            # an empty file has nothing to be mapped
            return "nothing"
        return change.__name__

    # -- choosing ------------------------------------------------------------------------------

    def files(self) -> list[Path]:
        """Give every regular file that matters."""
        found = [p for p in self.host.root.rglob("*") if p.is_file() and not p.is_symlink()]
        return sorted(found)

    def descriptors(self) -> list[Path]:
        found = [p for layer in LAYERS for p in self.host.at(layer).glob("*.json")]
        return sorted(p for p in found if p.is_file() and not p.is_symlink())

    def place(self) -> str:
        return f"{self.rng.choice(LAYERS)}/{self.rng.choice(NAMES)}"

    def text(self) -> str:
        choose = self.rng.choice
        if self.rng.random() < 0.1:
            return choose(("", "{", "[]", "{}"))
        features = [f for f in ("secure-boot", "enrolled-keys", "requires-smm") if choose((0, 1))]
        return descriptor(
            choose(fakes.IMAGES),
            interface=choose(("uefi", "uefi", "bios")),
            arch=choose(("x86_64", "x86_64", "aarch64")),
            features=features,
        )

    # -- firmware ------------------------------------------------------------------------------

    def install(self) -> None:
        self.host.write(self.place(), self.text())

    def remove(self) -> None:
        self.rng.choice(self.descriptors() or self.files()).unlink()

    def edit(self) -> None:
        """Change a content in place, often without changing its size."""
        place = self.rng.choice(self.descriptors() or self.files())
        text = place.read_text()
        place.write_text(text.replace("CODE_A", "CODE_X") if "CODE_A" in text else self.text())

    def mask(self) -> None:
        self.host.write(f"{fakes.MASKS}/{self.rng.choice(NAMES)}", "")

    def swap_names(self) -> None:
        found = self.descriptors()
        if len(found) >= 2:
            first, second = self.rng.sample(found, 2)
            aside = first.with_name("aside")
            first.rename(aside)
            second.rename(first)
            aside.rename(second)

    def replace_by_rename(self) -> None:
        """Put another file over one, with its times and, if it comes out so, its size."""
        place = self.rng.choice(self.descriptors() or self.files())
        status = place.stat()
        other = place.with_name(".new")
        other.write_text(self.text())
        other.chmod(status.st_mode)
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.rename(place)

    def replace_at_once(self) -> None:
        """Change a file twice within one tick of the clock, and look in between."""
        place = self.rng.choice(self.descriptors() or self.files())
        place.write_text(self.text())
        self.host.remembered(**QUESTIONS[0])
        status = place.stat()
        place.write_text(self.text())
        os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))

    def restore(self) -> None:
        """Put back what a file held earlier, with the times that it had."""
        place = self.rng.choice(self.files())
        name = str(place)
        now = (place.read_bytes(), place.stat())
        if name in self.kept:
            data, status = self.kept[name]
            place.write_bytes(data)
            place.chmod(status.st_mode)
            os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.kept[name] = now

    def change_mode(self) -> None:
        place = self.rng.choice(self.files())
        place.chmod(self.rng.choice((0o644, 0o600, 0o755, 0o700)))

    def link_descriptor(self) -> None:
        """Make a descriptor a link, or turn the link to another file."""
        place = self.host.at(self.place())
        targets = self.descriptors()
        if place.parent.is_dir() and targets:
            other = place.with_name(".link")
            other.unlink(missing_ok=True)
            other.symlink_to(os.path.relpath(self.rng.choice(targets), place.parent))
            other.rename(place)

    def hide_folder(self) -> None:
        folder = self.host.at(self.rng.choice((*LAYERS, "/usr/share/OVMF", fakes.MODULES)))
        aside = folder.with_name("hidden")
        if folder.is_dir() and not aside.exists():
            folder.rename(aside)
        elif aside.is_dir():
            if folder.is_dir():
                shutil.rmtree(folder)
            aside.rename(folder)

    def change_image(self) -> None:
        place = self.host.at(self.rng.choice(fakes.IMAGES))
        if place.exists():
            place.unlink()
        elif place.parent.is_dir():
            place.write_text("image")

    def map_and_write(self) -> None:
        """Write to a file through shared memory, and take the mapping away."""
        place = self.rng.choice(self.descriptors() or self.files())
        with place.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            _exchange(memory)

    def keep_mapped(self) -> None:
        """Write to a file of another user than root, also repeatedly, and keep the mapping."""
        # one whose file became shorter can't be read any more (SIGBUS)
        whole = [memory for memory in self.mapped if memory.size() >= len(memory)]
        if whole and self.rng.random() < 0.5:
            _exchange(self.rng.choice(whole))
            return
        place = self.rng.choice(self.descriptors() or self.files())
        if os.geteuid() == 0:
            os.chown(place, 65534, 65534)
        with place.open("r+b") as file:
            self.mapped = [*self.mapped[-2:], mmap.mmap(file.fileno(), 0)]
        _exchange(self.mapped[-1])

    # -- what changes nothing ------------------------------------------------------------------

    def touch(self) -> None:
        place = self.rng.choice(self.files())
        moment = self.rng.choice((FAR_BACK, time.time_ns()))
        os.utime(place, ns=(moment, moment))

    def rewrite(self) -> None:
        """Write what is there already."""
        place = self.rng.choice(self.files())
        place.write_bytes(place.read_bytes())

    def exchange_twice(self) -> None:
        """Replace a file and put the old one back."""
        place = self.rng.choice(self.files())
        aside = place.with_name(".aside")
        place.rename(aside)
        place.write_text(self.text())
        if self.rng.random() < 0.5:
            self.host.remembered(**QUESTIONS[0])
        aside.rename(place)

    # -- the emulator --------------------------------------------------------------------------

    def emulator(self) -> str:
        return emulator_text(*self.rng.sample(TYPES, 3))

    def replace_emulator(self) -> None:
        place = self.host.at(fakes.REAL_EMULATOR)
        if self.rng.random() < 0.15:
            place.unlink()
            return
        other = self.host.write(f"{fakes.REAL_EMULATOR}.new", self.emulator(), 0o755)
        if place.exists() and self.rng.random() < 0.5:
            status = place.stat()
            os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.rename(place)

    def edit_emulator(self) -> None:
        self.host.write(fakes.REAL_EMULATOR, self.emulator(), 0o755)

    def turn_wrapper(self) -> None:
        """Make the emulator a script, or a link to the real one."""
        place = self.host.at(fakes.EMULATOR)
        place.unlink(missing_ok=True)
        if self.rng.random() < 0.5:
            place.symlink_to(os.path.relpath(self.host.at(fakes.REAL_EMULATOR), place.parent))
        else:
            text = f"#!/bin/sh\nexec {fakes.REAL_EMULATOR} $@\n"
            self.host.write(fakes.EMULATOR, text, 0o755)

    def change_library(self) -> None:
        place = self.host.at(fakes.LIBRARY).resolve()
        place.write_text(self.rng.choice(TYPES))

    def turn_library(self) -> None:
        """Install another version beside, and turn the link to it."""
        link = self.host.at(fakes.LIBRARY)
        version = self.rng.randrange(3)
        self.host.write(f"{fakes.LIBRARY}.{version}", self.rng.choice(TYPES))
        other = link.with_name(".link")
        other.unlink(missing_ok=True)
        other.symlink_to(f"libpretended.so.1.{version}")
        other.rename(link)

    def change_module(self) -> None:
        place = self.host.at(f"{fakes.MODULES}/hw-{self.rng.choice('abc')}.so")
        if place.exists():
            place.unlink()
        elif place.parent.is_dir():
            place.write_text(self.rng.choice(TYPES))

    # -- the rest of the host ------------------------------------------------------------------

    def change_kvm(self) -> None:
        place = self.host.at(fakes.KVM)
        if place.exists():
            place.unlink()
        else:
            self.host.write(fakes.KVM, f"12 {self.rng.choice((288, 1024))} 8", 0o666)

    def change_kvm_mode(self) -> None:
        self.host.at(fakes.KVM).chmod(self.rng.choice((0o666, 0o660)))

    def flip_parameter(self) -> None:
        place = self.host.at(fakes.NESTED)
        place.write_text("N\n" if place.read_text() == "Y\n" else "Y\n")

    def change_processor(self) -> None:
        place = self.host.at("/proc/cpuinfo")
        text = place.read_text()
        place.write_text(
            text.replace("0x1", "0x2") if "0x1" in text else text.replace("0x2", "0x1")
        )

    def change_helper(self) -> None:
        name = self.rng.choice(HELPERS)
        place = self.host.at(f"/usr/bin/{name}")
        if place.exists() and self.rng.random() < 0.4:
            place.unlink()
        else:
            feature = self.rng.choice(("tpm-1.2", "tpm-2.0", "separate-options"))
            self.host.write(f"/usr/bin/{name}", helper_text(feature), 0o755)

    def change_path(self) -> None:
        order = ["/usr/local/bin", "/usr/bin"]
        self.rng.shuffle(order)
        self.host.environ["PATH"] = ":".join(order)

    def change_iommu(self) -> None:
        group = self.host.at("/sys/kernel/iommu_groups/0")
        if group.exists():
            group.rmdir()
        else:
            group.mkdir(parents=True)
            self.host.write("/dev/vfio/vfio", "")


def _exchange(memory: mmap.mmap) -> None:
    """Make one descriptor another one, of the same size."""
    text = memory[:]
    for old, new in ((b"secure-boot", b"secure-xoot"), (b"secure-xoot", b"secure-boot"),
                     (b"CODE_A", b"CODE_B"), (b"CODE_B", b"CODE_A")):  # fmt: skip
        if old in text:
            memory[:] = text.replace(old, new)
            return


class Trial:
    """Changes a host, and checks after each change what must hold."""

    def __init__(
        self,
        root: Path,
        seed: int,
        *,
        sentry: bool,
        disk: bool = False,
        coarse: bool = False,
        threads: int = 1,
    ) -> None:
        store = DiskStore(root.with_name(f"{root.name}-cache")) if disk else None
        self.host = PretendedHost(root, sentry=sentry, disk=store, coarse=coarse)
        # as on a real host: what others than root may write is read in each call
        self.host.host.machine.build.host_view.checks_owner = True
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads)
        self.mutator = Mutator(self.host, random.Random(seed))  # noqa: S311
        self.facts: Any = None
        self.failed = True
        self.counts: Counter[str] = Counter()
        self.tasks = 0

    def step(self) -> None:
        """Change something and check."""
        asked = self.host.prober.asked
        change = self.mutator.change()
        # what a change looked at in between is not the answer to be judged
        in_between = self.host.prober.asked != asked or bool(self.host.counting.ran_keys)
        self.counts[change] += 1
        answers = self._answers()
        # one reading for all: nothing changes until the next step
        plain = self.host.plain()
        truth = [fakes.shown(plain, question) for question in QUESTIONS]
        assert answers == truth, f"after {change}:\n{_difference(answers, truth)}"
        facts = self._observed(plain)
        failed = "Error" in answers[0]
        self._check_economy(change, asked, facts, in_between=in_between, failed=failed)
        self.counts["probes"] += self.host.prober.asked - asked
        self.counts["without an answer"] += failed

    def _answers(self) -> list[str]:
        """Ask, with each thread; all must be told the same."""
        every = [question for question in QUESTIONS for _ in range(self.threads)]
        found = list(self.pool.map(lambda question: self.host.remembered(**question), every))
        answers = found[:: self.threads]
        assert found == [answer for answer in answers for _ in range(self.threads)]
        return answers

    def _check_economy(
        self, change: str, asked: int, facts: _Facts, *, in_between: bool, failed: bool
    ) -> None:
        """Nothing is rebuilt that rests on facts which did not change."""
        host, counting = self.host, self.host.counting
        before, self.facts = self.facts, facts
        if not (in_between or failed or self.failed or before is None):
            if facts == before:
                rebuilt = counting.kinds() & {ElementOf, Report, ReportAnswer, FirmwareForGuest}
                assert not rebuilt, f"{rebuilt} rebuilt after {change}"
            if facts[1] == before[1]:
                assert not {Emulator} & counting.kinds(), f"emulator indexed after {change}"
                if _without_firmware(facts) == _without_firmware(before):
                    assert counting.elements() <= {"os"}, f"{counting.elements()} after {change}"
            if facts[2] == before[2]:
                assert host.prober.asked == asked, f"emulator asked after {change}"
        self.failed = failed
        self.tasks += len(counting.ran_keys)
        counting.clear()

    def _observed(self, plain: Host) -> _Facts:
        """Give the facts, the emulator's answers, and all that these come from."""
        record = plain.facts.record
        try:
            answers = plain.emulators.get(fakes.EMULATOR).record
        except Exception:  # noqa: BLE001 - it is away
            answers = None
        paths = [self.host.at(p) for p in ("/usr/lib", "/usr/libexec", "/sys/module")]
        files = [place for path in paths for place in sorted(path.rglob("*"))]
        parts: list[object] = [_content(place) for place in (*files, self.host.at(fakes.EMULATOR))]
        return record, answers, (parts, record.kvm.usable, record.cpu, self.host.environ["PATH"])


def _without_firmware(facts: _Facts) -> Any:
    import msgspec

    return msgspec.structs.replace(facts[0], firmware=(), images=())


def _content(place: Path) -> object:
    if place.is_symlink():
        return str(place), str(place.readlink())
    if not place.exists():
        return None
    if place.is_dir():
        return str(place)
    # who may execute it, and whose it is, are part of what it is
    status = place.stat()
    return str(place), place.read_bytes(), status.st_mode & 0o111, status.st_uid


def _difference(answers: list[str], truth: list[str]) -> str:
    import difflib

    lines = difflib.unified_diff(
        "".join(answers).splitlines(), "".join(truth).splitlines(), "remembered", "true", n=2
    )
    return "\n".join(list(lines)[:40])


def main(steps: int, seed: int, threads: int) -> int:
    """Run many steps: with inotify, without, with a cache on the disk, with coarse times."""
    total: Counter[str] = Counter()
    began = time.monotonic()
    for number, kind in enumerate(KINDS):
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(Path(folder) / "root", seed + number, threads=threads, **kind)
            for _ in range(-(-steps // len(KINDS))):
                trial.step()
            total += trial.counts
            total["tasks run"] += trial.tasks
            print(kind, f"{time.monotonic() - began:.0f} s", flush=True)
    for name, count in total.most_common():
        print(f"{count:7} {name}")
    said = f"{steps} changes, seed {seed}, {threads} threads"
    print(f"{said}: no stale answer, nothing rebuilt in vain")
    return 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*given, *(1, 1)[len(given) - 1 :]))
