"""Changes of the domain as a whole."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

HWUUID = change("11.7", "documentation", "the hardware's UUID")
IOMMUFD_DEFAULT = change("12.1", NEWS, "IOMMUFD for all host devices (named in 12.2)")
CRASH_PRESERVE_RUNNING = change("12.2", NEWS, "on_crash takes preserve-running")
SECLABEL_LENIENT = estimate(
    "12.0",
    "11.3 and 12.8 differ",
    "a label without a type is dynamic, and one that is not relabelled overrides nothing",
)
CLOCK_ABSOLUTE = change("8.4", NEWS, "the offset absolute of clocks")
HPET_REFUSED = change(
    "9.0",
    "NEWS of 9.2",
    "the timer hpet is refused by mistake where QEMU has it as a property of the machine",
)
HPET_ACCEPTED = change("9.2", NEWS, "the timer hpet is accepted again")
TIMER_REALTIME = change("7.1", "git 976bdfc8e7", "rtc follows realtime")
QEMU_OVERRIDE = change("8.2", NEWS, "properties of QEMU's devices are overridden")
RESOURCE_FIBRECHANNEL = change("7.7", "git 38b5f4faab", "an identifier on Fibre Channel")
QEMU_CAPABILITIES_DEFINED = estimate(
    "12.0", "11.3 and 12.8 differ", "names of QEMU's capabilities are checked by definition"
)
