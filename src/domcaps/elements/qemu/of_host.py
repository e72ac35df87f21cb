"""Types of QEMU by what they reach of the host: what may be started as it is, and what may not.

Who starts a machine that must change nothing lets options through by these names.
"""

from __future__ import annotations

MEMORY_IN_FILE = "memory-backend-file"
MEMORY = frozenset(
    {"memory-backend-ram", "memory-backend-memfd", MEMORY_IN_FILE, "memory-backend-shm"}
)
"""Objects that are a guest's memory."""
RANDOM = "rng-random"
"""The object that reads random numbers from a file."""
SECRET = "secret"  # noqa: S105 - the name of a type
WITHOUT_CERTIFICATES = "tls-creds-anon"
CREDENTIALS = frozenset({"tls-creds-x509", "tls-creds-psk", WITHOUT_CERTIFICATES})
"""Objects for encrypted connections."""
LAUNCH_SECURITY = frozenset({"sev-guest", "sev-snp-guest", "tdx-guest"})
HARMLESS = frozenset(
    {"iothread", "thread-context", "throttle-group", "cryptodev-backend",
     "cryptodev-backend-builtin", "cryptodev-backend-lkcf", "rng-builtin", "rng-egd", "can-bus",
     "acpi-generic-initiator", "acpi-generic-port", "authz-simple", "authz-list", "main-loop",
     "memory-backend-epc", "s390-pv-guest", "pef-guest"}
)  # fmt: skip
"""Objects that reach nothing of the host, whatever their properties are."""

SILENT = frozenset({"none", "spice", "dbus"})
"""Places for sound that are none of the host's."""

VSOCK = "vhost-vsock"
OF_HOST = ("vfio-", "vhost-scsi", "vhost-user-", VSOCK, "vhost-vdpa", "virtio-input-host",
           "ivshmem-doorbell")  # fmt: skip
"""What the types of devices begin with that are a device or a program of the host's."""
REPLACED = {
    "vhost-user-vga": "virtio-vga",
    "vhost-user-gpu-pci": "virtio-gpu-pci",
    "vhost-user-gpu": "virtio-gpu-device",
    "usb-host": "usb-tablet",
    "scsi-generic": "scsi-hd",
    "scsi-block": "scsi-hd",
}
"""Devices that stand in for others, at the same place; for those of `OF_HOST` it is `SMALL`."""
ON_SCSI = frozenset({"scsi-generic", "scsi-block"})
SMALL = "virtio-rng"
"""A device that needs nothing, with the ending of its bus."""
NEVER = ("vfio-ap", "ccid-card-emulated", "canokey", "u2f-", "xen-", "spapr-tpm-proxy", "nitro-",
         "x-")  # fmt: skip
"""What the types of devices begin with that nothing stands in for."""
SHARED_FOLDER = "usb-mtp"
LOADER = "loader"
"""A device that puts a file into the guest's memory."""
VARIABLE_STORE = "uefi-vars"
UDMABUF = "/dev/udmabuf"
"""What QEMU itself opens for blobs of graphics memory; nothing stands in for it."""
