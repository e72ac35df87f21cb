"""The world of a domain whose architecture no emulator of the host runs.

The missing emulator is the one cause. Judged for another architecture, the domain would get
findings that only follow from that. It is judged for its own one, with an emulator and a host of
which nothing is known: what depends on them is unknown, and faults of the document are found.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

import msgspec

from domcaps.elements.boards.families import (
    ARM,
    ARM_VIRT,
    I440FX,
    LOONGARCH_VIRT,
    MICROVM,
    PSERIES,
    Q35,
    RISCV,
    RISCV_VIRT,
    S390_CCW,
    SBSA,
    XENFV,
    usual_machine,
)
from domcaps.elements.boards.fixed import KNOWN_HARDWARE
from domcaps.facts.arch import qemu_target
from domcaps.facts.emulator import ACCELERATORS, EmulatorFacts, Unanswered
from domcaps.facts.host import HostFacts
from domcaps.facts.question import ask
from domcaps.facts.record import Answer, EmulatorRecord, ProbeSession
from domcaps.language.target import Target
from domcaps.language.truth import Truth
from domcaps.language.world import World
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.facts.record import HostRecord

_FOLDER = "/usr/bin"
"""Where distributions install emulators."""

_QEMU_KVM = ("/usr/libexec/qemu-kvm", "/usr/bin/qemu-kvm", "/usr/bin/kvm")
"""Other names of the emulator of guests that run on the host's own processor."""

_OF_EMULATOR = late_pattern(r" has no answer$| starts \(")
"""What of the undecided statements is about the emulator."""


class UnaskedEmulator(EmulatorFacts):
    """An emulator that is not there: of its answers only the architecture is known."""

    is_there = False

    @property
    def kvm(self) -> bool:
        """Raise `Unanswered`: a session with KVM that is not recorded says no otherwise."""
        raise Unanswered(ask("query-kvm"), None)

    kvm_unseen = kvm


class _UnseenRecord:
    """A record of a host of which nothing is read."""

    def __getattr__(self, name: str) -> Any:
        raise Unanswered(ask(f"host.{name}"), None)


class UnseenHost(HostFacts):
    """A host of which nothing is said: its KVM, firmware and devices are for other guests."""

    def __init__(self) -> None:
        super().__init__(cast("HostRecord", _UnseenRecord()))

    def image_state(self, path: str) -> None:  # noqa: ARG002
        """Say nothing of a firmware image, so that a live host looks at the file."""
        return


_UNSEEN = UnseenHost()

_KNOWN = (
    I440FX | Q35 | MICROVM | XENFV | ARM_VIRT | SBSA | PSERIES | S390_CCW | RISCV_VIRT
    | LOONGARCH_VIRT | ((ARM | RISCV) & KNOWN_HARDWARE)
)  # fmt: skip
"""Boards of which it is known what they have, and which architectures have them."""

_BOARDS = (
    ("x86_64", "q35"), ("x86_64", "pc"), ("aarch64", "virt"), ("ppc64", "pseries"),
    ("s390x", "s390-ccw-virtio"),
)  # fmt: skip
_ARCHS = (*(arch for arch, _board in _BOARDS), "riscv64", "loongarch64")


def emulator_path(arch: str) -> str:
    """Give the path at which distributions install the emulator for an architecture."""
    return f"{_FOLDER}/qemu-system-{qemu_target(arch)}"


def usual_emulators(arch: str) -> frozenset[str]:
    """Give the paths by which domains name the emulator that a distribution installs."""
    return frozenset((emulator_path(arch), *_QEMU_KVM))


def foreign_world(arch: str, machine: str | None, virttype: str | None, near: World) -> World:
    """Give the world of a guest of an architecture that the host of `near` has no emulator for."""
    target = near.target
    name = machine or usual_machine(arch, target.dialect)
    kind = virttype if virttype in ACCELERATORS else "qemu"
    wanted = Target(emulator_path(arch), arch, name, str(kind), target.dialect, target.flags)
    world = World(wanted, _unasked(arch), _UNSEEN)
    world.look = near.look
    return world


def other_boards(world: World) -> Iterator[World]:
    """Give worlds with the boards that a domain may mean, where its own are not known to be any.

    The machine type may be one of another architecture (``q35`` for a guest of SPARC): then these
    are its own. Where no architecture is known to have it, there is one world for each usual board.
    """
    if world.truth(_KNOWN) is Truth.YES:
        return
    named = [_on_board(world, arch, world.target.machine) for arch in dict.fromkeys(_ARCHS)]
    meant = [one for one in named if one.truth(_KNOWN) is Truth.YES]
    yield from meant or (_on_board(world, arch, board) for arch, board in _BOARDS)


def _on_board(world: World, arch: str, machine: str) -> World:
    return foreign_world(arch, machine, world.target.virttype, world)


def host_for(emulator: EmulatorFacts, host: HostFacts) -> HostFacts:
    """Give the facts of the host by which a domain of this emulator is judged."""
    return host if emulator.is_there else _UNSEEN


def decided(unknown: Iterable[str], world: World) -> tuple[str, ...]:
    """Sort what could not be decided; of an emulator that is not there it is one sentence."""
    if world.emulator.is_there:
        return tuple(sorted(unknown))
    missing = f"what depends on the emulator for {world.target.arch} guests, which this host lacks"
    return tuple(sorted([missing, *(one for one in unknown if not _OF_EMULATOR.search(one))]))


@functools.cache
def _unasked(arch: str) -> UnaskedEmulator:
    """Give the emulator for an architecture; it is one object, as its facts are the same."""
    reply = msgspec.Raw(msgspec.json.encode({"arch": qemu_target(arch)}))
    session = ProbeSession("tcg", (Answer(ask("query-target"), reply),))
    return UnaskedEmulator(EmulatorRecord(emulator_path(arch), (session,)))
