"""The files that record hosts from a timer and from a DaemonSet."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

PACKAGING = Path(__file__).parents[2] / "packaging"


def container() -> dict[str, Any]:
    found = yaml.safe_load((PACKAGING / "kubernetes" / "daemonset.yaml").read_text())
    template = found["spec"]["template"]
    assert found["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    one: dict[str, Any] = template["spec"]["containers"][0]
    return one


def loop(tmp_path: Path, exit_code: int, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the entry point with a domcaps that prints its arguments."""
    program = tmp_path / "domcaps"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@"\nexit {exit_code}\n')
    program.chmod(0o755)
    return subprocess.run(
        [PACKAGING / "kubernetes" / "push-loop"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "DOMCAPS_ONCE": "1", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_entry_point_pushes_under_the_name_of_the_node(tmp_path: Path) -> None:
    done = loop(tmp_path, 0, DOMCAPS_STORE="s3://a/b c", NODE_NAME="node-1")
    assert done.stdout == "fleet|push|s3://a/b c|--name|node-1|"
    assert done.returncode == 0
    failed = loop(tmp_path, 2, DOMCAPS_STORE="x", NODE_NAME="node-1")
    assert "push failed with 2" in failed.stderr
    assert loop(tmp_path, 0, NODE_NAME="node-1").returncode != 0


def test_the_daemonset_has_what_the_entry_point_needs() -> None:
    one = container()
    assert one["command"] == ["/usr/share/domcaps/kubernetes/push-loop"]
    named = {variable["name"] for variable in one["env"]}
    assert {"NODE_NAME", "DOMCAPS_INTERVAL"} == named
    assert one["securityContext"]["allowPrivilegeEscalation"] is False
