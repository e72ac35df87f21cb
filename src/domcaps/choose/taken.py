"""What the owner has to check of the devices that a domain takes from a host, on another host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.for_owner import OwnersDecision
from domcaps.choose.text import text_of
from domcaps.elements.advice.taken_from_host import TAKEN
from domcaps.language.wording import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.change import Change

_OF_A_HOST = ("/domain/@type", "/domain/os/type/@machine", "/domain/devices/emulator")
"""What differs from host to host, and shows that a domain comes from another one."""
_MOST = 8
"""So many devices are named."""


def is_of_another_host(changes: Sequence[Change]) -> bool:
    """Tell whether a domain was made for another host, by what was changed for this one."""
    return any(one.loss >= losses.FIX and one.path in _OF_A_HOST for one in changes)


def taken_from_host(data: bytes) -> tuple[OwnersDecision, ...]:
    """Give what to check, once for each kind of what a domain takes from its host."""
    text = text_of(data)
    found = []
    for word, kind in TAKEN.items():
        taken = list(kind.names(text.root))
        if not taken:
            continue
        nodes = list(dict.fromkeys(node for node, _ in taken))
        names = listed(list(dict.fromkeys(name for _, name in taken)), _MOST)
        lines = [text.line(text.path(node)) for node in nodes]
        where = f" (lines {listed(list(map(str, lines)), _MOST)})" if len(lines) > 1 else ""
        tags = " and ".join(dict.fromkeys(f"<{node.tag!s}>" for node in nodes))
        what = f"{tags} stays, {word} {names}{where}"
        found.append(OwnersDecision(lines[0], text.path(nodes[0]), what, kind.risks))
    return tuple(found)
