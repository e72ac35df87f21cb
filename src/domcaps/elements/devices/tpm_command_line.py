"""QEMU arguments for ``<tpm>``, and of the program that emulates one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import tpm_model
from domcaps.elements.boards.families import ARM_VIRT
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

TPMS_OF_VIRT = {"tpm-tis": "tpm-tis-device"}
"""TPMs of ARM's ``virt`` by model."""
TPMS = {"tpm-crb": "tpm-crb", "tpm-tis": "tpm-tis"}
"""TPMs of a PC by model."""


def write_tpm(line: Line, node: Node) -> None:
    """Write a TPM and what is behind it: one of the host, or a program."""
    reading = line.reading
    drivers = TPMS if line.is_x86 else TPMS_OF_VIRT if line.holds(ARM_VIRT) else {}
    source = reading.child(node, "backend")
    if source is None or not drivers:
        raise untold(node)
    reading.get(node, "model", drivers)
    model = tpm_model(node, line.domain)
    kind = reading.get(source, "type", {"emulator", "external", "passthrough"})
    if kind == "passthrough":
        device = reading.child(source, "device")
        path = None if device is None else reading.get(device, "path")
        told = ["-tpmdev", options("passthrough", id="tpm0-host", path=path or "/dev/tpm0")]
    else:
        told = _emulated(line, source, kind or "")
    line.device(Turn.ATTACHED, options(drivers[model], id="tpm0", tpmdev="tpm0-host"), *told)


def _emulated(line: Line, source: Node, kind: str) -> list[str]:
    """Take a TPM that another program is: swtpm, which listens at a socket."""
    reading = line.reading
    # these are for that program
    reading.set_aside(source, "version", "persistent_state", "debug")
    path = line.made_up("swtpm.sock")
    if kind == "external":
        place = reading.child(source, "source")
        if place is not None:
            reading.get(place, "type", {"unix"})
            reading.get(place, "mode", {"connect"})
            path = reading.get(place, "path") or path
    return ["-chardev", options("socket", id="tpm0-socket", path=path),
            "-tpmdev", options("emulator", id="tpm0-host", chardev="tpm0-socket")]  # fmt: skip
