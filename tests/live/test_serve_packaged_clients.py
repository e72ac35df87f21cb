"""Debian's clients in the sandbox: libvirt-dbus, cockpit-machines, vagrant-libvirt, virt-viewer.

libvirt-dbus knows one socket, `/run/libvirt/libvirt-sock`. So it runs in namespaces of its own,
with an empty `/run`, and with one bus for the system and for the user. The page of cockpit is
opened where ``DOMCAPS_DESKTOP`` names a folder for screenshots of it; virt-viewer saves one, too::

    DOMCAPS_DESKTOP=/tmp/shots pytest -m live tests/live/test_serve_packaged_clients.py
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chromium import chromium
from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.shipped import open_shipped
from virtual_screen import virtual_screen

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "debian13-x86_64"
COCKPIT = Path("/usr/lib/cockpit/cockpit-ws")
MACHINES = Path("/usr/share/cockpit/machines")
PLUGIN = Path("/usr/share/rubygems-integration/all/specifications")
FOLDER = os.environ.get("DOMCAPS_DESKTOP", "")
SECONDS = 60
NAMESPACES = (
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc"),
    *("--kill-child", *([] if os.getuid() == 0 else ["--map-root-user"])),
)
BUS = f"""
mount -t tmpfs tmpfs /run && mkdir /run/libvirt && ln -s "$SOCKET" /run/libvirt/libvirt-sock || exit
export DBUS_SYSTEM_BUS_ADDRESS="$DBUS_SESSION_BUS_ADDRESS"
libvirt-dbus --system &
for _ in $(seq {SECONDS}0); do
  dbus-send --session --print-reply --dest=org.libvirt /org/libvirt/QEMU \\
    org.freedesktop.DBus.Peer.Ping >/dev/null 2>&1 && break; sleep 0.1
done
call() {{
  name=$1; shift
  dbus-send --session --print-reply --dest=org.libvirt /org/libvirt/QEMU \\
    "org.libvirt.Connect.$name" "$@" 2>&1
}}
"""
DOMAIN = (
    "<domain type='kvm'><name>{}</name><memory>65536</memory>"
    "<os><type arch='x86_64' machine='{}'>hvm</type></os></domain>"
)

pytestmark = pytest.mark.live


def _namespaces() -> bool:
    done = subprocess.run([*NAMESPACES, "mount", "-t", "tmpfs", "x", "/run"], capture_output=True)
    return done.returncode == 0


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


needs_bus = needs("libvirt-dbus", "dbus-run-session", "dbus-send", "unshare")
needs_namespaces = pytest.mark.skipif(
    not shutil.which("unshare") or not _namespaces(), reason="namespaces can't be made here"
)
needs_vagrant = pytest.mark.skipif(
    not [*PLUGIN.glob("vagrant-libvirt-*.gemspec")], reason="not installed: vagrant-libvirt"
)


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    host = FixedHost(open_shipped(HOST), "recorded")
    with serving(host, tmp_path / "s", sandbox="user") as given:
        yield given


def on_bus(uri: str, script: str, home: Path) -> list[str]:
    """Give the command that runs a script beside libvirt-dbus."""
    exports = f"SOCKET={uri.partition('socket=')[2]} HOME={home}"
    whole = f"export {exports}\n{BUS}{script}"
    return [*NAMESPACES, "dbus-run-session", "--", "sh", "-c", whole]


@needs_bus
@needs_namespaces
def test_libvirt_dbus_defines_with_the_verdict(uri: str, tmp_path: Path) -> None:
    script = f"""
    call GetCapabilities
    call GetDomainCapabilities string: string:x86_64 string:q35 string:kvm uint32:0
    call ListNetworks uint32:0
    call ListStoragePools uint32:0
    call DomainDefineXML "string:{DOMAIN.format("a", "q53")}"
    call DomainDefineXML "string:{DOMAIN.format("a", "q35")}"
    call ListDomains uint32:0
    """
    done = subprocess.run(
        on_bus(uri, script, tmp_path), capture_output=True, text=True, timeout=2 * SECONDS
    )
    answers = done.stdout.split("method return ")[1:]
    assert len(answers) == 6, done.stdout + done.stderr
    assert "<capabilities>" in answers[0]
    assert "<machine>pc-q35-10.0</machine>" in answers[1]
    assert "/org/libvirt/QEMU/network/" in answers[2]
    assert "array [" in answers[3]
    assert "Error org.libvirt.Error: unsupported configuration: " in answers[3]
    assert "this QEMU has no machine type 'q53'" in answers[3]
    path = answers[4].partition('object path "')[2].partition('"')[0]
    assert path and path in answers[5]


RUN = "//*[@id='vm-alpha-system-run']"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@pytest.fixture
def browser() -> Iterator[Any]:
    yield from chromium()


class Page:
    """The page of cockpit-machines."""

    def __init__(self, browser: Any, port: int) -> None:
        self._browser = browser
        self._wait("no server", lambda: self._open(f"http://127.0.0.1:{port}/machines"))
        self._wait("no frame", self._enter)

    def _open(self, address: str) -> bool:
        from selenium.common.exceptions import WebDriverException

        try:
            self._browser.get(address)
        except WebDriverException:
            return False
        return bool(self._browser.find_elements("css selector", "iframe[name*=machines]"))

    def _enter(self) -> bool:
        frames = self._browser.find_elements("css selector", "iframe[name*=machines]")
        if frames:
            self._browser.switch_to.frame(frames[0])
        return bool(frames)

    def _wait(self, what: str, is_so: Any) -> None:
        until = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < until, f"{what}: {self._browser.page_source[-2000:]}"
            time.sleep(0.5)

    def _found(self, what: str) -> list[Any]:
        by = "xpath" if what.startswith("//") else "css selector"
        found = self._browser.find_elements(by, what)
        return [one for one in found if one.is_displayed()]

    def see(self, what: str) -> Any:
        """Wait for an element, of a CSS selector or an XPath."""
        self._wait(what, lambda: self._found(what))
        return self._found(what)[0]

    def click(self, what: str) -> None:
        """Wait for an element, and click at it."""
        self.see(what).click()

    def shot(self, name: str) -> None:
        """Save what is seen."""
        Path(FOLDER).mkdir(exist_ok=True)
        self._browser.save_screenshot(str(Path(FOLDER) / f"{name}.png"))


@pytest.mark.skipif(not FOLDER, reason="DOMCAPS_DESKTOP names no folder for screenshots")
@pytest.mark.skipif(
    not COCKPIT.exists() or not MACHINES.exists(), reason="not installed: cockpit-machines"
)
@needs("cockpit-bridge", "virsh")
@needs_bus
@needs_namespaces
def test_cockpit_shows_and_starts_a_machine(uri: str, tmp_path: Path, browser: Any) -> None:
    port = _free_port()
    script = f"""
    call DomainDefineXML "string:{DOMAIN.format("alpha", "q35")}"
    {COCKPIT} --no-tls --address=127.0.0.1 --port={port} --local-session=cockpit-bridge
    """
    server = subprocess.Popen(
        on_bus(uri, script, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        page = Page(browser, port)
        # it looks at the processor of the machine on which it runs
        if page.see(f"//button[.='Ignore'] | {RUN}").text == "Ignore":
            page.click("//button[.='Ignore']")
        page.see(RUN)
        page.shot("cockpit-list")
        page.click(RUN)
        page.see("//*[@id='vm-alpha-system-state'][contains(., 'Running')]")
        assert "running" in listed(uri)
        page.click("//a[.='alpha'] | //button[.='alpha']")
        page.see("//*[contains(., 'Emulated machine')]")
        page.shot("cockpit-machine")
    finally:
        # it takes no other signal, and ends what it started
        server.kill()
        server.wait(SECONDS)


def listed(uri: str) -> str:
    done = subprocess.run(["virsh", "-c", uri, "list", "--all"], capture_output=True, text=True)
    return done.stdout


VIEWER = f"""
virt-viewer --debug --connect "$URI" "$GUEST" >"$LOG" 2>&1 &
for _ in $(seq {SECONDS}0); do grep -q "$UNTIL" "$LOG" && break; sleep 0.1; done
sleep 1; [ -z "$SHOT" ] || import -window root "$SHOT"
kill $!
"""
OF_KIND = {
    "spice": ("Guest seen has a spice display", "main channel: failed to connect Could not"),
    "vnc": ("Guest seen has a vnc display", "Unable to connect to"),
}


def viewed(uri: str, guest: str, until: str, folder: Path) -> str:
    """Give what virt-viewer says of a guest, up to some words."""
    if FOLDER:
        Path(FOLDER).mkdir(exist_ok=True)
    log = folder / "virt-viewer.log"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "NO_AT_BRIDGE": "1",
        "GDK_BACKEND": "x11", "GSETTINGS_BACKEND": "memory", "URI": uri, "GUEST": guest,
        "UNTIL": until, "LOG": str(log),
        "SHOT": str(Path(FOLDER) / f"virt-viewer-{guest}.png") if FOLDER else "",
    }  # fmt: skip
    with virtual_screen() as display:
        subprocess.run(
            ["dbus-run-session", "--", "sh", "-c", VIEWER],
            env=environment | {"DISPLAY": display}, timeout=2 * SECONDS, check=False,
        )  # fmt: skip
    return log.read_text()


@needs("virt-viewer", "virsh", "Xvfb", "dbus-run-session", "import")
@pytest.mark.parametrize("kind", OF_KIND)
def test_virt_viewer_finds_the_display_of_a_machine(uri: str, kind: str, tmp_path: Path) -> None:
    """No display is there to connect to."""
    port, (display, refusal) = _free_port(), OF_KIND[kind]
    graphics = f"<graphics type='{kind}' port='{port}' listen='127.0.0.1'/>"
    xml = DOMAIN.format("seen", "q35").replace(
        "</domain>", f"<devices>{graphics}</devices></domain>"
    )
    (tmp_path / "seen.xml").write_text(xml)
    subprocess.run(["virsh", "-c", uri, "create", str(tmp_path / "seen.xml")], check=True)
    said = viewed(uri, "seen", refusal, tmp_path)
    for words in ("Guest seen is running", display, f"127.0.0.1:{port}", refusal):
        assert words in said, said[-2000:]


@needs("virt-viewer", "Xvfb", "dbus-run-session", "import")
def test_virt_viewer_finds_no_machine_that_is_not_there(uri: str, tmp_path: Path) -> None:
    assert "Cannot find guest absent" in viewed(uri, "absent", "Cannot find", tmp_path)


VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.box = "tiny"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.boot_timeout = 2
  config.vm.provider :libvirt do |libvirt|
    libvirt.uri = "{}"
    libvirt.driver = "kvm"
    libvirt.memory = 256
    libvirt.machine_type = "{}"
  end
end
"""


def vagrant(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8",
                   "VAGRANT_NO_COLOR": "1", "VAGRANT_CHECKPOINT_DISABLE": "1"}  # fmt: skip
    return subprocess.run(
        ["vagrant", *words], cwd=folder, env=environment,
        capture_output=True, text=True, timeout=4 * SECONDS,
    )  # fmt: skip


def add_box(folder: Path) -> None:
    """Make a box with an empty image."""
    box = folder / "box"
    box.mkdir()
    image = ["qemu-img", "create", "-q", "-f", "qcow2", str(box / "box.img"), "1G"]
    subprocess.run(image, check=True)
    (box / "metadata.json").write_text('{"provider":"libvirt","format":"qcow2","virtual_size":1}')
    (box / "Vagrantfile").write_text('Vagrant.configure("2") { |config| }\n')
    shutil.make_archive(str(folder / "tiny"), "gztar", box)
    done = vagrant(folder, "box", "add", "--name", "tiny", "tiny.tar.gz")
    assert done.returncode == 0, done.stdout + done.stderr


@needs("vagrant", "qemu-img")
@needs_vagrant
def test_vagrant_comes_to_the_login_of_a_machine_or_to_the_reason(uri: str, tmp_path: Path) -> None:
    """No guest runs, so that nobody answers the login."""
    add_box(tmp_path)
    file = tmp_path / "Vagrantfile"
    file.write_text(VAGRANTFILE.format(uri, "q53"))
    done = vagrant(tmp_path, "up", "--provider=libvirt")
    assert "this QEMU has no machine type 'q53'" in done.stdout + done.stderr
    vagrant(tmp_path, "destroy", "-f")
    file.write_text(VAGRANTFILE.format(uri, "q35"))
    done = vagrant(tmp_path, "up", "--provider=libvirt")
    assert "SSH address: 192.168.121." in done.stdout, done.stdout + done.stderr
    assert "Timed out while waiting for the machine to boot" in done.stderr
