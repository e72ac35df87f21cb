"""Screens: none opens a port or a window on the host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.verify.whole.scene import is_readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.verify.whole.qemu_option import QemuOption, Settings
    from domcaps.verify.whole.scene import Scene

_VNC = {"vnc", "share", "password", "password-secret", "tls-creds", "power-control", "audiodev",
        "sasl", "lossy", "non-adaptive", "lock-key-sync", "key-delay-ms", "head",
        "display"}  # fmt: skip
_SPICE = {"image-compression", "jpeg-wan-compression", "zlib-glz-wan-compression",
          "streaming-video", "agent-mouse", "playback-compression", "disable-copy-paste",
          "disable-agent-file-xfer", "seamless-migration", "gl", "rendernode"}  # fmt: skip
_RENDER_NODES = Path("/dev/dri")


def vnc(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take VNC, which listens at a socket in the folder."""
    settings = option.settings()
    if settings.get("vnc") != "none":
        if "to" not in settings:
            scene.say(option, f"VNC at {_shown(settings)}", "VNC at a temporary socket")
        settings.keep(_VNC)
        settings.drop("vnc")
        settings.pairs.insert(0, ("vnc", f"unix:{scene.new_path('.vnc')}"))
    yield option.told(settings)


def _shown(settings: Settings) -> str:
    _, value = settings.pairs[0]
    return str(value)


def spice(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take SPICE, which listens at a socket in the folder, unencrypted and without a password."""
    settings = option.settings()
    where = settings.text("addr") or settings.text("port")
    scene.say(option, f"SPICE at {where}", "SPICE at a temporary socket, without encryption")
    if settings.is_on("gl") and not _can_render(scene, option, settings.text("rendernode")):
        settings.drop("gl", "rendernode")
    settings.keep(_SPICE)
    settings.pairs[:0] = [("unix", "on"), ("addr", str(scene.new_path(".spice"))),
                          ("disable-ticketing", "on")]  # fmt: skip
    yield option.told(settings)


def display(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take a window, or OpenGL without one."""
    settings = option.settings()
    kind = settings.text("type")
    if kind == "dbus":
        scene.say(option, "a bus of D-Bus", "a connection that nothing uses")
        settings.drop("addr")
        settings.set("p2p", "on")
    draws = kind == "egl-headless" or settings.is_on("gl")
    if draws and not _can_render(scene, option, settings.text("rendernode")):
        settings.drop("gl", "rendernode")
        kind = "none" if kind == "egl-headless" else kind
    if kind == "sdl":
        scene.say(option, "a window", "a window that is not shown")
        scene.environment["SDL_VIDEODRIVER"] = "dummy"
        settings.drop("gl", "full-screen", "window-close")
        scene.without_gl = scene.without_gl or draws
    elif kind not in {"none", "dbus", "egl-headless"}:
        scene.say(option, f"a window of {kind}", "no window")
        kind = "none"
    if kind == "none":
        settings.keep(())
    settings.drop("type")
    settings.pairs.insert(0, ("type", kind))
    yield option.told(settings)


def _can_render(scene: Scene, option: QemuOption, node: str) -> bool:
    """Tell whether the host has what OpenGL is drawn with."""
    found = is_readable(node) if node else any(_RENDER_NODES.glob("renderD*"))
    if not found:
        scene.say(option, f"OpenGL {node}".strip(), "nothing: the host has no render node")
        scene.without_gl = True
    return found
