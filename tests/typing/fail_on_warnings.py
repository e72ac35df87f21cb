"""Fail a build if a domain has an error or a warning on one of some hosts."""

from __future__ import annotations

import sys

import domcaps


def main(folder: str, names: list[str]) -> int:
    hosts = [domcaps.Host.open(name) for name in names]
    found = 0
    for host in hosts:
        for file, result in host.validate_folder(folder).items():
            for finding in result.findings:
                print(f"{host.origin}: {file}:{finding}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except domcaps.DomcapsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
