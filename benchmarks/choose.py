"""How long a choice and a repair take, once the host is loaded: ``python benchmarks/choose.py``.

Times are CPU times, the least of several rounds. A choice is to take at most 50 ms, a repair 200.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import domcaps
from domcaps.shipped import open_shipped

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
CHOICES = {
    "nothing said": {},
    "Linux with disks": {"os": "linux", "disks": ["/a", "/b", "/c"], "cdroms": ["/d"]},
    "Windows 11": {"os": "win11", "disks": ["/a"], "uefi": False},
    "a wish that moves the machine": {"os": "linux", "disks": ["/a,bus=ide"]},
    "one wish that can't be met": {"vcpus": 100_000, "graphics": "vnc", "disks": ["/a"]},
    "two that conflict": {"machine": "q35", "disks": ["/a,bus=ide", "/b"], "graphics": "vnc"},
    "a rule that refuses": {"settings": ["watchdog.model=diag288"], "os": "linux"},
}
DOMAIN = """<domain type='qemu'><name>a</name><memory>1048576</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{}</devices></domain>"""
DISK = "<disk type='file'><source file='/{0}'/><target dev='sd{0}' bus='sata'/></disk>"
REPAIRS = {
    "nothing wrong": "<video><model type='vga'/></video>",
    "a value": "<video><model type='qxl'/></video>",
    "an attribute too many": "<video><model type='vga' heads='2'/></video>",
    "two faults": "<video><model type='qxl'/></video><rng model='x'/>",
    "a value among 20 disks": "<video><model type='qxl'/></video>"
    + "".join(DISK.format(chr(ord("a") + n)) for n in range(20)),
}


def least(call: Callable[[], object]) -> float:
    """Give the least CPU time of several calls, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return 1000 * min(times)


def main() -> int:
    host = open_shipped("sid-x86_64")
    slow = 0

    def choose(wishes: dict[str, object]) -> None:
        with contextlib.suppress(domcaps.UnmetWishesError):
            host.choose("a", **wishes)  # type: ignore[arg-type]

    for name, wishes in CHOICES.items():
        taken = least(lambda wishes=wishes: choose(wishes))  # type: ignore[misc]
        slow += taken > 50
        print(f"choice, {name}: {taken:.1f} ms")
    for name, devices in REPAIRS.items():
        data = DOMAIN.format(devices).encode()
        taken = least(lambda data=data: host.repair(data))  # type: ignore[misc]
        slow += taken > 200
        print(f"repair, {name}: {taken:.1f} ms")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
