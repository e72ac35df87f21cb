"""What commands take as processes: CPU time, as a multiple of ``python -c pass`` in the same run.

    python benchmarks/commands.py [--rounds N] [--host RECORDING]

Each command is run five times in a folder and with a cache of its own: the column *first* is the
median of these runs. The other columns are those of later runs in one folder: least and median.
Root's cache is the system's: there the first report may find it filled. Bytecode is made before.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from start import DOMAIN, ROOT

NOTHING = ["-c", "pass"]
FIRSTS = 5


def commands(host: list[str], file: str) -> dict[str, list[str]]:
    """Give the commands by their names, as arguments of Python."""
    tool = ["-m", "domcaps"]
    return {
        "validate FILE": [*tool, "validate", *host, file],
        "report": [*tool, "report"],
        "explain PATH": [*tool, "explain", *host, "video.modelType"],
        "codes CODE": [*tool, "codes", "video-none-not-alone"],
    }


def cpu_time(arguments: list[str], environ: dict[str, str], folder: str) -> float:
    """Run Python and give the CPU time that it used, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        env=environ, cwd=folder, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def firsts(arguments: list[str], environ: dict[str, str]) -> list[float]:
    """Run Python where nothing is cached, and give the CPU times."""
    times = []
    for _ in range(FIRSTS):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "guest.xml").write_text(DOMAIN.strip())
            times.append(cpu_time(arguments, {**environ, "XDG_CACHE_HOME": folder}, folder))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--host", metavar="RECORDING", help="a recording; without, this machine")
    options = parser.parse_args()
    compileall.compile_dir(ROOT / "src", quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "XDG_CACHE_HOME": folder}
        (Path(folder) / "guest.xml").write_text(DOMAIN.strip())
        host = ["--host", options.host] if options.host else []
        listed = commands(host, "guest.xml")
        first = {name: statistics.median(firsts(words, environ)) for name, words in listed.items()}
        for words in listed.values():
            cpu_time(words, environ, folder)
        spent: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for name, words in {"python -c pass": NOTHING, **listed}.items():
                spent.setdefault(name, []).append(cpu_time(words, environ, folder))
    bare = spent.pop("python -c pass")
    least, middle = min(bare), statistics.median(bare)
    print(f"python -c pass: {least * 1e3:.1f} ms, median {middle * 1e3:.1f} ms")
    for name, values in spent.items():
        print(
            f"{name:16} first {first[name] / middle:5.1f}   least {min(values) / least:5.1f}"
            f"   median {statistics.median(values) / middle:5.1f}   times a bare Python"
        )


if __name__ == "__main__":
    main()
