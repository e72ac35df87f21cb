"""What a program pays before its first verdict: CPU time, as a multiple of ``python -c pass``.

    python benchmarks/start.py [--rounds N] [--against DIR [--at-most RATIO]]

Every round starts three Pythons in turn: one that does nothing, one that imports domcaps, and one
that also reads a recording and validates a domain. Medians of CPU time are given, user and system
together, so that other load on the machine counts little. ``--against`` runs the same with another
checkout, in the same rounds, and gives the ratio to it; above ``--at-most`` the exit status is 1.
Bytecode of both sides is made before.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORDING = ROOT / "src/domcaps/recordings/sid-x86_64.domcaps"
DIALECT = "12.8"

DOMAIN = """
<domain type='kvm'>
  <name>guest</name><memory unit='GiB'>2</memory><vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <cpu mode='host-model'/>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='/images/guest.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <interface type='network'><source network='default'/><model type='virtio'/></interface>
    <serial type='pty'/><graphics type='vnc'/><video><model type='virtio'/></video>
    <input type='tablet' bus='usb'/><memballoon model='virtio'/>
  </devices>
</domain>
"""

PROGRAMS = {
    "python -c pass": "pass",
    "import domcaps": "import domcaps; domcaps.Host",
    "first verdict": (
        "import sys, domcaps; "
        "host = domcaps.Host.load(sys.argv[1]); "
        "assert host.validate(sys.argv[2], sys.argv[3]).accepted"
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--against", metavar="DIR", type=Path, help="another checkout")
    parser.add_argument("--at-most", metavar="RATIO", type=float, help="the most that is accepted")
    options = parser.parse_args()
    sources = [ROOT / "src"] + ([options.against / "src"] if options.against else [])
    for source in sources:
        compileall.compile_dir(source, quiet=1)
    times = measured(sources, options.rounds)
    for source in sources:
        print(source)
        bare = times[source, "python -c pass"]
        for name in PROGRAMS:
            spent = times[source, name]
            print(f"  {name:16} {spent * 1e3:7.1f} ms   {spent / bare:6.2f} times a bare Python")
    if not options.against:
        return 0
    own, other = (times[source, "first verdict"] for source in sources)
    print(f"ratio of the first verdict: {own / other:.3f}")
    return int(options.at_most is not None and own / other > options.at_most)


def measured(sources: list[Path], rounds: int) -> dict[tuple[Path, str], float]:
    """Give the median of CPU time for each source and program."""
    spent: dict[tuple[Path, str], list[float]] = {}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            for source in sources:
                spent.setdefault((source, name), []).append(cpu_time(source, program))
    return {key: statistics.median(values) for key, values in spent.items()}


def cpu_time(source: Path, program: str) -> float:
    """Run a program and give the CPU time that it used, in seconds."""
    command = [sys.executable, "-c", program, str(RECORDING), DOMAIN, DIALECT]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(source)}, check=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
