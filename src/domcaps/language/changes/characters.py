"""Changes of serial devices, consoles and channels."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

CONSOLE_REPORTED = change("11.5", NEWS, "reports include the types of consoles")
CHARACTER_PORT_COUNTED = estimate(
    "12.8", "seen in 12.8, not in 11.3", "negative port numbers of <graphics> are refused"
)
CHANNEL_REPORTED = change("8.9", NEWS, "reports include channel and redirdev")
CHARACTER_SPICE = estimate(
    "8.0", "7.9 and 9.0 differ", "devices that use SPICE require <graphics type='spice'>"
)
SERIAL_ISA_PORTS = estimate(
    "8.0", "7.9 and 9.0 differ", "at most four ISA serial ports are supported"
)
SERIAL_DEBUG = change("8.1", DOCUMENT, "<serial> supports <target type='isa-debug'>")
CHARACTER_TLS_REFUSED = estimate(
    "11.0", "10.7 and 11.3 differ", "the character device protocols 'tls' and 'telnets' are refused"
)
CHANNEL_SOCKETS_MOVED = estimate(
    "9.7", "9.0 and 9.8 differ", "libvirt recognizes its own channel sockets in more folders"
)
CHANNEL_SOCKETS_WHOLE = change(
    "10.0", NEWS, "libvirt recognizes its own sockets by their whole path"
)
CHARACTER_DBUS = change(
    "8.4", NEWS, "character devices of type 'dbus' and 'qemu-vdagent' are supported"
)
SMARTCARD_ADDRESS_DEFINED = estimate(
    "8.0", "7.0 and 9.0 differ", "the slot of a smartcard is checked when the domain is defined"
)
