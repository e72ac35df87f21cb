"""Changes of memory and its tuning."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

RESCTRL_OPTIONAL = estimate(
    "12.4",
    "11.3 and 12.8 differ; NEWS announces that energy is measured",
    "a group without a list of CPUs is that of all CPUs, and energy can be measured",
)
MEMORY_BACKING_REPORTED = change("7.6", "git e27e22585a", "reports have memoryBacking")
SLOTS_OF_MODULES = change("9.5", NEWS, "only modules like DIMMs take slots")
NUMATUNE_RESTRICTIVE_ALL = change("9.4", NEWS, "restrictive is for all memory, or for none")
NUMATUNE_RESTRICTIVE = change("7.3", NEWS, "the mode restrictive")
