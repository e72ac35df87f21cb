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
FIRMWARE_PERSISTENT = change(
    "9.2", NEWS, "firmware is chosen by definition, with formats, for images that are named, too"
)
FIRMWARE_CHOSEN_ALONE = change(
    "8.6", NEWS, "what is chosen by firmware= can't be named until firmware is chosen by definition"
)
ACPI_TABLES = estimate("11.2", "10.7 and 11.3 differ", "several ACPI tables of several types")
FIRMWARE_FEATURES_READ = change("7.2", NEWS, "features of firmware that is chosen can be asked for")
NVRAM_SOURCES = change("8.5", NEWS, "the variables of firmware can be on the network")
BOOT_MENU_STRICT = estimate("8.0", "7.0 and 9.0 differ", "bootmenu/@enable is yes or no")
