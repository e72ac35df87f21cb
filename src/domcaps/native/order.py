"""The order in which a command line is written: what each part is, the elements themselves say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boot.boot_command_line import write_system
from domcaps.elements.characters.redirdev_command_line import write_redirected
from domcaps.elements.devices.iommu_command_line import write_iommu
from domcaps.elements.devices.memballoon_command_line import write_balloon
from domcaps.elements.devices.panic_command_line import write_panic
from domcaps.elements.devices.rng_command_line import write_rng
from domcaps.elements.devices.small_command_line import (
    write_crypto,
    write_lease,
    write_nvram,
    write_pstore,
    write_shmem,
    write_vsock,
)
from domcaps.elements.devices.tpm_command_line import write_tpm
from domcaps.elements.devices.watchdog_command_line import write_watchdogs
from domcaps.elements.display.audio_command_line import write_backends
from domcaps.elements.display.graphics_command_line import write_screens
from domcaps.elements.display.input_command_line import write_input
from domcaps.elements.display.sound_command_line import write_sound
from domcaps.elements.display.video_command_line import write_videos
from domcaps.elements.domain.clock_command_line import clock_words
from domcaps.elements.domain.general_command_line import (
    ABOUT,
    event_words,
    identity_words,
    name_words,
    power_words,
    wrap_keys,
    write_besides,
)
from domcaps.elements.domain.timer_command_line import timer_words
from domcaps.elements.features.features_command_line import write_features
from domcaps.elements.features.hypervisor_features_command_line import feature_words
from domcaps.elements.features.launch_security_command_line import write_security
from domcaps.elements.hostdevs.hostdev_command_line import write_hostdevs
from domcaps.elements.memory.memory_command_line import write_memory
from domcaps.elements.memory.memory_device_command_line import write_memory_devices
from domcaps.elements.network.interface_command_line import write_interface
from domcaps.elements.placement.usb_hub_command_line import write_hubs
from domcaps.elements.placement.usb_inputs_command_line import write_usual_inputs
from domcaps.elements.processor.definition_command_line import default_model, model_words
from domcaps.elements.processor.iothreads_command_line import thread_words
from domcaps.elements.processor.vcpu_command_line import vcpu_words
from domcaps.elements.storage.filesystem_command_line import write_filesystem
from domcaps.elements.storage.throttle_command_line import throttle_words
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.command_line import options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line


def write_board(line: Line) -> None:
    """Write all that is no device, but for the machine itself."""
    root, reading = line.domain.root, line.reading
    for tag in ABOUT:
        for node in reading.children(root, tag):
            reading.set_aside_whole(node)
    # the number is that of a running guest
    reading.set_aside(root, "type", "id")
    write_besides(line, root)
    wrap_keys(line, root)
    system = write_system(line, root)
    write_features(line, root)
    write_security(line, root)
    memory = write_memory(line, root)
    memory += thread_words(line, root)
    line.add(*throttle_words(line, root))
    line.add(*_processor(line, root), *memory, *vcpu_words(line, root))
    line.add(
        *identity_words(line, root), "-no-user-config", "-nodefaults", *clock_words(line, root)
    )
    line.add(*event_words(line, root), *power_words(line, root), *system)


def first_words(line: Line) -> list[str]:
    """Give the name and the machine, of which devices may have had something to say."""
    usual = {"usb": "off", "dump-guest-core": "off"}
    machine = options(line.domain.machine, **{**usual, **line.machine})
    accelerator = options(ACCELERATORS[line.domain.virttype], **line.accelerator)
    name = name_words(line, line.domain.root)
    return [*name, "-machine", machine, "-accel", accelerator]


def _processor(line: Line, root: Node) -> list[str]:
    """Write the processor. What stands in ``<features>`` about it is appended to its model."""
    told = model_words(line, root) or default_model(line)
    more = [*feature_words(line, root), *timer_words(line, root)]
    if more and not told:
        # the one that QEMU takes by itself has no name of its own that could be written
        raise untold(root, "", "features of the default CPU")
    return ["-cpu", ",".join([told, *more])] if told else []


def write_devices(line: Line, devices: Node) -> None:
    """Write all devices but controllers, disks and character devices."""
    reading = line.reading
    emulator = reading.child(devices, "emulator")
    if emulator is not None:
        reading.text(emulator)
    for number, node in enumerate(reading.children(devices, "filesystem")):
        write_filesystem(line, node, number)
    cards = [n for n in reading.children(devices, "interface") if n.get("type") != "hostdev"]
    for number, node in enumerate(cards):
        write_interface(line, node, number)
    for number, node in enumerate(reading.children(devices, "input")):
        write_input(line, node, number)
    write_usual_inputs(line, devices)
    write_backends(line, devices)
    write_screens(line, devices)
    for number, card in enumerate(reading.children(devices, "sound")):
        write_sound(line, card, number)
    write_videos(line, devices)
    write_balloon(line, devices)
    write_watchdogs(line, reading.children(devices, "watchdog"))
    write_memory_devices(line, devices)
    write_hostdevs(line, devices)
    write_redirected(line, devices)
    write_hubs(line, reading.children(devices, "hub"))
    for tag, write in _NUMBERED.items():
        for number, node in enumerate(reading.children(devices, tag)):
            write(line, node, number)
    for tag, write_one in _SINGLE.items():
        for node in reading.children(devices, tag):
            write_one(line, node)


_NUMBERED: dict[str, Callable[[Line, Node, int], None]] = {
    "rng": write_rng,
    "tpm": write_tpm,
    "shmem": write_shmem,
    "crypto": write_crypto,
}
"""Devices of which there may be several."""
_SINGLE: dict[str, Callable[[Line, Node], None]] = {
    "iommu": write_iommu,
    "panic": write_panic,
    "vsock": write_vsock,
    "pstore": write_pstore,
    "nvram": write_nvram,
    "lease": write_lease,
}
