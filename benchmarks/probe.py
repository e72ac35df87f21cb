"""How long a full probe of one emulator takes, against the least that it could take.

    python benchmarks/probe.py [EMULATOR] [--rounds N] [--libvirt]

The floor is the same emulator given the same questions in one write, and read to the last reply,
with nothing looked at: with KVM and with TCG side by side, as in the probe. Two floors are shown:
the plain one (``-qmp stdio``, nothing negotiated) and one that uses QMP's out-of-band mode, with
which QEMU reads commands faster. Rounds of all kinds take turns; medians are compared.

With ``--libvirt`` and ``virsh`` on the search path, ``virsh domcapabilities`` is timed too. Each
time the emulator gets a new name, by a symbolic link, so that libvirt's daemon, which remembers
emulators by their path, has to ask it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.elements import questions
from domcaps.errors import ProbeError
from domcaps.facts.probe import probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.facts.record import EmulatorRecord, ProbeSession

COLD = """
import sys, time
start = time.perf_counter()
from domcaps.elements import questions
asked = questions()
ready = time.perf_counter()
from domcaps.facts.probe import probe
probe([sys.argv[1]], asked, kvm=sys.argv[2] == "kvm")
print(time.perf_counter() - ready)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("emulator", nargs="?", default=shutil.which("qemu-system-x86_64"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--libvirt", action="store_true", help="time virsh domcapabilities too")
    options = parser.parse_args()
    if not options.emulator:
        parser.error("there is no qemu-system-x86_64; name an emulator")
    kvm = os.access("/dev/kvm", os.R_OK | os.W_OK)
    asked = questions()

    def ask() -> EmulatorRecord:
        (result,) = probe([options.emulator], asked, kvm=kvm)
        if isinstance(result, ProbeError):
            raise result
        return result

    record = ask()
    for session in record.sessions:
        size = sum(len(answer.reply) for answer in session.answers)
        print(f"{session.accelerator}: {len(session.answers)} questions, {size} bytes of replies")
    kinds: dict[str, Callable[[], object]] = {
        "floor, plain": lambda: floor(record, out_of_band=False),
        "floor, out of band": lambda: floor(record, out_of_band=True),
        "probe": ask,
        "probe, first in a process": lambda: cold(options.emulator, kvm=kvm),
    }
    if options.libvirt:
        kinds["virsh domcapabilities"] = lambda: libvirt(options.emulator)
    report(measure(kinds, options.rounds))
    return 0


def measure(kinds: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, run in kinds.items():
            start = time.perf_counter()
            own = run()
            took = time.perf_counter() - start
            times[name].append(own if isinstance(own, float) else took)
    return times


def report(times: dict[str, list[float]]) -> None:
    plain = statistics.median(times["floor, plain"])
    for name, values in times.items():
        middle = statistics.median(values)
        print(
            f"{name:28} median {middle * 1e3:7.1f} ms   least {min(values) * 1e3:7.1f} ms"
            f"   of the plain floor {middle / plain:5.2f}"
        )


def floor(record: EmulatorRecord, *, out_of_band: bool) -> None:
    runs = [
        threading.Thread(target=ask_raw, args=(record.path, session, out_of_band))
        for session in record.sessions
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()


def ask_raw(path: str, session: ProbeSession, out_of_band: bool) -> None:
    accelerator = "kvm:tcg" if session.accelerator == "kvm" else session.accelerator
    enable = ',"arguments":{"enable":["oob"]}' if out_of_band else ""
    lines = [f'{{"execute":"qmp_capabilities"{enable}}}']
    for answer in session.answers:
        question = answer.question
        lines.append(f'{{"execute":"{question.command}","arguments":{question.arguments}}}')
    ours, theirs = socket.socketpair()
    with ours, subprocess.Popen(
        [path, "-S", "-no-user-config", "-nodefaults", "-nographic",
         "-machine", f"none,accel={accelerator}", "-qmp", "stdio"],
        stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        theirs.close()
        ours.sendall("\n".join([*lines, ""]).encode())
        replies = -1  # the greeting is none
        while replies < len(lines):
            data = ours.recv(1 << 18)
            if not data:
                raise EOFError(f"{path} ended early")
            replies += data.count(b"\n")
        process.kill()


def cold(path: str, *, kvm: bool) -> float:
    command = [sys.executable, "-c", COLD, path, "kvm" if kvm else "tcg"]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


def libvirt(path: str) -> float:
    virsh = shutil.which("virsh")
    if virsh is None:
        sys.exit("there is no virsh on the search path")
    with tempfile.TemporaryDirectory() as folder:
        # the daemon may start emulators as another user
        Path(folder).chmod(0o755)
        link = Path(folder) / "qemu"
        link.symlink_to(path)
        start = time.perf_counter()
        command = [virsh, "domcapabilities", "--emulatorbin", str(link)]
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
