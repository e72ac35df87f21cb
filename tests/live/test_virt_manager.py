"""virt-manager on a virtual screen: its wizard, to the verdict and to a machine in the sandbox.

It takes a minute, virt-manager, Xvfb and xdotool, and runs where ``DOMCAPS_DESKTOP`` names a folder
for its screenshots::

    DOMCAPS_DESKTOP=/tmp/shots pytest -m live tests/live/test_virt_manager.py
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.shipped import open_shipped
from virtual_screen import virtual_screen

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = ("virt-manager", "Xvfb", "xdotool", "dbus-run-session", "import")
FOLDER = os.environ.get("DOMCAPS_DESKTOP", "")
MISSING = [program for program in PROGRAMS if not shutil.which(program)]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not FOLDER, reason="DOMCAPS_DESKTOP names no folder for screenshots"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

SECONDS = 90
WIZARD, MACHINE = "New VM", " on QEMU"
# places within the window of the wizard, which has 500 x 500 pixels, and of the machine
MANUAL, FORWARD, SYSTEM, FIRST, STORAGE = (36, 250), (441, 471), (200, 114), (138, 212), (24, 85)
DETAILS = (70, 45)


class Desktop:
    """A screen with a running virt-manager that is connected to a server."""

    def __init__(self, uri: str, folder: Path) -> None:
        self._uri = uri
        self._log = folder / "virt-manager.log"
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8",
            "NO_AT_BRIDGE": "1", "GDK_BACKEND": "x11", "GSETTINGS_BACKEND": "memory",
        }  # fmt: skip

    def __enter__(self) -> Self:
        self._screen = contextlib.ExitStack()
        self._environment["DISPLAY"] = self._screen.enter_context(virtual_screen())
        command = (
            f"virt-manager --no-fork --debug -c '{self._uri}' >'{self._log}' 2>&1 & sleep 6; "
            f"virt-manager -c '{self._uri}' --show-domain-creator; wait"
        )
        self._manager = subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", command],
            env=self._environment, start_new_session=True,
        )  # fmt: skip
        return self

    def __exit__(self, *details: object) -> None:
        os.killpg(self._manager.pid, signal.SIGTERM)
        self._manager.wait(30)
        self._screen.close()

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, timeout=30
        )
        return done.stdout

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        until = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < until, f"{what}: {self.log()[-2000:]}"
            time.sleep(0.3)

    def log(self) -> str:
        """Give what virt-manager wrote so far."""
        return self._log.read_text() if self._log.exists() else ""

    def window(self, name: str) -> str:
        """Give the number of a window, "" where there is none."""
        return self._xdotool("search", "--onlyvisible", "--name", name).strip().partition("\n")[0]

    def open_wizard(self) -> None:
        """Wait for the wizard."""
        self.wait("no wizard", lambda: bool(self.window(WIZARD)))
        time.sleep(2)

    def click(self, place: tuple[int, int], name: str = WIZARD) -> None:
        """Click at a place of a window."""
        self._xdotool("mousemove", "--window", self.window(name), *map(str, place))
        self._xdotool("click", "1")
        time.sleep(2.5)

    def type(self, text: str) -> None:
        """Type where the pointer is."""
        self._xdotool("type", "--delay", "30", text)
        time.sleep(2)

    def shot(self, name: str) -> None:
        """Save what is on the screen."""
        Path(FOLDER).mkdir(exist_ok=True)
        path = str(Path(FOLDER) / f"{name}.png")
        subprocess.run(["import", "-window", "root", path], env=self._environment, check=True)

    def go_through(self, name: str, *, storage: bool) -> None:
        """Choose what the wizard suggests, up to its last step."""
        self.open_wizard()
        self.click(MANUAL)
        self.click(FORWARD)
        self.click(SYSTEM)
        self.type("generic")
        self.click(FIRST)
        self.shot(f"{name}-2")
        self.click(FORWARD)
        self.click(FORWARD)
        if not storage:
            self.click(STORAGE)
        self.shot(f"{name}-4")
        self.click(FORWARD)
        self.shot(f"{name}-5")


def test_the_wizard_ends_with_the_verdict(tmp_path: Path) -> None:
    host = FixedHost(open_shipped("debian13-x86_64"), "recorded")
    with serving(host, tmp_path / "s") as uri, Desktop(uri, tmp_path) as desktop:
        desktop.go_through("verdict", storage=False)
        desktop.click(FORWARD)
        expected = "libvirt 11.3 would accept and start this definition"
        desktop.wait("no verdict", lambda: expected in desktop.log())
        time.sleep(3)
        desktop.shot("verdict")


def test_the_wizard_starts_a_machine_in_the_sandbox(tmp_path: Path) -> None:
    host = FixedHost(open_shipped("debian13-x86_64"), "recorded")
    with (
        serving(host, tmp_path / "s", sandbox="user") as uri,
        Desktop(uri, tmp_path) as desktop,
    ):
        desktop.go_through("sandbox", storage=True)
        desktop.click(FORWARD)
        desktop.wait("no window of the machine", lambda: bool(desktop.window(MACHINE)))
        time.sleep(3)
        desktop.click(DETAILS, MACHINE)
        desktop.shot("machine")
        listed = subprocess.run(["virsh", "-c", uri, "list"], capture_output=True, text=True)
        assert "running" in listed.stdout
