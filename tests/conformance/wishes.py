"""Choose a domain for thousands of random wishes: ``python tests/conformance/wishes.py [DIR]``.

Hosts are the recordings that come along, and with DIR (a folder of recorded cases) its transcripts.
Every domain must be accepted by the validator; every "can't" is confirmed by trying all that the
wishes leave, and by meeting them when any one of them is dropped. With ``--write OUT`` the domains
are kept, for a running libvirt to judge; ``--host FILE`` takes other recordings. ``--startable``
leaves out up front what depends on circumstances: a value whose sample names a place (an absolute
path, a network host, any ``<source>``) or a device of the host.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import random
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

import msgspec
from corpus import DomainCase, _domain_host, _json

import domcaps
from domcaps.choose.api import wishes_of
from domcaps.choose.catalogue import enums
from domcaps.choose.draft import draft_of
from domcaps.choose.guest_needs import add_needs
from domcaps.choose.os_database import guest_of
from domcaps.choose.start_failures import choice_of, fails_at_start
from domcaps.choose.variables import Assignment
from domcaps.facts.arch import emulator_names
from domcaps.language.preference import Option
from domcaps.shipped import open_shipped, shipped_names
from domcaps.validate.alternatives import decisions
from domcaps.validate.catalogue.rules import parts
from domcaps.validate.catalogue.values import xml_of

if TYPE_CHECKING:
    from domcaps.choose.wishes import Wish
    from domcaps.language.preference import Guest

SYSTEMS = (None, "linux", "windows", "bsd", "other", "win11", "ubuntu24.04", "debian12", "win10")
BUSES = ("virtio", "scsi", "sata", "ide", "usb", "sd", "nvme")
GUESTS = ("aarch64", "riscv64", "ppc64", "s390x", "loongarch64", "armv7l", "i686")
BOARDS = ("pc-q35", "pc-i440fx", "virt-", "pseries-", "s390-ccw-virtio-")
MOST_COMBINATIONS = 4000
SLOW, MEASURED = 0.05, 5
"""A choice that takes longer is measured again, up to so many times."""

# how a sample names something that need not be there
PLACED = re.compile(r"""[>'"]/|\bhost=|\bservice=|<source\b|<hostdev\b|='passthrough'""")


@dataclass(frozen=True)
class Job:
    """One wish list for one host."""

    host: str
    folder: str
    seed: int
    libvirt: str = ""
    confirm: bool = True
    startable: bool = False


@dataclass
class Outcome:
    """What came of it: a domain, a "can't" that was confirmed, or something wrong."""

    job: Job
    kind: str = ""
    text: str = ""
    xml: str = ""
    seconds: float = 0.0
    wall: float = 0.0
    times: tuple[float, ...] = ()
    wishes: dict[str, Any] = field(default_factory=dict)
    tried: int = 0


# one at a time: what a process has loaded is what its collector of garbage goes through
@lru_cache(maxsize=1)
def host_of(name: str, folder: str) -> domcaps.Host:
    """Open a host by its name."""
    if name.startswith("shipped:"):
        return open_shipped(name.partition(":")[2])
    if name.endswith(".replies"):  # of older emulators, so for the older libvirt
        arch = name.removesuffix(".replies").split("_", 2)[2].partition("+")[0]
        case = {"id": name, "arch": arch, "caps": f"replies/{name}", "extra": {}}
        return _named_well(_domain_host(DomainCase(Path(folder), case, "11.3")), arch)
    return domcaps.Host.load(name)


def _named_well(host: domcaps.Host, arch: str) -> domcaps.Host:
    """Have the emulator called as it is found, so that it need not be named."""
    record = host.emulators.get(host.emulators.paths()[0]).record
    path = f"/usr/bin/{emulator_names(arch, arch)[0]}"
    named = msgspec.structs.replace(record, path=path)
    recording = domcaps.Recording(host=host.facts.record, emulators=(named,))
    return domcaps.Host.from_recording(recording, origin=host.origin)


@lru_cache(maxsize=1)
def _warm(name: str, folder: str) -> None:
    """Have what is worked out once for a host worked out."""
    gc.unfreeze()
    host = host_of(name, folder)
    for arch, kind in itertools.product(set(_arches(host)), ("kvm", "qemu")):
        with contextlib.suppress(domcaps.DomcapsError):
            libvirt = "11.3" if host.origin.endswith(".replies") else "12.8"
            host.choose("warm", arch=arch, virttype=kind, libvirt=libvirt)
    # what is loaded stays: Python's collector of garbage need not go through it again and again
    gc.collect()
    gc.freeze()


def host_names(folder: Path | None) -> list[str]:
    """Name every host there is."""
    names = [f"shipped:{name}" for name in shipped_names()]
    if folder is not None:
        _json(folder / "replies" / "index.json")
        names += sorted(path.name for path in (folder / "replies").glob("*.replies"))
    return names


def random_wishes(
    host: domcaps.Host, rng: random.Random, *, usual: bool, startable: bool = False
) -> dict[str, Any]:
    """Make up what somebody may want."""
    wishes: dict[str, Any] = {
        "memory": rng.choice(["512MiB", "2GiB", "4GiB", "16GiB"]),
        "vcpus": rng.choice([1, 2, 2, 4, 8] if usual else [1, 2, 2, 4, 4, 8, 16, 300]),
        "os": rng.choice(SYSTEMS),
        "use": rng.choice([None, None, "desktop", "server", "small"]),
        "arch": rng.choice(_arches(host)),
    }
    if rng.random() < 0.3:
        wishes["machine"] = _machine(host, wishes["arch"], rng, usual=usual)
    if rng.random() < 0.3:
        wishes["virttype"] = rng.choice(["kvm", "qemu"])
    buses = BUSES if not usual else BUSES[:3]
    wishes["disks"] = [
        f"/var/tmp/choose-{n}.qcow2{_maybe(rng, ',bus=', buses)}"
        for n in range(rng.choice([0, 1, 1, 2, 3]))
    ]
    wishes["cdroms"] = (
        [f"/var/tmp/c.iso{_maybe(rng, ',bus=', buses)}"] if rng.random() < 0.4 else []
    )
    networks = ["user", "none", "user"] if usual else ["default", "user", "bridge=br0", "none"]
    some = [rng.choice(networks) for _ in range(rng.choice([1, 1, 2]))]
    wishes["networks"] = [name for name in some if name != "none"] or ["none"]
    wishes["graphics"] = rng.choice([None, None, "vnc", "spice", "none"])
    for name, chance in (("uefi", 0.2), ("secure_boot", 0.1), ("tpm", 0.2)):
        wishes[name] = rng.random() < chance
    wishes["shares"] = ["/var/tmp"] if rng.random() < 0.2 else []
    wishes["settings"] = [
        _setting(rng, startable=startable) for _ in range(rng.choice([0, 0, 0, 1, 2]))
    ]
    return wishes


def _maybe(rng: random.Random, prefix: str, values: tuple[str, ...]) -> str:
    return f"{prefix}{rng.choice(values)}" if rng.random() < 0.3 else ""


def _arches(host: domcaps.Host) -> list[str]:
    """Give the architectures to choose from, the host's own most often."""
    if len(host.emulators.paths()) == 1:
        return [host.emulators.get(host.emulators.paths()[0]).arch]
    return [host.facts.arch] * 5 + [arch for arch in GUESTS if host.has_emulator(arch)]


def _machine(host: domcaps.Host, arch: str, rng: random.Random, *, usual: bool) -> str:
    emulator = host.emulators.get(host.default_emulator(arch))
    machines = emulator.machines("kvm") or emulator.machines("qemu")
    names = [m.name for m in machines]
    if usual:
        names = [name for name in names if name.startswith(BOARDS)] or names
    return rng.choice(names + ["pc", "q35", "virt"] * (0 if usual else len(names) // 3 + 1))


def _setting(rng: random.Random, *, startable: bool) -> str:
    while True:
        path, enum = rng.choice(sorted(enums().items()))
        values = [c.name for c in enum.choices]
        value = rng.choice(values) if values else ""
        xml = xml_of(enum, value) if value else None
        if xml is not None and not (startable and PLACED.search(xml)):
            return f"{path}={value}"


def run(job: Job, *, usual: bool = False) -> Outcome:
    """Choose, and check what came of it."""
    rng = random.Random(f"{job.host} {job.seed}")  # noqa: S311 - nothing secret
    host = host_of(job.host, job.folder)
    wishes = random_wishes(host, rng, usual=usual, startable=job.startable)
    wishes["libvirt"] = job.libvirt or ("11.3" if job.host.endswith(".replies") else "12.8")
    outcome = Outcome(job, wishes=wishes)
    _warm(job.host, job.folder)
    begin, began = time.process_time(), time.monotonic()
    try:
        chosen = host.choose("choose-test", **wishes)
    except domcaps.UnmetWishesError as unmet:
        outcome.seconds, outcome.wall = time.process_time() - begin, time.monotonic() - began
        _measure_again(outcome)
        outcome.text = str(unmet)
        outcome.kind = "can't"
        if job.confirm:
            _confirm(host, wishes, unmet, outcome)
        return outcome
    except domcaps.DomcapsError as error:
        outcome.kind, outcome.text = "error", str(error)
        return outcome
    outcome.seconds, outcome.wall = time.process_time() - begin, time.monotonic() - began
    _measure_again(outcome)
    outcome.xml = chosen.xml
    errors = host.validate(chosen.xml, wishes["libvirt"]).errors
    outcome.kind = "refused" if errors else "domain"
    outcome.text = "; ".join(f"{f.code}: {f.message}" for f in errors)
    return outcome


def _measure_again(outcome: Outcome) -> None:
    """Choose again on hosts loaded anew where it took long: others may use this machine."""
    times = [outcome.seconds]
    job = outcome.job
    while outcome.seconds > SLOW and len(times) < MEASURED and min(times) > SLOW / 2:
        host_of.cache_clear()
        _warm.cache_clear()
        host = host_of(job.host, job.folder)
        _warm(job.host, job.folder)
        begin = time.process_time()
        with contextlib.suppress(domcaps.UnmetWishesError):
            host.choose("choose-test", **outcome.wishes)
        times.append(time.process_time() - begin)
    outcome.times = tuple(times)


def _confirm(
    host: domcaps.Host, options: dict[str, Any], unmet: domcaps.UnmetWishesError, outcome: Outcome
) -> None:
    """Try everything that the wishes leave, and each set of wishes that lacks one of them."""
    wanted = wishes_of("w", options["memory"], options["vcpus"], _rest(options))
    guest = guest_of(options["os"], options["use"], options["arch"])
    try:
        add_needs(wanted, guest, options["memory"], options["vcpus"])
    except domcaps.UnmetWishesError:
        # less than what the database of guests says: nothing of the host is asked
        outcome.kind = "can't" if _is_below(guest, options) else "wrong"
        return
    everything = wanted.all
    named = {wish.text: wish for wish in everything if wish.text in unmet.wishes}
    core = list(named.values())
    works, tried = brute_force(host, options["arch"], core, options["libvirt"])
    outcome.tried = tried
    if works:
        outcome.kind, outcome.text = "wrong", f"{outcome.text}\n works: {works}"
    elif not unmet.reasons:
        outcome.kind = "silent"
    else:
        outcome.kind = "can't"
    for left_out in core if len(core) > 1 else ():
        rest = [wish for wish in core if wish is not left_out]
        if not _possible(host, options, rest):
            outcome.kind = "not minimal"
            outcome.text += f"\n without {left_out.text} it can't be met either"


def _is_below(guest: Guest, options: dict[str, Any]) -> bool:
    """Tell whether there is less memory, or there are fewer CPUs, than the guest's minimum."""
    memory, vcpus = options["memory"], options["vcpus"]
    number, unit = re.fullmatch(r"(\d+)(MiB|GiB)", memory or "0MiB").groups()  # type: ignore[union-attr]
    too_small = memory is not None and int(number) << (10 * (unit == "GiB")) < guest.memory[0]
    return too_small or (vcpus is not None and vcpus < guest.vcpus[0])


def _rest(options: dict[str, Any]) -> Any:
    return {k: v for k, v in options.items() if k not in {"memory", "vcpus"}}


def _possible(host: domcaps.Host, options: dict[str, Any], wishes: list[Wish]) -> bool:
    from domcaps.choose.chooser import Chooser
    from domcaps.choose.wishes import Wishes

    guest = guest_of(options["os"], options["use"], options["arch"])
    chooser = Chooser([host], Wishes("w", list(wishes)), guest, options["arch"], options["libvirt"])
    try:
        xml = chooser.choose().xml
    except domcaps.UnmetWishesError:
        return False
    return not host.validate(xml, options["libvirt"]).errors


def brute_force(host: domcaps.Host, arch: str, wishes: list[Wish], libvirt: str) -> tuple[str, int]:
    """Put every form of every wish together in every way; give a domain that works, or ""."""
    narrowed: dict[str, set[str]] = {}
    for wish in wishes:
        if wish.kind in {"narrow", "set"}:
            narrowed.setdefault(wish.name, set(wish.values))
            narrowed[wish.name] &= set(wish.values)
    kinds = narrowed.pop("virttype", {"kvm", "hvf", "qemu"})
    arch = next(iter(narrowed.pop("arch", {arch})), arch)
    ranked = next(d for d in decisions() if d.name == "os.machine")
    machines = narrowed.pop("os.machine", {option.value for option in ranked.options})
    tried = 0
    for kind, machine in itertools.product(sorted(kinds), sorted(machines)):
        try:
            world = host.known_world(None, arch, machine or None, kind, libvirt)
        except domcaps.DomcapsError:
            continue
        forms = [list(_forms(w, narrowed, world)) for w in wishes if w.kind != "narrow"]
        forms += [list(_values(name, values, world)) for name, values in sorted(narrowed.items())]
        for combination in itertools.product(*forms):
            tried += 1
            if tried > MOST_COMBINATIONS:
                return "", tried
            assignments = [assignment for group in combination for assignment in group]
            draft = draft_of("w", world.target, machine, assignments)
            if not host.validate(draft.text(), libvirt).errors:
                return draft.text().decode(), tried
    return "", tried


def _forms(wish: Wish, narrowed: dict[str, set[str]], world: Any) -> Any:
    """Give every way in which a domain may say a wish."""
    if wish.kind == "item":
        decision = next(d for d in decisions() if d.each == wish.name)
        allowed = narrowed.get(decision.name)
        for option in (*decision.options, *_others(decision)):
            if (wish.bus and option.value != wish.bus) or (allowed and option.value not in allowed):
                continue
            if not _listed(world, decision.enum, option.value):
                continue
            xml = decision.xml if option.xml is None else option.xml
            for name, text in (*wish.blanks, ("value", option.value)):
                xml = xml.replace("{" + name + "}", text)
            settings = dict(option.settings)
            yield [Assignment(wish.text, option.value, "", xml, dev=settings.get("dev", "sd"))]
    else:
        yield []


def _listed(world: Any, enum: Any, value: str) -> bool:
    """Tell whether a value may be chosen, as far as no rule of the validator looks at it."""
    known = choice_of(enum, value, world) if enum is not None and value else None
    if known is not None and fails_at_start(known, world):
        return False
    fields = (field for part in parts() for field in part.fields())
    if enum is None or not value or any(field.choice is enum for field in fields):
        return True
    dialect = world.target.dialect
    if known is None:
        return not dialect.has_between(enum.since, enum.until)
    return bool(world.truth(known.when))


def _others(decision: Any) -> Any:
    """Give what the enum has besides."""
    known = {option.value for option in decision.options}
    for choice in decision.enum.choices if decision.enum is not None else ():
        if choice.name not in known:
            yield Option(choice.name, "")


def _values(name: str, values: set[str], world: Any) -> Any:
    """Give every way in which a domain may be told a value."""
    decision = next((d for d in decisions() if d.name == name), None)
    if decision is not None and decision.each:
        yield []
        return
    if decision is None:
        for value in values:
            if not _listed(world, enums()[name], value):
                continue
            yield [Assignment(name, value, "", xml_of(enums()[name], value) or "")]
        return
    listed = [*decision.options, *_others(decision)]
    listed += [Option(v, "") for v in sorted(values) if v not in {o.value for o in listed}]
    for option in listed:
        if option.value in values and _listed(world, decision.enum, option.value):
            xml = option.xml if option.xml is not None else decision.xml if option.value else ""
            own = Assignment(name, option.value, "", xml.replace("{value}", option.value))
            if not option.given:
                yield [own]
            for given, wanted in option.given:
                for value in wanted:
                    other = next(d for d in decisions() if d.name == given)
                    above = other.xml.replace("{value}", value) if value else ""
                    yield [Assignment(given, value, "", above), own]


def main() -> int:
    """Run as many as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--host", action="append", help="only these recordings")
    parser.add_argument("--usual", action="store_true", help="wishes that a start can meet")
    parser.add_argument("--startable", action="store_true", help="and nothing that may be missing")
    parser.add_argument("--write", type=Path, help="keep the domains in this folder")
    parser.add_argument("--libvirt", default="", help="the release that is to accept them")
    parser.add_argument("--unconfirmed", action="store_true", help="believe every refusal")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    names = options.host or host_names(options.folder)
    folder = str(options.folder or "")
    jobs = [
        Job(
            names[n % len(names)],
            folder,
            options.seed + n // len(names),
            options.libvirt,
            not options.unconfirmed,
            options.startable,
        )
        for n in range(options.count)
    ]
    # the jobs of a host one after another: each process opens few of them
    jobs.sort(key=lambda job: job.host)
    with ProcessPoolExecutor(options.jobs) as pool:
        outcomes = list(
            pool.map(_run_usual if options.usual or options.startable else run, jobs, chunksize=50)
        )
    return report(outcomes, options.write)


def _run_usual(job: Job) -> Outcome:
    return run(job, usual=True)


def report(outcomes: list[Outcome], write: Path | None) -> int:
    """Print what went wrong, and the figures."""
    kinds: dict[str, int] = {}
    for outcome in outcomes:
        kinds[outcome.kind] = kinds.get(outcome.kind, 0) + 1
        if outcome.kind not in {"domain", "can't"}:
            print(f"{outcome.kind.upper()} {outcome.job.host} {outcome.job.seed}: {outcome.text}")
            print(f"   {outcome.wishes}")
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        for number, outcome in enumerate(o for o in outcomes if o.kind == "domain"):
            (write / f"choose-{number:05}.xml").write_text(
                outcome.xml.replace("<name>choose-test<", f"<name>choose-{number:05}<")
            )
    times = sorted(outcome.seconds for outcome in outcomes)
    unfinished = sum(outcome.tried > MOST_COMBINATIONS for outcome in outcomes)
    print(f"{len(outcomes)} wish lists: {', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))}")
    print(f"{unfinished} refusals of which only the first {MOST_COMBINATIONS} forms were tried")
    middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
    print(
        f"CPU time of a choice: median {1000 * middle:.1f} ms, 99 % below {1000 * late:.1f} ms, "
        f"longest {1000 * times[-1]:.1f} ms"
    )
    slow = [outcome for outcome in outcomes if outcome.seconds > SLOW]
    least = sorted(min(outcome.times) for outcome in outcomes if outcome.times)
    for outcome in sorted(slow, key=lambda o: -min(o.times)):
        again = ", ".join(f"{1000 * seconds:.0f}" for seconds in outcome.times)
        print(f"slow: {outcome.job.host} {outcome.job.seed}: {again} ms")
    walls = sorted(outcome.wall for outcome in outcomes)
    print(
        f"beyond {1000 * SLOW:.0f} ms: {len(slow)}, of these measured anew "
        f"{sum(seconds > SLOW for seconds in least)}; longest then {1000 * least[-1]:.1f} ms; "
        f"by the clock: median {1000 * walls[len(walls) // 2]:.1f} ms, longest "
        f"{1000 * walls[-1]:.1f} ms"
    )
    return 1 if set(kinds) - {"domain", "can't"} else 0


if __name__ == "__main__":
    sys.exit(main())
