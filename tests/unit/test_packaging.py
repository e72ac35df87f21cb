"""Man pages and completions come from the commands; wheel, Debian package and image have them."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from domcaps import __version__
from domcaps.cli import _root

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
try_image = importlib.import_module("try_image")


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the man pages and the completions."""
    folder = tmp_path_factory.mktemp("manual")
    for tool in ("man_pages.py", "shell_completions.py"):
        subprocess.run([sys.executable, ROOT / "tools" / tool, folder], check=True)
    return folder


def test_every_command_has_a_man_page_with_all_its_options(manual: Path) -> None:
    context = click.Context(_root)
    names = _root.list_commands(context)
    assert {path.stem for path in manual.glob("*.1")} == {
        "domcaps",
        *(f"domcaps-{name}" for name in names),
    }
    for name in names:
        command = _root.get_command(context, name)
        assert command is not None
        text = (manual / f"domcaps-{name}.1").read_text().replace("\\-", "-")
        options = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]
        assert [option for option in options if option not in text] == [], name
        assert f".B domcaps {name}" in text


def test_man_reads_the_pages_without_a_warning(manual: Path) -> None:
    if not shutil.which("groff"):
        pytest.skip("no groff")
    for page in manual.glob("*.1"):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", page],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == "", page.name


def test_text_that_roff_would_take_for_a_request_is_escaped(manual: Path) -> None:
    requests = {"TH", "SH", "B", "BR", "I", "PP", "TP", "nf", "fi", "RS", "RE"}
    for page in manual.glob("*.1"):
        used = set(re.findall(r"^[.']([A-Za-z]+)", page.read_text(), re.M))
        assert used <= requests, page.name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_what_the_command_prints(manual: Path, shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "domcaps", "completion", shell],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (manual / f"domcaps.{shell}").read_text() == done.stdout


def test_the_debian_package_has_this_version_and_these_dependencies() -> None:
    changelog = (ROOT / "debian/changelog").read_text()
    assert changelog.startswith(f"domcaps ({__version__}) ")
    control = (ROOT / "debian/control").read_text()
    overrides = (ROOT / "debian/py3dist-overrides").read_text().split()
    project = (ROOT / "pyproject.toml").read_text()
    (listed,) = re.findall(r"^dependencies = \[\n(.*?)^\]", project, re.M | re.S)
    for name in re.findall(r'"([\w.-]+)[>;]', listed):
        vendored = re.sub(r"[-.]", "_", name) in overrides
        assert vendored or f"python3-{name}" in control, name


def test_the_image_has_what_a_virtualization_host_has() -> None:
    text = (ROOT / "packaging/Containerfile").read_text()
    for package in ("qemu-system-x86", "ovmf", "swtpm", "virtiofsd", "passt"):
        assert re.search(rf"\b{package}\b", text), package
    assert "USER domcaps" in text


def test_the_image_is_tried_as_documented() -> None:
    """``tools/try_image.py`` reads the stages, and runs the commands of the manual."""
    text = try_image.CONTAINERFILE.read_text()
    assert try_image.bases(text) == ("debian:trixie-slim",)
    documented = re.findall(
        r"^docker run .* domcaps (.*)$", (ROOT / "docs/install.md").read_text(), re.M
    )
    tried = {" ".join(one.arguments) for one in try_image.EXPECTED}
    assert documented
    assert set(documented) <= tried


def test_purging_the_debian_package_deletes_the_caches(tmp_path: Path) -> None:
    script = (ROOT / "debian/domcaps.postrm").read_text()
    service = (ROOT / "packaging/domcaps.service").read_text()
    (of_service,) = re.findall(r"^CacheDirectory=(.*)$", service, re.M)
    folders = [tmp_path / name for name in ("domcaps", of_service)]
    elsewhere = tmp_path / "domcaps-of-another"
    for folder in (*folders, elsewhere):
        folder.mkdir()
    here = script.replace("/var/cache", str(tmp_path)).replace("#DEBHELPER#", "")
    for action, kept in (("remove", folders), ("purge", [])):
        subprocess.run(["sh", "-c", here, "postrm", action], check=True)
        assert sorted(tmp_path.iterdir()) == sorted([*kept, elsewhere]), action
