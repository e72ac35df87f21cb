"""The recipes for CI: their YAML is valid, and their commands run and fail as they should."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
SPEC, GITLAB = yaml.safe_load_all((ROOT / "templates/domcaps.yml").read_text())
GOOD, BAD = "examples/w*.xml", "examples/*.xml"


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script as the systems do: by bash that ends at the first error."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=environment.pop("FOLDER", ROOT),
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def action(**inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step that validates, with inputs as GitHub would put them in."""
    known: dict[str, Any] = ACTION["inputs"]
    assert set(inputs) <= set(known)
    given = {name: inputs.get(name, declared.get("default")) for name, declared in known.items()}
    (step,) = (s for s in ACTION["runs"]["steps"] if s["name"] == "Validate")
    environment = {}
    for name, value in step["env"].items():
        (used,) = re.findall(r"^\$\{\{ inputs\.(\w+) \}\}$", value)
        environment[name] = str(given[used])
    return run(step["run"], **environment)


def gitlab(**inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the job's script, with inputs as GitLab would put them in."""
    known: dict[str, Any] = SPEC["spec"]["inputs"]
    given = {
        name: inputs.get(name, declared.get("default", "")) for name, declared in known.items()
    }
    variables = {
        name: re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: given[found[1]], value)
        for name, value in GITLAB["domcaps"]["variables"].items()
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(EXAMPLES)
        done = run("\n".join(GITLAB["domcaps"]["script"]), FOLDER=folder, **variables)
        report = Path(folder) / GITLAB["domcaps"]["artifacts"]["reports"]["codequality"]
        if report.exists():
            done.stdout += json.dumps(json.loads(report.read_text()))
    return done


@pytest.mark.parametrize("recipe", [action, gitlab])
def test_a_recipe_accepts_good_domains_of_a_pattern(recipe: Any) -> None:
    done = recipe(files=GOOD)
    assert done.returncode == 0, done.stderr
    assert "2 accepted" in done.stderr


@pytest.mark.parametrize("recipe", [action, gitlab])
def test_a_recipe_fails_where_a_domain_is_refused(recipe: Any) -> None:
    done = recipe(files=BAD)
    assert done.returncode == 1, done.stderr
    assert "disk-bus-unsupported" in done.stdout


@pytest.mark.parametrize("recipe", [action, gitlab])
def test_a_pattern_without_a_file_is_an_error(recipe: Any) -> None:
    done = recipe(files="nothing/*.xml")
    assert done.returncode == 2
    assert "no file matches" in done.stderr


def test_the_action_hands_arguments_on() -> None:
    done = action(files=BAD, arguments="--ignore disk-bus-unsupported", libvirt="12.8")
    assert done.returncode == 0, done.stderr + done.stdout


def test_inputs_never_stand_in_a_script() -> None:
    # what stands in `run` after GitHub replaced it would be executed
    assert [step["run"] for step in ACTION["runs"]["steps"] if "${{" in step["run"]] == []
    assert "$[[" not in "\n".join(GITLAB["domcaps"]["script"] + GITLAB["domcaps"]["before_script"])


def test_the_action_installs_what_the_repository_has() -> None:
    script = ACTION["runs"]["steps"][0]["run"]
    for name in re.findall(r"GITHUB_ACTION_PATH/(requirements[a-z.-]*)", script):
        assert (ROOT / name).is_file(), name
    assert "--require-hashes" in script


def test_the_hook_of_pre_commit_judges_files() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert re.search(hook["files"], "domains/web.xml")
    command = " ".join([hook["entry"], *hook["args"]])
    assert run(f"{command} examples/web.xml").returncode == 0
    assert run(f"{command} examples/refused.xml").returncode == 1


def test_yaml_in_the_document_is_valid_and_uses_inputs_that_there_are() -> None:
    text = (ROOT / "docs/ci.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert len(blocks) == 4
    steps = [*blocks[0]["jobs"]["domains"]["steps"], *blocks[1]]
    assert [step for step in steps if "domcaps@" in step.get("uses", "")]
    for step in steps:
        if "domcaps@" in step.get("uses", ""):
            assert set(step["with"]) <= set(ACTION["inputs"])
    assert set(blocks[2]["include"][0]["inputs"]) <= set(SPEC["spec"]["inputs"])
    assert blocks[3]["repos"][0]["hooks"][0]["id"] == "domcaps-validate"
