"""Plain domains of which every word can be told to QEMU, for several boards."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps._version import DEFAULT_DIALECT
from plain_hosts import open_plain

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.native.write import NativeCommand

_ABOUT = """<title>A title</title><metadata><m:a xmlns:m='urn:a' b='c'>d</m:a></metadata>"""
_PC_FEATURES = "<features><acpi/><apic/></features>"
_DISK = """<disk type='file' device='disk'><driver name='qemu' type='{form}'{more}/>
<source file='{{dir}}/{dev}.{form}'/><target dev='{dev}' bus='{bus}'/>{inside}</disk>"""
_CDROM = """<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
<source file='{{dir}}/{dev}.raw'/><target dev='{dev}' bus='{bus}'/><readonly/></disk>"""
_CARD = """<interface type='user'><mac address='52:54:00:11:22:{n}'/><model type='{model}'/>{inside}
</interface>"""
_RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
_VNC = "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>"
_PCI = "<address type='pci' domain='0x0000' bus='{:#04x}' slot='{:#04x}' function='{:#x}'{}/>"


def _disk(dev: str, bus: str, inside: str = "", more: str = "", form: str = "raw") -> str:
    return _DISK.format(dev=dev, bus=bus, inside=inside, more=more, form=form)


def _cdrom(dev: str, bus: str) -> str:
    return _CDROM.format(dev=dev, bus=bus)


def _card(model: str, inside: str = "", n: int = 33) -> str:
    return _CARD.format(model=model, inside=inside, n=n)


def _pci(bus: int, slot: int, function: int = 0, more: str = "") -> str:
    return _PCI.format(bus, slot, function, more)


def _domain(
    arch: str, machine: str, devices: str, above: str = "", system: str = "", wanted: str = ""
) -> str:
    return (
        f"<domain type='qemu'><name>plain</name><uuid>6a0b3f1c-7d5e-4c9a-8b21-0f3e5d7c9b1a</uuid>"
        f"<memory unit='MiB'>256</memory><os{wanted}><type arch='{arch}' machine='{machine}'>hvm"
        f"</type>{system}</os>{above}<devices>{devices}</devices></domain>"
    )


_SMP = "<vcpu placement='static'>2</vcpu>"
_Q35_PLACED = "".join(
    (
        "<controller type='pci' index='0' model='pcie-root'/>",
        "<controller type='pci' index='1' model='pcie-root-port'><model name='pcie-root-port'/>"
        "<target chassis='1' port='0x10'/>" + _pci(0, 2, 0, " multifunction='on'")
        + "</controller>",
        "<controller type='pci' index='2' model='pcie-root-port'><model name='pcie-root-port'/>"
        "<target chassis='2' port='0x11'/>" + _pci(0, 2, 1) + "</controller>",
        "<controller type='usb' index='0' model='qemu-xhci' ports='15'>" + _pci(1, 0)
        + "</controller>",
        "<controller type='sata' index='0'>" + _pci(0, 31, 2) + "</controller>",
        _disk("vda", "virtio", "<boot order='1'/>" + _pci(2, 0),
              " cache='none' io='threads' discard='unmap' detect_zeroes='on'"),
        _disk("sda", "sata", "<address type='drive' controller='0' bus='0' target='0' unit='3'/>"),
        "<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>",
        "<memballoon model='none'/>",
    )
)  # fmt: skip

DOMAINS: dict[str, str] = {
    "q35, nothing": _domain("x86_64", "q35", "", _PC_FEATURES),
    "q35, a desktop": _domain(
        "x86_64", "q35",
        _disk("vda", "virtio", form="qcow2") + _cdrom("sda", "sata") + _card("virtio") + _VNC
        + "<serial type='pty'><target type='isa-serial' port='0'/></serial>"
        "<console type='pty'><target type='serial' port='0'/></console>"
        "<channel type='pty'><target type='virtio' name='org.example.0'/></channel>"
        "<input type='tablet' bus='usb'/><input type='keyboard' bus='ps2'/>"
        "<video><model type='virtio' heads='1' primary='yes'/></video><audio id='1' type='none'/>"
        "<memballoon model='virtio'/>" + _RNG,
        _ABOUT + _SMP + _PC_FEATURES + "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>"
        "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/>"
        "<timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/></clock>"
        "<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><pm>"
        "<suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>",
        "<boot dev='cdrom'/><boot dev='hd'/><bootmenu enable='yes' timeout='3000'/>",
    ),
    "q35, addresses": _domain("x86_64", "q35", _Q35_PLACED, _PC_FEATURES),
    "q35, a CPU": _domain(
        "x86_64", "q35", "<controller type='usb' model='none'/>" + _disk("vda", "virtio"),
        "<vcpu current='1'>4</vcpu><features><acpi/><smm state='off'/><vmport state='off'/>"
        "</features><cpu mode='custom' match='exact' check='none'>"
        "<model fallback='forbid'>qemu64</model><feature name='rdrand' policy='disable'/></cpu>",
    ),
    "q35, SCSI and USB": _domain(
        "x86_64", "q35",
        "<controller type='scsi' index='0' model='virtio-scsi'/>"
        + _disk("sda", "scsi", "<serial>a b</serial>", " cache='writeback'")
        + _cdrom("sdb", "scsi") + _disk("sdc", "usb") + _card("e1000e") + _card("rtl8139", n=34)
        + "<input type='mouse' bus='virtio'/><video><model type='none'/></video>",
        _PC_FEATURES + "<cpu mode='maximum'/>",
    ),
    "pc": _domain(
        "x86_64", "pc",
        _disk("hda", "ide") + _cdrom("hdc", "ide") + _card("e1000", "<boot order='1'/>") + _VNC
        + "<video><model type='vga' vram='16384' heads='1'/></video>"
        "<serial type='file'><source path='{dir}/out' append='on'/></serial>",
        _PC_FEATURES + "<pm><suspend-to-mem enabled='yes'/></pm>",
    ),
    "pc, second controllers": _domain(
        "x86_64", "pc",
        "<controller type='sata' index='0'/>" + _disk("sda", "sata")
        + "<controller type='virtio-serial' index='0' ports='4'/>"
        "<channel type='unix'><source mode='bind' path='{dir}/agent'/>"
        "<target type='virtio' name='org.example.1'/>"
        "<address type='virtio-serial' controller='0' bus='0' port='2'/></channel>"
        "<console type='null'><target type='virtio'/></console>",
        _PC_FEATURES,
    ),
    "virt": _domain(
        "aarch64", "virt",
        _disk("vda", "virtio") + _card("virtio") + "<serial type='pty'/>" + _VNC
        + "<video><model type='virtio'/></video>" + _RNG,
        _SMP + "<features><gic version='2'/></features><cpu><model>cortex-a57</model></cpu>",
    ),
    "virt, SCSI": _domain(
        "aarch64", "virt",
        "<controller type='scsi' index='0' model='virtio-scsi'/>" + _disk("sda", "scsi")
        + "<controller type='usb' model='qemu-xhci'/><input type='keyboard' bus='usb'/>"
        "<video><model type='ramfb'/></video>",
        "<cpu mode='maximum'/>",
        "<kernel>{dir}/kernel</kernel><initrd>{dir}/kernel</initrd><cmdline>a b='c,d'</cmdline>",
    ),
    "virt, a tablet": _domain(
        "aarch64", "virt",
        "<input type='tablet' bus='virtio'/><rng model='virtio'>"
        "<rate bytes='1024' period='2000'/><backend model='builtin'/></rng>",
        "<cpu><model>cortex-a53</model></cpu>",
    ),
    "s390x": _domain(
        "s390x", "s390-ccw-virtio",
        _disk("vda", "virtio") + _card("virtio") + "<console type='pty'/>" + _RNG,
        _SMP,
    ),
    "s390x, addresses": _domain(
        "s390x", "s390-ccw-virtio",
        "<controller type='scsi' index='0' model='virtio-scsi'>"
        "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0007'/></controller>"
        + _cdrom("sda", "scsi")
        + _disk("vda", "virtio", "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>")
        + _VNC + "<video><model type='virtio'/></video>"
        "<input type='keyboard' bus='virtio'/><memballoon model='virtio'/>",
        "<cpu><model>qemu</model></cpu>", "<boot dev='hd'/>",
    ),
    "s390x, a console of virtio": _domain(
        "s390x", "s390-ccw-virtio",
        "<serial type='null'><target type='sclp-serial'><model name='sclplmconsole'/></target>"
        "</serial><console type='null'/><console type='pty'><target type='virtio'/></console>",
        "<on_reboot>restart</on_reboot>",
    ),
    "q35, as virt-install makes it": _domain(
        "x86_64", "q35",
        "".join(
            f"<controller type='pci' index='{n}' model='pcie-root-port'>"
            f"<model name='pcie-root-port'/><target chassis='{n}' port='{15 + n:#x}'/>"
            + _pci(0, 2 + (n - 1) // 8, (n - 1) % 8, " multifunction='on'" if n % 8 == 1 else "")
            + "</controller>" for n in range(1, 11)
        )
        + "<controller type='usb' model='qemu-xhci' ports='15'><alias name='usb'/>" + _pci(1, 0)
        + "</controller><controller type='virtio-serial' index='0'>" + _pci(2, 0) + "</controller>"
        + _disk("vda", "virtio", "<backingStore/>" + _pci(3, 0), " discard='unmap'", "qcow2")
        + _card("virtio", _pci(4, 0))
        + "<serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/>"
        "</target></serial><channel type='unix'>"
        "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        "<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>"
        "<graphics type='vnc' port='-1' autoport='yes'><listen type='address' address='127.0.0.1'/>"
        "</graphics><sound model='ich9'>" + _pci(0, 27) + "</sound><audio id='1' type='none'/>"
        "<video><model type='virtio' heads='1' primary='yes'/>" + _pci(0, 1) + "</video>"
        "<watchdog model='itco' action='reset'/><memballoon model='virtio' freePageReporting='on'>"
        "<stats period='5'/>" + _pci(5, 0) + "</memballoon>" + _RNG,
        "<on_crash>restart</on_crash><features><acpi/><apic/><vmport state='off'/></features>"
        "<cpu mode='maximum' check='none' migratable='on'/><clock offset='utc'><timer name='hpet' "
        "present='no'/></clock>",
    ),
    "q35, a TPM": _domain(
        "x86_64", "q35", "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
        _PC_FEATURES,
    ),
    "virt, a TPM": _domain(
        "aarch64", "virt", "<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>",
        "<cpu><model>cortex-a57</model></cpu>",
    ),
    "q35, firmware by its path": _domain(
        "x86_64", "q35", "", _PC_FEATURES,
        "<loader readonly='yes' type='pflash'>{dir}/code.raw</loader>"
        "<nvram template='{dir}/template.raw'>{dir}/vars.raw</nvram>",
    ),
    "q35, SPICE": _domain(
        "x86_64", "q35",
        "<graphics type='spice' port='5990' autoport='no' listen='127.0.0.1'>"
        "<image compression='off'/><mouse mode='client'/><clipboard copypaste='no'/></graphics>"
        "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"
        "<controller type='usb' model='qemu-xhci'/><redirdev bus='usb' type='spicevmc'/>"
        "<sound model='ich6'><codec type='micro'/><codec type='output'/></sound>"
        "<video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='2'/></video>",
        _PC_FEATURES,
    ),
    "pc, much that is old": _domain(
        "x86_64", "pc",
        "<controller type='usb' index='0' model='ich9-ehci1'>" + _pci(0, 5, 7) + "</controller>"
        "<controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/>"
        + _pci(0, 5, 0, " multifunction='on'") + "</controller>"
        "<controller type='usb' index='0' model='ich9-uhci2'>"
        + _pci(0, 5, 1) + "</controller><input type='mouse' bus='usb'>"
        "<address type='usb' bus='0' port='1.2'/></input>"
        "<hub type='usb'><address type='usb' bus='0' port='1'/></hub>"
        "<disk type='file' device='floppy'><driver name='qemu' type='raw'/>"
        "<source file='{dir}/fda.raw'/><target dev='fda' bus='fdc'/></disk>"
        + _disk("hda", "ide", "<wwn>5000c50015ea71ac</wwn>", " error_policy='stop'")
        + _card("rtl8139", "<rom enabled='no'/>")
        + "<sound model='ac97'/><sound model='es1370'/><watchdog model='i6300esb' action='pause'/>"
        "<panic model='isa'><address type='isa' iobase='0x505'/></panic>"
        "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='5991'/>"
        "<protocol type='telnet'/></serial><video><model type='cirrus' vram='16384'/></video>",
        _PC_FEATURES, "<boot dev='fd'/><boot dev='hd'/><bios rebootTimeout='5'/>",
    ),
    "q35, cells and threads": _domain(
        "x86_64", "q35",
        "<controller type='scsi' index='0' model='virtio-scsi'><driver iothread='2' queues='2' "
        "packed='on'/></controller>" + _disk("sda", "scsi", "<vendor>some</vendor>")
        + _disk("vda", "virtio", "<blockio logical_block_size='4096' physical_block_size='4096'/>",
                " iothread='1' queues='2'")
        + _card("virtio", "<driver rx_queue_size='512' iommu='on'/>"),
        "<iothreads>2</iothreads><vcpu>4</vcpu><memoryBacking><nosharepages/><source type='memfd'/>"
        "<access mode='shared'/><allocation mode='immediate'/></memoryBacking>" + _PC_FEATURES
        + "<cpu><numa><cell id='0' cpus='0-1' memory='128' unit='MiB'><distances>"
        "<sibling id='1' value='21'/></distances></cell><cell id='1' cpus='2,3' memory='128' "
        "unit='MiB' memAccess='private'/></numa></cpu>",
    ),
    "q35, memory in a file": _domain(
        "x86_64", "q35", "",
        "<maxMemory slots='2' unit='MiB'>512</maxMemory><memoryBacking><source type='file'/>"
        "<discard/></memoryBacking>" + _PC_FEATURES,
    ),
    "q35, what is told of the machine": _domain(
        "x86_64", "q35", "<panic model='hyperv'/>" + _disk("vda", "virtio"),
        "<genid>e9392370-2917-565e-692b-d057f46512d6</genid><sysinfo type='smbios'><bios>"
        "<entry name='vendor'>a, b</entry></bios><system><entry name='manufacturer'>OpenStack"
        "</entry><entry name='serial'>7</entry></system></sysinfo><features><acpi/><apic/>"
        "<kvm><hidden state='on'/></kvm><pmu state='off'/><vmcoreinfo state='on'/></features>"
        "<cpu mode='custom' match='exact' check='full'><model>qemu64</model><vendor>AMD</vendor>"
        "<feature name='lahf_lm' policy='require'/><feature name='hypervisor' policy='require'/>"
        "<cache mode='emulate' level='3'/><maxphysaddr mode='emulate' bits='40'/></cpu>",
        "<smbios mode='sysinfo'/>",
    ),
    "q35, as if it were Hyper-V": _domain(
        "x86_64", "q35", "",
        "<features><acpi/><apic/><hyperv mode='custom'><relaxed state='on'/><vapic state='off'/>"
        "<spinlocks state='on' retries='8191'/><vendor_id state='on' value='a b'/></hyperv>"
        "</features><cpu mode='maximum'/>"
        "<clock offset='localtime'><timer name='hypervclock' present='yes'/></clock>",
    ),
    "s390x, a watchdog": _domain(
        "s390x", "s390-ccw-virtio",
        "<watchdog model='diag288' action='shutdown'/><panic model='s390'/>", "",
    ),
}  # fmt: skip
"""By what they are; ``{dir}`` stands for a folder with their images, each named by its format."""

CHOSEN: dict[str, str] = {
    "q35, firmware that is chosen": _domain(
        "x86_64", "q35", "<video><model type='none'/></video>",
        "<features><acpi/><smm state='on'/></features>", "", " firmware='efi'",
    ),
    "q35, firmware without variables": _domain(
        "x86_64", "q35", "",
        "<features><acpi/></features>", "<loader stateless='yes'/>", " firmware='efi'",
    ),
}  # fmt: skip
"""Those for which the host chooses something: a recording without firmware has none for them."""


@functools.cache
def plain_host() -> Host:
    return open_plain("debian12-x86_64")


def written(xml: str, libvirt: str = DEFAULT_DIALECT, *, new: bool = True) -> NativeCommand:
    """Give the command of a domain that is not judged."""
    return plain_host().native(xml, libvirt, judge=False, new=new)


def told(xml: str) -> tuple[str, ...]:
    """Give its words."""
    return tuple(written(xml))


def with_devices(*devices: str, machine: str = "q35", above: str = "") -> str:
    """Give a small domain of a PC."""
    return (
        f"<domain type='qemu'><name>a</name><memory>65536</memory>{above}<os><type arch='x86_64' "
        f"machine='{machine}'>hvm</type></os><devices>{''.join(devices)}</devices></domain>"
    )
