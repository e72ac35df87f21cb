"""No text of a domain becomes an option of its own: every text is a value, as it is."""

from __future__ import annotations

import json
import shlex
from xml.sax.saxutils import quoteattr

import pytest

from domcaps.language.command_line import settings_of
from domcaps.native.line import as_shell, as_shell_lines
from native_domains import told, with_devices

HOSTILE = "a,id=x,b=\"c\" 'd' $e `f`;g&h=i\\j\u00e9"
PLACES = {
    "disk file": ("<disk type='file'><source file='/{0}'/><target dev='vda' bus='virtio'/></disk>"),
    "disk serial": (
        "<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/><serial>{0}</"
        "serial></disk>"
    ),
    "nbd export and host": (
        "<disk type='network'><source protocol='nbd' name='{0}'><host name='{0}' port='1'"
        "/></source><target dev='vda' bus='virtio'/></disk>"
    ),
    "filesystem": ("<filesystem type='mount'><source dir='/{0}'/><target dir='{0}'/></filesystem>"),
    "serial file": ("<serial type='file'><source path='/{0}'/></serial>"),
    "channel": (
        "<channel type='unix'><source mode='bind' path='/{0}'/><target type='virtio' name"
        "='{0}'/></channel>"
    ),
    "tcp": ("<serial type='tcp'><source mode='connect' host='{0}' service='{0}'/></serial>"),
    "vhostuser": (
        "<interface type='vhostuser'><source type='unix' path='/{0}' mode='client'/></interface>"
    ),
    "bridge": ("<interface type='bridge'><source bridge='{0}'/><target dev='{0}'/></interface>"),
    "mdev": (
        "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='{0"
        "}'/></source></hostdev>"
    ),
    "rng": ("<rng model='virtio'><backend model='random'>/{0}</backend></rng>"),
    "tpm": ("<tpm><backend type='passthrough'><device path='/{0}'/></backend></tpm>"),
    "nvdimm": (
        "<memory model='nvdimm'><source><path>/{0}</path></source><target><size>1024</siz"
        "e></target></memory>"
    ),
    "smartcard": (
        "<smartcard mode='host-certificates'><certificate>{0}</certificate><database>/{0}"
        "</database></smartcard>"
    ),
    "vnc socket": ("<graphics type='vnc' socket='/{0}'/>"),
    "spice option": ("<graphics type='spice'><image compression='{0}'/></graphics>"),
    "audio": ("<audio id='1' type='alsa'><output dev='{0}'/></audio><sound model='ac97'/>"),
    "shmem": ("<shmem name='{0}'/>"),
    "mac and rom": ("<interface type='user'><mac address='{0}'/><rom file='/{0}'/></interface>"),
}
"""Elements with ``{0}`` where a text of any kind may stand."""


def options(xml: str, text: str) -> list[list[str]]:
    """Give the names of all options, which a text must not change."""
    inside = quoteattr(text)[1:-1].replace("'", "&apos;").replace('"', "&quot;")
    words = told(with_devices(xml.replace("{0}", inside)))
    return [list(json.loads(w) if w.startswith("{") else settings_of(w)) for w in words]


@pytest.mark.parametrize("place", PLACES)
def test_no_text_of_a_domain_becomes_an_option_of_its_own(place: str) -> None:
    assert options(PLACES[place], HOSTILE) == options(PLACES[place], "abc")


@pytest.mark.parametrize("place", PLACES)
def test_a_shell_reads_the_words_as_they_are(place: str) -> None:
    words = told(with_devices(PLACES[place].replace("{0}", "a b&apos;$c")))
    assert shlex.split(as_shell(words)) == list(words)
    assert shlex.split(as_shell_lines(words).replace("\\\n", " ")) == list(words)
