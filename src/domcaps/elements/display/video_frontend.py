"""Which device QEMU shows to the guest for a ``<video>``, and what draws behind it.

::

    <video>
      <driver name='vhostuser'/>
      <model type='virtio' blob='on' device='vhost-user-vga'>
        <acceleration accel3d='yes' rendernode='/dev/dri/renderD128'/>
      </model>
    </video>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.programs import missing_program
from domcaps.elements.display.graphics import Graphics, draws_with_opengl
from domcaps.elements.display.video import Video
from domcaps.elements.qemu.of_host import UDMABUF
from domcaps.language.changes.display import VIDEO_BLOB, VIDEO_FRONTEND
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.observed import device, device_property
from domcaps.language.predicate import AnyOf
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from domcaps.language.part import Part
    from domcaps.language.predicate import Predicate

VHOST_USER_GPU = device("vhost-user-gpu")
_FORMS = ("virtio-gpu-pci", "virtio-gpu-device", "virtio-gpu-ccw")


def _gpu_property(name: str) -> Predicate:
    return AnyOf(tuple(device_property(form, name) for form in _FORMS))


# the older way was a property of the one device, the newer one are devices of their own
ACCELERATED = _gpu_property("virgl") | device("virtio-gpu-gl-pci", "virtio-vga-gl")
BLOB = _gpu_property("blob")

FRONTENDS = {
    "virtio-vga": device("virtio-vga"),
    "virtio-vga-gl": device("virtio-vga-gl"),
    "virtio-gpu": device("virtio-gpu-pci", "virtio-gpu-device", "virtio-gpu-ccw"),
    "virtio-gpu-gl": device("virtio-gpu-gl-pci", "virtio-gpu-gl-device"),
    "vhost-user-vga": device("vhost-user-vga"),
    "vhost-user-gpu": VHOST_USER_GPU,
}

_VHOST = "<driver name='vhostuser'/>"


@rule(
    "video-driver-unsupported",
    Video,
    bad=f"<video>{_VHOST}<model type='vga'/></video>",
    good=f"<video>{_VHOST}<model type='virtio'/></video>",
)
def vhostuser_needs_virtio(video: Video) -> Problems:
    """``<driver name='vhostuser'>`` of ``<video>`` requires ``type='virtio'``, and a QEMU that
    supports it.
    """
    if video.driver != "vhostuser" or video.absent:
        return
    if video.type != "virtio":
        yield problem(
            "<driver name='vhostuser'> requires a video device of type 'virtio'",
            video,
            "driver/@name",
        )
    else:
        yield from needs(
            video,
            VHOST_USER_GPU,
            "this QEMU does not have vhost-user-gpu",
            "driver/@name",
            accepted=["qemu"],
        )


@rule(
    "video-rendernode-unsupported",
    Video,
    bad="<video><model type='virtio'><acceleration rendernode='/dev/dri/r'/></model></video>",
    good=f"<video>{_VHOST}<model type='virtio'>"
    "<acceleration rendernode='/dev/dri/r'/></model></video>",
)
def rendernode_needs_vhostuser(video: Video) -> Problems:
    """Attribute ``rendernode`` of ``<acceleration>`` requires ``<driver name='vhostuser'/>``."""
    if video.rendernode is not None and video.driver != "vhostuser" and not video.absent:
        yield problem(
            "attribute 'rendernode' requires <driver name='vhostuser'/>",
            video,
            "model/acceleration/@rendernode",
        )


@rule(
    "video-acceleration-empty",
    Video,
    bad="<video><model type='virtio'><acceleration/></model></video>",
    good="<video><model type='virtio'><acceleration accel3d='no'/></model></video>",
)
def acceleration_says_something(video: Video) -> Problems:
    """``<acceleration>`` of ``<video>`` needs at least one attribute."""
    node = video.find("model/acceleration")
    if node is not None and not {"accel2d", "accel3d", "rendernode"} & set(node.attrib):
        yield problem(
            "<acceleration> has no attributes; remove it",
            node,
            accepted=["accel3d", "accel2d", "rendernode"],
        )


@rule(
    "video-accel2d-unsupported",
    Video,
    bad="<video><model type='virtio'><acceleration accel2d='yes'/></model></video>",
    good="<video><model type='virtio'><acceleration accel2d='no'/></model></video>",
)
def no_2d_acceleration(video: Video) -> Problems:
    """``accel2d='yes'`` of ``<acceleration>`` is not supported by QEMU."""
    if video.accel2d == "yes" and not video.absent:
        yield problem(
            "QEMU does not support 2D acceleration; remove accel2d",
            video,
            "model/acceleration/@accel2d",
            accepted=["no"],
        )


@rule(
    "video-accel3d-unsupported",
    Video,
    bad=Sample(
        "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>", arch="s390x"
    ),
    good="<video><model type='virtio'><acceleration accel3d='no'/></model></video>",
)
def acceleration_needs_virtio(video: Video) -> Problems:
    """``accel3d='yes'`` of ``<acceleration>`` requires a video device of type ``virtio``, and a
    QEMU that supports it.

    From libvirt 12.5 on, it is ignored for other types, and for models with a front end.
    """
    if video.accel3d != "yes" or video.driver == "vhostuser" or video.absent:
        return
    at = "model/acceleration/@accel3d"
    if video.type != "virtio":
        if video.type and not libvirt_reads(video, VIDEO_FRONTEND):
            yield problem("accel3d='yes' requires a video device of type 'virtio'", video, at)
    elif not (libvirt_reads(video, VIDEO_FRONTEND) and frontend(video)):
        yield from needs(
            video, ACCELERATED, "this QEMU does not support 3D acceleration", at, accepted=["no"]
        )


_3D = "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>"


@rule(
    "video-accel3d-without-opengl",
    Video,
    bad=f"<graphics type='vnc'/>{_3D}",
    good=f"<graphics type='vnc'/><graphics type='egl-headless'/>{_3D}",
    stage=Stage.START,
)
def acceleration_needs_opengl(video: Video) -> Problems:
    """``accel3d='yes'`` of ``<acceleration>`` requires ``<graphics>`` with OpenGL; otherwise QEMU
    fails at start.
    """
    wanted = video.accel3d == "yes" and video.type == "virtio" and video.driver != "vhostuser"
    if not wanted or video.absent or any(map(draws_with_opengl, video.domain.all(Graphics))):
        return
    if video.domain.world.truth(ACCELERATED) is Truth.YES:
        yield problem(
            "3D acceleration requires a display with OpenGL: add <graphics "
            "type='egl-headless'/>, or <gl enable='yes'/> to SPICE, SDL or D-Bus",
            video,
            "model/acceleration/@accel3d",
            accepted=["no"],
            fix=Fix(add="<devices><graphics type='egl-headless'/></devices>"),
        )


@rule(
    "video-blob-unsupported",
    Video,
    since=VIDEO_BLOB,
    bad="<video><model type='virtio' blob='on'/></video>",
    good="<video><model type='virtio' blob='off'/></video>",
)
def blobs_need_virtio_and_memfd(video: Video) -> Problems:
    """``blob='on'`` of a video ``<model>`` requires ``type='virtio'``, memory of type ``memfd``,
    and a QEMU that supports it.
    """
    if video.blob is None or video.absent:
        return
    if video.type != "virtio":
        yield problem(
            f"a video device of type {video.type!r} does not support 'blob'; remove it",
            video,
            "model/@blob",
        )
        return
    yield from needs(
        video, BLOB, "this QEMU does not support blob resources; remove 'blob'", "model/@blob"
    )
    if video.blob == "on" and not _memory_is_memfd(video):
        yield problem(
            "blob='on' requires <memoryBacking><source type='memfd'/></memoryBacking>",
            video,
            "model/@blob",
            accepted=["off"],
            fix=Fix(add="<memoryBacking><source type='memfd'/></memoryBacking>"),
        )


@rule(
    "video-device-invalid",
    Video,
    bad="<video><model type='virtio' device='virtio-qxl'/></video>",
    good="<video><model type='virtio' device='virtio-gpu'/></video>",
    since=VIDEO_FRONTEND,
)
def frontend_is_known(video: Video) -> Problems:
    """Attribute ``device`` of a video ``<model>`` must be a virtio video device that QEMU has."""
    name = frontend(video)
    model = video.find("model")
    named = model is not None and model.get("device") is not None
    if not named:
        return
    if name not in FRONTENDS:
        yield problem(
            f"{name!r} is not a virtio video device", video, "model/@device", accepted=FRONTENDS
        )
    elif video.type == "virtio":
        yield from needs(
            video, FRONTENDS[name], f"this QEMU does not have the device {name!r}", "model/@device"
        )


@rule(
    "video-device-unsupported",
    Video,
    bad="<video/><video><model type='virtio' device='virtio-vga'/></video>",
    good="<video/><video><model type='virtio' device='virtio-gpu'/></video>",
    since=VIDEO_FRONTEND,
)
def frontend_fits(video: Video) -> Problems:
    """Attribute ``device`` of a video ``<model>`` must suit ``<driver>``; a device with VGA must be
    the primary one.
    """
    name = frontend(video)
    if name not in FRONTENDS or video.type != "virtio":
        return
    if name.startswith("vhost-user") != (video.driver == "vhostuser"):
        yield problem(
            f"the device {name!r} is not valid with <driver name={video.driver or 'qemu'!r}>",
            video,
            "model/@device",
        )
    elif "vga" in name and not video.is_primary:
        yield problem(
            f"the device {name!r} must be the primary video device", video, "model/@device"
        )


def frontend(video: Video) -> str:
    """Give the front end that is named, "" where libvirt is to choose."""
    model = video.find("model")
    return "" if model is None else model.get("device", "")


def _memory_is_memfd(part: Part) -> bool:
    source = part.domain.root.find("memoryBacking/source")
    return source is not None and source.get("type") == "memfd"


_NO_VHOST_GPU = missing_program("vhost-user-gpu")
_BLOB = (
    "<memoryBacking><source type='memfd'/></memoryBacking>"
    "<video><model type='virtio' blob='{}'/></video>"
)


@rule(
    "video-blob-fails-at-start",
    Video,
    bad=Sample(_BLOB.format("on"), lacking=(UDMABUF,)),
    good=_BLOB.format("off"),
    stage=Stage.START,
    live=True,
)
def blobs_need_udmabuf(video: Video) -> Problems:
    """``blob='on'`` of a video ``<model>`` requires the device /dev/udmabuf on the host; otherwise
    QEMU fails at start.
    """
    if video.blob != "on" or video.absent or video.type != "virtio":
        return
    world = video.domain.world
    state = world.file_state(UDMABUF)
    if state is None:
        world.unknown.add(f"{UDMABUF} exists, which blob='on' needs")
    elif not state.exists:
        yield problem(
            f"blobs need {UDMABUF}, which does not exist on this host: load the module udmabuf",
            video,
            "model/@blob",
            accepted=("off",),
        )


@rule(
    "video-vhostuser-program-missing",
    Video,
    bad=Sample(f"<video>{_VHOST}<model type='virtio'/></video>", lacking=("helpers",)),
    good="<video><model type='virtio'/></video>",
    stage=Stage.START,
)
def vhostuser_has_its_program(video: Video) -> Problems:
    """``<driver name='vhostuser'/>`` of ``<video>`` requires the program ``vhost-user-gpu`` on the
    host.
    """
    world = video.domain.world
    if video.driver != "vhostuser" or video.absent or world.truth(_NO_VHOST_GPU) is not Truth.YES:
        return
    yield problem(
        "<driver name='vhostuser'/> needs the program vhost-user-gpu, which is not installed",
        video,
        "driver/@name",
        reason=_NO_VHOST_GPU.explain(world),
    )
