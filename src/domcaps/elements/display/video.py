"""``<video>``: the display adapter. This file is the specimen: read it to know how the table works.

What it looks like::

    <video>
      <model type='virtio' heads='1' primary='yes'/>
    </video>

An element is one `Element`, found because it stands in a file of this package. The report prints
it, the other readers ask it; none of them knows what a display adapter is.

* Each `Choice` is a value that a domain may write, here ``model/@type``, in the order in which
  libvirt lists them.
* ``when`` says what must be true for it. ``device("VGA")`` reads: QEMU has a device type of that
  name. Because it stands here, a probe asks about it; there is no second list.
* ``qemu_args`` says the QEMU arguments, on top of a bare machine: `domcaps verify` tries that.
* What is older or newer than another libvirt is said with ``since`` and ``until``.

To add a model, add a line. Nothing else has to change. One that has several screens, sizes of
memory and the like gets a `VideoModel` below. What must hold beyond that are rules; those about
memory, acceleration and front ends stand in the siblings `video_memory` and `video_frontend`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.drifts import NO_DMA, NO_PCI
from domcaps.elements.advice.guest_system import lacks_virtio_display
from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio_options import VirtioOptions, given_options
from domcaps.elements.boards.defaults import VIDEO_KNOWN, video_model
from domcaps.elements.boards.families import VIRTUAL
from domcaps.elements.boards.fixed import NO_FRAME_BUFFER
from domcaps.elements.qemu.fragments import on_any_bus
from domcaps.language import ALWAYS, Choice, Element, Enum
from domcaps.language.changes.display import (
    VIDEO_BLOB,
    VIDEO_EDID,
    VIDEO_HEADS_CHECKED,
    VIDEO_VIRTIO_OPTIONS,
)
from domcaps.language.fix import Fix, Substitutes, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.node_path import path_of
from domcaps.language.observed import device
from domcaps.language.part import Part, field
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.qemu_args import LIBVIRTS_OWN, QemuArgs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.struct import Struct
from domcaps.language.value_types import ON_OFF, UNSIGNED, YES_NO, OneOf

if TYPE_CHECKING:
    from domcaps.language.domain import Domain

MODEL_TYPE = Enum(
    "modelType",
    attribute="model/@type",
    choices=(
        Choice("vga", device("VGA"), at_start=(NO_PCI,), qemu_args=QemuArgs("-device VGA")),
        Choice(
            "cirrus",
            device("cirrus-vga"),
            at_start=(NO_PCI,),
            qemu_args=QemuArgs("-device cirrus-vga"),
        ),
        Choice(
            "vmvga",
            device("vmware-svga"),
            at_start=(NO_PCI,),
            qemu_args=QemuArgs("-device vmware-svga"),
        ),
        Choice("qxl", device("qxl"), at_start=(NO_PCI,), qemu_args=QemuArgs("-device qxl")),
        # the PCI device and the one that other buses wrap: either carries the model
        Choice(
            "virtio",
            device("virtio-gpu-pci", "virtio-gpu-device"),
            qemu_args=on_any_bus("-device virtio-gpu-{bus}"),
        ),
        # a machine without a display adapter
        Choice("none", ALWAYS, qemu_args=QemuArgs()),
        Choice(
            "bochs",
            device("bochs-display"),
            at_start=(NO_PCI,),
            qemu_args=QemuArgs("-device bochs-display"),
        ),
        Choice(
            "ramfb",
            device("ramfb"),
            at_start=(NO_DMA, NO_FRAME_BUFFER),
            qemu_args=QemuArgs("-device ramfb", alone=True),
        ),
        # another way to say nothing
        Choice("default", listed=False, qemu_args=LIBVIRTS_OWN),
    ),
)

ELEMENT = Element("video", order=30, content=(MODEL_TYPE,))

_SEEN = (("graphics.type", ("spice", "vnc", "sdl", "dbus", "rdp", "egl-headless")),)

PREFERENCE = Decision(
    "video.modelType",
    MODEL_TYPE,
    order=70,
    title="the display adapter",
    xml="<video><model type='{value}'/></video>",
    options=(
        Option("", "there is no screen to see", given=(("graphics.type", ("",)),)),
        Option("virtio", "the fastest", given=_SEEN, guest=drives("virtio1.0-gpu")),
        Option("virtio", "the one that is made for the board", when=VIRTUAL, given=_SEEN),
        Option(
            "qxl",
            "SPICE knows it best",
            given=(("graphics.type", ("spice",)),),
            guest=drives("qxl"),
        ),
        Option("vga", "every guest can drive it", given=_SEEN),
        Option("bochs", "a plain frame buffer", given=_SEEN),
        Option("cirrus", "old guests can drive it", given=_SEEN),
        Option("virtio", "what is left", given=_SEEN),
        Option("ramfb", "what firmware hands over", given=_SEEN),
        Option("", "libvirt's own choice"),
    ),
)


class VideoModel(Struct, frozen=True):
    """What a model has besides the usual; a model that has nothing of this needs no record.

    `memory` has the sizes that it takes: the attribute, QEMU's property, libvirt's default in KiB.
    One with `screens` may have several, and may be second to another device.
    """

    memory: tuple[tuple[str, str, int], ...] = ()
    screens: bool = False
    resolution: bool = False
    edid: bool = False


_VGA_MEMORY = ("vram", "vgamem_mb", 16384)

MODELS = {
    "vga": VideoModel((_VGA_MEMORY,), resolution=True, edid=True),
    "vmvga": VideoModel((_VGA_MEMORY,)),
    "qxl": VideoModel(
        (
            ("ram", "ram_size", 65536),
            ("vram", "vram_size", 65536),
            ("vram64", "vram64_size_mb", 0),
            ("vgamem", "vgamem_mb", 16384),
        ),
        screens=True,
        resolution=True,
    ),
    "virtio": VideoModel(screens=True, resolution=True, edid=True),
    "bochs": VideoModel((("vram", "vgamem", 16384),), resolution=True, edid=True),
}
"""The models that have more than the usual; see `model_named`."""
_USUAL = VideoModel()


def model_named(name: str) -> VideoModel:
    """Give what a model has; the usual for one that has no record."""
    return MODELS.get(name, _USUAL)


def device_named(name: str) -> str:
    """Give the QEMU device that a model is, by what a proof starts; "" where it depends on more."""
    choices = (choice for choice in MODEL_TYPE.choices if choice.name == name)
    args = next((c.qemu_args.args for c in choices if isinstance(c.qemu_args, QemuArgs)), "")
    return args.removeprefix("-device ")


_ACCELERATION = Substitutes(
    "devices/video/model/acceleration/@accel3d",
    order={"yes": ("no",)},
    remarks={"no": "this removes 3D acceleration"},
)

_MODEL_SUBSTITUTES = Substitutes(
    "devices/video/model/@type",
    order={
        "qxl": ("virtio", "vga", "bochs", "cirrus"),
        "virtio": ("vga", "bochs", "qxl", "ramfb"),
        "vga": ("bochs", "virtio", "qxl", "cirrus"),
        "cirrus": ("vga", "bochs", "virtio"),
        "vmvga": ("vga", "virtio", "bochs"),
        "bochs": ("vga", "virtio"),
        "none": (),
        "*": ("virtio", "vga", "bochs", "cirrus"),
    },
    only={
        "qxl": tuple(f"model/@{name}" for name in ("ram", "vram", "vram64", "vgamem")),
        "vga": ("model/@vram",),
        "cirrus": ("model/@vram",),
        "vmvga": ("model/@vram",),
    },
    # memory of this size is as right for them; Cirrus has at most 16 MiB
    shared=dict.fromkeys(("vga", "bochs", "vmvga"), ("model/@vram",)),
    # virtio's adapter needs a driver of its own for more than plain VGA
    plain={"qxl": ("vga", "bochs", "cirrus", "virtio")},
    is_plain=lacks_virtio_display,
    remarks={
        "vga": "every guest system has a driver for it, if a plain one",
        "bochs": "needs a driver for Bochs in the guest",
        "virtio": "needs virtio's display driver, which Linux has since 4.2",
    },
    # words of QEMU's option -vga, and names of its devices
    slips={"std": "vga", "vmware": "vmvga", "virtio-gpu-gl": "virtio", "virtio-vga-gl": "virtio"},
)


SUBSTITUTES = (_MODEL_SUBSTITUTES, _ACCELERATION)


class Video(VirtioOptions, Device):
    """A display adapter of a domain."""

    path = "devices/video"
    # libvirt overlooks nonsense in these two
    knows = ("model/@primary", "driver/@vgaconf")

    model = field("model/@type", choice=MODEL_TYPE)
    heads = field("model/@heads", UNSIGNED, expected="a number of monitors, such as '1'")
    ram = field("model/@ram", UNSIGNED, expected="a number of KiB, such as '65536'")
    vram = field("model/@vram", UNSIGNED, expected="a number of KiB, such as '65536'")
    vram64 = field("model/@vram64", UNSIGNED, expected="a number of KiB, such as '65536'")
    vgamem = field("model/@vgamem", UNSIGNED, expected="a number of KiB, such as '16384'")
    blob = field("model/@blob", ON_OFF, since=VIDEO_BLOB)
    accel3d = field("model/acceleration/@accel3d", YES_NO)
    accel2d = field("model/acceleration/@accel2d", YES_NO)
    rendernode = field("model/acceleration/@rendernode")
    driver = field("driver/@name", OneOf(("qemu", "vhostuser")))

    @cached_property
    def type(self) -> str:
        """The model, libvirt's default where none is named, "" where that is unknown."""
        return video_model(self.node, self.domain)

    @property
    def is_virtio(self) -> bool:
        """Whether it is a virtio device."""
        return self.type == "virtio"

    @cached_property
    def is_primary(self) -> bool:
        """Whether firmware and console use it: the one that says so, else the first."""
        return self.node is self.domain.once(_primary).node

    @cached_property
    def marked(self) -> bool:
        """Whether it says itself that it is the primary one."""
        model = self.find("model")
        return model is not None and model.get("primary") == "yes"

    @cached_property
    def absent(self) -> bool:
        """Whether it says that there is no display: then nothing else that it says counts."""
        return self.type == "none" and len(self.domain.all(Video)) == 1


def _primary(domain: Domain) -> Video:
    videos = domain.all(Video)
    return next((video for video in videos if video.marked), videos[0])


class VideoResolution(Part):
    """The resolution that a display adapter prefers."""

    path = "devices/video/model/resolution"

    x = field("@x", UNSIGNED, required=True, expected="a number of pixels, such as '1920'")
    y = field("@y", UNSIGNED, required=True, expected="a number of pixels, such as '1080'")


@rule(
    "video-none-not-alone",
    Video,
    bad="<video><model type='none'/></video><video><model type='vga'/></video>",
    good="<video><model type='none'/></video>",
)
def none_stands_alone(video: Video) -> Problems:
    """``<video>`` of type ``none`` must be the only video device."""
    if video.model == "none" and len(video.domain.all(Video)) > 1:
        yield problem(
            "a <video> of type 'none' must be the only one; remove it, or the others",
            video,
            "model/@type",
            fix=Fix(without=(path_of(video.node),)),
        )


@rule(
    "video-several-primaries",
    Video,
    bad="<video><model type='vga' primary='yes'/></video>"
    "<video><model type='virtio' primary='yes'/></video>",
    good="<video><model type='vga' primary='yes'/></video><video><model type='virtio'/></video>",
)
def one_primary(video: Video) -> Problems:
    """Only one ``<video>`` may have ``primary='yes'``."""
    if video.marked and not video.is_primary:
        yield problem(
            "another video device has primary='yes'; remove it here", video, "model/@primary",
            fix=set_value("no", "@primary"),
        )  # fmt: skip


@rule(
    "video-secondary-unsupported",
    Video,
    bad="<video><model type='virtio'/></video><video><model type='vga'/></video>",
    good="<video><model type='vga'/></video><video><model type='virtio'/></video>",
)
def secondary_is_qxl_or_virtio(video: Video) -> Problems:
    """A second ``<video>`` must be of type ``qxl`` or ``virtio``."""
    if (
        video.type
        and video.type != "none"
        and not model_named(video.type).screens
        and not video.is_primary
    ):
        yield problem(
            f"a video device of type {video.type!r} must be the primary one",
            video,
            "model/@type",
            accepted=sorted(name for name, model in MODELS.items() if model.screens),
        )


@rule(
    "video-heads-unsupported",
    Video,
    bad="<video><model type='vga' heads='2'/></video>",
    good="<video><model type='virtio' heads='2'/></video>",
    since=VIDEO_HEADS_CHECKED,
)
def heads_need_qxl_or_virtio(video: Video) -> Problems:
    """Attribute ``heads`` of ``<model>`` may be above 1 only for a ``<video>`` of type ``qxl`` or
    ``virtio``.
    """
    heads = video.heads
    several = heads is not None and heads != 1
    if several and not model_named(video.type).screens and not video.absent:
        yield problem(
            f"a video device of type {video.type or 'default'!r} has exactly one "
            "head; use heads='1'",
            video,
            "model/@heads",
            fix=set_value("1", "@heads", less=True),
        )


@rule(
    "video-model-undetermined",
    Video,
    bad=Sample("<video/>", arch="armv7l", machine="vexpress-a15"),
    good="<video/>",
)
def model_can_be_told(video: Video) -> Problems:
    """``<video>`` needs ``<model type='…'/>`` if libvirt has no default for the machine type."""
    if not video.type and video.domain.world.truth(VIDEO_KNOWN).value == "no":
        yield problem(
            "libvirt has no default video model for this machine type: set <model type='…'>",
            video,
            "model/@type",
            requires=VIDEO_KNOWN,
        )


@rule(
    "video-virtio-options-unsupported",
    Video,
    bad="<video><driver iommu='on'/><model type='vga'/></video>",
    good="<video><driver iommu='on'/><model type='virtio'/></video>",
    since=VIDEO_VIRTIO_OPTIONS,
)
def options_need_virtio(video: Video) -> Problems:
    """Attributes of ``<driver>`` such as ``iommu`` require a ``<video>`` of type ``virtio``."""
    if video.type != "virtio" and not video.absent:
        yield from given_options(video)


@rule(
    "video-resolution-zero",
    VideoResolution,
    bad="<video><model type='virtio'><resolution x='0' y='600'/></model></video>",
    good="<video><model type='virtio'><resolution x='800' y='600'/></model></video>",
)
def resolution_has_pixels(resolution: VideoResolution) -> Problems:
    """``<resolution>`` of ``<video>`` must be at least 1 by 1."""
    if 0 in {resolution.x, resolution.y} and not _video(resolution).absent:
        yield problem(
            "attributes 'x' and 'y' of <resolution> must be at least 1, such as x='1920' y='1080'",
            resolution,
        )


@rule(
    "video-resolution-unsupported",
    VideoResolution,
    bad="<video><model type='cirrus'><resolution x='800' y='600'/></model></video>",
    good="<video><model type='bochs'><resolution x='800' y='600'/></model></video>",
)
def resolution_needs_a_model(resolution: VideoResolution) -> Problems:
    """``<resolution>`` requires a ``<video>`` of type ``vga``, ``qxl``, ``virtio`` or ``bochs``."""
    video = _video(resolution)
    if video.type and not model_named(video.type).resolution and not video.absent:
        yield problem(
            f"a video device of type {video.type!r} does not support <resolution>; remove it",
            resolution,
        )


def _video(resolution: VideoResolution) -> Video:
    """Give the device that a resolution belongs to."""
    owner = resolution.node.getparent().getparent()  # type: ignore[union-attr]
    return next(v for v in resolution.domain.all(Video) if v.node is owner)


@rule(
    "video-ramfb-address",
    Video,
    bad="<video><model type='ramfb'/>"
    "<address type='pci' domain='0' bus='0' slot='5' function='0'/></video>",
    good="<video><model type='ramfb'/></video>",
)
def ramfb_has_no_address(video: Video) -> Problems:
    """``<video>`` of type ``ramfb`` cannot have an ``<address>``."""
    if video.type == "ramfb" and video.address is not None:
        yield problem(
            "a video device of type 'ramfb' cannot have an <address>; remove it", video, "address"
        )


@rule(
    "video-edid-invalid",
    Video,
    bad="<video><model type='cirrus' edid='on'/></video>",
    good="<video><model type='vga' edid='on'/></video>",
    since=VIDEO_EDID,
)
def edid_needs_a_model(video: Video) -> Problems:
    """Attribute ``edid`` of ``<model>`` requires a ``<video>`` of type ``vga``, ``virtio`` or
    ``bochs``.
    """
    model = video.find("model")
    edid = None if model is None else model.get("edid")
    if edid is None:
        return
    if edid not in ON_OFF.names:
        yield problem(
            f"attribute 'edid' of <model> is {edid!r}, but must be 'on' or 'off'",
            video,
            "model/@edid",
            accepted=ON_OFF.names,
        )
    elif video.type and not model_named(video.type).edid and not video.absent:
        yield problem(
            f"a video device of type {video.type!r} does not support 'edid'; remove it",
            video,
            "model/@edid",
        )
