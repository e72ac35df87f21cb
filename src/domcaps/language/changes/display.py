"""Changes of video and graphics."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

VIDEO_FRONTEND = change(
    "12.5", NEWS, "attribute 'device' of <model> of a virtio video device is supported"
)
VIDEO_EDID = change("11.7", "documentation", "'edid' of <video> is supported")
GRAPHICS_DEFINED = estimate(
    "11.10",
    "11.3 and 12.8 differ; came with /dev/mshv",
    "several <listen>, VNC ports and RDP users are checked when the domain is defined",
)
GRAPHICS_RDP_COUNTED = estimate("11.3", "11.3 has it", "a second <graphics type='rdp'> is refused")
GRAPHICS_ASKED = estimate(
    "8.3",
    "7.9 and 9.0 differ; QEMU 3.1, the oldest since then, can be asked",
    "reports list sdl and egl-headless only if QEMU has them",
)
GRAPHICS_DBUS = change("8.4", NEWS, "<graphics type='dbus'> is supported")
GRAPHICS_RDP = estimate("10.10", "10.7 and 11.3 differ", "<graphics type='rdp'> is supported")
VNC_POWER_CONTROL = change(
    "7.2", "git fe82fdfb52", "<graphics type='vnc' powerControl> is supported"
)
VIDEO_BLOB = change(
    "9.2", DOCUMENT, "attribute 'blob' of <model> of virtio video devices is supported"
)
AUDIO_TYPES = change("7.2", NEWS, "<audio> is supported, with a type for each back end")
AUDIO_DBUS = estimate(
    "8.4", "7.9 and 9.0 differ; came with graphics of type dbus", "<audio type='dbus'> is supported"
)
AUDIO_PIPEWIRE = change("9.10", NEWS, "<audio type='pipewire'> is supported")
SOUND_VIRTIO = change("10.4", NEWS, "<sound model='virtio'> is supported")
INPUT_EVDEV = change("7.4", NEWS, "<input type='evdev'> is supported")
INPUT_MODELS_CHECKED = estimate(
    "8.0", "7.0 and 9.0 differ", "attribute 'model' of <input> requires bus='virtio'"
)
PS2_OF_BOARDS = estimate(
    "10.7",
    "10.5 and 10.7 differ; came with the feature ps2",
    "PS/2 devices are added only to machine types that have PS/2",
)
AUDIO_CHECKED = change(
    "7.2", "git 562a495b92", "attribute 'id' of <audio> of a sound card must name an <audio>"
)
VIDEO_HEADS_CHECKED = estimate(
    "8.0", "7.9 and 9.0 differ", "video devices with one head get a QEMU argument for it"
)
VIDEO_VIRTIO_OPTIONS = change(
    "7.2", "git 25d3b41e5e", "virtio options of <video> require a virtio model"
)
