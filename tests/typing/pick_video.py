"""Pick the best video model that a host has for a guest, and say why not another one."""

from __future__ import annotations

import sys

import domcaps

PATH = "video.modelType"


def pick(host: domcaps.Host, machine: str, graphics: domcaps.GraphicsType) -> str:
    chosen: domcaps.Chosen = host.choose("guest", os="linux", machine=machine, graphics=graphics)
    step: domcaps.Step = chosen.step(PATH)
    print(f"# {step.value}: {step.why}; next best: {step.next}")
    for one in chosen.ranked(PATH):  # all values, the chosen one is the first possible
        print(f"# {'possible' if one.is_possible else 'not possible'}: {one.value or 'left out'}")
        print(f"#   {one.why_not or one.why or 'never proposed'}")
    return step.value


def explain(host: domcaps.Host, machine: str) -> None:
    for found in host.explain(PATH, machine=machine):
        if found.listed:
            continue
        print(f"# the host lacks {found.value}")
        for line in found.why:
            print(f"#   {line}")
        for change in found.changes:
            print(f"#   {change.effort}: {change.how or change.statement}")


def main(name: str) -> None:
    try:
        host = domcaps.Host.open(name)
        print(pick(host, "q35", "vnc"))
        explain(host, "q35")
    except domcaps.UnmetWishesError as error:  # such as a host without the machine type q35
        sys.exit("\n".join([error.message, *error.reasons]))
    except domcaps.DomcapsError as error:  # no such recording
        sys.exit(f"{error.where}: {error.message}; {error.remedy}")


if __name__ == "__main__":
    main(sys.argv[1])
