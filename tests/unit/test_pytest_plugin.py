"""The plugin for pytest, in runs of pytest itself."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from linter import BAD, GOOD, LACKING, Linter

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    Linter(pytester.path)
    for name, text in (("good", GOOD), ("bad", BAD), ("lacking", LACKING)):
        (pytester.path / f"{name}.xml").write_text(text)
    return pytester


def run(pytester: pytest.Pytester, code: str, *words: str) -> pytest.RunResult:
    pytester.makepyfile(f"from pathlib import Path\n\ndef test_it(validate_domain):\n    {code}\n")
    installed = {one.name for one in importlib.metadata.entry_points(group="pytest11")}
    plugin = [] if "domcaps" in installed else ["-p", "domcaps.pytest_plugin"]
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *plugin, *words)


def xml(name: str) -> str:
    return f"Path('{name}.xml').read_text()"


def test_the_package_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"domcaps": "domcaps.pytest_plugin"}


def test_a_domain_that_is_accepted(folder: pytest.Pytester) -> None:
    code = f"assert validate_domain({xml('good')}).accepted"
    run(folder, code, "--domcaps-host", "old.domcaps").assert_outcomes(passed=1)
    run(folder, code).assert_outcomes(passed=1)  # the shipped recording


def test_one_that_is_refused_fails_with_its_findings(folder: pytest.Pytester) -> None:
    done = run(folder, f"validate_domain({xml('bad')})", "--domcaps-host", "old.domcaps")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["the domain is refused:", "6:16: error: *video-model-type-unknown*"])


def test_hosts_of_the_configuration(folder: pytest.Pytester) -> None:
    folder.makepyprojecttoml(
        '[tool.pytest.ini_options]\ndomcaps_hosts = ["new.domcaps", "old.domcaps"]\n'
        'domcaps_libvirt = "11.3"\n'
    )
    done = run(folder, f"validate_domain({xml('lacking')})")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*(on old.domcaps)*"])
    code = f"validate_domain({xml('lacking')}, refused_with='video-model-type-unsupported')"
    run(folder, code).assert_outcomes(passed=1)
    run(folder, code, "--domcaps-host", "new.domcaps").assert_outcomes(failed=1)


def test_findings_that_are_left_out(folder: pytest.Pytester) -> None:
    folder.makepyprojecttoml('[tool.pytest.ini_options]\ndomcaps_ignore = ["video"]\n')
    code = f"validate_domain({xml('bad')})"
    run(folder, code, "--domcaps-host", "old.domcaps").assert_outcomes(passed=1)


def test_it_loads_nothing_until_it_is_used() -> None:
    code = (
        "import sys, domcaps.pytest_plugin\n"
        "print([n for n in sys.modules if n.startswith('domcaps.') and n.count('.') > 1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
