"""What on a host would make a domain acceptable as it is: a package, a setting, a permission.

The table says it: predicates know their remedies, and so do codes of rules (`CodeRemedy`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from domcaps.choose.candidates import choice_at
from domcaps.choose.hosts import world_of
from domcaps.choose.text import text_of
from domcaps.elements.advice.by_code import BY_CODE, emulator_for
from domcaps.elements.display.video_frontend import ACCELERATED
from domcaps.facts.arch import ARCHITECTURES
from domcaps.facts.emulator import Unanswered
from domcaps.language.remedy import Effort
from domcaps.report.explain import explain_choice, ways_of
from domcaps.validate.target import wanted_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.hosts import HostLike
    from domcaps.language import World
    from domcaps.language.finding import Finding

_NEEDED = {"video-accel3d-unsupported": ACCELERATED}
"""What findings ask for that no choice of the table stands for."""

_NO_EMULATOR = "os-arch-unsupported"

_ON_HOST = {
    effort.value
    for effort in (
        Effort.FIRMWARE, Effort.PACKAGE, Effort.HOST, Effort.ACCELERATOR, Effort.BUILD,
        Effort.QEMU, Effort.HARDWARE,
    )
}  # fmt: skip


def worlds_of(hosts: Sequence[HostLike], data: bytes, libvirt: str) -> tuple[World, ...]:
    """Give the target of a document on each host that has one; reads the document once for each."""
    found = (world_of(host, data, libvirt) for host in hosts)
    return tuple(world for world in found if world is not None)


def remedies(worlds: Sequence[World], data: bytes, finding: Finding) -> tuple[str, ...]:
    """Say what would have to change on each host; nothing where that is not known.

    `finding` is one of the document `data`, which is XML and has these `worlds`. Where no host has
    an emulator for the guest's architecture, that is the advice: what is found besides is about the
    architecture that was taken instead, for which nothing is to be installed.
    """
    arch = _missing_arch(data, finding)
    if arch:
        return (emulator_for(arch).how,) if finding.code == _NO_EMULATOR else ()
    found: dict[str, None] = {}
    for world in worlds:
        with contextlib.suppress(Unanswered):
            found |= dict.fromkeys(_in_world(world, data, finding))
    return tuple(found)


def _missing_arch(data: bytes, finding: Finding) -> str:
    """Give the architecture of the guest if a host lacks its emulator, "" if it has one."""
    if finding.code != _NO_EMULATOR and "arch=" not in finding.as_if:
        return ""
    named = wanted_of(text_of(data).root)["arch"] or ""
    return named if named in ARCHITECTURES else ""


def _in_world(world: World, data: bytes, finding: Finding) -> list[str]:
    by_code = BY_CODE.get(finding.code)
    remedy = by_code(world) if by_code is not None else None
    if remedy is not None:
        return [remedy.how]
    needed = _NEEDED.get(finding.code)
    if needed is not None:
        return list(ways_of(needed, world))
    place = text_of(data).node(finding.path)
    if place is None:
        return []
    node, attribute = place
    value = (node.get(attribute) if attribute else node.text) or ""
    choice = choice_at(finding.path, value.strip())
    if choice is None:
        return []
    changes = explain_choice(finding.path, choice, world).changes
    return [change.how for change in changes if change.how and change.effort in _ON_HOST]
