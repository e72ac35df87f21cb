"""Exports read by the programs that they are for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from domcaps.fleet.export.ansible import inventory, local_facts
from domcaps.fleet.export.placement import provider_yaml, traits_by_host
from domcaps.fleet.export.prometheus import exposition, metrics_of
from domcaps.fleet.features import HostFeatures, features_by_class
from domcaps.fleet.fleet import Fleet
from fleet_hosts import replace, shipped
from ssh_server import free_port

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet.open(tmp_path_factory.mktemp("store"))
    for name in ("node-1", 'odd "name"\\ ü'):
        made.add(replace(shipped("debian13-s390x"), made_at="2026-11-01T00:00:00+00:00"), name)
    return made


@pytest.fixture(scope="module")
def hosts(fleet: Fleet) -> list[HostFeatures]:
    return list(features_by_class(fleet))


def program(name: str, package: str) -> str:
    """Give a program, or skip aloud."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"no {name} ({package})")
    return found


def test_prometheus_checks_the_metrics(fleet: Fleet, hosts: list[HostFeatures]) -> None:
    tool = program("promtool", "apt-get install prometheus")
    text = exposition(metrics_of(fleet, hosts))
    done = subprocess.run(
        [tool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_node_exporter_serves_the_metrics(
    fleet: Fleet, hosts: list[HostFeatures], tmp_path: Path
) -> None:
    tool = program("prometheus-node-exporter", "apt-get install prometheus-node-exporter")
    (tmp_path / "domcaps.prom").write_text(exposition(metrics_of(fleet, hosts)))
    port = free_port()
    options = ["--collector.disable-defaults", "--collector.textfile"]
    process = subprocess.Popen(
        [tool, *options, f"--collector.textfile.directory={tmp_path}",
         f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        page = ""
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
                    page = reply.read().decode()
                break
            except OSError:
                time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    assert "node_textfile_scrape_error 0" in page
    assert 'domcaps_unknown_statements{host="node-1"}' in page
    assert 'host="odd \\"name\\"\\\\ ü"' in page


def test_ansible_reads_inventory_and_facts(hosts: list[HostFeatures], tmp_path: Path) -> None:
    tool = program("ansible-inventory", "pip install ansible-core")
    (tmp_path / "hosts.yaml").write_text(inventory(hosts))
    done = subprocess.run(
        [tool, "-i", tmp_path / "hosts.yaml", "--list"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    variables = found["_meta"]["hostvars"]["node-1"]["domcaps"]
    assert variables["class"] == hosts[0].class_id
    assert variables["guests"][0]["features"] == list(hosts[0].guests[0].features)
    assert found[f"domcaps_{hosts[0].class_id}"]["hosts"] == list(hosts[0].hosts)
    facts = tmp_path / "facts.d"
    facts.mkdir()
    (facts / "domcaps.fact").write_text(local_facts(hosts[0]))
    setup = subprocess.run(
        [program("ansible", "pip install ansible-core"), "localhost", "-m", "setup", "-a",
         f"fact_path={facts} gather_subset=!all,local"],
        capture_output=True, text=True, check=True,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path),
             "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    told = json.loads(setup.stdout.partition("=>")[2])["ansible_facts"]["ansible_local"]
    assert told["domcaps"]["class"] == hosts[0].class_id


_READ = """
import json, sys
from nova.compute.provider_config import get_provider_configs
found = get_provider_configs(sys.argv[1])
print(json.dumps({v["identification"]["name"]: v["traits"]["additional"] for v in found.values()}))
"""


def test_nova_reads_the_provider_configuration(hosts: list[HostFeatures], tmp_path: Path) -> None:
    python = ROOT / ".venv-nova" / "bin" / "python"
    if not python.exists():
        pytest.skip("no Nova (make nova)")
    (tmp_path / "domcaps.yaml").write_text(provider_yaml(hosts))
    done = subprocess.run(
        [python, "-c", _READ, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == {name: sorted(some) for name, some in traits_by_host(hosts).items()}
