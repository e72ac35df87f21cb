"""Pick the best video model that a host has for a guest, and say why it does not have others."""

from __future__ import annotations

import sys

import domcaps


def pick(host: domcaps.Host, machine: str) -> str:
    chosen: domcaps.Chosen = host.choose("guest", os="linux", machine=machine)
    step: domcaps.Step = chosen.step("video.modelType")
    for model, why in step.passed:
        print(f"# better, but skipped: {model}: {why}")
    print(f"# next best: {step.next}")
    for found in host.explain("video.modelType", machine=machine):
        if found.listed:
            continue
        print(f"# not available: {found.path}")
        for line in found.why:
            print(f"#   {line}")
        for change in found.changes:
            print(f"#   {change.effort}: {change.how or change.statement}")
    return step.value


def main(name: str) -> None:
    try:
        host = domcaps.Host.open(name)
        print(pick(host, "q35"))
        caps = host.domain_capabilities(machine="q35")
        print(*caps.devices.video.enums.get("modelType", ()))  # all that the report lists
    except domcaps.DomcapsError as error:  # no such recording, or it has no machine type q35
        sys.exit(f"{error.where}: {error.message}; {error.remedy}")


if __name__ == "__main__":
    main(sys.argv[1])
