"""Changes of firmware, boot and loaders."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

FIRMWARE_REWORKED = estimate(
    "12.0", NEWS, "the choice of firmware is reworked, without the changes saying how"
)
FIRMWARE_FEATURES_REPORTED = change("12.1", NEWS, "reports have firmwareFeatures")
VARSTORE_REPORTED = change("12.1", NEWS, "QEMU's device that keeps UEFI variables")
SHIM_CHECKED = estimate(
    "12.0", "11.3 and 12.8 differ; firmware was reworked then", "a shim always needs a kernel"
)
NVRAM_SLICES = estimate(
    "12.0",
    "11.3 and 12.8 differ; firmware was reworked then",
    "a slice of a block device can keep the variables",
)
NVRAM_VXHS_DROPPED = estimate(
    "11.4", "seen in 12.8, not in 11.3", "variables on VxHS are refused by definition"
)
