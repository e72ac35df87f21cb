"""How the time of a validation grows with the number of devices: ``python benchmarks/growth.py``.

Each document repeats one element; a row gives the processor time for each number of them and how
many times the last takes what the one before took, which is 4 where it grows in proportion.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from domcaps.shipped import open_shipped
from growth import DOCUMENTS

NUMBERS = (600, 2400, 9600)


def seconds(document: bytes) -> float:
    host = open_shipped("debian13-x86_64")
    begun = time.process_time()
    host.validate(document)
    return time.process_time() - begun


def main() -> None:
    print(f"{'repeated':24}" + "".join(f"{number:>10}" for number in NUMBERS) + "    growth")
    for name, make in DOCUMENTS.items():
        taken = [seconds(make(number).encode()) for number in NUMBERS]
        figures = "".join(f"{one:9.2f}s" for one in taken)
        print(f"{name:24}{figures}{taken[-1] / taken[-2]:10.1f}", flush=True)


if __name__ == "__main__":
    main()
