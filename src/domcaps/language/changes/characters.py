"""Changes of serial devices, consoles and channels."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

CONSOLE_REPORTED = change("11.5", NEWS, "reports list the types of consoles")
CHARACTER_PORT_COUNTED = estimate(
    "12.8", "seen in 12.8, not in 11.3", "negative port numbers are refused"
)
CHANNEL_REPORTED = change("8.9", NEWS, "reports have channel and redirdev")
CHARACTER_SPICE = estimate("8.0", "7.9 and 9.0 differ", "SPICE devices need SPICE graphics")
SERIAL_ISA_PORTS = estimate("8.0", "7.9 and 9.0 differ", "four serial ports on ISA")
SERIAL_DEBUG = change("8.1", DOCUMENT, "the serial port isa-debug")
CHARACTER_TLS_REFUSED = estimate(
    "11.0", "10.7 and 11.3 differ", "the protocols tls and telnets are refused"
)
CHANNEL_SOCKETS_MOVED = estimate(
    "9.7", "9.0 and 9.8 differ", "sockets of channels that libvirt chose are in more folders"
)
CHANNEL_SOCKETS_WHOLE = change(
    "10.0", NEWS, "sockets that libvirt chose are recognized by their whole path"
)
CHARACTER_DBUS = change("8.4", NEWS, "character devices on D-Bus, and the agent of QEMU")
SMARTCARD_ADDRESS_DEFINED = estimate(
    "8.0", "7.0 and 9.0 differ", "the slot of a smartcard is checked by definition"
)
