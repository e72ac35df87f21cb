"""The order in which a command line is written: what each part is, the elements themselves say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boot.boot_command_line import write_system
from domcaps.elements.characters.redirdev_command_line import write_redirected
from domcaps.elements.devices.iommu_command_line import write_iommu
from domcaps.elements.devices.memballoon_command_line import write_balloon
from domcaps.elements.devices.panic_command_line import write_panic
from domcaps.elements.devices.rng_command_line import write_rng
from domcaps.elements.devices.tpm_command_line import write_tpm
from domcaps.elements.devices.watchdog_command_line import write_watchdogs
from domcaps.elements.display.graphics_command_line import write_screens
from domcaps.elements.display.input_command_line import write_input
from domcaps.elements.display.sound_command_line import write_backends, write_sound
from domcaps.elements.display.video_command_line import write_video
from domcaps.elements.domain.clock_command_line import clock_words
from domcaps.elements.domain.general_command_line import (
    ABOUT,
    event_words,
    identity_words,
    name_words,
    power_words,
)
from domcaps.elements.domain.timer_command_line import timer_words
from domcaps.elements.features.features_command_line import write_features
from domcaps.elements.features.hypervisor_features_command_line import feature_words
from domcaps.elements.memory.memory_command_line import write_memory
from domcaps.elements.network.interface_command_line import write_interface
from domcaps.elements.placement.usb_hub_command_line import write_hub
from domcaps.elements.processor.definition_command_line import default_model, model_words
from domcaps.elements.processor.iothreads_command_line import thread_words
from domcaps.elements.processor.vcpu_command_line import vcpu_words
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.command_line import options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line


def write_board(line: Line) -> None:
    """Tell of all that is no device."""
    root, reading = line.domain.root, line.reading
    for tag in ABOUT:
        for node in reading.children(root, tag):
            reading.set_aside_whole(node)
    # the number is that of a running guest
    reading.set_aside(root, "type", "id")
    name, system, clock = name_words(line, root), write_system(line, root), clock_words(line, root)
    write_features(line, root)
    memory = write_memory(line, root)
    usual = {"usb": "off", "dump-guest-core": "off"}
    machine = options(line.domain.machine, **{**usual, **line.machine})
    line.add(*name, "-machine", machine, "-accel", ACCELERATORS[line.domain.virttype])
    memory += thread_words(line, root)
    line.add(*_processor(line, root), *memory, *vcpu_words(line, root))
    line.add(*identity_words(line, root), "-no-user-config", "-nodefaults", *clock)
    line.add(*event_words(line, root), *power_words(line, root), *system)


def _processor(line: Line, root: Node) -> list[str]:
    """Tell of the processor. What stands in ``<features>`` about it is appended to its model."""
    told = model_words(line, root)
    more = [*feature_words(line, root), *timer_words(line, root)]
    if more and not told:
        # the one that QEMU takes by itself has no name of its own that could be written
        told = default_model(line, root)
    return ["-cpu", ",".join([told, *more])] if told else []


def write_devices(line: Line, devices: Node) -> None:
    """Tell of all other devices."""
    reading = line.reading
    emulator = reading.child(devices, "emulator")
    if emulator is not None:
        reading.text(emulator)
    for number, node in enumerate(reading.children(devices, "interface")):
        write_interface(line, node, number)
    for number, node in enumerate(reading.children(devices, "input")):
        write_input(line, node, number)
    write_backends(line, devices)
    write_screens(line, devices)
    for number, card in enumerate(reading.children(devices, "sound")):
        write_sound(line, card, number)
    for number, node in enumerate(reading.children(devices, "video")):
        write_video(line, node, number)
    _others(line, devices)


def _others(line: Line, devices: Node) -> None:
    """Tell of them all."""
    reading = line.reading
    for number, node in enumerate(reading.children(devices, "rng")):
        write_rng(line, node, number)
    write_balloon(line, devices)
    write_watchdogs(line, reading.children(devices, "watchdog"))
    for node in reading.children(devices, "tpm"):
        write_tpm(line, node)
    for node in reading.children(devices, "panic"):
        write_panic(line, node)
    for node in reading.children(devices, "iommu"):
        write_iommu(line, node)
    for number, node in enumerate(reading.children(devices, "redirdev")):
        write_redirected(line, node, number)
    for number, node in enumerate(reading.children(devices, "hub")):
        write_hub(line, node, number)
