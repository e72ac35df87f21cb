"""Changes of memory and its tuning."""

from __future__ import annotations

from domcaps.language.change import change, estimate

RESCTRL_OPTIONAL = estimate(
    "12.0",
    "11.3 and 12.8 differ",
    "a group without a list of CPUs is that of all CPUs, and energy can be measured",
)
MEMORY_BACKING_REPORTED = change("7.6", "git e27e22585a", "reports have memoryBacking")
