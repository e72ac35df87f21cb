"""Repairs that an administrator would not have taken, and what is proposed now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poor_hosts import poor_host
from real_domains import real_domains

if TYPE_CHECKING:
    from domcaps.choose.repaired import Repair

HEAD = (
    "<domain type='{kind}'{space}><name>{name}</name>{about}<memory unit='MiB'>4096</memory>"
    "<vcpu>{vcpus}</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os>{cpu}"
    "<devices>{devices}</devices>{after}</domain>"
)
USUAL = {
    "kind": "qemu", "space": "", "name": "g", "about": "", "vcpus": "2", "cpu": "", "devices": "",
    "after": "",
}  # fmt: skip
QEMU = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
ARGUMENTS = "<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='{}'/></qemu:commandline>"
METADATA = (
    "<metadata><l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
    "<l:os id='{}'/></l:libosinfo></metadata>"
)
PASSED = "<cpu mode='host-passthrough' check='none' migratable='on'/>"
VIRTIO = (
    "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
    "<interface type='user'><model type='virtio'/></interface>"
)
EMULATED = (
    "<disk type='file'><source file='/a'/><target dev='sda' bus='sata'/></disk>"
    "<interface type='user'><model type='e1000e'/></interface>"
)
ISO = "<disk type='file' device='cdrom'><source file='/a.iso'/>"
QXL = "<graphics type='vnc'/><video><model type='qxl' ram='65536' vgamem='16384'/></video>"


def repaired(**parts: str) -> Repair:
    return poor_host().repair(HEAD.format(**USUAL | parts))


MACS = (
    {"about": METADATA.format("http://apple.com/macosx/10.15")},
    {"space": QEMU, "after": ARGUMENTS.format("isa-applesmc,osk=key")},
    {"name": "macOS-Ventura"},
    {"about": "<title>Mac OS X build machine</title>"},
)


EMULATION_LACKS = ("invpcid", "pcid", "tsc-deadline")
NO_SUCH = "<cpu><model fallback='forbid'>NoSuch</model></cpu>"


@pytest.mark.parametrize("parts", MACS, ids=["metadata", "device", "name", "title"])
@pytest.mark.parametrize("cpu", [PASSED, NO_SUCH])
def test_an_emulated_macos_gets_a_processor_of_intel(parts: dict[str, str], cpu: str) -> None:
    found = repaired(kind="kvm", cpu=cpu, **parts)
    text = found.data.decode()
    assert found.accepted
    # all that macOS 13 needs, without the three features that emulation lacks
    assert ">Haswell-noTSX</model>" in text
    left_out = [f"<feature policy='optional' name='{name}'/>" for name in EMULATION_LACKS]
    assert [one for one in left_out if one not in text] == []
    assert "maximum" not in text
    assert "migratable" not in text
    if cpu == PASSED:
        reasons = [change.reason for change in found.changes if change.code.startswith("cpu-")]
        assert ["Haswell-noTSX" in reason and "maximum" not in reason for reason in reasons] == [
            True
        ]


@pytest.mark.parametrize("name", ["machine", "sonomax", "cosx1", "macro", "darwin9", "winter"])
def test_other_guests_get_all_that_is_emulated(name: str) -> None:
    found = repaired(kind="kvm", cpu=PASSED, name=name)
    assert "<cpu mode='maximum' check='none' migratable='on'/>" in found.data.decode()


def test_features_that_emulation_lacks_come_back_on_a_better_host() -> None:
    model = "<cpu check='partial'><model>Haswell-noTSX</model><feature name='vmx'/></cpu>"
    found = repaired(cpu=model)
    text = found.data.decode()
    assert found.accepted
    assert "disable" not in text
    for name in ("vmx", "pcid", "tsc-deadline", "invpcid"):
        assert text.count(f"name='{name}'") == 1
    assert text.count("policy='optional'") == 4


@pytest.mark.parametrize(
    ("parts", "model"),
    [
        ({"devices": VIRTIO + QXL}, "virtio"),
        ({"devices": QXL}, "virtio"),
        ({"devices": EMULATED + QXL}, "vga"),
        ({"devices": VIRTIO + QXL, "name": "win10"}, "vga"),
        ({"devices": VIRTIO + QXL, "about": METADATA.format("http://microsoft.com/win/11")}, "vga"),
        ({"devices": VIRTIO + QXL, "about": METADATA.format("http://apple.com/macosx/11")}, "vga"),
        ({"devices": VIRTIO + QXL, "about": METADATA.format("http://ubuntu.com/ubuntu/14.04")},
         "vga"),
        ({"devices": VIRTIO + QXL, "about": METADATA.format("http://debian.org/debian/8")}, "vga"),
        ({"devices": VIRTIO + QXL, "about": METADATA.format("http://redhat.com/rhel/6.9")}, "vga"),
        ({"devices": VIRTIO + QXL, "about": METADATA.format("http://redhat.com/rhel/7.0")},
         "virtio"),
        ({"devices": VIRTIO + QXL, "name": "win10",
          "about": METADATA.format("http://ubuntu.com/ubuntu/24.04")}, "virtio"),
    ],
)  # fmt: skip
def test_a_guest_without_drivers_of_virtio_gets_plain_vga(
    parts: dict[str, str], model: str
) -> None:
    found = repaired(**parts)
    assert f"<video><model type='{model}'/></video>" in found.data.decode()
    (change,) = found.changes
    assert f"use '{model}'" in change.reason


@pytest.mark.parametrize(
    ("kind", "device", "source", "right"),
    [
        ("block", "cdrom", "file='/a.iso'", ISO),
        ("file", "cdrom", "dev='/dev/sr0'",
         "<disk type='block' device='cdrom'><source dev='/dev/sr0'/>"),
        ("file", "cdrom", "dev='/a.iso'", ISO),
        ("block", "cdrom", "file='/dev/sr0'",
         "<disk type='block' device='cdrom'><source dev='/dev/sr0'/>"),
        ("file", "cdrom", "name='/a.iso'", ISO),
        ("block", "cdrom", "path='/a.iso'", ISO),
        ("file", "cdrom", "pool='p' volume='v'",
         "<disk type='volume' device='cdrom'><source pool='p' volume='v'/>"),
        ("volume", "cdrom", "file='/a.iso'",
         ISO),
        ("block", "floppy", "file='/a.img'",
         "<disk type='file' device='floppy'><source file='/a.img'/>"),
        ("block", "lun", "file='/dev/sdb'",
         "<disk type='block' device='lun'><source dev='/dev/sdb'/>"),
    ],
)  # fmt: skip
def test_a_source_that_libvirt_passes_over_is_read(
    kind: str, device: str, source: str, right: str
) -> None:
    machine = "pc" if device == "floppy" else "q35"
    target = "<target dev='fda' bus='fdc'/>" if device == "floppy" else (
        "<target dev='sda' bus='scsi'/>"
    )  # fmt: skip
    disk = f"<disk type='{kind}' device='{device}'><source {source}/>{target}</disk>"
    text = HEAD.format(**USUAL | {"devices": disk}).replace("q35", machine)
    codes = [finding.code for finding in poor_host().validate(text).findings]
    missing = "disk-lun-source-missing" if device == "lun" else "disk-source-ignored"
    assert missing in codes
    found = poor_host().repair(text)
    assert right in found.data.decode()
    assert poor_host().validate(found.data).findings == ()


@pytest.mark.parametrize(
    "source", ["file='/a.iso'", "file='/a.iso' dev='/dev/sr0'", "startupPolicy='optional'"]
)
def test_sources_that_are_read_are_left(source: str) -> None:
    disk = (
        f"<disk type='file' device='cdrom'><source {source}/><target dev='sda' bus='sata'/></disk>"
    )
    assert repaired(devices=disk).changes == ()


@pytest.mark.parametrize("kind", ["user", "ethernet"])
@pytest.mark.parametrize(
    ("source", "meant"), [("bridge='br0'", "bridge"), ("network='default'", "network")]
)
def test_a_card_is_in_the_network_that_it_names(kind: str, source: str, meant: str) -> None:
    found = repaired(devices=f"<interface type='{kind}'><source {source}/></interface>")
    assert f"<interface type='{meant}'><source {source}/></interface>" in found.data.decode()


PINS = "<vcpupin vcpu='{}' cpuset='0'/>"


def many(count: int, machine: str = "pc-q35-6.2", cpu: str = "", tune: str = "") -> Repair:
    text = HEAD.format(**USUAL | {"vcpus": str(count), "cpu": cpu + tune})
    return poor_host().repair(text.replace("machine='q35'", f"machine='{machine}'"))


@pytest.mark.parametrize("count", [289, 512, 2000, 4096])
def test_more_cpus_than_a_version_has_become_the_most_of_it(count: int) -> None:
    found = many(count)
    assert b"<vcpu>288</vcpu>" in found.data
    assert b"machine='pc-q35-6.2'" in found.data
    (reason,) = [one.reason for one in found.changes if one.code == "vcpu-count-unsupported"]
    # what keeps the number is said
    assert reason.endswith("use <vcpu>288</vcpu> or less, or machine='q35'")


@pytest.mark.parametrize("count", [256, 300, 510])
def test_more_cpus_than_a_board_has_are_kept_without_a_version(count: int) -> None:
    found = many(count, "pc").data
    assert f"<vcpu>{count}</vcpu>".encode() in found
    assert b"machine='q35'" in found


@pytest.mark.parametrize("count", [511, 2000, 4096])
def test_a_number_far_beyond_a_board_is_doubted_and_not_the_board(count: int) -> None:
    found = many(count, "pc")
    assert b"<vcpu>255</vcpu>" in found.data
    assert b"machine='pc'" in found.data
    assert any("CHECK THIS NUMBER" in one.what for one in found.changes) == (count > 3 * 255)


@pytest.mark.parametrize("count", [4097, 14669, 67103, 94128])
@pytest.mark.parametrize("machine", ["pc-q35-6.2", "q35", "pc", "microvm", "isapc"])
def test_a_number_that_no_machine_has_is_left_to_its_owner(count: int, machine: str) -> None:
    found = many(count, machine)
    assert f"<vcpu>{count}</vcpu>".encode() in found.data
    messages = [one.message for one in found.findings if one.code == "vcpu-count-unsupported"]
    assert ["supports at most" in text and "typo" in text for text in messages] == [True]
    assert [one.code for one in found.findings if one.code.startswith("vcpu")] == [
        "vcpu-count-unsupported"
    ]


TOPOLOGY = "<cpu mode='maximum'><topology sockets='1' cores='4' threads='2'/></cpu>"
CELLS = (
    "<cpu mode='maximum'><numa><cell id='0' cpus='0-2' memory='2' unit='GiB'/>"
    "<cell id='1' cpus='3-5' memory='2' unit='GiB'/></numa></cpu>"
)


@pytest.mark.parametrize(
    ("cpu", "tune", "right"),
    [
        (TOPOLOGY, "", 8),
        (CELLS, "", 6),
        # some CPUs may not be pinned
        ("", f"<cputune>{PINS.format(0)}{PINS.format(1)}</cputune>", 67103),
        (TOPOLOGY, f"<cputune>{PINS.format(0)}{PINS.format(1)}</cputune>", 8),
        ("", f"<cputune>{PINS.format(0)}{PINS.format(3)}</cputune>", 67103),
    ],
)
def test_the_rest_of_the_domain_tells_how_many_cpus_are_meant(
    cpu: str, tune: str, right: int
) -> None:
    found = many(67103, cpu=cpu, tune=tune)
    assert f"<vcpu>{right}</vcpu>".encode() in found.data
    # nothing else is fitted to the wrong number
    assert [part for part in (cpu, tune) if part.encode() not in found.data] == []
    said = [change.what for change in found.changes]
    assert ["CHECK THIS NUMBER: 67103" in what for what in said] == [True] * (right < 67103)


def test_acceleration_that_goes_is_told() -> None:
    domain = next(d.xml for d in real_domains() if d.name == "desktop-3")
    said = [c.what for c in poor_host().repair(domain).changes if c.path.endswith("@accel3d")]
    assert said == ["accel3d='no' instead of 'yes' (this removes 3D acceleration)"]


SPICE = (
    "<graphics type='spice' autoport='yes'/><channel type='spicevmc'><target type='virtio' "
    "name='com.redhat.spice.0'/></channel><redirdev bus='usb' type='spicevmc'/>"
    "<sound model='ich9'/><shmem name='looking-glass'><model type='ivshmem-plain'/>"
    "<size unit='M'>32</size></shmem>"
)
PASSED_ON = (
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "
    "bus='0x01' slot='0x00' function='0x0'/></source></hostdev>"
)
NESTED = "<cpu check='partial'><model>Haswell-noTSX</model><feature name='vmx'/></cpu>"
STEADY = "<cpu mode='maximum'><feature policy='require' name='invtsc'/></cpu>"
CONSEQUENCES = [
    (
        {"devices": SPICE},
        [
            "clipboard is shared only with VNC viewers",
            "no redirection",
            "sound is heard only in VNC viewers",
            "Looking Glass",
        ],
    ),
    ({"devices": SPICE + "<audio id='1' type='spice'/>"}, ["sound is heard only in VNC"]),
    ({"kind": "kvm", "devices": PASSED_ON}, ["to an emulated guest"]),
    ({"cpu": NESTED}, ["no hardware acceleration for virtual machines"]),
    ({"cpu": STEADY}, ["a less exact clock"]),
    ({"kind": "kvm", "cpu": PASSED, "name": "macOS"}, ["a CPU without", *EMULATION_LACKS]),
    ({"cpu": "<cpu check='partial'><model>Icelake-Server</model></cpu>"}, ["a CPU without avx512"]),
]


@pytest.mark.parametrize(("parts", "words"), CONSEQUENCES)
def test_what_follows_for_the_guest_is_told(parts: dict[str, str], words: list[str]) -> None:
    found = repaired(**parts)
    told = " ".join(said for change in found.changes for said in change.consequences)
    assert found.accepted
    assert [word for word in words if word not in told] == []


UNHEARD = "<graphics type='spice'/><sound model='ich9'/><audio id='1' type='none'/>"


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"devices": UNHEARD}, "sound"),
        ({"devices": UNHEARD.replace("none", "pulseaudio")}, "sound"),
        ({"kind": "kvm"}, "host devices"),
        ({"kind": "kvm", "cpu": PASSED, "about": METADATA.format("http://apple.com/macosx/10.15")},
         "AVX2"),
    ],
)  # fmt: skip
def test_what_stays_is_no_consequence(parts: dict[str, str], word: str) -> None:
    found = repaired(**parts)
    assert found.changes
    assert word not in " ".join(said for change in found.changes for said in change.consequences)


def test_a_display_that_nothing_hung_on_has_no_consequences() -> None:
    (change,) = repaired(devices="<graphics type='spice'/>").changes
    assert change.consequences == ()


def test_attributes_that_go_with_a_value_are_named() -> None:
    found = repaired(kind="kvm", cpu=PASSED, devices=QXL)
    told = [change.what for change in found.changes]
    assert any(what.endswith("and ram and vgamem removed") for what in told), told
    # QEMU's own processor may be migratable, too
    assert "mode='maximum' instead of 'host-passthrough'" in told
    assert b"migratable=" in found.data


def test_a_misspelt_attribute_of_the_machine_type_moves_no_device() -> None:
    domain = next(one for one in real_domains() if one.name == "server-6")
    misspelt = domain.xml.replace(b"machine=", b"machhine=", 1)
    wanted, found = poor_host().repair(domain.xml).data, poor_host().repair(misspelt).data
    assert found == wanted
    assert found.count(b"pcie-root-port") == domain.xml.count(b"pcie-root-port")


def test_a_model_of_which_emulation_lacks_some_features_is_kept() -> None:
    text = (
        b"<domain type='qemu'><name>a</name><memory>1048576</memory><os>"
        b"<type arch='x86_64'>hvm</type></os><cpu mode='custom' match='exact' check='partial'>"
        b"<model>Broadwell</model></cpu></domain>"
    )
    found = poor_host().repair(text).data
    assert b"<model>Broadwell</model>" in found
    assert b"policy='optional' name='rtm'" in found


DESKTOP = (
    "<graphics type='spice'>{}</graphics><channel type='spicevmc'><target type='virtio'/></channel>"
)


@pytest.mark.parametrize(
    ("libvirt", "inner", "kept"),
    [("12.8", "", True), ("8.4", "", True), ("8.3", "", False),
     ("12.8", "<clipboard copypaste='no'/>", False)],
)  # fmt: skip
def test_the_clipboard_stays_where_libvirt_can_share_it(
    libvirt: str, inner: str, *, kept: bool
) -> None:
    text = HEAD.format(**USUAL | {"devices": DESKTOP.format(inner)})
    found = poor_host().repair(text, libvirt=libvirt)
    assert found.accepted
    assert (b"<channel type='qemu-vdagent'>" in found.data) is kept
    assert (b"<clipboard copypaste='yes'/>" in found.data) is kept
    assert (b"<channel" in found.data) is kept
    advice = poor_host().validate(text, libvirt=libvirt).errors[0].message
    assert ("give <channel> (line 1) type='qemu-vdagent'" in advice) is kept


VIRTIO_DISK = "<disk><source file='/a'/><target dev='vda' bus='virtio'/></disk>"


@pytest.mark.parametrize(
    ("parts", "model"),
    [({}, "virtio"), ({"features": "<features><hyperv><relaxed state='on'/></hyperv></features>"},
     "vga"), ({"clock": "<clock offset='localtime'/>"}, "vga"), ({"name": "win11"}, "vga"),
     ({"clock": "<clock offset='localtime'/>",
       "about": METADATA.format("http://ubuntu.com/ubuntu/24.04")}, "virtio")],
)  # fmt: skip
def test_the_display_is_one_that_the_guest_has_a_driver_for(
    parts: dict[str, str], model: str
) -> None:
    top = parts.get("features", "") + parts.get("clock", "")
    others = {name: parts[name] for name in ("name", "about") if name in parts}
    found = repaired(**others, cpu=top, devices=VIRTIO_DISK + QXL)
    assert f"<model type='{model}'" in found.data.decode()
    said = next(c.what for c in found.changes if "qxl" in c.what)
    assert "driver" in said


def test_what_is_left_to_the_owner_is_listed() -> None:
    text = HEAD.format(**USUAL | {"kind": "kvm", "devices": DESKTOP.format("")})
    text = text.replace("machine='q35'", "machine='pc-q35-2.10'")
    found = poor_host().repair(text)
    told = {decision.what.partition("=")[0]: str(decision) for decision in found.decisions}
    assert sorted(told) == ["machine", "type"]
    assert "sees a newer version of its board" in told["machine"]
    assert "2.10 becomes 5.2" in next(d.what for d in found.decisions if "machine" in d.what)
    everything = " ".join(map(str, found.decisions))
    assert "to keep 'spice', on the host: install" in everything
    assert "to keep 'kvm', on the host: KVM" in everything


def test_a_typo_is_nothing_to_decide_upon() -> None:
    found = repaired(devices=VIRTIO_DISK.replace("virtio", "virtoi"))
    assert found.accepted
    assert found.decisions == ()


def test_a_lost_feature_stands_with_the_edit_that_names_it() -> None:
    cpu = "<cpu check='partial'><model>SandyBridge</model><feature name='vmx'/></cpu>"
    said = {change.what: change.consequences for change in repaired(cpu=cpu).changes}
    for what, consequences in said.items():
        assert ("tsc-deadline" in str(consequences)) is ("tsc-deadline" in what)
        assert ("hardware acceleration" in str(consequences)) is ("vmx" in what)


def test_what_an_edit_settles_besides_is_told() -> None:
    disk = ISO.replace("cdrom", "cdroom") + "<target dev='hda' bus='ide'/><readonly/></disk>"
    text = HEAD.format(**USUAL | {"devices": disk}).replace("machine='q35'", "machine='pc'")
    found = poor_host().repair(text)
    (change,) = found.changes
    assert [one.code for one in change.settles] == ["disk-readonly-unsupported"]


def test_no_processor_is_fitted_to_a_number_that_is_cut() -> None:
    cpu = "<cpu check='partial'><model>Penryn</model></cpu>"
    text = HEAD.format(**USUAL | {"vcpus": "2843", "cpu": cpu})
    found = poor_host().repair(text.replace("machine='q35'", "machine='pc-q35-6.2'"))
    assert b"<vcpu>255</vcpu>" in found.data
    assert b"x2apic" not in found.data
