"""What the users of a guest lose when its display is another one.

The guest's screen is then shown by another server, or drawn by another adapter: what both were for
besides is not written at the attribute that changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.guest_system import MACOS, guest_system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_SPICE = "devices/graphics[@type='spice']"
_AGENT = "devices/channel[@type='spicevmc']"
_GL = "devices/graphics/gl[@enable='yes']"
_3D = "devices/video/model/acceleration[@accel3d='yes']"
_EGL = "devices/graphics[@type='egl-headless']"

_OF_ADAPTERS = {
    "virtio": (
        "the guest needs virtio's display driver (Linux 4.2 or later) for more than one screen "
        "and a few resolutions"
    ),
    "*": (
        "the guest draws with a plain driver: a short list of resolutions, one screen, no resizing "
        "with the viewer's window"
    ),
}
"""What comes in the place of QXL, by the model that follows."""


def lost_of_display(before: Node, after: Node) -> Iterator[str]:
    """Say what the display of a domain before an edit has, and that after it has not."""
    spice = before.find(_SPICE)
    if spice is not None and after.find(_SPICE) is None:
        yield from _of_spice(spice, before, after)
    yield from _of_adapter(before, after)
    if before.find(_3D) is not None and after.find(_3D) is None:
        beside = "" if after.find(_EGL) is not None else (
            ", and beside VNC <graphics type='egl-headless'/>"
        )  # fmt: skip
        yield (
            "no 3D acceleration: the guest's CPU draws the desktop; 3D needs a QEMU that has it"
            f"{beside}"
        )
    elif before.find(_3D) is None and _loses_opengl(before, after):
        yield (
            "no OpenGL for the guest's screen, which 3D acceleration needs; beside VNC, <graphics "
            "type='egl-headless'/> gives it, if QEMU has it"
        )


def _loses_opengl(before: Node, after: Node) -> bool:
    return before.find(_GL) is not None and after.find(_GL) is None and after.find(_EGL) is None


def _of_spice(spice: Node, before: Node, after: Node) -> Iterator[str]:
    """Say what SPICE and its agent did for the viewer, as far as the domain had it."""
    if before.find(_AGENT) is not None:
        lost = ["no resizing of the guest's screen by the agent"]
        if spice.find("filetransfer[@enable='no']") is None:
            lost.append("no files dropped into the viewer")
        yield " and ".join(lost)
    screens = _screens(before)
    if screens > 1 and after.find("devices/graphics[@type='vnc']") is not None:
        yield f"the viewer shows one of the {screens} screens"
    if spice.get("passwd"):
        yield "the password is VNC's then: at most 8 characters, and weakly protected"
    if _encrypts(spice):
        yield "what the viewer shows is encrypted only as qemu.conf says (vnc_tls)"


def _encrypts(spice: Node) -> bool:
    secure = spice.get("defaultMode") == "secure"
    return secure or _is_port(spice) or spice.find("channel[@mode='secure']") is not None


def _is_port(spice: Node) -> bool:
    return (spice.get("tlsPort") or "0") not in {"0", "-1"}


def _screens(root: Node) -> int:
    heads = (model.get("heads", "") for model in root.iterfind("devices/video/model"))
    return sum(int(one) if one.isdecimal() else 1 for one in heads)


def _of_adapter(before: Node, after: Node) -> Iterator[str]:
    """Say what another adapter than QXL lacks; macOS has no driver for QXL, and loses nothing."""
    if guest_system(before) == MACOS:
        return
    old, new = (
        [model.get("type") or "" for model in root.iterfind("devices/video/model")]
        for root in (before, after)
    )
    if len(old) != len(new):
        return
    for was, now in zip(old, new, strict=True):
        if was == "qxl" and now not in {was, "none", ""}:
            yield _OF_ADAPTERS.get(now, _OF_ADAPTERS["*"])
            return
