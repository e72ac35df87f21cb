"""Moving a domain to another board of x86: its machine type, its buses and what hangs on them.

What becomes of each device stands beside the elements (`OnBoard`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.applied import apply
from domcaps.choose.candidates import on_board
from domcaps.choose.change import Change, line_in
from domcaps.choose.disk_names import fitting_name
from domcaps.choose.hosts import machine_names, world_of
from domcaps.choose.text import text_of
from domcaps.elements import contents
from domcaps.elements.advice.guest_minds import BOOT_ENTRIES, CHIPSET, PCI_ADDRESSES
from domcaps.elements.boards.families import family_of
from domcaps.elements.controllers.models import OF_ANOTHER_BOARD
from domcaps.errors import InputError, RequestError
from domcaps.facts.arch import X86
from domcaps.language.conversion import OnBoard
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.validate.target import wanted_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.choose.hosts import HostLike
    from domcaps.language import World

BOARDS = ("q35", "pc")
"""Boards that a domain can be moved to."""

MACHINE = "/domain/os/type/@machine"
_REASON = "the machine type has another chipset"
_NAMES = (
    "disks get other names (sda in place of hda): see /etc/fstab and the boot loader where they "
    "name disks so"
)


class ConversionDraft:
    """A text that is converted, and what was done to it."""

    def __init__(self, data: bytes) -> None:
        self.original = self.data = data
        self.changes: list[Change] = []
        self.notices: dict[str, int] = {}

    @property
    def root(self) -> Node:
        """The document as it is now."""
        return text_of(self.data).root

    def edit(self, path: str, fix: Fix, what: str, removes: str = "") -> None:
        """Make an edit, unless nothing comes of it."""
        after = apply(self.data, path, fix)
        if after != self.data:
            line = line_in(self.original, self.data, text_of(self.data).line(path))
            self.data = after
            self.changes.append(Change(what, path, line, _REASON, "", removes, losses.FIX))

    def replace(self, after: bytes, what: str) -> None:
        """Take the text after an addition to the devices."""
        if after != self.data:
            self.data = after
            self.changes.append(Change(what, "/domain", 0, _REASON, "", "", losses.FIX))

    def notice(self, weight: int, text: str) -> None:
        """Note what the guest sees."""
        if text:
            self.notices[text] = max(weight, self.notices.get(text, 0))


@functools.cache
def _rules() -> tuple[OnBoard, ...]:
    """Give what the table says of all boards."""
    found: list[OnBoard] = []
    for value in contents():
        if isinstance(value, tuple) and value and isinstance(value[0], OnBoard):
            found += (rule for rule in value if rule not in found)
    return tuple(found)


def to_board(draft: ConversionDraft, hosts: Sequence[HostLike], libvirt: str, board: str) -> None:
    """Move a domain to one of `BOARDS`; raises `RequestError` where its guest can't have it."""
    world = world_of(hosts[0], draft.data, libvirt)
    named = wanted_of(draft.root)["arch"]
    if world is None and named in X86:
        raise RequestError(f"this host has no emulator for {named} guests")
    if world is None or world.target.arch not in X86:
        raise RequestError(f"only guests of x86 have the board {board!r}")
    kind = draft.root.find("os/type")
    if kind is None:
        raise RequestError("the domain has no <os><type>, so that it has no board")
    old = kind.get("machine") or ""
    if family_of(old)[0] == board:
        return
    name = successor(old, board, world)
    draft.edit(MACHINE, set_value(name, MACHINE), f"machine='{name}' instead of '{old}'")
    draft.notice(CHIPSET.weight, CHIPSET.text)
    move_devices(draft, board)


def moved_to_board(hosts: Sequence[HostLike], data: bytes, libvirt: str) -> ConversionDraft | None:
    """Convert the devices where a domain was given another board and they are of the old one.

    None where they are not: what tells is the root of PCI, or an IDE controller beside it.
    """
    try:
        draft = ConversionDraft(data)
    except InputError:
        return None
    kind = draft.root.find("os/type")
    family = family_of(kind.get("machine") or "")[0] if kind is not None else ""
    if family not in BOARDS or not _is_of_other(draft.root, family):
        return None
    world = world_of(hosts[0], data, libvirt)
    if world is None or world.target.arch not in X86:
        return None
    move_devices(draft, family)
    return draft


def _is_of_other(root: Node, family: str) -> bool:
    models = {c.get("model") for c in root.iterfind("devices/controller") if c.get("type") == "pci"}
    return bool(models & OF_ANOTHER_BOARD[family])


def move_devices(draft: ConversionDraft, board: str) -> None:
    """Make the devices those of a board."""
    _without_pci_addresses(draft)
    for rule in _rules():
        if rule.board == board:
            _applied(draft, rule)
    _rename_disks(draft)


def successor(old: str, board: str, world: World) -> str:
    """Name the machine type of a board with the version that an old one has, else without one."""
    return next(iter(on_board(old, board, machine_names(world))), board)


def _devices(root: Node) -> Iterator[Node]:
    for devices in root.iterfind("devices"):
        yield from devices


def _without_pci_addresses(draft: ConversionDraft) -> None:
    """Let libvirt place the devices anew; the addresses of host devices on the host stay."""
    draft.notice(PCI_ADDRESSES.weight, PCI_ADDRESSES.text)
    system = draft.root.find("os")
    if system is not None and (system.get("firmware") or system.find("nvram") is not None):
        draft.notice(BOOT_ENTRIES.weight, BOOT_ENTRIES.text)

    def placed(root: Node) -> Iterator[Node]:
        for device in _devices(root):
            yield from (a for a in device.iterfind("address") if a.get("type") == "pci")

    _each(draft, placed, Fix(without=("",)), "<address> removed, so that libvirt chooses one")


def _each(
    draft: ConversionDraft,
    find: Callable[[Node], Iterator[Node]],
    fix: Fix,
    what: str,
    removes: str = "",
) -> int:
    """Make an edit at all elements that there are, the last first; gives how many there were."""
    paths = [path_of(node) for node in find(draft.root)]
    for path in reversed(paths):
        draft.edit(path, fix, what, removes)
    return len(paths)


def _applied(draft: ConversionDraft, rule: OnBoard) -> None:
    def fitting(root: Node) -> Iterator[Node]:
        return (node for node in root.iterfind(rule.path) if _fits(node, rule))

    tag = rule.path.rpartition("/")[2]
    if rule.removed:
        words = " ".join(f"{at.lstrip('@')}='{v[0]}'" for at, v in rule.where.items() if len(v) < 2)
        what = f"<{tag}{' ' if words else ''}{words}>"
        number = _each(draft, fitting, Fix(without=("",)), f"{what} removed", what)
    else:
        indexes = {node.get("index") or "0" for node in fitting(draft.root)}
        said = " and ".join(f"{at.rpartition('@')[2]}='{value}'" for at, value in rule.values)
        number = _each(draft, fitting, Fix(values=rule.values, without=rule.without), said)
        for index in sorted(indexes) if rule.add else ():
            added = rule.add.replace("{index}", index)
            fix = Fix(add=f"<devices>{added}</devices>")
            draft.edit("/domain", fix, f"{added} added")
    if number:
        draft.notice(rule.weight, rule.guest)


def _fits(node: Node, rule: OnBoard) -> bool:
    for at, values in rule.where.items():
        steps, _, name = at.rpartition("@")
        inner = node.find(steps.rstrip("/")) if steps else node
        if inner is None or (inner.get(name) or "") not in values:
            return False
    return True


def _rename_disks(draft: ConversionDraft) -> None:
    """Name disks as those of their bus are named: libvirt places them by that."""
    for number, _ in enumerate(list(draft.root.iterfind("devices/disk/target"))):
        root = draft.root
        target = list(root.iterfind("devices/disk/target"))[number]
        name = fitting_name(root, target)
        if name:
            old = target.get("dev")
            draft.edit(path_of(target), set_value(name, "@dev"), f"dev='{name}' instead of '{old}'")
            draft.notice(50, _NAMES)


def moved_with_machine(before: bytes, after: bytes, machine: str) -> ConversionDraft | None:
    """Move the devices where an edit moved the machine to another of `BOARDS`; None elsewhere.

    `machine` is the machine type before, for a domain that names none.
    """
    old, new = (_machine_of(data) or machine for data in (before, after))
    families = (family_of(old)[0], family_of(new)[0])
    if families[0] == families[1] or not set(families) <= set(BOARDS):
        return None
    draft = ConversionDraft(after)
    move_devices(draft, families[1])
    return draft


def _machine_of(data: bytes) -> str:
    kind = text_of(data).root.find("os/type")
    return "" if kind is None else kind.get("machine") or ""
