"""``<filesystem>``: folders of the host shared with the guest.

::

    <filesystem type='mount'>
      <driver type='virtiofs'/>
      <source dir='/srv/share'/>
      <target dir='share'/>
    </filesystem>
"""

from domcaps.elements.advice.drifts import no_program
from domcaps.elements.qemu.fragments import XHCI, on_any_bus
from domcaps.language import Choice, Drift, Element, Enum
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.changes.storage import (
    FILESYSTEM_HANDLE_GONE,
    FILESYSTEM_MTP,
    FILESYSTEM_REPORTED,
)
from domcaps.language.fix import Substitutes
from domcaps.language.observed import device
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.qemu_args import LIBVIRTS_OWN, HelperProcess, QemuArgs

SUBSTITUTES = Substitutes("devices/filesystem/driver/@type", order={"handle": ("path",), "*": ()},
                          slips={"9p": "path", "9pfs": "path", "virtio-9p": "path"})  # fmt: skip
"""A share by another protocol is another one: the guest mounts it otherwise."""

_FSDEV = "id={id}f,path={dir}"
_9P = "-device virtio-9p-{bus},fsdev={id}f,mount_tag=a"

_HANDLE_GONE = Drift(
    title="Driver 'handle' of <filesystem>",
    says="libvirt lists the driver type 'handle' for every QEMU",
    but="QEMU 4.0 removed the driver 'handle' of 9pfs: the guest fails to start",
    evidence="QEMU's list of removed features names it for 4.0; QEMU 7.2 refuses -fsdev "
    "handle,id=x,path=/tmp",
    certain=True,
    instead="use the driver 'path' or 'virtiofs'",
)

_MTP_UNSAID = Drift(
    title="Driver 'mtp' of <filesystem>",
    says="the driver type 'mtp' is not listed",
    but="libvirt accepts it, and QEMU starts with it if it has the device usb-mtp",
    evidence="verify with QEMU 7.2, 10.0 and 11.1",
    listed=False,
    instead="use the driver if the guest needs it",
)

DRIVER_TYPE = Enum(
    "driverType",
    attribute="driver/@type",
    choices=(
        Choice(
            "path", qemu_args=on_any_bus(f"-fsdev local,{_FSDEV},security_model=mapped-xattr {_9P}")
        ),
        Choice(
            "handle",
            until=FILESYSTEM_HANDLE_GONE,
            at_start=(_HANDLE_GONE,),
            qemu_args=on_any_bus(f"-fsdev handle,{_FSDEV} {_9P}"),
        ),
        Choice(
            "virtiofs",
            device("vhost-user-fs-device"),
            at_start=(no_program("virtiofsd"),),
            sample="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
            "<filesystem type='mount'><driver type='virtiofs'/><source dir='/a'/>"
            "<target dir='b'/></filesystem>",
            qemu_args=on_any_bus(
                "-m 256M -object memory-backend-memfd,id={id}m,size=256M,share=on "
                "-chardev socket,id={id}c,path={dir}/fs "
                "-device vhost-user-fs-{bus},chardev={id}c,tag=a",
                machine="memory-backend={id}m",
                helper=HelperProcess(
                    "virtiofsd", "--socket-path={dir}/fs -o source={dir} -o sandbox=chroot", "fs"
                ),
            ),
        ),
        Choice("default", listed=False, since=VALUES_STRICT, qemu_args=LIBVIRTS_OWN),
        Choice(
            "mtp",
            device("usb-mtp"),
            listed=False,
            since=FILESYSTEM_MTP,
            at_start=(_MTP_UNSAID,),
            qemu_args=QemuArgs(f"{XHCI} -device usb-mtp,bus={{id}}u.0,rootdir={{dir}}"),
        ),
    ),
    sample="<filesystem type='mount'><driver type='{value}'/><source dir='/a'/>"
    "<target dir='b'/></filesystem>",
)

ELEMENT = Element("filesystem", order=60, since=FILESYSTEM_REPORTED, content=(DRIVER_TYPE,))

_SHARED = "<source dir='{path}'/><target dir='{tag}'/></filesystem>"
_VIRTIOFS = (
    "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    "<filesystem type='mount'><driver type='virtiofs'/>" + _SHARED
)

PREFERENCE = Decision(
    "filesystem.driverType",
    DRIVER_TYPE,
    order=100,
    each="share",
    title="how the folder is shared",
    xml="<filesystem type='mount' accessmode='mapped'><driver type='{value}'/>" + _SHARED,
    options=(
        Option(
            "virtiofs",
            "the fastest, as if it were local",
            guest=drives("virtio1.0-fs"),
            xml=_VIRTIOFS,
        ),
        Option("path", "older guests know it", guest=drives("virtio-9p", "virtio1.0-9p")),
        Option("virtiofs", "the fastest, as if it were local", xml=_VIRTIOFS),
        Option("path", "what is left"),
    ),
)
