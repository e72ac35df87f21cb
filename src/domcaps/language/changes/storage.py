"""Changes of disks and filesystems."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

DISK_FLOPPY_CONTROLLER = change(
    "11.4", NEWS, "reports list floppy drives only if QEMU has a controller for them"
)
DISK_VXHS_DROPPED = estimate(
    "11.4",
    "seen in 12.8, not in 11.3",
    "disks with protocol 'vxhs' are refused when the domain is defined",
)
DISK_NVME = change("11.5", NEWS, "<target bus='nvme'> is supported")
DISK_USB_BOT = change("11.5", NEWS, "CD-ROM drives on USB use the model usb-bot")
DISK_RESERVATIONS_MIGRATE = estimate(
    "12.1",
    "libvirt-go-xml 1050c7d, between 12.0 and 12.1; QEMU 11.0 brought it",
    "attribute 'migration' of <reservations> is supported",
)
DISK_DPOFUA = change("11.6", "documentation", "'dpofua' of SCSI disks is supported")
DISK_STATISTICS = change("11.9", NEWS, "<statistics> of disks over intervals are supported")
DISK_CTL = change("12.0", NEWS, "<disk type='ctl'> is known, and refused for QEMU")
DISK_TRAY_CLOSED = estimate(
    "12.0", "11.3 and 12.8 differ", "tray='closed' is refused for disks without a tray, too"
)
DISK_LUN_BLOCKS = estimate(
    "12.0", "11.3 and 12.8 differ", "<blockio> sizes are refused for device='lun'"
)
THROTTLE_GROUPS = change("11.2", NEWS, "<throttlegroups> and <throttlefilters> are supported")
FILESYSTEM_HANDLE_GONE = change(
    "12.2", NEWS, "reports no longer list the filesystem driver 'handle'"
)
FILESYSTEM_SOCKET_READONLY = estimate(
    "12.0", "11.3 and 12.8 differ", "<readonly/> is refused for an external virtiofs daemon"
)
FILESYSTEM_REPORTED = change("7.4", "git f388aa5ff3", "reports include filesystem")
DISK_TLS_HOSTNAME = change("8.2", DOCUMENT, "tlsHostname of NBD disks is supported")
DISK_ROTATION = change(
    "7.3", "git 8dac0ca1b2", "rotation_rate is supported for SCSI, IDE and SATA disks"
)
DISK_DISCARD_NO_UNREF = change("9.5", NEWS, "discard_no_unref of qcow2 images is supported")
DISK_IOTHREADS = change("10.0", NEWS, "<iothreads> of a disk's <driver> are supported")
DISK_DATA_STORE = change("10.10", NEWS, "<dataStore> of qcow2 images is supported")
DISK_ENCRYPTION_LAYERS = estimate(
    "9.3",
    "9.0 and 9.8 differ",
    "layered encryption with librbd, and the format luks-any, are supported",
)
DISK_SHEEPDOG_DROPPED = estimate(
    "11.0", "10.7 and 11.3 differ", "the protocol 'sheepdog' is refused"
)
DISK_PRODUCTS = estimate(
    "11.1", "10.7 and 11.3 differ", "<product> is supported for IDE and SATA disks, too"
)
DISK_NAME_OVERFLOW = estimate(
    "10.1", "9.10 and 10.4 differ", "disk target names with too large a number are refused"
)
DISK_RAW_WITHOUT_LAYER = estimate(
    "10.1",
    "9.0 and 11.3 differ; QEMU 9.0 brought what it needs",
    "raw images in front of a <backingStore> are accepted",
)
DISK_SNAPSHOT_MANUAL = change("8.2", NEWS, "snapshot='manual' of disks is supported")
DISK_USB_FILLED = estimate("10.6", "10.5 and 10.7 differ", "removable USB drives may not be empty")
DISK_VHOST_VDPA = change("9.8", NEWS, "<disk type='vhostvdpa'> is supported")
DISK_VHOST_USER = change("7.1", NEWS, "<disk type='vhostuser'> is supported")
FILESYSTEM_MTP = change("10.2", NEWS, "<filesystem><driver type='mtp'> is supported")
DISK_LIBRBD = change("7.9", NEWS, "<encryption engine='librbd'> and format='luks2' are supported")
FILESYSTEM_SOCKET = change(
    "7.3", NEWS, "virtiofs may use an external daemon (attribute 'socket' of <source>)"
)
FILESYSTEM_BOOT_PLACED = change("10.3", "NEWS of 10.4", "<boot> of virtiofs requires a PCI address")
DISK_IOTHREAD_DEFINED = estimate(
    "7.4",
    "7.0 and 9.0 differ; 7.5 changes the check",
    "I/O threads of disks are checked when the domain is defined",
)
DISK_ENCRYPTION_FORMATS = estimate(
    "8.0", "7.9 and 9.0 differ", "encryption requires a raw or qcow2 image"
)
FILESYSTEM_SANDBOX = change(
    "7.3", "git f0e5100f00", "attribute 'mode' of <sandbox> of virtiofs is supported"
)
FILESYSTEM_THREADS = change(
    "8.5", DOCUMENT, "attribute 'size' of <thread_pool> of virtiofs is supported"
)
FILESYSTEM_OPEN_FILES = change(
    "10.6", DOCUMENT, "attribute 'max' of <openfiles> of virtiofs is supported"
)
DISK_SHARE_BACKING = change("7.4", NEWS, "attribute 'shareBacking' of <transient> is supported")
DISK_QUEUE_SIZE = change(
    "7.8", DOCUMENT, "attribute 'queue_size' of <driver> of disks is supported"
)
DISK_DISCARD_GRANULARITY = estimate(
    "7.10", "7.0 and 9.0 differ", "discard_granularity of <blockio> is supported"
)
DISK_SD_LIMITS = estimate("9.5", "9.0 and 9.8 differ", "<iotune> of SD cards is refused")
FILESYSTEM_BOOT = change(
    "7.1", "git 5b688e6dc1", "<filesystem> may have attribute 'order' of <boot>"
)
