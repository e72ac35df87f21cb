"""Draw texts that people read, for a review: ``python tools/sample_texts.py [--seed N]``.

Prints 100 titles, 100 messages, 40 help texts and 10 pages of documentation, each kind in the order
in which it was drawn. The seed is printed, so that a review can be repeated. Messages are those of
findings of samples, on the shipped recordings for which the samples are made.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import click

import domcaps
from domcaps.cli import _root
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.samples import domain_of

ROOT = Path(__file__).parents[1]
_LISTS = {"cli", "dialects", "drift", "schema", "table", "truth"}
_RECORDING = "shipped:debian13-{}"
_MACHINES = ("x86_64", "aarch64", "s390x", "ppc64", "riscv64", "armv7l", "loongarch64")


def titles() -> list[str]:
    """Give the title of every code."""
    return [f"{code.name}: {code.title}" for code in codes().values()]


def messages(draw: random.Random, number: int) -> list[str]:
    """Validate samples in a random order until `number` messages were found, one for each code."""
    from domcaps.shipped import open_shipped

    hosts = {arch: open_shipped(_RECORDING.format(arch).partition(":")[2]) for arch in _MACHINES}
    found: dict[str, str] = {}
    known = list(codes().values())
    draw.shuffle(known)
    for code in known:
        if code.bad is None or code.bad.arch not in hosts:
            continue
        done = hosts[code.bad.arch].validate(domain_of(code.bad), schema=code.kind == "schema")
        for finding in (*done.findings, *done.notices):
            if finding.code == code.name:
                found.setdefault(code.name, f"{code.name}: {finding.message}")
        if len(found) == number:
            break
    return list(found.values())


def helps() -> list[str]:
    """Give the help of every command and of every option."""
    found = []
    for name in _root.list_commands(click.Context(_root)):
        command = _root.get_command(click.Context(_root), name)
        assert command is not None
        found.append(f"domcaps {name}: {command.help}")
        for option in command.params:
            text = getattr(option, "help", None)
            if text:
                found.append(f"domcaps {name} {option.opts[-1]}: {text}")
    return found


_LONGEST_PAGE = 150


def pages() -> list[str]:
    """Give whole documents; of a long list of data its first lines, which say what it is for."""
    found = []
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))):
        lines = path.read_text(encoding="utf-8").splitlines()
        most = _LONGEST_PAGE if path.stem in _LISTS else len(lines)
        found.append("\n".join([f"{path.relative_to(ROOT)}:", *lines[:most]]))
    return found


def main() -> int:
    """Print the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    seed = parser.parse_args().seed
    print(f"seed {seed}, domcaps {domcaps.__version__}")
    draw = random.Random(seed)  # noqa: S311 - a sample for readers
    for kind, number, listed in (
        ("titles", 100, titles()),
        ("messages", 100, messages(draw, 100)),
        ("help texts", 40, helps()),
        ("pages", 10, pages()),
    ):
        chosen = draw.sample(listed, min(number, len(listed)))
        print(f"\n=== {len(chosen)} {kind}")
        print("\n".join(chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
