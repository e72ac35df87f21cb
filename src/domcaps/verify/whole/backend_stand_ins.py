"""What stands behind devices: networks, sockets, files, objects. Each is let through by name.

What is not known here is left out: an argument of the domain's own must not run a program, open a
port or write a file of the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.qemu import of_host
from domcaps.language.qemu_args import HelperProcess
from domcaps.verify.whole.images import write_empty
from domcaps.verify.whole.scene import LEFT_OUT, is_folder, is_readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from domcaps.verify.whole.qemu_option import QemuOption, Settings
    from domcaps.verify.whole.scene import Scene

_NOWHERE = {"null", "vc", "ringbuf", "memory", "msmouse", "wctablet", "testdev", "spicevmc",
            "spiceport", "dbus", "qemu-vdagent", "pty", "stdio", "mux", "hub"}  # fmt: skip
"""Kinds of character devices that touch nothing of the host."""
_CHARDEV = ("backend", "id", "mux", "name", "debug", "clipboard", "mouse", "size", "signal",
            "width", "height", "cols", "rows")  # fmt: skip
_USER = {"type", "id", "net", "host", "dns", "restrict", "ipv4", "ipv6", "ipv6-prefix",
         "ipv6-prefixlen", "ipv6-host", "ipv6-dns", "dhcpstart", "hostname",
         "domainname"}  # fmt: skip
_RANDOM = {"/dev/random", "/dev/urandom", "/dev/hwrng"}
_HOST_MEMORY = ("prealloc", "prealloc-threads", "prealloc-context", "hugetlb", "hugetlbsize")


def chardev(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take a character device: what leads to the host leads into the folder, or nowhere."""
    settings = option.settings()
    kind = settings.text("backend")
    if settings.get("logfile"):
        scene.say(option, settings.text("logfile"), "a temporary file")
        settings.set("logfile", str(scene.new_path(".log")))
    if kind in _NOWHERE:
        settings.keep((*_CHARDEV, "logfile", "logappend"))
    elif kind == "file":
        scene.say(option, settings.text("path"), "a temporary file")
        settings.keep(("backend", "id", "mux", "logfile"))
        settings.set("path", str(scene.new_path(".out")))
    elif kind == "socket" and settings.is_on("server"):
        where = settings.text("path")
        if "port" in settings:
            scene.say(option, f"port {settings.text('port')}", "a temporary socket")
        scene.say_named(option, where, "a temporary socket")
        settings.keep(("backend", "id", "mux", "telnet", "logfile", "logappend"))
        settings.pairs += [("path", str(scene.new_path(".sock"))), ("server", "on"),
                           ("wait", "off")]  # fmt: skip
    else:
        where = settings.text("path") or settings.text("host")
        scene.say(option, f"{kind} {where}".strip(), "a character device that leads nowhere")
        settings.keep(("id", "mux", "logfile", "logappend"))
        settings.pairs.insert(0, ("backend", "null"))
    yield option.told(settings)


def netdev(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take a network: QEMU's own one without ways to the host, for others a cable to nothing."""
    settings = option.settings()
    kind, name = settings.text("type"), settings.text("id")
    if kind == "user":
        for more in sorted(settings.names() - _USER):
            scene.say(option, f"{more}={settings.text(more)}", LEFT_OUT)
        settings.keep(_USER)
    elif kind != "hubport":
        if kind.startswith("vhost-"):
            scene.fast_cards.add(name)
        named = settings.text("ifname") or settings.text("vhostdev")
        scene.say(option, f"{kind} {named}".strip(), "a network without a connection")
        settings.keep({"id"})
        settings.pairs[:0] = [("type", "hubport")]
        settings.set("hubid", 1000 + len(scene.replaced))
    yield option.told(settings)


def fsdev(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take a folder for 9p: that of the host is used as it is, for no guest runs."""
    settings = option.settings()
    path = settings.text("path")
    if settings.get("fsdriver") != "synth" and not is_folder(path):
        scene.say(option, path, "an empty folder")
        settings.set("fsdriver", "local")
        settings.set("path", _folder(scene))
        if "security_model" not in settings:
            settings.set("security_model", "none")
    settings.drop("socket", "sock_fd")
    yield option.told(settings)


def _folder(scene: Scene) -> str:
    path = scene.new_path(".d")
    path.mkdir()
    return str(path)


def audiodev(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take a place for sound: none of the host's is opened."""
    settings = option.settings()
    if settings.get("driver") not in of_host.SILENT:
        scene.say(option, f"sound by {settings.text('driver')}", "silence")
        settings.keep({"id"})
        settings.pairs.insert(0, ("driver", "none"))
    yield option.told(settings)


class TpmStandIns:
    """TPMs: each gets a swtpm of its own where that program is there, otherwise none."""

    def __init__(self, scene: Scene, options: Iterable[QemuOption]) -> None:
        """Find the sockets at which swtpm would listen."""
        self._scene = scene
        self._socket = ""
        kept = (one.settings() for one in options if one.name == "tpmdev")
        self.chardevs = {one.text("chardev") for one in kept}

    def chardev(self, option: QemuOption) -> Iterator[QemuOption]:
        """Take the socket of swtpm, which is started at one in the folder."""
        if not self._start():
            return
        settings = option.settings()
        settings.keep({"backend", "id"})
        settings.set("path", self._socket)
        yield option.told(settings)

    def tpmdev(self, option: QemuOption) -> Iterator[QemuOption]:
        """Take the TPM behind a device; that of the host is replaced by an emulated one."""
        settings = option.settings()
        name = settings.text("id")
        kind = settings.text("type")
        if not self._start():
            self._scene.say(option, f"TPM ({kind})", f"nothing: swtpm is missing ({LEFT_OUT})")
            self._scene.gone.add(name)
            return
        if kind == "emulator":
            yield option
            return
        self._scene.say(option, f"TPM ({kind})", "a TPM of swtpm")
        socket = f"socket,id=chr-{name},path={self._socket}"
        yield option._replace(name="chardev", value=socket)
        yield option._replace(value=f"emulator,id={name},chardev=chr-{name}")

    def _start(self) -> bool:
        """Have swtpm started, once; tells whether it is there."""
        if not self._scene.world.host.helper("swtpm"):
            return False
        if not self._socket:
            self._socket = str(self._scene.folder / "swtpm")
            kind = "--tpm2 " if self._scene.tpm_version != "1.2" else ""
            words = (f"socket {kind}--tpmstate dir={{dir}} --ctrl type=unixio,path={{dir}}/swtpm "
                     "--flags not-need-init")  # fmt: skip
            self._scene.helpers.append(HelperProcess("swtpm", words, "swtpm"))
        return True


def object_(scene: Scene, option: QemuOption) -> Iterator[QemuOption]:
    """Take an object of a kind that is known to be harmless, or that can be made so."""
    settings = option.settings()
    kind = settings.text("qom-type")
    if kind in of_host.HARMLESS:
        yield option
        return
    change = _CHANGED.get(kind)
    if change is not None and change(scene, option, settings):
        yield option.told(settings)
        return
    scene.gone.add(settings.text("id"))
    scene.say(option, f"object {kind} {settings.text('id')}", LEFT_OUT)


def _memory(scene: Scene, option: QemuOption, settings: Settings) -> bool:
    """Take memory: none of it is allocated in advance, and none in huge pages."""
    taken = [name for name in _HOST_MEMORY if settings.is_on(name)]
    if taken:
        scene.say(option, f"memory with {' and '.join(taken)}", "memory that is not allocated")
    settings.drop(*_HOST_MEMORY)
    if settings.get("qom-type") == of_host.MEMORY_IN_FILE:
        path, size = settings.text("mem-path"), settings.text("size")
        scene.say(option, path, "a temporary file")
        length = int(size) if size.isdecimal() else 0
        settings.set("mem-path", write_empty(scene.new_path(".mem"), length))
    return True


def _random(scene: Scene, option: QemuOption, settings: Settings) -> bool:
    path = settings.text("filename")
    if "filename" in settings and not (path in _RANDOM and is_readable(path)):
        scene.say(option, path, "/dev/urandom")
        settings.set("filename", "/dev/urandom")
    return True


def _secret(scene: Scene, option: QemuOption, settings: Settings) -> bool:
    if "file" in settings:
        scene.say(option, "a secret", "a made-up one")
        path = scene.new_path(".secret")
        path.write_text("made-up")
        settings.keep({"qom-type", "id"})
        settings.set("file", str(path))
    return "data" in settings or "file" in settings


def _credentials(scene: Scene, option: QemuOption, settings: Settings) -> bool:
    """Take certificates: without those of the host, encryption needs none."""
    if not scene.has_type(of_host.WITHOUT_CERTIFICATES):
        return False
    scene.say(option, settings.text("dir"), "encryption without certificates")
    settings.keep({"qom-type", "id", "endpoint"})
    settings.set("qom-type", of_host.WITHOUT_CERTIFICATES)
    return True


def _security(scene: Scene, option: QemuOption, settings: Settings) -> bool:
    """Take launch security: its files were to be made of texts of the domain."""
    for name in ("dh-cert-file", "session-file"):
        if name in settings and not is_readable(settings.text(name)):
            scene.say(option, settings.text(name), "an empty file")
            settings.set(name, write_empty(scene.new_path(".text"), 0))
    for name in [n for n in settings.names() if n.startswith("quote-generation-socket")]:
        settings.drop(name)
    return True


_CHANGED: dict[str, Callable[[Scene, QemuOption, Settings], bool]] = {
    **dict.fromkeys(of_host.MEMORY, _memory),
    of_host.RANDOM: _random,
    of_host.SECRET: _secret,
    **dict.fromkeys(of_host.CREDENTIALS, _credentials),
    **dict.fromkeys(of_host.LAUNCH_SECURITY, _security),
}
