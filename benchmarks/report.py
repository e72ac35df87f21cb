"""How long a report takes: from loaded facts, and as a process from a recording.

Prints medians, with what each may cost at most. `python benchmarks/report.py [RECORDING]`: by
default the shipped recording with the largest report. Exits with 1 where a limit is not met.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import domcaps
from domcaps.shipped import shipped_names

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 15


def median_ms(run: Callable[[], object], runs: int = RUNS) -> float:
    run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def largest() -> tuple[Path, dict[str, str], int]:
    """Find the x86 recording, machine and type with the longest report."""
    best: tuple[int, Path, dict[str, str]] | None = None
    for name in shipped_names():
        if not name.endswith("x86_64"):
            continue
        path = Path(str(files("domcaps") / "recordings" / f"{name}.domcaps"))
        host = domcaps.Host.load(path)
        for machine in ("pc", "q35"):
            for virttype in host.emulators.get(host.default_emulator()).virttypes:
                question = {"machine": machine, "virttype": virttype}
                size = len(host.domain_capabilities(**question).xml)  # type: ignore[arg-type]
                if best is None or size > best[0]:
                    best = (size, path, question)
    if best is None:
        raise SystemExit("no recording of an x86_64 emulator is shipped")
    return best[1], best[2], best[0]


def main() -> int:
    path, question, size = largest()
    host = domcaps.Host.load(path)
    print(f"{path.name}, {question}: a report of {size / 1000:.0f} KB")

    def report() -> str:
        return host.domain_capabilities(**question).xml  # type: ignore[arg-type]

    def process(*arguments: str) -> Callable[[], object]:
        command = [sys.executable, "-m", "domcaps", *arguments]
        return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    options = [word for name, value in question.items() for word in (f"--{name}", value)]
    figures = [
        ("report from loaded facts", median_ms(report), 10.0),
        ("load the recording", median_ms(lambda: domcaps.Host.load(path)), 60.0),
        ("domcaps --version", median_ms(process("--version")), 80.0),
        ("domcaps report", median_ms(process("report", "--host", str(path), *options)), 250.0),
    ]
    for name, value, limit in figures:
        print(f"{name:28} {value:7.1f} ms   (at most {limit:.0f} ms)")
    return 0 if all(value <= limit for _, value, limit in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
