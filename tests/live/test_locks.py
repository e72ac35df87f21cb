"""The locks of `make`, installed with the oldest supported pip while the index has newer releases.

The recipes of the Makefile are run as they are, against a folder of wheels in the place of the
index: the locked ones, and of each a copy that claims to be a newer release. That is what an index
looks like some weeks after a lock was made.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
NOVA = "requirements-nova.lock"
RELEASE = "requirements-release.lock"
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==(\S+)", re.M)
NEWER = "9999"
OLDEST_PIP = "23.0.1"

pytestmark = pytest.mark.skipif(
    not os.environ.get("CI"), reason="installs 200 packages: runs where CI=1 is set, as in .ci/run"
)


@pytest.mark.parametrize("lock", [*INSTALLED, NOVA, RELEASE])
def test_every_line_of_a_lock_is_pinned_and_has_hashes(lock: str) -> None:
    entries = [e for e in re.split(r"\n(?=\S)", (ROOT / lock).read_text()) if e[0] not in "#\n"]
    assert len(entries) > 1
    assert [entry for entry in entries if not PIN.match(entry)] == []
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_make_installs_is_what_the_locks_name(tmp_path: Path) -> None:
    index = _index(tmp_path, *(name for name in INSTALLED))
    python = _environment(tmp_path / "venv", Path(sys.executable))
    _make(index, f"VENV={tmp_path / 'venv'}", f"{tmp_path / 'venv'}/.developing")
    _is_as_locked(python, *INSTALLED)


def test_what_make_nova_installs_is_what_its_lock_names(tmp_path: Path) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no /usr/bin/python3, which Nova is installed for")
    index = _index(tmp_path, NOVA, python=Path("/usr/bin/python3"))
    _make(index, f"NOVA={tmp_path / 'nova'}", f"{tmp_path / 'nova'}/.installed")
    _is_as_locked(tmp_path / "nova/bin/python", NOVA)


def _environment(place: Path, python: Path) -> Path:
    """Make an environment with the oldest pip that the interpreter can run; give its Python."""
    subprocess.run([python, "-m", "venv", place], check=True)
    if sys.version_info < (3, 12):  # later interpreters lack what that pip imports
        _pip(place / "bin/python", "install", "-q", f"pip=={OLDEST_PIP}")
    return place / "bin/python"


def _index(tmp_path: Path, *locks: str, python: Path = Path(sys.executable)) -> Path:
    """Give a folder with the wheels of some locks, each beside a newer release of its own."""
    index = tmp_path / "index"
    wanted = [word for lock in locks for word in ("-r", str(ROOT / lock))]
    # the pip of these tests does it for any interpreter, which need not have a pip itself
    words = ("--python", str(python), "download", "-q", "--no-deps", "-d", str(index), *wanted)
    loaded = _pip(Path(sys.executable), *words, check=False)
    if "No matching distribution" in loaded.stderr or "Temporary failure" in loaded.stderr:
        pytest.skip(f"the package index can't be reached: {loaded.stderr.splitlines()[-1]}")
    assert loaded.returncode == 0, loaded.stderr
    for wheel in list(index.glob("*.whl")):
        _claim_newer(wheel)
    return index


def _claim_newer(wheel: Path) -> None:
    """Put a copy beside a wheel that says to be of a newer release."""
    name, version, *tags = wheel.name.split("-")
    with (
        zipfile.ZipFile(wheel) as old,
        zipfile.ZipFile(wheel.with_name("-".join([name, NEWER, *tags])), "w") as new,
    ):
        for item in old.namelist():
            data = old.read(item)
            if item.endswith(".dist-info/METADATA"):
                data = re.sub(rb"(?m)^Version: .*$", f"Version: {NEWER}".encode(), data, count=1)
            new.writestr(item.replace(f"-{version}.dist-info/", f"-{NEWER}.dist-info/"), data)


def _make(index: Path, *words: str) -> None:
    given = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": "/dev/null"}
    # "no" is how pip wants this option: nothing is compiled, as nothing is imported
    given["PIP_NO_COMPILE"] = "no"
    done = subprocess.run(
        ["make", "-C", ROOT, f"PYTHON={sys.executable}", *words],
        env=os.environ | given,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _is_as_locked(python: Path, *locks: str) -> None:
    checked = _pip(python, "check", check=False)
    assert checked.returncode == 0, checked.stdout
    listed = _pip(python, "list", "--format=freeze").stdout
    there = {_normal(n): v for n, v in re.findall(r"^(\S+?)==(\S+)", listed, re.M)}
    for lock in locks:
        # a package may have a version for older Pythons, and one for later ones
        pins: dict[str, set[str]] = {}
        for name, version in PIN.findall((ROOT / lock).read_text()):
            pins.setdefault(_normal(name), set()).add(version)
        assert pins
        # those of other systems and of other Pythons are not installed
        known = pins.keys() & there.keys()
        assert {name: there[name] for name in known if there[name] not in pins[name]} == {}
    assert NEWER not in there.values()
    assert len(there) > len(PIN.findall((ROOT / locks[-1]).read_text())) // 2


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pip(python: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        check=check,
    )
