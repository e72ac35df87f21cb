"""Count what is wrong with the domains in a folder, by code and severity."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps


def read(host: domcaps.Host, folder: Path) -> domcaps.FolderValidations:
    results = host.validate_folder(folder)
    for file, result in results.items():
        print(f"{file}: {result.verdict if result.is_xml else 'not XML'}")
        for finding in result.findings:
            print(f"  {finding}")
    for file, reason in results.unread.items():
        print(f"{file}: cannot be read: {reason}")
    return results


def show(found: domcaps.Summary) -> None:
    print(f"{found.accepted} accepted, {found.refused} refused")
    counted = [one for one in found.codes if one.severity is not domcaps.Severity.NOTICE]
    for count in counted:
        print(f"{count.findings} {count.severity.value} {count.code}")
    for code in list(dict.fromkeys(count.code for count in counted))[:2]:
        print(domcaps.code(code))  # the title and what the manual says
    for sentence in found.unknown:
        print(f"not checked: {sentence}")


def main(name: str, folder: Path) -> int:
    try:
        results = read(domcaps.Host.open(name), folder)
    except domcaps.DomcapsError as error:  # no such recording, or no such folder
        print(error, file=sys.stderr)
        return 2
    found = domcaps.summarize(results.values())
    show(found)
    return 1 if found.refused or results.unread else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
