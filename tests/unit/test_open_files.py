"""A process that may open few files gets an error that says what to do."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from domcaps.facts.recording import save
from fleet_hosts import shipped

if TYPE_CHECKING:
    from pathlib import Path

_TRIAL = """
import resource, sys
limit, call, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
from domcaps import DomcapsError, Host
from domcaps.fleet.fleet import Fleet
from domcaps.hosts.recorder import record_here
XML = '''<domain type='qemu'><name>a</name><memory>1</memory>
<os><type arch='x86_64'>hvm</type></os></domain>'''
calls = {
    "facts": lambda: Host.local().facts,
    "report": lambda: Host.local().domain_capabilities(),
    "validate": lambda: Host.local().validate(XML),
    "record": record_here,
    "load": lambda: Host.load(path).validate(XML),
    "fleet": lambda: Fleet.open(path + ".store").add(path),
}
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
try:
    calls[call]()
except DomcapsError as error:
    print(error)
"""


@pytest.mark.parametrize("call", ["facts", "report", "validate", "record", "load", "fleet"])
@pytest.mark.parametrize("limit", [4, 6, 12, 20])
def test_few_open_files_are_an_error_that_says_what_to_do(
    call: str, limit: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.domcaps"
    save(shipped(), path)
    command = [sys.executable, "-c", _TRIAL, str(limit), call, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if limit == 4 and call not in {"load", "fleet"}:
        assert "open no more files" in done.stdout
        assert "ulimit -n" in done.stdout
