"""Trying a whole domain: what QEMU is given instead of the host, and whose fault its words are."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from domcaps.hosts.host import Host
from domcaps.native.write import NativeOrigin
from domcaps.validate.document.parse import read
from domcaps.verify.throwaway import throwaway_folder
from domcaps.verify.whole.blame import Blame, messages
from domcaps.verify.whole.images import is_qcow2, virtual_size, write_empty, write_qcow2
from domcaps.verify.whole.prepare import prepared
from domcaps.verify.whole.qemu_option import QemuOption, Settings, read_options
from domcaps.verify.whole.scene import Scene, TrialReplacement

if TYPE_CHECKING:
    from pathlib import Path

HOST = "shipped:debian13-x86_64"
DOMAIN = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<name>g</name>
<memory>1048576</memory>
<vcpu>2</vcpu>
<os><type machine='q35'>hvm</type></os>
<devices>
{devices}
</devices>
{more}
</domain>"""
OWN = "<qemu:commandline>{}</qemu:commandline>"


def tried(folder: Path, devices: str = "", more: str = "") -> tuple[str, list[TrialReplacement]]:
    """Give what QEMU would be given for a domain, in one line, and what was replaced."""
    command = Host.open(HOST).native(DOMAIN.format(devices=devices, more=more), "12.8", judge=False)
    assert command.world is not None
    scene = Scene(command.world, folder, {})
    words = [word for one in prepared(scene, command) for word in one.words]
    return " ".join(words), list(scene.replaced)


def own(*arguments: str) -> str:
    """Write arguments of the domain's own."""
    return OWN.format("".join(f"<qemu:arg value='{one}'/>" for one in arguments))


MISSING = {
    "an image": (
        (
            "<disk type='file'><driver type='qcow2'/><source file='/no/a.qcow2'/>"
            "<target dev='vda' bus='virtio'/></disk>"
        ),
        "/no/a.qcow2",
    ),
    "a block device": (
        "<disk type='block'><source dev='/no/sda'/><target dev='sda' bus='sata'/></disk>",
        "/no/sda",
    ),
    "an encrypted image": (
        (
            "<disk type='file'><driver type='qcow2'/><source file='/no/l.qcow2'>"
            "<encryption format='luks'><secret type='passphrase' usage='a'/></encryption></source>"
            "<target dev='vda' bus='virtio'/></disk>"
        ),
        "key-secret",
    ),
    "network storage": (
        (
            "<disk type='network'><source protocol='nbd' name='n'>"
            "<host name='198.51.100.1'/></source>"
            "<target dev='vda' bus='virtio'/></disk>"
        ),
        "198.51.100.1",
    ),
    "a network": ("<interface type='network'><source network='default'/></interface>", "tap,"),
    "a network of QEMU's own": (
        "<interface type='user'/>",
        "hostfwd",
    ),
    "vhost-user": (
        (
            "<interface type='vhostuser'><source type='unix' path='/no/v' mode='client'/>"
            "<model type='virtio'/></interface>"
        ),
        "/no/v",
    ),
    "a device of the host on PCI": (
        "<hostdev type='pci'><source><address bus='1' slot='0'/></source></hostdev>",
        "vfio-pci",
    ),
    "a device of the host on USB": (
        "<hostdev type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>",
        "usb-host",
    ),
    "a shared folder": (
        "<filesystem><driver type='virtiofs'/><source dir='/no/f'/><target dir='t'/></filesystem>",
        "vhost-user-fs",
    ),
    "a folder of 9p": ("<filesystem><source dir='/no/f'/><target dir='t'/></filesystem>", "/no/f"),
    "a file that a port writes": ("<serial type='file'><source path='/no/log'/></serial>", "/no"),
    "a port of the host": ("<serial type='dev'><source path='/dev/ttyS0'/></serial>", "ttyS0"),
    "a server": (
        "<serial type='tcp'><source mode='connect' host='198.51.100.1' service='9'/></serial>",
        "198.51.100.1",
    ),
    "a port that listens": (
        "<serial type='tcp'><source mode='bind' host='198.51.100.2' service='9'/></serial>",
        "198.51.100.2",
    ),
    "VNC": ("<graphics type='vnc' port='5901' listen='198.51.100.2'/>", "198.51.100.2"),
    "SPICE": ("<graphics type='spice' port='5901' listen='198.51.100.2'/>", "198.51.100.2"),
    "a window": ("<graphics type='sdl' display=':0'/>", ":0"),
    "sound": ("<audio id='1' type='pulseaudio'/>", "-audiodev pa"),
    "a TPM of the host": (
        (
            "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend>"
            "</tpm>"
        ),
        "/dev/tpm0",
    ),
    "an input of the host": (
        "<input type='evdev'><source dev='/dev/input/e1'/></input>",
        "/dev/in",
    ),
    "memory in a file": (
        "<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
        "/dev/shm",
    ),
    "a socket number": ("<vsock><cid address='7'/></vsock>", "guest-cid=7,"),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_the_host_lacks_is_replaced_and_said(name: str, tmp_path: Path) -> None:
    devices, words = MISSING[name]
    command = Host.open(HOST).native(DOMAIN.format(devices=devices, more=""), judge=False)
    line, replaced = tried(tmp_path, devices)
    assert words not in line
    if words in " ".join(command):
        assert replaced, line
        assert all(one.by for one in replaced)
        assert {one.line for one in replaced} == {7}


def test_the_place_of_a_device_of_the_host_is_taken(tmp_path: Path) -> None:
    devices, _ = MISSING["a device of the host on PCI"]
    command = Host.open(HOST).native(DOMAIN.format(devices=devices, more=""), judge=False)
    (before,) = [Settings(w, "driver") for w in command if "vfio-pci" in w]
    line, _ = tried(tmp_path, devices)
    (after,) = [Settings(w, "driver") for w in line.split() if "id=hostdev0" in w]
    assert after.get("driver") == "virtio-rng-pci"
    assert (after.get("bus"), after.get("addr")) == (before.get("bus"), before.get("addr"))


HOSTILE = {
    "a script of a network": ("-netdev", "tap,id=n,script=/tmp/evil,downscript=/tmp/evil"),
    "a network's helper": ("-netdev", "bridge,id=n,helper=/tmp/evil"),
    "a command behind an address": ("-netdev", "user,id=n,guestfwd=tcp:1.2.3.4:5-cmd:/tmp/evil"),
    "a folder for Windows": ("-netdev", "user,id=n,smb=/tmp/evil"),
    "migration from a command": ("-incoming", "exec:/tmp/evil"),
    "a plug-in": ("-plugin", "/tmp/evil"),
    "a file of a process": ("-pidfile", "/tmp/evil"),
    "a log": ("-D", "/tmp/evil"),
    "options of a file": ("-readconfig", "/tmp/evil"),
    "a trace": ("-trace", "file=/tmp/evil"),
    "a device tree that is written": ("-machine", "dumpdtb=/tmp/evil"),
    "a monitor": ("-monitor", "tcp:198.51.100.2:1,server,nowait,name=/tmp/evil"),
    "a short form": ("-serial", "file:/tmp/evil"),
    "a disk": ("-drive", "file=/tmp/evil,if=virtio"),
    "a disk without a name": ("/tmp/evil",),
    "a disk in an old form": ("-hda", "/tmp/evil"),
    "two hyphens": ("--drive", "file=/tmp/evil"),
    "a block device": ("-blockdev", "driver=file,filename=/tmp/evil,node-name=x"),
    "a nested block device": (
        "-blockdev",
        "driver=raw,node-name=x,file.driver=file,file.filename=/tmp/evil",
    ),
    "a file as a device": ("-chardev", "file,id=c,path=/tmp/evil"),
    "a log of a device": ("-chardev", "null,id=c,logfile=/tmp/evil"),
    "packets in a file": ("-object", "filter-dump,id=f,netdev=n,file=/tmp/evil"),
    "memory in a file": ("-object", "memory-backend-file,id=m,mem-path=/tmp/evil,size=4096"),
    "an object in JSON": ("-object", '{"qom-type":"secret","id":"s","file":"/tmp/evil"}'),
    "a helper of disks": ("-object", "pr-manager-helper,id=p,path=/tmp/evil"),
    "a device with a file": ("-device", "canokey,file=/tmp/evil"),
    "a device in JSON": ("-device", '{"driver":"usb-mtp","rootdir":"/tmp/evil"}'),
    "a loader": ("-device", "loader,file=/tmp/evil"),
    "a changed option": ("-set", "chardev.charserial0.path=/tmp/evil"),
    "a new root": ("-chroot", "/tmp/evil"),
    "an accelerator's device": ("-accel", "kvm,device=/tmp/evil"),
    "a kernel": ("-kernel", "/tmp/evil"),
    "a table": ("-acpitable", "file=/tmp/evil"),
    "a file for the guest": ("-fw_cfg", "name=opt/x,file=/tmp/evil"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_arguments_of_the_domain_s_own_reach_nothing(name: str, tmp_path: Path) -> None:
    arguments = [word.replace("/tmp/evil", "/nowhere/evil") for word in HOSTILE[name]]
    line, replaced = tried(tmp_path, more=own(*(a.replace("'", "&apos;") for a in arguments)))
    assert "evil" not in line
    assert replaced, line


def test_variables_of_the_domain_s_own_are_not_set(tmp_path: Path) -> None:
    more = OWN.format("<qemu:env name='LD_PRELOAD' value='/tmp/evil.so'/>")
    command = Host.open(HOST).native(DOMAIN.format(devices="", more=more), judge=False)
    assert command.environment == {"LD_PRELOAD": "/tmp/evil.so"}
    assert command.world is not None
    scene = Scene(command.world, tmp_path, {})
    prepared(scene, command)
    assert "LD_PRELOAD" not in scene.environment


def test_memory_is_not_taken_from_the_host(tmp_path: Path) -> None:
    more = ("<memoryBacking><hugepages/><locked/><allocation mode='immediate'/></memoryBacking>"
            "<memtune><hard_limit unit='G'>4</hard_limit></memtune>")  # fmt: skip
    line, replaced = tried(tmp_path, more=more)
    assert "prealloc" not in line
    assert "hugetlb" not in line
    assert "mem-lock=on" not in line
    assert replaced


def test_every_run_is_paused_and_may_start_no_program(tmp_path: Path) -> None:
    line, _ = tried(tmp_path)
    assert line.startswith("-S ")
    assert "spawn=deny" in line


def test_an_image_that_is_there_is_only_read(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    write_qcow2(image, 1 << 22)
    disk = (f"<disk type='file'><driver type='qcow2' cache='none'/><source file='{image}'/>"
            "<target dev='vda' bus='virtio'/></disk>")  # fmt: skip
    folder = tmp_path / "run"
    folder.mkdir()
    line, replaced = tried(folder, disk)
    blocks = [json.loads(word) for word in line.split(" -") if word.startswith("blockdev ")
              for word in [word.removeprefix("blockdev ")]]  # fmt: skip
    storage, base, top = blocks
    assert storage["filename"] == str(image)
    assert storage["read-only"]
    assert storage["force-share"]
    assert base["read-only"]
    assert top["backing"] == base["node-name"]
    assert top["file"]["filename"].startswith(str(folder))
    assert virtual_size(top["file"]["filename"], "qcow2") == 1 << 22
    assert [one.what for one in replaced] == [str(image)]


CHAIN = """<disk type='file'><driver type='qcow2'/><source file='/no/top'/>
<backingStore type='file'><format type='{form}'/><source file='/no/middle'/>
<backingStore type='file'><format type='raw'/><source file='/no/base'/>
<backingStore/></backingStore></backingStore><target dev='vda' bus='virtio'/></disk>"""


@pytest.mark.parametrize("form", ["qcow", "qcow2", "qed", "vmdk"])
def test_a_missing_image_above_another_one_stays_above_it(form: str, tmp_path: Path) -> None:
    line, _ = tried(tmp_path, CHAIN.format(form=form))
    blocks = [json.loads(word.removeprefix("blockdev ")) for word in line.split(" -")
              if word.startswith("blockdev ")]  # fmt: skip
    of_name = {block["node-name"]: block for block in blocks}
    top = next(block for block in reversed(blocks) if block.get("backing"))
    middle = of_name[top["backing"]]
    assert middle["backing"] in of_name
    assert middle["driver"] == "qcow2"
    assert is_qcow2(of_name[middle["file"]]["filename"])


@pytest.mark.parametrize("size", [512, 1 << 20, (1 << 29) - 512, 1 << 29, 1 << 40, (1 << 44) + 1])
def test_an_image_without_content_is_one(size: int, tmp_path: Path) -> None:
    path = write_qcow2(tmp_path / "a", size)
    assert virtual_size(path, "qcow2") == -(-size // 512) * 512
    tool = shutil.which("qemu-img")
    if tool:
        subprocess.run([tool, "check", path], check=True, capture_output=True)


def test_sizes_of_what_is_no_image(tmp_path: Path) -> None:
    assert virtual_size(write_empty(tmp_path / "a", 4096), "raw") == 4096
    assert virtual_size(str(tmp_path / "a"), "qcow2") == 1 << 30
    assert virtual_size(str(tmp_path / "none"), "raw") == 1 << 30


def test_the_folder_goes_with_all_in_it() -> None:
    with throwaway_folder() as folder:
        (folder / "inside").mkdir()
        (folder / "inside" / "file").write_text("x")
    assert not folder.exists()


@pytest.mark.parametrize(
    "text",
    [
        "virtio-net-pci,id=net0,bus=pci.1",
        "memory-backend-ram,id=a,,b,size=4",
        "unix:/a,,b/vnc.sock,share=ignore",
        '{"driver":"raw","node-name":"x","read-only":true}',
    ],
)
def test_options_are_written_as_they_were(text: str) -> None:
    for first in ("driver", "qom-type", "vnc"):
        assert str(Settings(text, first)) == text


def test_a_value_that_looks_like_a_name_is_no_value() -> None:
    options, stray = read_options(("-S", "disk.img", "--m", "4", "-x"), [None] * 5)
    assert [o.words for o in options] == [("-S",), ("-m", "4"), ("-x",)]
    assert [o.value for o in stray] == ["disk.img"]


XML = DOMAIN.format(
    devices="<interface type='user'><model type='e1000'/></interface>\n"
    "<sound model='ich9'/>\n<graphics type='vnc'/>",
    more="<cpu><model>qemu64</model></cpu>",
)
CARD = NativeOrigin("/domain/devices/interface", 7)
SOUND = NativeOrigin("/domain/devices/sound", 8)
OPTIONS = [
    QemuOption("device", "e1000,netdev=hostnet0,id=net0", CARD),
    QemuOption("device", "ich9-intel-hda,id=sound0,bus=pci.1", SOUND),
    QemuOption("smp", "2", NativeOrigin("/domain", 1)),
    QemuOption("cpu", "qemu64", NativeOrigin("/domain", 1)),
]
SAID = {
    "-device e1000,netdev=hostnet0,id=net0: 'e1000' is not a valid device model name": "interface",
    "-device ich9-intel-hda,id=sound0,bus=pci.1: Bus 'pci.1' not found": "sound",
    "warning: netdev of net0 has no peer": "interface",
    "Number of SMP CPUs requested (2) exceeds max CPUs supported by machine 'x' (1)": "vcpu",
    "-smp 2: wrong": "vcpu",
    "unable to find CPU model 'qemu64'": "cpu",
    "vnc: cannot listen": "graphics",
    "-cpu qemu64: wrong": "cpu",
    "something else": "",
}


@pytest.mark.parametrize("text", SAID)
def test_words_of_qemu_belong_to_an_element(text: str) -> None:
    blame = Blame(read(XML.encode()).root, OPTIONS, "/tmp/f")
    printed = f"qemu-system-x86_64: {text}\n".encode()
    (said,) = blame.said(messages(printed, "/usr/bin/qemu-system-x86_64", folder="/tmp/f"))
    assert said.path.partition("[")[0].rpartition("/")[2] == SAID[text]
    assert (said.line > 0) == bool(SAID[text])
    assert said.severity == ("warning" if text.startswith("warning") else "error")


def test_messages_are_divided_where_qemu_names_itself() -> None:
    printed = (b"qemu-system-x86_64: warning: a\nqemu-system-x86_64: -device x: b\n  more of b\n"
               b"qemu-system-x86_64: hub 1 is not connected to host network\n")  # fmt: skip
    found = list(messages(printed, "/usr/bin/qemu-system-x86_64", folder="/tmp/f"))
    assert found == [("a", True), ("-device x: b more of b", False)]
