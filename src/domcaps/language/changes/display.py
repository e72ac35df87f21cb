"""Changes of video and graphics."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

VIDEO_FRONTEND = change("12.5", NEWS, "the front end of a virtio display is chosen")
VIDEO_EDID = change("11.7", "documentation", "EDID of displays is switched")
GRAPHICS_DEFINED = estimate(
    "11.10",
    "11.3 and 12.8 differ; came with /dev/mshv",
    "several <listen>, ports of VNC and users of RDP are looked at by definition",
)
GRAPHICS_RDP_COUNTED = estimate("11.3", "11.3 has it", "two RDP servers are refused")
GRAPHICS_ASKED = estimate(
    "8.3",
    "7.9 and 9.0 differ; QEMU 3.1, the oldest since then, can be asked",
    "whether there is SDL and egl-headless is asked of QEMU",
)
GRAPHICS_DBUS = change("8.4", NEWS, "graphics of type dbus")
GRAPHICS_RDP = estimate("10.10", "10.7 and 11.3 differ", "graphics of type rdp")
VNC_POWER_CONTROL = change("7.2", "git fe82fdfb52", "power control of VNC")
VIDEO_BLOB = change("9.2", DOCUMENT, "blob resources of virtio displays")
AUDIO_TYPES = change("7.2", NEWS, "back ends of audio of all kinds")
AUDIO_DBUS = estimate(
    "8.4", "7.9 and 9.0 differ; came with graphics of type dbus", "audio on D-Bus"
)
AUDIO_PIPEWIRE = change("9.10", NEWS, "audio on PipeWire")
SOUND_VIRTIO = change("10.4", NEWS, "the sound card of virtio")
INPUT_EVDEV = change("7.4", NEWS, "input of type evdev")
PS2_OF_BOARDS = estimate(
    "10.7", "10.5 and 10.7 differ; came with the feature ps2", "PS/2 only on boards that have it"
)
AUDIO_CHECKED = change(
    "7.2", "git 562a495b92", "the audio back end of a sound card has to be there"
)
VIDEO_HEADS_CHECKED = estimate(
    "8.0", "7.9 and 9.0 differ", "adapters with one head get a QEMU argument for it"
)
VIDEO_VIRTIO_OPTIONS = change(
    "7.2", "git 25d3b41e5e", "options of virtio are for virtio displays only"
)
