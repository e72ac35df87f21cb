"""Converting a whole domain: to another board, or to what another host has.

What becomes of each device stands beside the elements (`OnBoard`). Then what is still refused is
repaired as `domcaps.choose.repair` does, and all that the guest notices is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.choose.board import MACHINE, ConversionDraft, to_board
from domcaps.choose.hosts import world_of
from domcaps.choose.hotplug import check_number, with_free_ports
from domcaps.choose.repair import repair
from domcaps.choose.repaired import Repair
from domcaps.choose.saved_states import NOT_LOADED, with_saved_states
from domcaps.choose.taken import taken_from_host
from domcaps.elements.advice.guest_minds import MINDED
from domcaps.elements.boards.families import canonical_machine, family_of
from domcaps.elements.controllers.models import WITH_ROOT_PORTS
from domcaps.language.fix import set_value
from domcaps.language.node_path import without_positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.hosts import HostLike


@dataclass(frozen=True)
class GuestNotice:
    """What the guest sees of a conversion; `weight` is how much it minds, from 0 to 100."""

    weight: int
    text: str


@dataclass(frozen=True)
class Conversion:
    """A converted domain: what was edited and what is left of it, and what the guest sees.

    `notices` begin with what a guest minds most.
    """

    repair: Repair
    notices: tuple[GuestNotice, ...]

    def __str__(self) -> str:
        """Give a line for each change, each finding that is left, and each notice."""
        notices = [f"visible in the guest: {notice.text}" for notice in self.notices]
        return "\n".join(filter(None, [str(self.repair), *notices]))

    @property
    def data(self) -> bytes:
        """The text after all changes."""
        return self.repair.data

    @property
    def accepted(self) -> bool:
        """Whether every host accepts it."""
        return self.repair.accepted

    @property
    def definable(self) -> bool:
        """Whether libvirt defines it on every host; it may be refused at start."""
        return self.repair.definable


def convert(
    hosts: Sequence[HostLike],
    data: bytes,
    libvirt: str,
    *,
    board: str = "",
    hotplug: int = 0,
    keep: bool = False,
    new: bool = True,
) -> Conversion:
    """Convert a domain for some hosts, and to a board where one of `BOARDS` is named.

    `hotplug` is the number of free PCIe root ports to add, `keep` writes down the version of the
    machine type. Raises `RequestError` where the guest has no such board and for a number of ports
    beyond the limit, `InputError` where the document is no XML that can be edited.
    """
    check_number(hotplug)
    draft = ConversionDraft(data)
    if board:
        to_board(draft, hosts, libvirt, board)
    _with_firmware_of_host(draft, hosts, libvirt)
    if hotplug:
        _add_ports(draft, hosts, libvirt, hotplug)
    repaired = repair(hosts, draft.data, libvirt, new=new)
    for change in repaired.changes:
        _minded(draft, change.path)
    draft.changes += repaired.changes
    draft.data = repaired.data
    if keep:
        _pin_machine(draft, hosts, libvirt)
    changes = with_saved_states(draft.changes, data, draft.data)
    if any(NOT_LOADED in one.consequences for one in changes):
        draft.notice(85, NOT_LOADED)
    taken = repaired.taken or (() if board else taken_from_host(data))
    found = Repair(
        data, draft.data, changes, repaired.findings, repaired.proven, repaired.looks,
        repaired.remedies, taken, repaired.kept,
    )  # fmt: skip
    notices = sorted(draft.notices.items(), key=lambda item: -item[1])
    return Conversion(found, tuple(GuestNotice(weight, text) for text, weight in notices))


def _minded(draft: ConversionDraft, path: str) -> None:
    where = without_positions(path)
    for minded in MINDED:
        if where == minded.path or where.startswith(f"{minded.path}/"):
            draft.notice(minded.weight, minded.text)
            return


# -- another host ----------------------------------------------------------------------------------


def _with_firmware_of_host(draft: ConversionDraft, hosts: Sequence[HostLike], libvirt: str) -> None:
    """Name the host's own firmware of the same kind where a named image is none of the host's."""
    loader = draft.root.find("os/loader")
    world = world_of(hosts[0], draft.data, libvirt)
    if loader is None or world is None or not (loader.text or "").strip():
        return
    old = (loader.text or "").strip()
    known = world.host.firmware_for(world.target.arch, world.target.machine).firmwares
    if not known or any(old in firmware.files for firmware in known):
        return
    secure = loader.get("secure") == "yes"
    for firmware in known:
        if firmware.mapping.device == "flash" and secure is ("secure-boot" in firmware.features):
            template = firmware.mapping.template
            draft.edit("/domain/os/loader", set_value(firmware.image), f"<loader> {firmware.image}")
            nvram = draft.root.find("os/nvram")
            if nvram is not None and nvram.get("template") and template is not None:
                name = template.filename
                fix = set_value(name, "@template")
                draft.edit("/domain/os/nvram", fix, f"template='{name}'")
            draft.notice(65, "other firmware: check that the guest still boots")
            return


def _add_ports(
    draft: ConversionDraft, hosts: Sequence[HostLike], libvirt: str, number: int
) -> None:
    """Add free PCIe root ports, into which devices can be plugged while the guest runs."""
    if not has_root_ports(hosts[0], draft.data, libvirt):
        draft.notice(0, "no root ports were added: this board has no PCI Express")
        return
    world = world_of(hosts[0], draft.data, libvirt)
    draft.replace(with_free_ports(draft.data, world, number), f"{number} free root ports added")


def has_root_ports(host: HostLike, data: bytes, libvirt: str) -> bool:
    """Tell whether the domain's board has PCI Express."""
    world = world_of(host, data, libvirt)
    return world is not None and family_of(world.target.machine)[0] in WITH_ROOT_PORTS


def _pin_machine(draft: ConversionDraft, hosts: Sequence[HostLike], libvirt: str) -> None:
    """Write down the version that an alias stands for, so that the next release keeps it."""
    world = world_of(hosts[0], draft.data, libvirt)
    kind = draft.root.find("os/type")
    if world is None or kind is None:
        return
    old = kind.get("machine") or ""
    name = canonical_machine(old, world.emulator.machines(world.target.virttype)) if old else ""
    name = name or world.target.machine
    if name and name != old:
        draft.edit(MACHINE, set_value(name, MACHINE), f"machine='{name}' written down")
