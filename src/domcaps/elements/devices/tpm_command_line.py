"""QEMU arguments for ``<tpm>``, and of the program that emulates one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import tpm_model
from domcaps.elements.boards.families import ARM_VIRT, LOONGARCH_VIRT, RISCV_VIRT
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

TPMS = {"tpm-crb": "tpm-crb", "tpm-tis": "tpm-tis", "tpm-spapr": "tpm-spapr",
        "spapr-tpm-proxy": "spapr-tpm-proxy"}  # fmt: skip
"""TPMs by model."""
_ON_BOARDS = ARM_VIRT | LOONGARCH_VIRT | RISCV_VIRT
_OF_PROGRAM = ("active_pcr_banks", "encryption", "profile")


def write_tpm(line: Line, node: Node, number: int) -> None:
    """Write a TPM and what is behind it: one of the host, or a program."""
    reading = line.reading
    source = reading.child(node, "backend")
    if source is None:
        raise untold(node)
    reading.get(node, "model", TPMS)
    model, name = tpm_model(node, line.domain), line.name(node, f"tpm{number}")
    kind = reading.get(source, "type", {"emulator", "external", "passthrough"}) or ""
    if model == "spapr-tpm-proxy":
        told = options(model, id=name, **{"host-path": _device(line, source)})
        line.device(Turn.ATTACHED, told)
        return
    behind = f"tpm-{name}"
    if kind == "passthrough":
        path = _device(line, source)
        words = ["-tpmdev", options("passthrough", id=behind, path=path)]
    else:
        words = _emulated(line, source, kind, behind)
    driver = TPMS[model]
    if model == "tpm-tis" and line.holds(_ON_BOARDS):
        # a device of the board
        driver = "tpm-tis-device"
    if model == "tpm-spapr":
        line.plug(node, driver, *words, tpmdev=behind, id=name)
    else:
        line.device(Turn.ATTACHED, options(driver, tpmdev=behind, id=name), *words)


def _device(line: Line, source: Node) -> str:
    device = line.reading.child(source, "device")
    path = None if device is None else line.reading.get(device, "path")
    return line.need("device", path or "/dev/tpm0", source)


def _emulated(line: Line, source: Node, kind: str, behind: str) -> list[str]:
    """Take a TPM that another program is: swtpm, which listens at a socket."""
    reading = line.reading
    # these are for that program
    reading.set_aside(source, "version", "persistent_state", "debug")
    for tag in _OF_PROGRAM:
        inside = reading.child(source, tag)
        if inside is not None:
            reading.set_aside_whole(inside)
    path = line.made_up("swtpm.sock")
    place = reading.child(source, "source")
    if kind == "external" and place is not None:
        reading.get(place, "type", {"unix"})
        reading.get(place, "mode", {"connect"})
        path = reading.get(place, "path") or path
    elif place is not None:
        reading.beside(place, "libvirt has swtpm keep its state there")
    if kind == "emulator":
        reading.besides[source] = "libvirt starts the program swtpm"
    line.need("tpm", path, source)
    return ["-chardev", options("socket", id=f"chr{behind.removeprefix('tpm-')}", path=path),
            "-tpmdev", options("emulator", id=behind,
                               chardev=f"chr{behind.removeprefix('tpm-')}")]  # fmt: skip
