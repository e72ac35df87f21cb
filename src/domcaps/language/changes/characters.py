"""Changes of serial devices, consoles and channels."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

CONSOLE_REPORTED = change("11.5", NEWS, "reports list the types of consoles")
CHARACTER_PORT_COUNTED = estimate(
    "12.8", "seen in 12.8, not in 11.3", "negative port numbers are refused"
)
CHANNEL_REPORTED = change("8.9", NEWS, "reports have channel and redirdev")
