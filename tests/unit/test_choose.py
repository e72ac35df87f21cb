"""Choosing: the best that holds, and the fewest wishes that can't be met together."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from lxml import etree

import domcaps
from domcaps.choose.catalogue import enums
from domcaps.choose.os_database import guest_of
from domcaps.choose.search import _smallest
from domcaps.choose.variables import Assignment
from domcaps.choose.wishes import Wishes
from domcaps.elements.display.video import PREFERENCE as VIDEO
from domcaps.errors import RequestError
from domcaps.facts.osinfo import Osinfo
from domcaps.language.quantities import shown_size
from domcaps.validate.alternatives import decisions
from plain_hosts import open_plain, plain
from sample_hosts import rich_host, sample_host

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    found = sample_host("x86_64", "sid")
    assert found is not None
    return found


def value(xml: str, path: str) -> str | None:
    found = etree.fromstring(xml).xpath(path)
    assert isinstance(found, list)
    return str(found[0]) if found else None


def test_a_choice_is_accepted_and_takes_what_the_guest_drives(host: domcaps.Host) -> None:
    xml = host.choose("web", "4GiB", 4, os="linux", disks=["/d.qcow2,size=20GiB"]).xml
    assert host.validate(xml).findings == ()
    assert value(xml, "//disk/target/@bus") == "virtio"
    assert value(xml, "//disk/driver/@type") == "qcow2"
    assert value(xml, "/domain/memory/text()") == str(4 * 1024 * 1024)
    assert value(xml, "//os/type/@machine") == "q35"


def test_an_unknown_guest_is_given_what_every_guest_drives(host: domcaps.Host) -> None:
    xml = host.choose("web", disks=["/d.qcow2"], networks=["user"]).xml
    assert value(xml, "//disk/target/@bus") == "sata"
    assert value(xml, "//interface/model/@type") == "e1000"


def test_a_wish_moves_the_choice_to_a_machine_that_can_meet_it(host: domcaps.Host) -> None:
    xml = host.choose("web", disks=["/d.img,bus=ide"], os="linux").xml
    assert value(xml, "//disk/target/@bus") == "ide"
    assert value(xml, "//os/type/@machine") == "pc"


def test_what_can_not_be_met_names_the_fewest_wishes(host: domcaps.Host) -> None:
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        host.choose(
            "web", vcpus=3, machine="q35", disks=["/d.img,bus=ide", "/e.img"], graphics="vnc"
        )
    assert set(caught.value.wishes) == {"--machine q35", "--disk /d.img,bus=ide"}
    assert any("machine type" in reason for reason in caught.value.reasons)


def test_one_wish_that_nothing_can_meet_is_named_alone(host: domcaps.Host) -> None:
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        host.choose("web", vcpus=100_000, graphics="vnc", disks=["/d.img"])
    assert caught.value.wishes == ("--vcpus 100000",)
    assert "CPUs" in caught.value.reasons[0]


def test_two_wishes_about_one_thing_contradict(host: domcaps.Host) -> None:
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        host.choose("web", graphics="vnc", settings=["graphics.type=sdl"])
    assert len(caught.value.wishes) == 2


def test_a_setting_may_be_any_value_of_the_table(host: domcaps.Host) -> None:
    xml = host.choose(
        "web", settings={"watchdog.model": "i6300esb", "video.modelType": "bochs"}
    ).xml
    assert value(xml, "//watchdog/@model") == "i6300esb"
    assert value(xml, "//video/model/@type") == "bochs"
    assert host.validate(xml).accepted


def test_a_setting_that_the_table_does_not_have_is_an_error(host: domcaps.Host) -> None:
    with pytest.raises(domcaps.RequestError, match=r"video\.modelType"):
        host.choose("web", settings=["video.model=bochs"])


@pytest.mark.parametrize(
    "wishes",
    [
        {"memory": "much"},
        {"disks": ["/d.img,colour=red"]},
        {"networks": ["pigeon"]},
        {"os": "nobodys-system"},
        {"use": "fun"},
        {"arch": "pdp11"},
        {"name": "a/b"},
        {"libvirt": "99.1"},
        {"settings": ["video"]},
    ],
)
def test_wishes_that_make_no_sense_are_one_clear_line(
    host: domcaps.Host, wishes: dict[str, object]
) -> None:
    with pytest.raises(domcaps.RequestError) as caught:
        host.choose(**wishes)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_special_signs_in_paths_stay_what_they_are(host: domcaps.Host) -> None:
    xml = host.choose("a<&>", disks=["/a&b<'c>.img"]).xml
    assert value(xml, "//disk/source/@file") == "/a&b<'c>.img"
    assert value(xml, "/domain/name/text()") == "a<&>"


def test_many_disks_have_names_of_their_own(host: domcaps.Host) -> None:
    xml = host.choose("web", os="linux", disks=[f"/{n}.img" for n in range(30)]).xml
    names = etree.fromstring(xml).xpath("//disk/target/@dev")
    assert isinstance(names, list)
    assert len(set(names)) == 30
    assert host.validate(xml).accepted


def test_every_step_says_what_was_chosen_and_why(host: domcaps.Host) -> None:
    steps = {step.name: step for step in host.choose("web", os="windows", disks=["/d"]).steps}
    bus = steps["disk.bus"]
    assert bus.value == "sata"
    assert dict(bus.passed)["virtio"]
    assert bus.next == "usb"
    assert all(step.why for step in steps.values())
    assert all(why for step in steps.values() for _, why in step.passed)


def test_with_several_hosts_the_domain_is_for_all_of_them() -> None:
    old, new = open_plain("debian12-x86_64"), open_plain("sid-x86_64")
    xml = domcaps.choose_for([old, new], "web", os="linux", disks=["/d"]).xml
    assert old.validate(xml).accepted
    assert new.validate(xml).accepted
    assert value(xml, "//cpu/@mode") == "host-model"
    assert value(xml, "//os/type/@machine") == "q35"


def test_what_one_host_lacks_no_domain_for_both_has() -> None:
    old, new = open_plain("debian12-x86_64"), open_plain("sid-x86_64")
    name = next(m.name for m in new.world().emulator.machines("kvm") if m.alias == "q35")
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        domcaps.choose_for([old, new], "web", machine=name)
    assert caught.value.wishes == (f"--machine {name}",)


def test_options_of_the_table_are_choices_of_their_enums() -> None:
    for decision in decisions():
        assert decision.title, decision.name
        assert decision.options, decision.name
        known = {choice.name for choice in decision.enum.choices} if decision.enum else None
        for option in decision.options:
            assert option.why, decision.name
            assert known is None or option.value in known | {""}, (decision.name, option.value)
            for given, values in option.given:
                above = next(d for d in decisions() if d.name == given)
                assert above.order < decision.order
                assert values


def test_decisions_are_called_as_their_enums() -> None:
    assert enums()["video.modelType"] is VIDEO.enum


def test_a_smallest_conflict_is_found_among_many() -> None:
    assignments = [Assignment(str(number), "", "", "") for number in range(40)]
    blamed = {assignments[7], assignments[23]}
    assert set(_smallest([], assignments, lambda some: blamed <= set(some))) == blamed


SYSTEM = """<libosinfo><os id="http://x.org/base/1"><short-id>base1</short-id><family>linux</family>
<devices><device id="http://d/1"/><device id="http://d/2"/></devices></os>
<os id="http://x.org/next/2"><short-id>next2</short-id><derives-from id="http://x.org/base/1"/>
<firmware arch="x86_64" type="bios" supported="false"/>
<devices><device id="http://d/1" supported="false"/></devices></os>
<os id="http://x.org/loop/1"><short-id>loop1</short-id><clones id="http://x.org/loop/1"/></os>
</libosinfo>"""
DEVICE = '<libosinfo><device id="http://d/{0}"><name>device-{0}</name></device></libosinfo>'


@pytest.fixture
def database(tmp_path: Path) -> Path:
    for folder, name, text in (
        ("os/x.org", "all.xml", SYSTEM),
        ("os/x.org", "broken.xml", "<libosinfo><os>"),
        ("device/d", "1.xml", DEVICE.format(1)),
        ("device/d", "2.xml", DEVICE.format(2)),
    ):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    return tmp_path


def test_a_system_has_the_devices_of_those_it_derives_from(database: Path) -> None:
    base, later = (Osinfo(database).system(name) for name in ("base1", "next2"))
    assert base is not None
    assert later is not None
    assert base.devices == {"device-1", "device-2"}
    assert later.devices == {"device-2"}
    assert later.family == "linux"
    assert later.firmware == (("x86_64", "bios", False),)


def test_a_database_that_goes_round_in_circles_ends(database: Path) -> None:
    system = Osinfo(database).system("loop1")
    assert system is not None
    assert system.devices == frozenset()
    assert Osinfo(database).system("nobody") is None
    assert Osinfo(database).names() == ["base1", "loop1", "next2"]


def test_the_database_is_asked_where_it_is_installed(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSINFO_SYSTEM_DIR", str(database))
    guest = guest_of("next2", None, "x86_64")
    assert guest.devices == frozenset({"device-2"})
    assert guest.firmware == {"efi"}
    with pytest.raises(domcaps.RequestError, match="next2"):
        guest_of("nxt2", None, "x86_64")


def test_without_a_database_families_are_told_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domcaps.choose.os_database.database_folder", lambda: None)
    assert guest_of("ubuntu99.10", None, "riscv64").family == "linux"
    assert guest_of("win11", None, "i686").firmware == {"efi"}
    assert guest_of("openbsd7", None, "i686").family == "bsd"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "domcaps", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_prints_the_xml_and_explains_beside_it() -> None:
    shipped = plain("sid-x86_64")
    done = run("new", "--name", "a", "--host", shipped, "--os", "linux", "--explain")
    assert done.returncode == 0
    assert etree.fromstring(done.stdout).tag == "domain"
    assert "[graphics.type]" in done.stderr
    unmet = run("new", "--name", "a", "--host", shipped, "--set", "video.modelType=qxl")
    assert unmet.returncode == 1
    assert unmet.stdout == ""
    assert "because" in unmet.stderr


def test_a_baseline_is_what_all_have() -> None:
    names = ("debian12-x86_64", "debian13-x86_64", "sid-x86_64")
    hosts = [open_plain(name) for name in names]
    found = domcaps.baseline(hosts)
    buses = [set(host.domain_capabilities().devices.disk.enums["bus"]) for host in hosts]
    assert set(found.devices.disk.enums["bus"]) == set.intersection(*buses)
    most = [int(h.domain_capabilities().document.top[0].attributes[0][1]) for h in hosts]
    assert int(found.document.top[0].attributes[0][1]) == min(most)


def test_a_baseline_of_one_host_is_its_report() -> None:
    host = open_plain("sid-aarch64")
    assert domcaps.baseline([host]).xml == host.domain_capabilities().xml
    assert domcaps.baseline([host, host]).xml == host.domain_capabilities().xml


def test_a_baseline_of_different_architectures_is_an_error() -> None:
    hosts = [open_plain("sid-aarch64"), open_plain("sid-x86_64")]
    with pytest.raises(domcaps.RequestError, match="aarch64"):
        domcaps.baseline(hosts)
    with pytest.raises(domcaps.RequestError):
        domcaps.baseline([])


def with_smm(host: domcaps.Host, *, smm: bool | None) -> domcaps.Host:
    """Give a host with every firmware, whose KVM has System Management Mode, or not."""
    emulator = host.emulators.get(host.emulators.paths()[0]).record
    record = rich_host("x86_64", emulator, "").facts.record
    kvm = msgspec.structs.replace(record.kvm, smm=smm)
    record = msgspec.structs.replace(record, kvm=kvm)
    emulator = rich_host("x86_64", emulator, "").emulators.get(emulator.path).record
    return domcaps.Host.from_recording(domcaps.Recording(host=record, emulators=(emulator,)))


@pytest.mark.parametrize(("smm", "started"), [(True, None), (None, None), (False, "no")])
def test_firmware_that_would_not_start_is_not_chosen(
    host: domcaps.Host, started: str | None, *, smm: bool | None
) -> None:
    chosen = with_smm(host, smm=smm).choose("web", uefi=True, virttype="kvm", machine="q35")
    assert value(chosen.xml, "/domain/os/@firmware") == "efi"
    assert value(chosen.xml, "//os/firmware/feature[@name='secure-boot']/@enabled") == started


def test_secure_boot_without_smm_is_left_to_emulation(host: domcaps.Host) -> None:
    without = with_smm(host, smm=False)
    assert value(without.choose("web", secure_boot=True).xml, "/domain/@type") == "qemu"
    with pytest.raises(domcaps.UnmetWishesError, match="System Management Mode") as unmet:
        without.choose("web", secure_boot=True, virttype="kvm")
    assert unmet.value.wishes == ("--virttype kvm", "--secure-boot")


def test_the_validator_says_what_libvirt_says_of_smm(host: domcaps.Host) -> None:
    xml = with_smm(host, smm=True).choose("web", secure_boot=True, virttype="kvm").xml
    result = with_smm(host, smm=False).validate(xml)
    assert result.definable
    assert [finding.code for finding in result.errors] == ["features-smm-unavailable"]


def test_firmware_that_needs_smm_is_named_with_the_way_out(host: domcaps.Host) -> None:
    xml = with_smm(host, smm=True).choose("web", uefi=True, virttype="kvm", machine="q35").xml
    xml = re.sub(r"<firmware>.*?</firmware>\s*", "", xml, flags=re.DOTALL)
    without = with_smm(host, smm=False)
    (finding,) = without.validate(xml).errors
    assert finding.message.startswith("libvirt selects '/")
    assert "add <firmware><feature enabled='no' name='secure-boot'/></firmware>" in finding.message
    assert without.repair(xml).accepted


@pytest.mark.parametrize(
    ("wishes", "named"),
    [
        ({"disks": ["/d.img,bus=virtoi"]}, "near it are virtio"),
        ({"disks": ["/d.img,bus="]}, "bus has no value"),
        ({"disks": ["/d.img", "/d.img"]}, "given twice"),
        ({"networks": ["none", "user"]}, "no other"),
        ({"settings": ["video.modelType=qxk"]}, "near it are qxl"),
        ({"arch": "arm"}, "armv7l"),
        ({"vcpus": 0}, "none"),
    ],
)
def test_slips_of_the_pen_name_what_may_have_been_meant(
    host: domcaps.Host, wishes: dict[str, object], named: str
) -> None:
    with pytest.raises(domcaps.RequestError, match=named):
        host.choose("web", **wishes)  # type: ignore[arg-type]


def test_paths_are_those_of_whoever_asks(
    host: domcaps.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    xml = host.choose("web", disks=["d.img"], cdroms=["c.iso"]).xml
    assert value(xml, "//disk[@device='disk']/source/@file") == str(tmp_path / "d.img")
    assert value(xml, "//disk[@device='cdrom']/source/@file") == str(tmp_path / "c.iso")


def test_two_values_of_one_thing_are_told_so(host: domcaps.Host) -> None:
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        host.choose("web", settings=["video.modelType=virtio", "video.modelType=vga"])
    assert len(caught.value.wishes) == 2
    assert "two things at once" in caught.value.reasons[0]


def test_a_setting_may_name_the_target(host: domcaps.Host) -> None:
    chosen = host.choose("web", settings=["os.machine=pc", "virttype=qemu", "vcpus=3"])
    assert (chosen.machine, chosen.target.virttype) == ("pc", "qemu")
    assert value(chosen.xml, "/domain/vcpu/text()") == "3"


def test_what_is_not_said_of_size_fits_the_board(host: domcaps.Host) -> None:
    assert value(host.choose("web").xml, "/domain/vcpu/text()") == "2"
    small = host.choose("web", machine="isapc", networks=["none"]).xml
    assert value(small, "/domain/vcpu/text()") == "1"
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        host.choose("web", vcpus=2, machine="isapc", networks=["none"])
    assert caught.value.wishes == ("--vcpus 2", "--machine isapc")


def test_boards_like_real_ones_are_given_what_they_are_sold_with() -> None:
    arm = open_plain("sid-aarch64")
    xml = arm.choose("pi", machine="raspi3b", networks=["none"], disks=["/d.img"]).xml
    assert value(xml, "/domain/vcpu/text()") == "4"
    assert value(xml, "/domain/memory/text()") == str(1024 * 1024)
    assert value(xml, "//disk/target/@bus") == "sd"
    assert etree.fromstring(xml).find("cpu") is None
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        arm.choose("pi", vcpus=2, machine="raspi3b", networks=["none"])
    assert caught.value.wishes == ("--vcpus 2", "--machine raspi3b")
    with pytest.raises(domcaps.UnmetWishesError):
        arm.choose("sbsa", machine="sbsa-ref", networks=["none"], disks=["/d.img,bus=sd"])


def test_what_something_else_would_help_against_is_no_refusal(host: domcaps.Host) -> None:
    # each needs ACPI, for which nobody asked; only together they can't be met
    settings = ["os.loader.type=pflash", "os.secureBoot=yes"]
    rich = with_smm(host, smm=True)
    assert all(rich.choose("web", settings=[one]).xml for one in settings)
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        rich.choose("web", settings=settings)
    assert caught.value.wishes == tuple(f"--set {one}" for one in settings)


def test_looks_are_few(host: domcaps.Host) -> None:
    chosen = host.choose("web", os="linux", disks=["/d.img"])
    assert chosen.looks == 1


class TestSizes:
    """Sizes as libvirt writes them: KiB and K count 1024 bytes, KB counts 1000."""

    @pytest.mark.parametrize(
        ("text", "kib"),
        [
            ("4GiB", 4 * 2**20), ("4G", 4 * 2**20), ("4g", 4 * 2**20), ("1.5GiB", 3 * 2**19),
            ("4GB", 3906250), ("4000MB", 3906250), ("512M", 2**19), ("512", 2**19),
            ("1048576KiB", 2**20), ("1073741824B", 2**20), ("1073741824 bytes", 2**20),
            ("0.001TiB", 1073741), ("2048000B", 2000),
        ],
    )  # fmt: skip
    def test_memory(self, text: str, kib: int) -> None:
        wishes = Wishes("a")
        wishes.memory(text)
        assert wishes.all[0].values == (str(kib),)

    @pytest.mark.parametrize(
        "text", ["1000B", "0", "4XB", "GiB", "4 G i B", "1,5GiB", "-4GiB", "1e9B", ""]
    )
    def test_no_memory(self, text: str) -> None:
        with pytest.raises(RequestError, match="4GiB"):
            Wishes("a").memory(text)

    @pytest.mark.parametrize(
        ("size", "shown"),
        [
            (0, "0 bytes"), (1000, "1000 bytes"), (1024, "1 KiB"), (2**32, "4 GiB"),
            (3 * 2**29, "1536 MiB"), (4 * 10**9, "3906250 KiB"), (2**60, "1 EiB"),
        ],
    )  # fmt: skip
    def test_shown(self, size: int, shown: str) -> None:
        assert shown_size(size) == shown


class TestSteps:
    @pytest.fixture
    def host(self) -> domcaps.Host:
        return domcaps.Host.open("shipped:debian13-x86_64")

    def test_what_is_passed_over_says_why(self, host: domcaps.Host) -> None:
        for system in ("windows", "win11", "linux"):
            for step in host.choose(os=system).steps:
                assert not any(set("✗✓") & set(why) for _, why in step.passed), step
                assert step.wanted != "wished for"

    def test_a_need_of_the_guest_is_no_wish_of_the_user(self, host: domcaps.Host) -> None:
        (memory,) = [step for step in host.choose(os="win11").steps if step.name == "memory"]
        assert (memory.why, memory.unit) == ("wanted", "KiB")
        assert memory.wanted == "--os win11, which needs 4 GiB of memory"

    def test_a_wish_is_named_instead_of_the_table_s_reason(self, host: domcaps.Host) -> None:
        (memory,) = [step for step in host.choose(memory="512MiB").steps if step.name == "memory"]
        assert (memory.value, memory.why, memory.wanted) == (
            str(2**19), "wanted", "--memory 512MiB",
        )  # fmt: skip


@pytest.mark.parametrize("name", ["debian13-s390x", "debian13-x86_64", "debian13-aarch64"])
def test_to_leave_it_out_is_not_both_better_and_next(name: str) -> None:
    steps = open_plain(name).choose("a", os="linux", use="desktop").steps
    left_out = [step for step in steps if step.next == "nothing"]
    assert left_out
    for step in left_out:
        assert "nothing" not in dict(step.passed), step


def test_a_report_is_wrong_where_choose_is_right() -> None:
    # the example of docs/api.md
    host = domcaps.Host.open("shipped:sid-x86_64")
    offered = host.domain_capabilities(machine="microvm").devices.video.enums["modelType"]
    assert "qxl" in offered
    assert host.choose("probe", machine="microvm", use="server", graphics="none").xml
    with pytest.raises(domcaps.UnmetWishesError) as caught:
        host.choose("probe", machine="microvm", settings={"video.modelType": "qxl"})
    assert caught.value.wishes == ("--machine microvm", "--set video.modelType=qxl")
    assert "microvm has no PCI bus" in caught.value.reasons[0]
