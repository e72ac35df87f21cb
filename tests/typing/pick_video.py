"""Pick a video model for a new guest: the first of some that this host has."""

from __future__ import annotations

import sys

import domcaps

WANTED = ("virtio", "qxl", "vga")


def pick(host: domcaps.Host, machine: str) -> str:
    caps = host.domain_capabilities(machine=machine)
    video = caps.devices.video
    if not video.supported:
        return "none"
    offered: tuple[str, ...] = video.enums["modelType"]
    for model in WANTED:
        if model in offered:
            return model
        explanation: domcaps.Explanation = host.explain(
            f"video.modelType={model}", machine=machine
        )[0]
        if explanation.truth is domcaps.Truth.NO:
            print(f"{model}:", *explanation.why)
            for change in explanation.changes:
                print(f"  {change.effort}: {change.how or change.statement}")
    return offered[0]


def main(path: str) -> None:
    try:
        host = domcaps.Host.open(path)
        print(pick(host, "q35"))
        loader: domcaps.SectionView = host.domain_capabilities().os.loader
        print(loader.values)
    except domcaps.DomcapsError as error:  # no such recording, or it has no machine type q35
        sys.exit(f"{error.where}: {error.message}; {error.remedy}")


if __name__ == "__main__":
    main(sys.argv[1])
