"""Answers of the Python interface agree with each other, leave nothing out, and say it plainly."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import domcaps
from domcaps.choose.os_database import _system, guest_of
from domcaps.choose.system_names import family_of_name, short_form
from domcaps.fleet.fleet import Fleet

if TYPE_CHECKING:
    from pathlib import Path

ARCHITECTURES = ("x86_64", "aarch64", "ppc64", "s390x", "riscv64")


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    return domcaps.Host.open("shipped:debian13-x86_64")


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domcaps.choose.os_database.database_folder", lambda: None)
    _system.cache_clear()


def domain(cpu: str = "", machine: str = "q35", arch: str = "x86_64", devices: str = "") -> str:
    return (
        "<domain type='kvm'><name>a</name><memory>1048576</memory>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>{cpu}"
        f"<devices>{devices}</devices></domain>"
    )


class TestSystems:
    @pytest.mark.parametrize(
        ("name", "short"),
        [
            ("Windows 11", "win11"),
            ("Microsoft Windows 11", "win11"),
            ("windows11", "win11"),
            ("WIN11", "win11"),
            ("Windows Server 2022", "win2k22"),
            ("Windows XP", "winxp"),
            ("Debian 13", "debian13"),
            ("Debian GNU/Linux 13", "debian13"),
            ("Ubuntu 24.04 LTS", "ubuntu24.04"),
            ("Fedora Linux 40", "fedora40"),
            ("Red Hat Enterprise Linux 9.0", "rhel9.0"),
        ],
    )
    @pytest.mark.usefixtures("no_database")
    def test_a_full_name_is_that_of_the_short_one(self, name: str, short: str) -> None:
        assert short_form(name) == short
        assert guest_of(name, None, "x86_64") == guest_of(short, None, "x86_64")
        assert guest_of(name, None, "x86_64").tpm is (short == "win11")

    @pytest.mark.parametrize(
        "name", ["Windows elf", "windws11", "win1l", "debain13", "wnidows", "Dbian 13", " "]
    )
    @pytest.mark.usefixtures("no_database")
    def test_a_misspelt_name_is_no_family(self, name: str) -> None:
        with pytest.raises(domcaps.RequestError):
            guest_of(name, None, "x86_64")

    @pytest.mark.parametrize(
        ("name", "family"),
        [
            ("debian99", "linux"), ("ubuntu99.10", "linux"), ("archlinux", "linux"),
            ("opensusetumbleweed", "linux"), ("centos-stream9", "linux"), ("ol8.5", "linux"),
            ("rhel9-unknown", "linux"), ("win2k12r2", "windows"), ("winnt4.0", "windows"),
            ("win", "windows"), ("win2k25", "windows"), ("msdos6.22", "windows"),
            ("openbsd7.0", "bsd"), ("macosx10.7", "other"), ("haikur1beta3", "other"),
        ],
    )  # fmt: skip
    def test_a_version_that_no_database_has_is_of_its_family(self, name: str, family: str) -> None:
        assert family_of_name(name, any_word=True) == family

    def test_a_full_name_is_found_in_a_database(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "os" / "x"
        folder.mkdir(parents=True)
        for short, name in (("acme1.3", "Acme Linux 1.3"), ("acme13", "Acme Linux 13")):
            (folder / f"{short}.xml").write_text(
                f"<libosinfo><os id='http://x/{short}'><short-id>{short}</short-id>"
                f"<name>{name}</name><family>linux</family></os></libosinfo>"
            )
        monkeypatch.setenv("OSINFO_SYSTEM_DIR", str(tmp_path))
        _system.cache_clear()
        assert guest_of("acme linux 13", None, "x86_64").name == "acme13"
        assert guest_of("Acme 1.3", None, "x86_64").name == "acme1.3"
        with pytest.raises(domcaps.RequestError, match="near it are acme13"):
            guest_of("Acme 14", None, "x86_64")
        _system.cache_clear()


class TestRanked:
    @pytest.mark.parametrize("system", ["win11", "winxp", "linux", "freebsd13", None])
    @pytest.mark.parametrize("graphics", ["spice", "vnc", "none", None])
    @pytest.mark.usefixtures("no_database")
    def test_step_and_ranking_agree(
        self, host: domcaps.Host, system: str | None, graphics: domcaps.GraphicsType | None
    ) -> None:
        for use in ("desktop", "server"):
            chosen = host.choose("g", os=system, use=use, graphics=graphics, disks=["/a.img"])
            for step in chosen.steps:
                ranked = {one.value or "nothing": one for one in chosen.ranked(step.name)}
                for value, why in step.passed:
                    assert ranked[value].why_not == why, step.name
                possible = [one.value for one in ranked.values() if one.is_possible]
                assert possible[0] == step.value, step.name
                if step.next:
                    assert ranked[step.next].is_possible, step.name

    def test_what_the_guest_lacks_is_in_both(self, host: domcaps.Host) -> None:
        chosen = host.choose("g", os="win11", machine="q35", graphics="vnc")
        ranked = {one.value: one for one in chosen.ranked("video.modelType")}
        assert "driver" in ranked["virtio"].why_not
        assert dict(chosen.step("video.modelType").passed)["virtio"] == ranked["virtio"].why_not

    def test_an_empty_value_leaves_out(self, host: domcaps.Host) -> None:
        chosen = host.choose("g", graphics="none", settings={"video.modelType": ""})
        assert chosen.step("video.modelType").value == ""
        assert chosen.elements("video") == ()
        with pytest.raises(domcaps.RequestError, match="PATH=VALUE"):
            host.choose("g", settings={"video.modeltype": ""})

    def test_the_xml_of_a_part(self, host: domcaps.Host) -> None:
        chosen = host.choose("g", os="linux", graphics="vnc", disks=["/a.img", "/b.img"])
        (video,) = chosen.elements("video")
        assert video.startswith("<video>\n  <model")
        assert len(chosen.elements("disk")) == 2
        assert chosen.elements("hostdev") == ()
        with pytest.raises(domcaps.RequestError, match="did you mean 'video'"):
            chosen.elements("vidoe")

    def test_a_pin_that_is_no_decision_is_noted(self, host: domcaps.Host) -> None:
        chosen = host.choose("g", pinned={"video.modeltype": "vga"})
        assert any("did you mean 'video.modelType'" in note for note in chosen.notes)


class TestMigration:
    def compared(self, names: tuple[str, str], xml: str) -> domcaps.DomainDifference:
        one, other = (domcaps.Host.open(f"shipped:{name}") for name in names)
        found = domcaps.compare(one, other, xml, for_domain=True).domain
        assert found is not None
        return found

    def test_a_feature_that_is_no_longer_disabled_is_gained(self) -> None:
        xml = domain("<cpu mode='maximum'/>").replace("'kvm'", "'qemu'", 1)
        found = self.compared(("debian12-x86_64", "sid-x86_64"), xml)
        assert found.cpu is not None
        assert {"rdseed", "sha-ni", "3dnowprefetch"} <= set(found.cpu.gained)
        assert found.cpu.lost == ("pcommit",)
        assert found.can_migrate is False
        assert found.obstacles == ("the guest's processor would lose pcommit",)
        gone = {row.name for row in found.changes if row.kind == "host CPU" and row.sign == "-"}
        assert {"feature rdseed", "feature sha-ni"} <= gone

    def test_a_newer_qemu_gives_all(self) -> None:
        for mode in ("host-model", "host-passthrough"):
            xml = domain(f"<cpu mode='{mode}'/>")
            found = self.compared(("debian12-x86_64", "debian13-x86_64"), xml)
            assert (found.can_migrate, found.obstacles) == (True, ())
            assert found.cpu is not None
            assert found.cpu.has_all is True
            assert found.cpu.lost == ()

    def test_a_name_that_the_other_libvirt_does_not_know_is_lost(self) -> None:
        xml = domain("<cpu mode='host-model'/>", machine="pc-q35-7.2")
        found = self.compared(("sid-x86_64", "debian12-x86_64"), xml)
        assert found.cpu is not None
        assert "its-no" in found.cpu.lost
        passed = self.compared(
            ("sid-x86_64", "debian12-x86_64"), xml.replace("host-model", "host-passthrough")
        )
        assert passed.cpu is not None
        assert set(passed.cpu.lost) <= set(found.cpu.lost)

    def test_what_is_not_told_is_unknown(self) -> None:
        xml = domain("<cpu mode='maximum'/>", "virt", "aarch64").replace("'kvm'", "'qemu'", 1)
        found = self.compared(("debian12-aarch64", "sid-aarch64"), xml)
        assert found.cpu is not None
        assert (found.cpu.is_known, found.cpu.has_all, found.cpu.lost) == (False, None, ())
        assert found.can_migrate is None
        assert len(found.obstacles) == 1

    def test_each_refusal_is_an_obstacle(self) -> None:
        found = self.compared(("sid-x86_64", "debian12-x86_64"), domain())
        assert found.can_migrate is False
        assert "pc-q35-11.1" in found.obstacles[0]
        assert "can be migrated: no" in str(found)
        for text in ("<network/>", "no XML <"):
            assert self.compared(("sid-x86_64", "sid-x86_64"), text).can_migrate is False

    def test_a_new_start_is_no_migration(self, host: domcaps.Host) -> None:
        found = domcaps.compare(host, host, domain()).domain
        assert found is not None
        assert (found.can_migrate, found.obstacles) == (None, ())

    def test_a_reason_agrees_with_the_sign(self) -> None:
        """What a side alone says must speak for what the row says of it."""
        names = ("debian12-x86_64", "debian13-x86_64", "sid-x86_64")
        for one, other in itertools.permutations(names, 2):
            xml = domain("<cpu mode='host-model'/>", machine="pc-q35-7.2")
            for row in self.compared((one, other), xml).changes:
                if row.kind == "host CPU" and row.fields_after.get("policy") == "require":
                    assert not [s for s in row.because if s.startswith("true on the first")], row
                if row.kind == "host CPU" and row.fields_before.get("policy") == "require":
                    assert not [s for s in row.because if s.startswith("true on the second")], row


class TestNoEmulator:
    FAULTS = (
        "<disk type='file' device='disk'><source file='/a'/><target dev='hda' bus='ide'/></disk>"
        "<sound model='bar'/><video><model type='foo'/></video><input type='mouse' bus='ps2'/>"
        "<watchdog model='diag288'/><tpm model='tpm-spapr'/><panic model='s390'/>"
    )

    @pytest.mark.parametrize("arch", ARCHITECTURES)
    def test_no_finding_tells_of_a_qemu_that_is_not_there(self, arch: str) -> None:
        boards = {"x86_64": "q35", "s390x": "s390-ccw-virtio", "ppc64": "pseries"}
        name = "debian13-aarch64" if arch != "aarch64" else "debian13-x86_64"
        there = domcaps.Host.open(f"shipped:{name}")
        xml = domain(machine=boards.get(arch, "virt"), arch=arch, devices=self.FAULTS)
        found = there.validate(xml)
        assert "os-arch-unsupported" in {one.code for one in found.findings}
        assert not [one for one in found.findings if "this QEMU" in one.message]

    def test_all_that_the_board_allows_is_offered(self) -> None:
        there = domcaps.Host.open("shipped:debian13-aarch64")
        found = there.validate(domain(devices=self.FAULTS)).findings
        (bus,) = (one for one in found if one.code == "disk-bus-unsupported")
        assert bus.accepted == ("sata", "scsi", "usb", "virtio")
        assert "use bus='sata'" in bus.message


class TestEmptyTexts:
    """An empty text of an option that may be None is as if it were left out."""

    def test_of_a_target(self, host: domcaps.Host) -> None:
        nothing = {"emulator": "", "arch": "", "machine": "", "virttype": "", "libvirt": ""}
        target = host.world().target
        assert host.world(**nothing).target == target  # type: ignore[arg-type]
        assert host.domain_capabilities(**nothing).machine == target.machine  # type: ignore[arg-type]
        assert host.explain("video", **nothing) == host.explain("video")
        assert domcaps.compare(host, host, **nothing).targets[0] == target  # type: ignore[arg-type]
        assert host.default_emulator("") == host.default_emulator()
        assert host.has_emulator("") is True
        assert host.validate(domain(), "") == host.validate(domain())
        named = host.explain_domain(domain(), machine="", arch="")
        assert named.target == host.explain_domain(domain()).target

    def test_of_wishes(self, host: domcaps.Host) -> None:
        empty: dict[str, Any] = dict.fromkeys(
            ("os", "use", "arch", "machine", "virttype", "graphics", "memory", "libvirt"), ""
        )
        assert host.choose("g", **empty).xml == host.choose("g").xml
        assert host.convert(domain(), to="").data == host.convert(domain()).data  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "call",
        [
            lambda _: domcaps.Host.open(""),
            lambda _: domcaps.Host.load(""),
            lambda _: domcaps.code(""),
            lambda _: Fleet.open(""),
            lambda _: domcaps.Host.local().emulators.get(""),
            lambda host: host.emulators.get(""),
            lambda host: host.validate_folder(""),
            lambda host: host.explain(""),
            lambda host: host.choose(""),
            lambda host: host.choose(disks=[""]),
            lambda host: host.choose().step(""),
            lambda host: host.choose().ranked(""),
            lambda host: host.choose().elements(""),
            lambda host: host.validate("<domain/>", ignore=[""]),
            lambda host: domcaps.compare(host, host).of_kind(""),  # type: ignore[arg-type]
        ],
    )
    def test_of_what_must_be_named(self, host: domcaps.Host, call: Any) -> None:
        with pytest.raises(domcaps.DomcapsError) as found:
            call(host)
        assert not str(found.value).startswith(".")

    def test_an_architecture_that_nobody_knows(self, host: domcaps.Host) -> None:
        assert host.has_emulator("aarch64") is False
        for call in (host.has_emulator, host.default_emulator):
            with pytest.raises(domcaps.UnsupportedTargetError, match="not a known architecture"):
                call("nonsense")

    def test_a_question_with_an_unknown_option(self) -> None:
        with pytest.raises(domcaps.RequestError, match="no option 'machien'"):
            domcaps.Host.local().verify([{"machien": "q35"}])


def test_an_unmet_wish_says_its_reasons_once(host: domcaps.Host) -> None:
    with pytest.raises(domcaps.UnmetWishesError) as found:
        host.choose(machine="q36")
    error = found.value
    assert error.remedy == ""
    assert len(error.wishes) == 1
    assert error.reasons[0] not in error.message
    assert str(error) == f"{error.message} ({error.reasons[0]})"


def test_a_short_reason(host: domcaps.Host) -> None:
    (model,) = host.explain("cpu.custom=EPYC-Genoa", machine="q35")
    assert len(model.why) > 50
    assert model.short.count("; ") == 3
    assert model.short.endswith(" more")
    (video,) = host.explain("video.modelType=qxl", machine="q35")
    assert video.short == "QEMU has the type 'qxl'"


def test_what_is_left_may_be_defined(host: domcaps.Host) -> None:
    wrong = host.repair(domain(devices="<video><model type='foo'/></video>"))
    (finding, *_) = host.validate(domain(devices="<video><model type='foo'/></video>")).errors
    late = msgspec.structs.replace(finding, stage=domcaps.Stage.START)
    for findings, definable in (((), True), ((late,), True), ((late, finding), False)):
        left = dataclasses.replace(wrong, findings=findings)
        assert left.definable is definable
        assert left.accepted is (not findings)
