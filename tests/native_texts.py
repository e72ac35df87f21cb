"""Elements with a place in which a text of any kind may stand."""

from __future__ import annotations

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
