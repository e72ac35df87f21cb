"""Changes of firmware, boot and loaders."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

FIRMWARE_REWORKED = estimate(
    "12.0",
    NEWS,
    "descriptors of firmware that is loaded like a kernel no longer match 'firmware' of <os>; "
    "<varstore> and the format of the <nvram> template are read",
)
FIRMWARE_FEATURES_REPORTED = change("12.1", NEWS, "reports include firmwareFeatures")
VARSTORE_REPORTED = change("12.1", NEWS, "<varstore> (QEMU's uefi-vars device) is supported")
SHIM_CHECKED = estimate(
    "12.0", "11.3 and 12.8 differ; firmware was reworked then", "<shim> requires <kernel>"
)
NVRAM_SLICES = estimate(
    "12.0",
    "11.3 and 12.8 differ; firmware was reworked then",
    "<nvram> may be a slice of a block device",
)
NVRAM_VXHS_DROPPED = estimate(
    "11.4",
    "seen in 12.8, not in 11.3",
    "<nvram> with protocol 'vxhs' is refused when the domain is defined",
)
FIRMWARE_PERSISTENT = change(
    "9.2",
    NEWS,
    "the firmware descriptor is chosen when the domain is defined, also if <loader> names an "
    "image; its format is stored",
)
FIRMWARE_CHOSEN_ALONE = change(
    "8.6", NEWS, "<loader> is refused if <os> has 'firmware' (allowed again in 9.2)"
)
ACPI_TABLES = estimate(
    "11.2", "10.7 and 11.3 differ", "several ACPI <table> of several types are supported"
)
FIRMWARE_FEATURES_READ = change("7.2", NEWS, "<firmware><feature> selects firmware by its features")
NVRAM_SOURCES = change("8.5", NEWS, "<nvram> may have a network <source>")
BOOT_MENU_STRICT = estimate(
    "8.0", "7.0 and 9.0 differ", "attribute 'enable' of <bootmenu> must be 'yes' or 'no'"
)
