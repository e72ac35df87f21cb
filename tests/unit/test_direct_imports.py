"""Modules that are found with few calls of the system are those that Python finds."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import domcaps
from domcaps.cli._direct_imports import DirectFinder

NAME = "domcaps.made"

ALL = """
import json, sys
if {direct}:
    from domcaps.cli._direct_imports import install
    install()
from domcaps.elements import modules
modules()
found = {{}}
for name, module in sys.modules.items():
    if name.startswith("domcaps.") and "_direct" not in name and name != "domcaps.cli":
        spec = module.__spec__
        found[name] = [
            module.__file__, module.__cached__, module.__package__, module.__doc__, spec.name,
            spec.origin, spec.has_location, list(getattr(module, "__path__", ())), spec.parent,
            str(module), sorted(vars(module)),
        ]
print(json.dumps(found))
"""


def _loaded(*, direct: bool) -> dict[str, list[object]]:
    program = ALL.format(direct=direct)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


def test_what_is_loaded_is_the_same() -> None:
    assert _loaded(direct=True) == _loaded(direct=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "made.py"
    path.write_text("value = 1\n")
    return path


def _value(source: Path) -> object:
    spec = DirectFinder.find_spec(NAME, [str(source.parent)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.value


def _cached(source: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(source)))


def test_bytecode_is_written_and_read(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert _value(source) == 1
    assert _cached(source).is_file()
    assert _value(source) == 1


def test_bytecode_of_another_time_does_not_count(source: Path) -> None:
    py_compile.compile(str(source))
    source.write_text("value = 2\n")
    os.utime(source, (1, 1))
    assert _value(source) == 2


def test_bytecode_of_another_size_does_not_count(source: Path) -> None:
    py_compile.compile(str(source))
    status = source.stat()
    source.write_text("value = 22\n")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert _value(source) == 22


def test_bytecode_with_a_hash_is_left_to_python(source: Path) -> None:
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    status = source.stat()
    source.write_text("value = 2\n")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert _value(source) == 2


@pytest.mark.parametrize("content", [b"", b"no bytecode", None])
def test_bytecode_that_is_broken_is_left_to_python(source: Path, content: bytes | None) -> None:
    py_compile.compile(str(source))
    cached = _cached(source)
    whole = cached.read_bytes()
    cached.write_bytes(whole[:16] if content is None else content)
    if content is None:
        # as Python says it of its own modules
        with pytest.raises(EOFError):
            _value(source)
    else:
        assert _value(source) == 1


def test_a_package_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "__init__.py").write_text("value = 3\n")
    spec = DirectFinder.find_spec(NAME, [str(tmp_path)])
    assert spec is not None
    assert spec.submodule_search_locations == [str(folder)]
    assert spec.parent == NAME


def test_what_is_not_plain_is_left_to_python(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("domcaps/made.py", "value = 4\n")
    assert DirectFinder.find_spec(NAME, [str(tmp_path / "all.zip/domcaps")]) is None
    assert DirectFinder.find_spec(NAME, [str(tmp_path)]) is None
    assert DirectFinder.find_spec("other.made", [str(tmp_path)]) is None
    assert DirectFinder.find_spec("domcaps", None) is None


@pytest.mark.parametrize("options", [["-O"], ["-X", "pycache_prefix=/nowhere"]])
def test_another_place_for_bytecode_is_left_to_python(options: list[str]) -> None:
    program = (
        "import sys\nfrom domcaps.cli._direct_imports import DirectFinder, install\n"
        "install()\nprint(DirectFinder in sys.meta_path)"
    )
    command = [sys.executable, *options, "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"


AT_END = """
import atexit, runpy, sys
atexit.register(print, "at the end")
sys.argv = ["domcaps", *{words}]
{before}
runpy.run_module("domcaps", run_name="__main__")
"""


def _ended(words: list[str], before: str = "") -> tuple[int, str]:
    program = AT_END.format(words=words, before=before)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, text=True
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("before", ["", "sys.setprofile(lambda *_: None)"])
def test_the_end_is_that_of_python(before: str) -> None:
    code, out = _ended(["codes", "video-none-not-alone"], before)
    assert code == 0
    assert out.startswith("video-none-not-alone")
    assert out.endswith("at the end\n")
    assert _ended(["codes", "no-such-code-at-all"], before)[0] == 2
    assert _ended(["--version"], before)[1].startswith(f"domcaps {domcaps.__version__}")


def test_a_full_disk_is_an_error() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        command = [sys.executable, "-m", "domcaps", "codes", "video-none-not-alone"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode not in {0, 1}
