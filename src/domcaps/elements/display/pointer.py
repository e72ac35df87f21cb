"""Whether the pointer of a remote display follows that of the person who looks at it."""

from __future__ import annotations

from domcaps.elements.boards.families import X86
from domcaps.elements.display.graphics import Graphics
from domcaps.elements.display.input import Input
from domcaps.language.finding import Severity
from domcaps.language.rule import Problems, problem, rule

_VNC = "<devices><graphics type='vnc'/>{}</devices>"


@rule(
    "graphics-without-tablet",
    Graphics,
    bad=_VNC.format(""),
    good=_VNC.format("<input type='tablet' bus='usb'/>"),
    severity=Severity.NOTICE,
)
def pointer_follows(graphics: Graphics) -> Problems:
    """A guest with VNC should have an ``<input type='tablet' bus='usb'/>``.

    A mouse reports movements, not positions: the pointers of viewer and guest differ.
    """
    if graphics.type != "vnc" or not graphics.holds(X86):
        return
    if not any(found.type == "tablet" for found in graphics.domain.all(Input)):
        yield problem(
            "without a tablet the guest's pointer drifts from the viewer's; add "
            "<input type='tablet' bus='usb'/>",
            graphics,
        )
