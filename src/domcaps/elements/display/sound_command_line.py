"""QEMU arguments for ``<sound>``: cards with their codecs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import YES_NO, Line, Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

SOUND_CARDS = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "ich6": "intel-hda",
    "ich7": "intel-hda",
    "ich9": "ich9-intel-hda",
    "sb16": "sb16",
    "usb": "usb-audio",
    "virtio": "virtio-sound-pci",
}
"""Sound cards by model; the codecs of those that have some are called ``hda-`` and their type."""
_WITH_CODECS = {"ich6", "ich7", "ich9"}


def write_sound(line: Line, node: Node, number: int) -> None:
    """Write a sound card with its codecs."""
    reading = line.reading
    model = reading.one(node, "model", {*SOUND_CARDS, "pcspk"})
    name, audio = line.name(node, f"sound{number}"), line.audio_of(node)
    if model == "pcspk":
        # part of the board
        if audio:
            line.machine["pcspk-audiodev"] = audio
        return
    driver = SOUND_CARDS[model]
    if model == "usb":
        several = reading.get(node, "multichannel", YES_NO)
        multi = None if several is None else several == "yes"
        place = line.usb_place(node)
        told = options(driver, id=name, audiodev=audio, multi=multi, **place)
        line.device(Turn.ATTACHED, told)
    elif model == "sb16":
        line.device(Turn.ATTACHED, options(driver, id=name, audiodev=audio))
    elif model == "virtio":
        more = line.virtio_options(reading.child(node, "driver"))
        streams = reading.number(node, "streams") or 2
        line.plug_virtio(node, "virtio-sound", id=name, audiodev=audio, streams=streams, **more)
    elif model not in _WITH_CODECS:
        line.plug(node, driver, id=name, audiodev=audio)
    else:
        _with_codecs(line, node, driver, name, audio)


def _with_codecs(line: Line, node: Node, driver: str, name: str, audio: str | None) -> None:
    line.plug(node, driver, id=name)
    kinds = {"duplex", "micro", "output"}
    codecs = [line.reading.get(codec, "type", kinds) or ""
              for codec in line.reading.children(node, "codec")] or ["duplex"]  # fmt: skip
    for place, kind in enumerate(codecs):
        told = options(f"hda-{kind}", id=f"{name}-codec{place}", bus=f"{name}.0", cad=place,
                       audiodev=audio)  # fmt: skip
        line.device(Turn.ATTACHED, told)
