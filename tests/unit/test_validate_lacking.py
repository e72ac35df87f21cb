"""What domains ask of QEMU: refused where it has nothing, not where it has much.

A second table is of values that no report lists; libvirt 12.8 was asked whether it defines them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sample_hosts import BARE
from verdicts import Case, fine, wrong

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

Q35 = ("x86_64", "q35")
PC = ("x86_64", "pc")
MAINFRAME = ("s390x", "s390-ccw-virtio")
PSERIES = ("ppc64", "pseries")
VIRT = ("aarch64", "virt")


def asks(xml: str, code: str, place: tuple[str, str] = Q35) -> ParameterSet:
    return pytest.param(xml, code, place, id=f"{xml} {place[1]}")


def hostdev(kind: str, source: str, said: str = "", driver: str = "") -> str:
    return (
        f"<hostdev mode='subsystem' type='{kind}' {said}>{driver}<source {source}</source>"
        "</hostdev>"
    )


def pci(model: str, inside: str = "", index: int = 1) -> str:
    return f"<controller type='pci' index='{index}' model='{model}'>{inside}</controller>"


def disk(
    said: str = "",
    driver: str = "type='raw'",
    target: str = "",
    inside: str = "",
    bus: str = "virtio",
) -> str:
    name = "vda" if bus == "virtio" else "sda"
    return (
        f"<disk type='file' device='disk' {said}><driver name='qemu' {driver}>{inside}</driver>"
        f"<source file='/a'/><target dev='{name}' bus='{bus}' {target}/></disk>"
    )


SHARED = "<transient shareBacking='yes'/>"
THREADS = "<iothreads><iothread id='1'/></iothreads>"
LUN = (
    "<disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/a'>{}"
    "</source><target dev='sda' bus='scsi'/></disk>"
)
GROWS = (
    "<memory unit='KiB'>1048576</memory><maxMemory slots='2'>4194304</maxMemory>"
    "<cpu><numa><cell id='0' cpus='0' memory='1048576'/></numa></cpu>"
)
MEDIATED = "><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/>"
CARD = "><address domain='0' bus='6' slot='0x12' function='5'/>"
EVDEV = "<source evdev='/dev/input/event0'/>"
SCSI = ("lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi", "virtio-scsi")
USB = ("piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "pci-ohci", "nec-xhci", "qemu-xhci")
SWITCH = pci("pcie-root-port") + pci("pcie-switch-upstream-port", index=2)
SERIALS = (
    ("isa-serial", "isa-serial", PC), ("usb-serial", "usb-serial", PC),
    ("pci-serial", "pci-serial", PC), ("spapr-vio-serial", "spapr-vty", PSERIES),
    ("system-serial", "pl011", VIRT), ("sclp-serial", "sclpconsole", MAINFRAME),
    ("sclp-serial", "sclplmconsole", MAINFRAME),
)  # fmt: skip
INTEL = ("intremap='on'", "caching_mode='on'", "intremap='on' eim='on'", "iotlb='on'",
         "aw_bits='48'", "dma_translation='off'")  # fmt: skip
NODE = (
    "<target><node>0</node></target>",
    "<cpu><numa><cell id='0' cpus='0' memory='1048576'/></numa></cpu>",
)

CASES = [
    *(asks(f"<console type='pty'><target type='{kind}'/></console>",
           "console-target-type-unsupported", MAINFRAME) for kind in ("sclp", "sclplm")),
    asks("<controller type='sata'/>", "controller-sata-unsupported", PC),
    asks("<controller type='nvme' serial='a'/>", "controller-nvme-unsupported"),
    *(asks(f"<controller type='scsi' model='{model}'/>", "controller-scsi-model-unsupported")
      for model in SCSI),
    *(asks(f"<controller type='usb' model='{model}'/>", "controller-usb-device-missing")
      for model in USB),
    *(asks(pci(model), "controller-model-name-unsupported", place) for model, place in (
        ("pci-bridge", PC), ("dmi-to-pci-bridge", Q35), ("pcie-root-port", Q35),
        ("pci-expander-bus", PC), ("pcie-expander-bus", Q35), ("pcie-to-pci-bridge", Q35),
        ("pci-root", PSERIES))),
    asks(SWITCH + pci("pcie-switch-downstream-port", index=3),
         "controller-model-name-unsupported"),
    asks(pci("pci-root", NODE[0]) + NODE[1], "controller-numa-node-unknown", PSERIES),
    asks(pci("pci-root", "<target hotplug='off'/>", 0), "controller-hotplug-unsupported", PC),
    asks(pci("pcie-root-port", "<target hotplug='off'/>"), "controller-hotplug-unsupported"),
    *(asks(hostdev("mdev", MEDIATED, f"model='{model}'"), "hostdev-model-unsupported", place)
      for model, place in (("vfio-ap", MAINFRAME), ("vfio-ccw", MAINFRAME), ("vfio-pci", Q35))),
    asks(hostdev("scsi_host", "protocol='vhost' wwpn='naa.5123456789abcde0'>"),
         "hostdev-model-unsupported"),
    asks(hostdev("pci", CARD, driver="<driver name='vfio' iommufd='yes'/>"),
         "hostdev-iommufd-unsupported"),
    asks(hostdev("usb", "guestReset='off'><vendor id='0x1234'/><product id='0xbeef'/>"),
         "hostdev-guest-reset-unsupported"),
    *(asks(f"<input type='{kind}' bus='virtio'/>", "input-virtio-unsupported", place)
      for kind in ("mouse", "tablet", "keyboard") for place in (Q35, MAINFRAME)),
    asks(f"<input type='passthrough' bus='virtio'>{EVDEV}</input>", "input-virtio-unsupported"),
    asks("<input type='keyboard' bus='usb'/>", "input-usb-keyboard-unsupported"),
    *(asks(f"<iommu model='{model}'/>", "iommu-model-unsupported", place) for model, place in (
        ("intel", Q35), ("amd", Q35), ("virtio", Q35), ("virtio", VIRT))),
    *(asks(f"<iommu model='intel'><driver {said}/></iommu>", "iommu-property-unsupported")
      for said in INTEL),
    asks("<memballoon model='virtio' autodeflate='on'/>", "memballoon-autodeflate-unsupported"),
    asks("<memballoon model='virtio' freePageReporting='on'/>",
         "memballoon-free-page-reporting-unsupported"),
    *(asks(f"<serial type='pty'><target type='{kind}'><model name='{model}'/></target></serial>",
           "serial-device-unsupported", place) for kind, model, place in SERIALS),
    asks("<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
         "shmem-model-type-unsupported"),
    asks("<shmem name='s'><model type='ivshmem-doorbell'/><server path='/a'/></shmem>",
         "shmem-model-type-unsupported"),
    *(asks(f"<sound model='{model}'/>", "sound-model-unsupported")
      for model in ("ich9", "usb", "virtio")),
    *(asks(f"<sound model='ich9'><codec type='{kind}'/></sound>", "sound-codec-invalid")
      for kind in ("duplex", "micro", "output")),
    asks("<vsock model='virtio'><cid auto='yes'/></vsock>", "vsock-unsupported"),
    asks("<features><acpi/></features><pstore backend='acpi-erst'><path>/a</path>"
         "<size unit='KiB'>8</size></pstore>", "pstore-backend-unsupported"),
    asks("<redirdev bus='usb' type='tcp'><source host='localhost' service='4000'/></redirdev>"
         "<redirfilter><usbdev allow='yes'/></redirfilter>", "redirfilter-unsupported"),
    asks("<controller type='ccid'/><smartcard mode='host'/>", "smartcard-mode-unsupported"),
    asks("<controller type='ccid'/><smartcard mode='passthrough' type='tcp'><source mode='bind' "
         "host='127.0.0.1' service='2001'/></smartcard>", "smartcard-mode-unsupported"),
    asks("<video><driver name='vhostuser'/><model type='virtio'/></video>",
         "video-driver-unsupported"),
    asks("<video><model type='default'/></video>", "video-model-undetermined"),
    asks("<panic model='default'/>", "panic-default-unsupported"),
    *(asks(disk(f"model='{model}'", bus="usb"), "disk-model-unsupported")
      for model in ("usb-storage", "usb-bot")),
    asks(disk(driver="type='qcow2' discard_no_unref='on'"), "disk-discard-no-unref-unsupported"),
    asks(disk(bus="scsi", target="rotation_rate='7200'"), "disk-rotation-rate-unsupported"),
    *(asks("<iothreads>1</iothreads>" + disk(driver="type='raw'", inside=THREADS),
           "disk-iothread-unsupported", place) for place in (Q35, MAINFRAME)),
    asks("<on_reboot>destroy</on_reboot>" + disk().replace("</disk>", SHARED + "</disk>"),
         "disk-transient-unsupported"),
    asks("<interface type='user'/>", "interface-backend-unsupported"),
    asks("<interface type='user'><backend type='passt'/></interface>",
         "interface-backend-unsupported"),
    asks(LUN.format(""), "disk-lun-bus-unsupported"),
    asks(LUN.format("<reservations managed='yes'/>"), "disk-reservations-unsupported"),
    asks("<disk type='vhostvdpa' device='disk'><driver name='qemu' type='raw' cache='none'/>"
         "<source dev='/dev/vhost-vdpa-0'/><target dev='vda' bus='virtio'/></disk>",
         "disk-vhost-unsupported"),
    asks("<filesystem type='mount'><driver type='mtp'/><source dir='/a'/><target dir='b'/>"
         "</filesystem>", "filesystem-driver-type-unsupported"),
    asks("<memoryBacking><access mode='shared'/></memoryBacking><filesystem type='mount'>"
         "<driver type='virtiofs'/><source dir='/a'/><target dir='b'/><boot order='1'/>"
         "</filesystem>", "filesystem-boot-unsupported"),
    asks("<features><smm state='on'><tseg unit='MiB'>16</tseg></smm></features>",
         "features-smm-tseg-unsupported"),
    asks(GROWS + "<memory model='dimm'><target><size unit='KiB'>524288</size><node>0</node>"
         "</target></memory>", "memory-model-unsupported"),
    asks(GROWS + "<memory model='virtio-pmem'><source><path>/a</path></source><target>"
         "<size unit='KiB'>524288</size></target></memory>", "memory-model-unsupported"),
    asks("<vcpu>2</vcpu><cpu><topology sockets='1' clusters='2' cores='1' threads='1'/></cpu>",
         "cpu-topology-dies-unsupported", VIRT),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "code", "place"), CASES)
def test_what_qemu_lacks_is_refused(xml: str, code: str, place: tuple[str, str]) -> None:
    arch, machine = place
    lacking = Case(xml, frozenset(), arch=arch, machine=machine, release=BARE)
    having = Case(xml, frozenset(), arch=arch, machine=machine)
    assert code in lacking.found()
    assert code not in having.found()


def channel(kind: str, source: str = "") -> str:
    return f"<channel type='{kind}'>{source}<target type='virtio'/></channel>"


CONNECTED = "<source mode='connect' host='h' service='1'/>"
UNLISTED = [
    fine("no firmware is as good as none", "<os firmware=''><type>hvm</type></os>"),
    fine("memory of the usual kind", "<memoryBacking><source type=''/></memoryBacking>"),
    fine("the usual disk", disk("model='default'")),
    wrong("disks of Xen are for Xen", disk(bus="xen").replace("sda", "xvda"),
          "disk-bus-unavailable"),
    wrong("disks of UML are for UML", disk(bus="uml").replace("sda", "ubda"),
          "disk-bus-unavailable"),
    fine("the usual way to tell of a panic", "<panic model='default'/>"),
    fine("the usual adapter", "<video><model type='default'/></video>"),
    fine("the usual way to share", "<filesystem type='mount'><driver type='default'/>"
         "<source dir='/a'/><target dir='b'/></filesystem>"),
    *(fine(f"a channel to {kind}", channel(kind)) for kind in ("null", "vc", "stdio")),
    *(fine(f"a channel to a {kind}", channel(kind, "<source path='/a'/>"))
      for kind in ("file", "pipe")),
    *(fine(f"a channel over {kind}", channel(kind, CONNECTED)) for kind in ("udp", "tcp")),
    wrong("a channel to D-Bus needs its module", channel("dbus", "<source channel='org.a'/>"),
          "chardev-dbus-fails-at-start"),
    fine("a channel to the agent", channel("qemu-vdagent")),
    wrong("a channel to SPICE needs SPICE", channel("spiceport", "<source channel='org.a'/>"),
          "chardev-spice-missing"),
    *(wrong(f"channels of kind {kind} are for others", f"<channel type='pty'><target type='{kind}'"
            " name='a'/></channel>", "channel-target-unsupported") for kind in ("xen", "none")),
    fine("a console of no kind", "<console type='pty'><target type='none'/></console>"),
    *(wrong(f"a controller for {kind} finds no place", f"<controller type='{kind}'/>",
            "pci-slots-exhausted", machine="q35") for kind in ("xenbus", "isa")),
    *(fine(f"after a crash: {what}", f"<on_crash>{what}</on_crash>") for what in (
        "", "destroy", "restart", "preserve", "coredump-destroy", "coredump-restart",
        "preserve-running")),
    wrong("what is kept running since 12.2", "<on_crash>preserve-running</on_crash>",
          "domain-on-crash-unknown", dialect="12.1"),
    *(fine(f"enlightenments: {mode}", f"<features><hyperv mode='{mode}'/></features>")
      for mode in ("custom", "passthrough", "host-model")),
    wrong("those of the host since 11.9", "<features><hyperv mode='host-model'/></features>",
          "features-hyperv-mode-unknown", dialect="11.8"),
    wrong("the first ivshmem is gone", "<shmem name='s'><model type='ivshmem'/>"
          "<size unit='M'>4</size></shmem>", "shmem-model-type-unsupported"),
    fine("an IOMMU of ARM", "<iommu model='smmuv3'/>", arch="aarch64", machine="virt"),
    *(fine(f"a balloon: {model}", f"<memballoon model='{model}'/>")
      for model in ("virtio-transitional", "virtio-non-transitional")),
]  # fmt: skip


@pytest.mark.parametrize("case", UNLISTED)
def test_values_that_no_report_lists(case: Case) -> None:
    assert case.found() == case.codes
