"""Changes of the domain as a whole."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

HWUUID = change("11.7", "documentation", "<hwuuid> is supported")
IOMMUFD_DEFAULT = change(
    "12.1", NEWS, "<iommufd> is supported for all host devices (named in 12.2)"
)
CRASH_PRESERVE_RUNNING = change("12.2", NEWS, "<on_crash> may be 'preserve-running'")
SECLABEL_LENIENT = estimate(
    "12.0",
    "11.3 and 12.8 differ",
    "<seclabel> without a type is dynamic; relabel='no' no longer overrides",
)
CLOCK_ABSOLUTE = change("8.4", NEWS, "<clock offset='absolute'> is supported")
HPET_REFUSED = change(
    "9.0",
    "NEWS of 9.2",
    "the timer 'hpet' is refused by mistake if QEMU has it as a machine property",
)
HPET_ACCEPTED = change("9.2", NEWS, "the timer 'hpet' is accepted again")
TIMER_REALTIME = change("7.1", "git 976bdfc8e7", "the timer 'rtc' may have track='realtime'")
QEMU_OVERRIDE = change("8.2", NEWS, "<qemu:override> is supported")
SECLABEL_LABELLED = estimate(
    "9.1", "9.0 and 9.8 differ", "relabel='yes' of the <seclabel> of a <source> needs a <label>"
)
RESOURCE_FIBRECHANNEL = change(
    "7.7", "git 38b5f4faab", "attribute 'appid' of <fibrechannel> is supported"
)
QEMU_CAPABILITIES_DEFINED = estimate(
    "12.0",
    "11.3 and 12.8 differ",
    "names in <qemu:capabilities> are checked when the domain is defined",
)
