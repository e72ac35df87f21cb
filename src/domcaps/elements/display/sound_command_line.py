"""QEMU arguments for ``<sound>`` and ``<audio>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.display.audio import audio_ids
from domcaps.language.command_line import YES_NO, Line, Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

SOUND_CARDS = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
    "sb16": "sb16",
    "usb": "usb-audio",
    "virtio": "virtio-sound-pci",
}
"""Sound cards by model; the codecs of those that have some are called ``hda-`` and their type."""
_WITH_CODECS = {"ich6", "ich9"}


def write_backends(line: Line, devices: Node) -> None:
    """Tell of where sound goes, and of the place that libvirt adds: nowhere, or to SPICE."""
    given = line.reading.children(devices, "audio")
    for node in given:
        kind = line.reading.get(node, "type", {"none", "spice"}) or "none"
        number = line.reading.get(node, "id")
        period = line.reading.number(node, "timerPeriod")
        line.add("-audiodev", options(kind, id=f"audio{number}", **{"timer-period": period}))
        line.audio = line.audio or f"audio{number}"
    if given or devices.find("sound") is None or not audio_ids(line.domain):
        return
    heard = any(node.get("type") == "spice" for node in devices.iterfind("graphics"))
    line.add("-audiodev", options("spice" if heard else "none", id="audio1"))
    line.audio = "audio1"


def write_sound(line: Line, node: Node, number: int) -> None:
    """Write a sound card with its codecs."""
    reading = line.reading
    model = reading.get(node, "model", {*SOUND_CARDS, "pcspk"}) or ""
    name, audio = f"sound{number}", line.audio_of(node)
    if model == "pcspk":
        # part of the board
        line.machine["pcspk-audiodev"] = audio or ""
        return
    driver = SOUND_CARDS[model]
    if model == "usb":
        several = reading.get(node, "multichannel", YES_NO)
        multi = None if several is None else several == "yes"
        line.device(Turn.ATTACHED, options(driver, id=name, audiodev=audio, multi=multi))
        return
    if model == "sb16":
        line.device(Turn.ATTACHED, options(driver, id=name, audiodev=audio))
        return
    if model not in _WITH_CODECS:
        more = line.virtio_options(reading.child(node, "driver")) if model == "virtio" else {}
        streams = reading.number(node, "streams") if model == "virtio" else None
        line.plug(node, driver, id=name, audiodev=audio, streams=streams, **more)
        return
    line.plug(node, driver, id=name)
    codecs = [reading.get(codec, "type", {"duplex", "micro", "output"}) or ""
              for codec in reading.children(node, "codec")] or ["duplex"]  # fmt: skip
    for place, kind in enumerate(codecs):
        told = options(f"hda-{kind}", id=f"{name}-codec{place}", bus=f"{name}.0", cad=place,
                       audiodev=audio)  # fmt: skip
        line.device(Turn.ATTACHED, told)
