"""What a repair leaves to the owner of a domain, and what it tells him of the edits it makes."""

from __future__ import annotations

import pytest

from domcaps.choose.kept import said_of_kept
from domcaps.choose.saved_states import NOT_LOADED
from plain_hosts import open_plain
from poor_hosts import poor_host
from real_domains import real_domains

PINS = "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/></cputune>"
CELLS = (
    "<numa><cell id='0' cpus='0-2' memory='2' unit='GiB'/><cell id='1' cpus='3-5' memory='2' "
    "unit='GiB'/></numa>"
)
STATES = "<vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='yes'/></vcpus>"
WRITTEN = (
    "<controller type='pci' index='0' model='pcie-root'/><memballoon model='virtio'><address "
    "type='pci' domain='0' bus='{}' slot='{}' function='0'/></memballoon>"
)
DOMAIN = (
    "<domain type='qemu'><name>g</name>{uuid}<memory unit='GiB'>{memory}</memory>"
    "<vcpu>{vcpus}</vcpu>{tune}<os><type arch='x86_64' machine='{machine}'>hvm</type></os>"
    "<cpu mode='maximum'>{cpu}</cpu><devices>{devices}</devices></domain>"
)
USUAL = {
    "uuid": "", "memory": "8", "vcpus": "2", "tune": "", "machine": "pc-q35-6.2", "cpu": "",
    "devices": "",
}  # fmt: skip
KNOWN = {
    "uuid": "<uuid>4dea22b3-1d52-d8f3-2516-782e98ab0001</uuid>",
    "devices": WRITTEN.format(0, 5),
}
CARD = "<interface type='user'><model type='e1000e'/></interface>"
PASSED = (
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='1' "
    "slot='0' function='0'/></source></hostdev>"
)


def domain(**parts: str) -> bytes:
    return DOMAIN.format(**USUAL | parts).encode()


def vcpus(data: bytes) -> str:
    return data.decode().partition("<vcpu>")[2].partition("<")[0]


@pytest.mark.parametrize("count", ["512", "2715", "4096"])
@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"tune": PINS}, "pins only 2 vCPUs"),
        (KNOWN, "the guest has only 8 GiB of memory"),
    ],
)
def test_a_number_that_the_domain_contradicts_is_left_to_its_owner(
    count: str, parts: dict[str, str], reason: str
) -> None:
    slip = domain(**parts, vcpus=count)
    found = poor_host().repair(slip.replace(b"'qemu'", b"'kvm'"))
    assert vcpus(found.data) == count
    # the rest is repaired
    assert b"<domain type='qemu'" in found.data
    (left,) = found.findings
    assert left.code == "vcpu-count-unsupported"
    assert reason in left.message
    assert "Write how many vCPUs the guest should have" in left.message


@pytest.mark.parametrize("count", ["512", "2715", "4096", "67103"])
@pytest.mark.parametrize(
    ("parts", "right"),
    [
        ({"cpu": "<topology sockets='1' cores='4' threads='2'/>"}, "8"),
        ({"cpu": CELLS}, "6"),
        ({"cpu": CELLS, "tune": PINS} | KNOWN, "6"),
    ],
)
def test_a_number_that_another_part_tells_is_written(
    count: str, parts: dict[str, str], right: str
) -> None:
    found = poor_host().repair(domain(**parts, vcpus=count))
    assert found.accepted
    assert vcpus(found.data) == right
    assert [change.path for change in found.changes] == ["/domain/vcpu"]
    assert found.decisions


@pytest.mark.parametrize(
    ("parts", "right"),
    [
        ({"vcpus": "512"}, "288"),
        ({"vcpus": "2000"}, "288"),
        # a large guest that libvirt has had before
        ({"vcpus": "512", "memory": "512"} | KNOWN, "288"),
        ({"vcpus": "300", "memory": "64"} | KNOWN, "288"),
        # as many as are pinned, or nearly
        ({"vcpus": "300", "tune": "".join(f"<vcpupin vcpu='{n}' cpuset='0'/>" for n in range(288))},
         "288"),
        # two parts say the same: that is what is wanted
        ({"vcpus": "512", "cpu": "<topology sockets='64' cores='8' threads='1'/>"}, "288"),
    ],
)  # fmt: skip
def test_a_wish_for_many_gets_as_many_as_there_can_be(parts: dict[str, str], right: str) -> None:
    tune = parts.get("tune", "")
    found = poor_host().repair(domain(**parts | {"tune": f"<cputune>{tune}</cputune>"}))
    assert found.accepted
    assert vcpus(found.data) == right
    (told,) = [str(one) for one in found.decisions if one.path == "/domain/vcpu"]
    # what would keep the number is told, and nothing says that it is impossible
    assert "CHECK THIS NUMBER" in told
    assert f"{parts['vcpus']} vCPUs need machine='q35' and an <iommu> with eim='on'" in told
    assert "largest" not in told


PCI = (
    "<hostdev mode='subsystem' type='pci' managed='yes'>\n<source>\n<address domain='0x0000' "
    "bus='0x01' slot='0x00' function='0x{}'/>\n</source>\n</hostdev>\n"
)
USB = (
    "<hostdev mode='subsystem' type='usb'><source{}><vendor id='0x046d'/><product id='0xc52b'/>"
    "</source></hostdev>"
)
NVME = (
    "<disk type='nvme'><source type='pci' namespace='1'><address domain='0' bus='3' slot='0' "
    "function='0'/></source><target dev='vda' bus='virtio'/></disk>"
)
BLOCK = "<disk type='block'><source dev='{}'/><target dev='vdb' bus='virtio'/></disk>"


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        (PCI.format(0) + PCI.format(1),
         ["PCI 01:00.0, 01:00.1", "disk controller or network card", "managed='yes'",
          "IOMMU", "(lines "]),
        (USB.format(""), ["USB 046d:c52b", "does not start"]),
        (NVME, ["<disk>", "PCI 03:00.0"]),
        (BLOCK.format("/dev/sdb"), ["/dev/sdb", "own disks"]),
    ],
)  # fmt: skip
def test_what_is_taken_from_another_host_has_a_line_of_its_own(
    devices: str, words: list[str]
) -> None:
    text = domain(devices=devices).replace(b"'qemu'", b"'kvm'")
    found = poor_host().repair(text)
    (told,) = [str(one) for one in found.decisions if "stays" in one.what]
    assert [word for word in words if word not in told] == []
    # the host is the same where only a word was misspelt
    slip = text.replace(b"'kvm'", b"'qemu'").replace(b"q35-6.2", b"qq35-6.2")
    assert [one for one in poor_host().repair(slip).decisions if "stays" in one.what] == []


@pytest.mark.parametrize(
    "devices",
    [USB.format(" startupPolicy='optional'"), BLOCK.format("/dev/disk/by-id/wwn-0x5000c5"),
     BLOCK.format("/dev/sr0").replace("/><target", "/><readonly/><target")],
)  # fmt: skip
def test_names_that_mean_the_same_everywhere_are_no_matter(devices: str) -> None:
    text = domain(devices=devices).replace(b"'qemu'", b"'kvm'")
    assert [one for one in poor_host().repair(text).decisions if "stays" in one.what] == []


def test_a_conversion_for_another_host_names_what_is_taken_from_it() -> None:
    text = domain(devices=PCI.format(0))
    done = poor_host().convert(text)
    assert any("PCI 01:00.0" in str(one) for one in done.repair.decisions)
    moved = poor_host().convert(domain(machine="pc"), to="q35")
    assert NOT_LOADED in [notice.text for notice in moved.notices]


QXL = "<video><model type='qxl' heads='{}'/></video>"
AGENT = "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"
GL = (
    "<graphics type='spice'><listen type='none'/><gl enable='yes'/></graphics><video><model "
    "type='virtio'><acceleration accel3d='yes'/></model></video>"
)
DISPLAYS = [
    (f"<graphics type='spice'/>{QXL.format(1)}{AGENT}",
     ["no resizing of the guest's screen by the agent", "no files dropped into the viewer"],
     ["of the 1 screens", "password", "encrypted"]),
    (f"<graphics type='spice'><filetransfer enable='no'/></graphics>{AGENT}",
     ["no resizing"], ["files"]),
    (f"<graphics type='spice'/>{QXL.format(1)}", ["virtio's display driver"],
     ["resizing of", "files"]),
    (f"<graphics type='spice'/>{QXL.format(2)}", ["shows one of the 2 screens"], []),
    ("<graphics type='spice' passwd='secret'/>", ["at most 8 characters"], ["encrypted"]),
    ("<graphics type='spice' tlsPort='5901'/>", ["vnc_tls"], ["password"]),
    ("<graphics type='spice' defaultMode='secure'/>", ["vnc_tls"], []),
    (GL, ["no 3D acceleration", "egl-headless", "install QEMU's module hw-display-virtio-gpu"], []),
]  # fmt: skip


@pytest.mark.parametrize(("devices", "told", "untold"), DISPLAYS)
def test_what_a_display_loses_is_told(devices: str, told: list[str], untold: list[str]) -> None:
    found = poor_host().repair(domain(devices=devices))
    assert found.accepted
    text = "\n".join(map(str, found.decisions))
    assert [word for word in told if word not in text] == []
    assert [word for word in untold if word in text] == []


@pytest.mark.parametrize(
    ("clock", "model", "word"),
    [("localtime", "vga", "no resizing with the viewer's window"), ("utc", "virtio", "4.2")],
)
def test_what_is_lost_with_qxl_is_told(clock: str, model: str, word: str) -> None:
    disk = "<disk><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
    text = domain(devices=disk + QXL.format(1))
    text = text.replace(b"<devices>", f"<clock offset='{clock}'/><devices>".encode())
    found = poor_host().repair(text)
    (told,) = [str(one) for one in found.decisions if "video" in one.path]
    assert f"type='{model}'" in told
    assert word in told


@pytest.mark.parametrize("name", [domain.name for domain in real_domains()])
def test_saved_states_are_spoken_of_once_at_the_first_edit(name: str) -> None:
    text = next(one.xml for one in real_domains() if one.name == name)
    found = poor_host().repair(text)
    told = [change for change in found.changes if NOT_LOADED in change.consequences]
    # each of them was made for KVM
    assert [change.path for change in told] == ["/domain/@type"]


@pytest.mark.parametrize(
    ("machine", "lost"),
    [("pc-q35-jammy", True), ("pc-q35-2.10", True), ("pc-qq35-6.2", False), ("q53", False)],
)
def test_another_name_of_a_board_makes_saved_states_useless(machine: str, *, lost: bool) -> None:
    found = poor_host().repair(domain(machine=machine))
    assert found.accepted
    assert any(NOT_LOADED in change.consequences for change in found.changes) is lost


@pytest.mark.parametrize(("clock", "asks"), [("localtime", True), ("utc", False)])
@pytest.mark.parametrize("mode", ["host-passthrough", "custom"])
def test_windows_minds_another_processor(clock: str, mode: str, *, asks: bool) -> None:
    text = domain().replace(b"<devices>", f"<clock offset='{clock}'/><devices>".encode())
    cpu = b"<cpu mode='host-passthrough'>" if mode != "custom" else (
        b"<cpu mode='custom'><model fallback='forbid'>NoSuch</model>"
    )  # fmt: skip
    found = poor_host().repair(text.replace(b"<cpu mode='maximum'>", cpu))
    told = [str(one) for one in found.decisions if one.path.startswith("/domain/cpu")]
    assert ["Windows may ask for activation" in one for one in told] == [asks]


def test_a_feature_that_nothing_was_found_at_stays() -> None:
    text = next(one.xml for one in real_domains() if one.name == "passthrough-4")
    found = poor_host().repair(text)
    assert b"<feature policy='require' name='topoext'/>" in found.data
    told = " ".join(map(str, found.decisions))
    assert "the guest sees cores in place of threads, as topoext is not emulated" in told
    known = {one.code for one in poor_host().validate(text).findings}
    assert {change.code for change in found.changes} <= known


@pytest.mark.parametrize("name", ["desktop-0", "server-4", "server-11", "passthrough-4"])
def test_a_warning_without_an_edit_is_listed_as_kept(name: str) -> None:
    text = next(one.xml for one in real_domains() if one.name == name)
    found = poor_host().repair(text)
    (kept,) = [one for one in found.kept if one.code == "os-type-machine-deprecated"]
    assert text.splitlines()[kept.line - 1].count(b"machine=") == 1
    said = said_of_kept(kept)
    assert said.startswith(f"line {kept.line}: the machine type ")
    assert "because it works" in said
    assert "; use" not in said


def test_a_warning_that_goes_with_an_edit_is_not_kept() -> None:
    card = "<interface type='netwokr'><source network='default'/></interface>"
    codes = [one.code for one in poor_host().validate(domain(devices=card)).warnings]
    assert "interface-source-ignored" in codes
    found = poor_host().repair(domain(devices=card))
    assert [one.code for one in found.kept] == ["os-type-machine-deprecated"]
    assert poor_host().repair(domain(machine="q35")).kept == ()


QEMU = (
    "<domain type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name>"
    "<memory>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>{}</domain>"
)
PROPERTY = (
    "<q:override><q:device alias='ua-a'><q:frontend><q:property name='xres' type='unsigned' "
    "value='1'/></q:frontend></q:device></q:override>"
)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<q:commandline><q:env name='A' value='b'/></q:commandline>", ["name", "nmae"]),
        ("<q:commandline><q:arg value='-S'/></q:commandline>", ["value", "vlaue"]),
        ("<q:capabilities><q:del capability='usb-redir'/></q:capabilities>",
         ["capability", "capabilty"]),
        ("<q:override><q:device alias='ua-a'/></q:override>", ["alias", "aliass"]),
        (PROPERTY,
         ["name", "naem", "type", "tpye", "value", "valu"]),
    ],
)  # fmt: skip
def test_a_misspelt_attribute_for_qemu_is_renamed(right: str, wrong: list[str]) -> None:
    slip = right
    for name, misspelt in zip(wrong[::2], wrong[1::2], strict=True):
        slip = slip.replace(f" {name}=", f" {misspelt}=")
    found = poor_host().repair(QEMU.format(slip))
    assert found.accepted
    assert found.data == QEMU.format(right).encode()
    assert found.removals == ()
    assert found.decisions == ()


def test_the_short_form_of_an_edit_keeps_the_values_that_it_carries() -> None:
    found = poor_host().repair(domain(devices=GL).replace(b"'qemu'", b"'kvm'"))
    told = {one.brief: one.keeps for one in found.decisions}
    assert told["accel3d='no'"] == "accel3d='yes'"
    assert told["type='vnc'"] == "'spice'"
    assert told["type='qemu'"] == "'kvm'"
    for one in found.decisions:
        assert f" instead of {one.keeps}" in one.what or "=" in one.keeps
        assert " instead of " not in str(one)


def test_a_name_with_the_words_of_an_edit_in_it_is_not_taken_apart() -> None:
    emulator = "/usr/bin/a instead of 'b' for (CHECK"
    text = domain(devices=f"<emulator>{emulator}</emulator>").replace(b"q35-6.2", b"q35-2.10")
    found = poor_host().repair(text)
    assert [one.keeps for one in found.decisions] == ["'pc-q35-2.10'"]


@pytest.mark.parametrize(("parts", "told"), [({"tune": PINS}, True), (KNOWN, True), ({}, False)])
@pytest.mark.parametrize("count", ["2715", "300"])
def test_a_doubtful_number_that_the_machine_has_is_told(
    count: str, parts: dict[str, str], *, told: bool
) -> None:
    text = domain(**parts, machine="q35", vcpus=count)
    assert poor_host().validate(text).accepted
    found = poor_host().repair(text.replace(b"'qemu'", b"'kvm'"))
    assert vcpus(found.data) == count
    codes = [one.code for one in found.kept]
    assert ("vcpu-count-doubtful" in codes) is told
    assert all("only you know" in said_of_kept(one) for one in found.kept)


def test_another_makers_board_of_the_same_version_is_told() -> None:
    found = poor_host().repair(domain(machine="pc-q35-rhel8.6.0"))
    (told,) = [str(one) for one in found.decisions if one.path.endswith("@machine")]
    assert "no longer names Red Hat" in told


@pytest.mark.parametrize(
    "wrong", ["offset='Europe/Paris'", "offset='timezone' zone='Europe/Paris'",
              "offset='timezone' tz='Europe/Paris'"]
)  # fmt: skip
def test_a_time_zone_is_kept(wrong: str) -> None:
    clock = "<clock {}/>"
    text = domain().decode().replace("<devices>", clock.format(wrong) + "<devices>")
    found = poor_host().repair(text)
    right = clock.format("offset='timezone' timezone='Europe/Paris'")
    assert found.accepted
    assert found.data == text.replace(clock.format(wrong), right).encode()


@pytest.mark.parametrize("arch", ["s390x", "riscv64"])
def test_no_other_build_is_advised_for_modules_that_a_target_lacks(arch: str) -> None:
    machine = {"s390x": "s390-ccw-virtio", "riscv64": "virt"}[arch]
    module = (
        "<memory model='dimm'><target><size unit='GiB'>1</size><node>0</node></target></memory>"
    )
    text = (
        "<domain type='qemu'><name>g</name><maxMemory slots='4' unit='GiB'>8</maxMemory>"
        f"<memory unit='GiB'>2</memory><os><type arch='{arch}' machine='{machine}'>hvm</type></os>"
        f"<devices>{module}</devices></domain>"
    )
    found = open_plain(f"sid-{arch}").repair(text)
    told = [one.message for one in found.findings if one.code == "memory-model-unsupported"]
    assert told
    assert not any("built with" in message for message in told)
    assert not any("built with" in advice for some in found.remedies for advice in some)


SLIPS = [
    ("desktop-1", "<graphics type='spice'", "<graphics type='spiice'"),
    ("desktop-1", "<model type='qxl'", "<model type='qlx'"),
    ("desktop-1", "<audio id='1' type='spice'", "<audio id='1' type='spcie'"),
    ("passthrough-4", "mode='host-passthrough'", "mode='host-passthruogh'"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), SLIPS, ids=[wrong for _, _, wrong in SLIPS])
def test_a_misspelt_word_that_the_host_lacks_is_read_as_what_it_means(
    name: str, right: str, wrong: str
) -> None:
    text = next(one.xml for one in real_domains() if one.name == name).decode()
    wanted, found = poor_host().repair(text), poor_host().repair(text.replace(right, wrong, 1))
    assert found.accepted
    assert found.data == wanted.data
    # nobody is told how to keep the misspelt word
    said = [[(d.path, d.brief, d.keeps) for d in one.decisions] for one in (wanted, found)]
    assert said[0] == said[1]


@pytest.mark.parametrize("count", ["300", "3830"])
def test_no_processor_is_fitted_to_a_number_that_looks_like_a_typo(count: str) -> None:
    text = next(one.xml for one in real_domains() if one.name == "server-6").decode()
    found = poor_host().repair(text.replace(">4</vcpu>", f">{count}</vcpu>"))
    assert b"x2apic" not in found.data
    (left,) = found.findings
    assert left.code == "vcpu-count-x2apic"
    assert f"{count} looks like a typo" in left.message
    assert found.kept == ()


@pytest.mark.parametrize(
    ("machine", "clock", "devices", "word"),
    [
        ("pc-q35-5.1", "<clock offset='localtime'/>", CARD, "note static addresses before"),
        ("pc-i440fx-4.2", "<clock offset='localtime'/>", CARD, "note static addresses before"),
        ("pc-q35-5.1", "<clock offset='localtime'/>", "", ""),
        ("pc-q35-5.1", "<clock offset='utc'/>", CARD, "may give network interfaces other names"),
        ("pc-q35-5.1", "<clock offset='utc'/>", "", ""),
    ],
)
def test_a_board_of_another_version_tells_of_the_network(
    machine: str, clock: str, devices: str, word: str
) -> None:
    text = domain(machine=machine, devices=devices).replace(
        b"<devices>", f"{clock}<devices>".encode()
    )
    (told,) = [one for one in poor_host().repair(text).decisions if one.path.endswith("@machine")]
    board = told.consequences[0]
    assert word in board
    assert word or ("network" not in board and "addresses" not in board)


def test_a_feature_that_is_no_longer_required_is_told() -> None:
    cpu = (
        "<cpu mode='custom' check='partial'><model>Westmere</model>"
        "<feature policy='{}' name='pcid'/></cpu>"
    )
    for policy, said in (("require", True), ("requuire", True), ("optional", False)):
        text = domain().replace(b"<cpu mode='maximum'></cpu>", cpu.format(policy).encode())
        found = poor_host().repair(text.replace(b"'qemu'", b"'kvm'", 1))
        assert b"policy='optional' name='pcid'" in found.data
        assert any("without pcid: require it again" in str(one) for one in found.decisions) is said


def test_what_the_host_may_lose_comes_first() -> None:
    text = domain(machine="pc-q35-3.1", devices=PASSED).replace(b"'qemu'", b"'kvm'")
    first, *others = poor_host().repair(text).decisions
    assert "IOMMU" in first.consequences[0]
    assert others
    assert [one.line for one in others] == sorted(one.line for one in others)


def test_macos_is_told_of_its_clock_under_emulation() -> None:
    macos = next(one.xml for one in real_domains() if one.name == "macos-8")
    told = [str(one) for one in poor_host().repair(macos).decisions]
    assert sum("run too fast or too slowly" in one for one in told) == 1
