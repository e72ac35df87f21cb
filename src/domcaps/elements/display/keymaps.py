"""Keyboards that QEMU's VNC server knows: each is a file in QEMU's data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.display.graphics import Graphics
from domcaps.language.finding import Stage, quoted
from domcaps.language.rule import problem, rule
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_KEYMAPS = frozenset({
    "ar", "bepo", "cz", "da", "de", "de-ch", "en-gb", "en-us", "es", "et", "fi", "fo", "fr",
    "fr-be", "fr-ca", "fr-ch", "hr", "hu", "is", "it", "ja", "lt", "lv", "mk", "nl", "no", "pl",
    "pt", "pt-br", "ru", "sl", "sv", "th", "tr",
})  # fmt: skip
_VNC = "<graphics type='vnc' keymap='{}'/>"


@rule(
    "graphics-keymap-fails-at-start",
    Graphics,
    bad=_VNC.format("en_us"),
    good=_VNC.format("en-us"),
    stage=Stage.START,
)
def keymaps_are_known(graphics: Graphics) -> Problems:
    """Attribute ``keymap`` of VNC ``<graphics>`` must be a keyboard layout that QEMU knows, such
    as ``de``.
    """
    named = graphics.node.get("keymap", "") if graphics.type == "vnc" else ""
    if named and named not in _KEYMAPS:
        near = close_matches(named, _KEYMAPS, n=3)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        yield problem(
            f"QEMU has no keymap {quoted(named)}{meant}",
            graphics,
            "@keymap",
            accepted=(*near, *sorted(_KEYMAPS - set(near))),
        )
