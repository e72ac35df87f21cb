"""Resolve the types of ``<domain>`` and ``<os>``, and ``<emulator>``, to a target.

Libvirt's defaults fill in what is missing. A value that cannot be resolved is a finding; the
nearest supported value replaces it, so that the rest of the document is validated as well.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import (
    DomcapsError,
    NoEmulatorError,
    ProbeError,
    UnsupportedTargetError,
    UntrustedProgramError,
)
from domcaps.facts.arch import ARCHITECTURES, USUAL, serves
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.finding import Finding, quoted
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of, tag_of
from domcaps.language.rule import Problem
from domcaps.named_tuples import NamedTuple
from domcaps.similar import close_matches
from domcaps.validate.foreign import foreign_world, other_boards, usual_emulators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.world import World
    from domcaps.validate.document.parse import Source

    OpenWorld = Callable[..., World]
    """Gives the world of emulator, architecture, machine and type, or raises `DomcapsError`.

    With ``libvirt`` in another dialect than the one that was asked for.
    """


class TargetNotFound(Exception):  # noqa: N818 - carries the finding, not an error of its own
    """The host does not have the domain's target; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)


class Fault(NamedTuple):
    """A part of the target that cannot be resolved: the code and the problem."""

    code: str
    problem: Problem


class OtherTarget(NamedTuple):
    """Another target that may be meant, what was taken instead, and whether few domains have it."""

    world: World
    as_if: str
    is_rare: bool


class NearestTarget(NamedTuple):
    """The world of a domain's target, what could not be resolved, and what was taken instead.

    `boards` are worlds with boards of other architectures, one of which may be meant where the
    architecture is one without an emulator, and is not known to have the board.
    """

    world: World
    faults: tuple[Fault, ...] = ()
    as_if: str = ""
    others: tuple[OtherTarget, ...] = ()
    boards: tuple[World, ...] = ()


def wanted_of(root: Node) -> dict[str, str | None]:
    """Give what a domain names of its target, None for what it leaves to libvirt."""
    binary = root.find("devices/emulator")
    kinds = [kind for system in root.iterchildren("os") for kind in _first_type(system)]
    return {
        "emulator": None if binary is None else "".join(map(str, binary.itertext())),
        "arch": _named(kinds, "arch"),
        "machine": _named(kinds, "machine"),
        "virttype": root.get("type"),
    }


def resolve_domain_target(source: Source, open_world: OpenWorld) -> World:
    """Give the world of the domain's target; raises `TargetNotFound` where there is none."""
    found = nearest_target(source, open_world)
    if found.faults:
        raise _not_found(source, found.faults[0])
    return found.world


def nearest_target(source: Source, open_world: OpenWorld) -> NearestTarget:
    """Give the world of the domain's target, or of the nearest one that there is.

    Raises `TargetNotFound` for what is no domain and where nothing is near, and what `open_world`
    raises where that is no fault of the document.
    """
    require_domain(source)
    return _Search(source, open_world).resolved()


def require_domain(source: Source) -> None:
    """Raise `TargetNotFound` for what is no domain."""
    if source.root.tag != "domain":
        space = str(source.root.tag)[1:].partition("}")[0] if "}" in str(source.root.tag) else ""
        named = f" in the namespace {quoted(space)}" if space else ""
        without = " without a namespace" if space else ""
        message = (
            f"the root element is <{tag_of(source.root)}>{named}, but must be <domain>{without}"
        )
        raise _not_found(source, Fault("domain-missing", Problem(message, source.root)))


_UNUSUAL_FIRST = sorted(ARCHITECTURES, key=USUAL.__contains__)


class _Search:
    """The search for a target that there is: each fault is noted, and what it is about replaced."""

    def __init__(self, source: Source, open_world: OpenWorld) -> None:
        self.source = source
        self.root = source.root
        self.open_world = open_world
        self.faults: list[Fault] = []
        self.replaced: list[str] = []
        self.archs = reversed(_UNUSUAL_FIRST)
        self.is_board_guessed = False
        self.wanted: dict[str, str | None] = {**wanted_of(self.root), "dialect": None}
        if self.wanted["virttype"] is None:
            self._fault(
                "virttype",
                "domain-type-missing",
                "<domain> needs the attribute 'type', such as 'kvm' or 'qemu'",
            )

    def resolved(self) -> NearestTarget:
        """Try until there is such a target, or until nothing is left to replace."""
        world = self._open()
        while not self._fits(world):
            world = self._open()
        if self._is_of_other_arch():
            return self._of_other_arch(world)
        faults = tuple(self._with_default(fault, world) for fault in self.faults)
        return NearestTarget(world, faults, self._as_if(world), tuple(self._others(world)))

    def _others(self, world: World) -> Iterator[OtherTarget]:
        """Give the target with each other board and type, where what is named is near to none."""
        usual, rare = self._boards(world)
        pairs = list(itertools.product((*usual, *rare), self._types(world)))
        if len(pairs) == 1:
            return
        seen = {(world.target.machine, world.target.virttype)}
        for machine, virttype in pairs:
            self.wanted |= {"machine": machine, "virttype": virttype}
            try:
                other = self._ask()
            except DomcapsError:
                continue
            if (found := (other.target.machine, other.target.virttype)) not in seen:
                seen.add(found)
                yield OtherTarget(other, self._as_if(other), machine in rare)

    def _types(self, world: World) -> tuple[str, ...]:
        """Give the types that may be meant: the one that was resolved is the first."""
        named, own = self.root.get("type") or "", world.target.virttype
        if "virttype" not in self.replaced or close_matches(named, ACCELERATORS, n=1):
            return (own,)
        return tuple(dict.fromkeys((own, *world.emulator.virttypes)))

    def _boards(self, world: World) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
        """Give the machine types that may be meant: the usual ones, and the newest of each other.

        QEMU has a short name for those that are usual.
        """
        own = self.wanted["machine"]
        if not self.is_board_guessed:
            return (own,), ()
        known = world.emulator.machines(world.target.virttype)
        usual = {_board(one.name): one.alias for one in known if one.alias}
        rare = {_board(one.name): one.name for one in known if _board(one.name) not in usual}
        return tuple(dict.fromkeys((own, *usual.values()))), tuple(rare.values())

    def _open(self) -> World:
        while True:
            try:
                return self._ask()
            except DomcapsError as error:
                self._note(error)

    def _ask(self) -> World:
        wanted = self.wanted
        dialect = {"libvirt": wanted["dialect"]} if wanted["dialect"] else {}
        return self.open_world(
            wanted["emulator"], wanted["arch"], wanted["machine"], wanted["virttype"], **dialect
        )

    def _note(self, error: DomcapsError) -> None:
        """Note a fault, and take what is nearest; raises what can't be replaced."""
        named = self.wanted["emulator"] is not None
        if isinstance(error, NoEmulatorError) or (isinstance(error, ProbeError) and not named):
            raise error
        about, nearest = "emulator" if named else "arch", ""
        offered: tuple[str, ...] = ()
        if isinstance(error, UnsupportedTargetError) and error.about:
            about, nearest, offered = error.about, error.nearest, error.offered
            follows = about in {"machine", "virttype"} and self.wanted[about] is not None
            if follows and self._is_of_other_arch():
                self.wanted[about] = None
                return
            is_named = wanted_of(self.root)["arch"] is not None
            if about == "arch" and is_named and "arch" in self.replaced:
                # the host's own has no emulator either: any that there is will do
                other = next(self.archs, None)
                if other is not None:
                    self.wanted["arch"] = other
                    return
            if about == "machine" and not nearest:
                nearest = self._board_named()
                self.is_board_guessed = not nearest
                nearest = nearest or self._board_of_devices()
                # the emulator may be one of another architecture, which has no board of x86
                nearest = nearest if nearest in offered else ""
                offered = tuple(dict.fromkeys(filter(None, (nearest, *offered))))
        code = _CODES.get(about, "emulator-unsupported")
        if isinstance(error, UntrustedProgramError):
            code = "emulator-not-probed"
        remedy = "" if about == "emulator" and code == "emulator-unsupported" else error.remedy
        if offered:
            remedy = f"did you mean {nearest!r}?" if nearest else ""
        text = f"{error.message}; {remedy}" if remedy else error.message
        self._fault(about, code, text, nearest, offered)

    def _is_of_other_arch(self) -> bool:
        """Tell whether the domain is for an architecture whose emulator is missing.

        That the default emulator has neither its machine type nor its type is no other fault.
        """
        kind = self.root.find("os/type")
        named = kind.get("arch") if kind is not None else None
        return named in ARCHITECTURES and "arch" in self.replaced

    def _of_other_arch(self, near: World) -> NearestTarget:
        """Give the target as the domain names it, with an emulator of which nothing is known."""
        named = wanted_of(self.root)
        arch = named["arch"] or ""
        is_usual = named["emulator"] in usual_emulators(arch)
        faults = (one for one in self.faults if not (is_usual and one.code in _OF_EMULATOR))
        world = foreign_world(arch, named["machine"], named["virttype"], near)
        return NearestTarget(world, tuple(faults), boards=tuple(other_boards(world)))

    def _board_named(self) -> str:
        """Give the board of x86 of which the name of a machine type reminds."""
        named = self.wanted["machine"] or ""
        if self.wanted["arch"] in _PCS and ("q35" in named or named.startswith("pc")):
            return "q35" if "q35" in named else "pc"
        return ""

    def _board_of_devices(self) -> str:
        """Name the board of x86 that a domain was written for, by its PCI controllers."""
        if self.wanted["arch"] not in _PCS:
            return ""
        kinds = {node.get("model", "") for node in self.root.iterfind("devices/controller")}
        return "q35" if any(kind.startswith("pcie-") for kind in kinds) else ""

    def _fault(
        self, about: str, code: str, text: str, nearest: str = "", offered: tuple[str, ...] = ()
    ) -> None:
        node, attribute = self._place(about)
        accepted = offered or ((nearest,) if nearest else ())
        fault = Fault(code, Problem(text, node, attribute, accepted, fixes=self._fixes(about)))
        if about in self.replaced and self.wanted[about] is not None:
            # what took its place is not there either: take the default
            self.wanted[about] = None
            return
        if about in self.replaced or about not in self.wanted:
            # nothing is near
            raise _not_found(self.source, self.faults[0] if self.faults else fault)
        self.faults.append(fault)
        self.replaced.append(about)
        self.wanted[about] = nearest or None

    def _fixes(self, about: str) -> tuple[Fix, ...]:
        """Give the type of a domain that names none: accelerated, else emulated."""
        if about != "virttype" or self.root.get("type") is not None:
            return ()
        return (set_value("kvm", "@type"), set_value("qemu", "@type"))

    def _place(self, about: str) -> tuple[Node, str]:
        kind = self.root.find("os/type")
        binary = self.root.find("devices/emulator")
        if about == "virttype":
            return self.root, "type" if self.root.get("type") is not None else ""
        if about in {"arch", "machine"} and kind is not None:
            return kind, about
        return (self.root if binary is None else binary), ""

    def _fits(self, world: World) -> bool:
        """Hold the emulator that is named to the architecture: the host's own where none is."""
        arch, served = self.wanted["arch"], world.emulator.arch
        wanted = arch or world.host.arch
        if self.wanted["emulator"] is None or not wanted or serves(served, wanted):
            return True
        if arch is not None:
            message = f"this emulator runs {served} guests, not {wanted}"
            self._fault("emulator", "emulator-unsupported", message)
        elif self.root.find("os/type") is not None and "arch" not in self.replaced:
            message = (
                f"without 'arch' this is a {wanted} guest, but the emulator runs {served} guests"
            )
            self._fault("arch", "os-arch-missing", message, served)
        else:
            return True
        return False

    def _with_default(self, fault: Fault, world: World) -> Fault:
        """Add to what is said of an emulator the one that libvirt would take by default."""
        problem = fault.problem
        if "emulator" not in self.replaced or not fault.code.startswith("emulator-"):
            return fault
        path = world.target.emulator
        text = f"{problem.message}. Use {path!r}, or remove <emulator>: that is the default"
        return fault._replace(
            problem=msgspec.structs.replace(problem, message=text, accepted=(path,))
        )

    def _as_if(self, world: World) -> str:
        """Say what of the target was taken instead of what the document names."""
        target = world.target
        values = {"virttype": target.virttype, "arch": target.arch, "emulator": target.emulator}
        values["machine"] = self.wanted["machine"] or target.machine
        values["dialect"] = str(target.dialect)
        return ", ".join(f"{_SPOKEN[about]}={values[about]!r}" for about in self.replaced)


_PCS = frozenset({None, "x86_64", "i686"})

_CODES = {
    "arch": "os-arch-unsupported",
    "machine": "os-machine-unsupported",
    "virttype": "domain-type-unsupported",
}
_OF_EMULATOR = frozenset({"emulator-unsupported", "emulator-not-probed"})
"""Codes of an emulator that is not there: where it is the usual one, the package brings it."""
CODES_OF_LACKING = _OF_EMULATOR.union(_CODES.values())
"""Codes of a target that a host does not have."""
_SPOKEN = {
    "virttype": "type",
    "arch": "arch",
    "emulator": "emulator",
    "machine": "machine",
    "dialect": "libvirt",
}


def _board(machine: str) -> str:
    """Give the name of a machine type without the version."""
    return re.sub(r"-\d[\w.]*$", "", machine)


def _first_type(system: Node) -> list[Node]:
    found = system.find("type")
    return [] if found is None else [found]


def _named(kinds: list[Node], attribute: str) -> str | None:
    """Give an attribute of the guest's type: libvirt takes it from where it stands first."""
    given = (kind.get(attribute) for kind in kinds)
    return next((text for text in given if text is not None), None) or None


def _not_found(source: Source, fault: Fault) -> TargetNotFound:
    problem = fault.problem
    line, column = source.place(problem.node, problem.attribute)
    path = path_of(problem.node, problem.attribute)
    return TargetNotFound(
        Finding(
            fault.code,
            problem.message,
            path=path,
            line=line,
            column=column,
            accepted=problem.accepted,
        )
    )
