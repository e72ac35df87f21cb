"""Changes of disks and filesystems."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

DISK_FLOPPY_CONTROLLER = change("11.4", NEWS, "floppy drives are listed by their controller")
DISK_VXHS_DROPPED = estimate("11.4", "seen in 12.8, not in 11.3", "VxHS is refused by definition")
DISK_NVME = change("11.5", NEWS, "disks on NVMe")
DISK_USB_BOT = change("11.5", NEWS, "CD-ROM drives on USB are usb-bot's")
DISK_RESERVATIONS_MIGRATE = change("11.5", NEWS, "persistent reservations move with the guest")
DISK_DPOFUA = change("11.6", "documentation", "DPO and FUA of SCSI disks are switched")
DISK_STATISTICS = change("11.9", NEWS, "statistics of disks over intervals")
DISK_CTL = change("12.0", NEWS, "storage of the type ctl")
DISK_TRAY_CLOSED = estimate(
    "12.0", "11.3 and 12.8 differ", "closed trays of disks without a tray are refused, too"
)
DISK_LUN_BLOCKS = estimate(
    "12.0", "11.3 and 12.8 differ", "the sizes of a LUN's blocks can't be given"
)
THROTTLE_GROUPS = change("11.2", NEWS, "groups of limits for disks")
FILESYSTEM_HANDLE_GONE = change("12.2", NEWS, "handle is no longer listed")
FILESYSTEM_SOCKET_READONLY = estimate(
    "12.0", "11.3 and 12.8 differ", "readonly is refused for a virtiofs daemon of somebody else"
)
FILESYSTEM_REPORTED = change("7.4", "git f388aa5ff3", "reports have filesystem")
DISK_TLS_HOSTNAME = change("8.2", DOCUMENT, "the host name in the certificate of an NBD server")
DISK_ROTATION = change("7.3", "git 8dac0ca1b2", "rotation rates of SCSI, IDE and SATA disks")
DISK_DISCARD_NO_UNREF = change("9.5", NEWS, "discarded clusters stay referenced")
DISK_IOTHREADS = change("10.0", NEWS, "several I/O threads serve a disk")
DISK_DATA_STORE = change("10.10", NEWS, "the data file of a qcow2 image")
DISK_ENCRYPTION_LAYERS = estimate(
    "9.3", "9.0 and 9.8 differ", "layers of encryption by librbd, and luks-any"
)
DISK_SHEEPDOG_DROPPED = estimate("11.0", "10.7 and 11.3 differ", "Sheepdog is refused")
DISK_PRODUCTS = estimate(
    "11.1", "10.7 and 11.3 differ", "disks on IDE and SATA have a product, too"
)
DISK_NAME_OVERFLOW = estimate(
    "10.1", "9.10 and 10.4 differ", "names of disks that no number can hold are refused"
)
DISK_USB_FILLED = estimate("10.6", "10.5 and 10.7 differ", "drives on USB can't be empty")
DISK_VHOST_VDPA = change("9.8", NEWS, "disks on vDPA devices")
DISK_VHOST_USER = change("7.1", NEWS, "disks served by vhost-user")
FILESYSTEM_MTP = change("10.2", NEWS, "filesystems by MTP")
DISK_LIBRBD = change("7.9", NEWS, "encryption by librbd, and luks2")
FILESYSTEM_SOCKET = change("7.3", NEWS, "virtiofs by a daemon of somebody else")
FILESYSTEM_BOOT_PLACED = change(
    "10.3", "NEWS of 10.4", "virtiofs that is booted from must be on PCI"
)
DISK_IOTHREAD_DEFINED = estimate(
    "7.4",
    "7.0 and 9.0 differ; 7.5 changes the check",
    "I/O threads of disks are checked by definition",
)
DISK_ENCRYPTION_FORMATS = estimate(
    "8.0", "7.9 and 9.0 differ", "only raw and qcow2 images are encrypted"
)
FILESYSTEM_SANDBOX = change("7.3", "git f0e5100f00", "the sandbox of virtiofs")
FILESYSTEM_THREADS = change("8.5", DOCUMENT, "the number of threads of virtiofs")
FILESYSTEM_OPEN_FILES = change("10.6", DOCUMENT, "how many files virtiofs may open")
DISK_SHARE_BACKING = change("7.4", NEWS, "transient disks share their backing image")
DISK_QUEUE_SIZE = change("7.8", DOCUMENT, "the size of a disk's queues")
DISK_DISCARD_GRANULARITY = estimate(
    "7.10", "7.0 and 9.0 differ", "the least amount that a disk discards"
)
DISK_SD_LIMITS = estimate("9.5", "9.0 and 9.8 differ", "limits of SD cards are refused")
FILESYSTEM_BOOT = change("7.1", "git 5b688e6dc1", "a guest boots from a filesystem")
