"""Plain domains of which every word can be told to QEMU, for several boards."""

from __future__ import annotations

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


def _domain(arch: str, machine: str, devices: str, above: str = "", system: str = "") -> str:
    return (
        f"<domain type='qemu'><name>plain</name><uuid>6a0b3f1c-7d5e-4c9a-8b21-0f3e5d7c9b1a</uuid>"
        f"<memory unit='MiB'>256</memory><os><type arch='{arch}' machine='{machine}'>hvm</type>"
        f"{system}</os>{above}<devices>{devices}</devices></domain>"
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
}  # fmt: skip
"""By what they are; ``{dir}`` stands for a folder with their images, each named by its format."""
