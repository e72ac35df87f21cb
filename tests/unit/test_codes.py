"""Codes of findings are a contract: frozen, derived from XML paths, unique; old spellings work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, rule
from domcaps.validate.catalogue import rules as catalogue
from domcaps.validate.catalogue.codes import Code, codes, unique
from domcaps.validate.catalogue.former import current_codes, former_codes
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.checks import code_of, field_checks
from plain_hosts import plain
from sample_hosts import RELEASES, sample_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps import Host

GOLDEN = Path(__file__).parents[1] / "golden/codes.txt"
NO_MODEL = (
    "<domain type='qemu'><name>a</name><memory>1024</memory>{}<os><type>hvm</type></os>"
    "<devices>{}<video><model type='moon'/></video></devices></domain>"
)


@pytest.fixture
def host() -> Host:
    found = sample_host("x86_64", RELEASES[0])
    assert found is not None
    return found


def test_the_codes_are_those_that_were_frozen() -> None:
    assert list(codes()) == GOLDEN.read_text().split(), "run tools/freeze_codes.py"


def test_former_spellings_stand_for_codes() -> None:
    for former, now in former_codes().items():
        assert now, former
        assert set(now) <= codes().keys(), former
        assert former not in codes() or former in now


@pytest.mark.parametrize(
    ("part", "field", "code"),
    [
        ("devices/tpm", "@model", "tpm-model"),
        ("devices/disk", "target/@bus", "disk-target-bus"),
        ("devices/disk", "driver/@error_policy", "disk-driver-error-policy"),
        ("devices/*/boot", "@order", "boot-order"),
        ("", "on_crash", "domain-on-crash"),
        ("memory", "", "memory"),
        ("devices/memory[@model='virtio-mem']", "target/block/@unit",
         "memory-virtio-mem-target-block-unit"),
        ("devices/disk//backingStore/source/seclabel", "@relabel",
         "disk-backing-store-source-seclabel-relabel"),
    ],
)  # fmt: skip
def test_codes_come_from_paths(part: str, field: str, code: str) -> None:
    assert code_of(part, field) == code


def test_no_python_name_is_in_a_code() -> None:
    class Renamed(Part):
        path = "devices/disk"
        anything = field("target/@bus")

    assert [planned.code for planned in field_checks(Renamed)] == ["disk-target-bus"]


def test_rules_begin_with_an_element() -> None:
    """The first word of a rule's code is in the path of its part, or names what it looks at."""
    for part, of_part in rules().items():
        words = code_of(part.path or "", "").split("-")
        for one in of_part if part.path else ():
            assert one.code.split("-")[0] in {*words, *_GROUPS}, one.code


_GROUPS = {
    "device",  # elements of all devices
    "vcpus",  # of a domain's <vcpu>, since libvirt compares <vcpus> with it
}


def _two_rules() -> Iterator[object]:
    class Disk(Part):
        path = "devices/disk"

    def check(disk: Disk) -> Problems:
        """Nothing."""
        yield from ()

    for _ in range(2):
        yield rule("disk-wrong", Disk)(lambda disk: check(disk))


def test_two_rules_with_one_code_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "contents_by_class", lambda _: _two_rules())
    with pytest.raises(ValueError, match="two rules have the code 'disk-wrong'"):
        catalogue.rules.__wrapped__()


def test_a_rule_and_a_field_with_one_code_are_refused() -> None:
    twice = [Code("disk-a-b", kind, "devices/disk", "") for kind in ("field", "rule")]
    with pytest.raises(ValueError, match="two findings have the code 'disk-a-b'"):
        unique(twice)


def test_the_api_knows_old_spellings(host: Host) -> None:
    bad = NO_MODEL.format("", "")
    assert [f.code for f in host.validate(bad).findings] == ["video-model-type-unknown"]
    assert host.validate(bad, ignore=["video-model-unknown"]).findings == ()


def test_a_comment_with_an_old_spelling_counts_and_is_warned_of(host: Host) -> None:
    comment = "<!-- domcaps: ignore video-model-unknown -->"
    result = host.validate(NO_MODEL.format("", comment))
    (found,) = result.findings
    assert (found.code, found.severity.value) == ("ignored-code-renamed", "warning")
    assert "'video-model-type-unknown'" in found.message
    assert found.path == "/domain/devices/video"


def test_a_code_that_was_divided_means_all_its_parts() -> None:
    assert current_codes(["vcpu-current-invalid"]) == {
        "vcpu-current-invalid",
        "vcpu-current-out-of-range",
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.xml").write_text(NO_MODEL.format("", ""))
    monkeypatch.chdir(tmp_path)
    return tmp_path


HOST = ("--host", plain(f"{RELEASES[0]}-x86_64"))


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(_root, words)
    return done.exit_code, re.sub(r"\s+", " ", done.output)


@pytest.mark.usefixtures("folder")
def test_the_option_warns_of_an_old_spelling() -> None:
    code, output = run("validate", *HOST, "--ignore", "video-model-unknown", "a.xml")
    assert code == 0, output
    assert "'video-model-unknown' is now called 'video-model-type-unknown'" in output


def test_a_configuration_with_an_old_spelling_counts_and_is_warned_of(folder: Path) -> None:
    (folder / ".domcaps.toml").write_text('ignore = ["video-model-unknown"]\n')
    code, output = run("validate", *HOST, "a.xml", "a.xml")
    assert code == 0, output
    assert output.count("is now called 'video-model-type-unknown'") == 1


def test_the_list_of_codes_finds_an_old_spelling() -> None:
    code, output = run("codes", "tpm-named-unknown")
    assert code == 0
    assert "tpm-model-unknown" in output
