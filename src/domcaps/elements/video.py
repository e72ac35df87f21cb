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
* What is older or newer than another libvirt is said with ``since`` and ``until``.

To add a model, add a line. Nothing else has to change.
"""

from domcaps.language import ALWAYS, Choice, Element, Enum
from domcaps.language.kinds import POSITIVE, YES_NO
from domcaps.language.observed import device
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, problem, rule

MODEL_TYPE = Enum(
    "modelType",
    attribute="model/@type",
    choices=(
        Choice("vga", device("VGA")),
        Choice("cirrus", device("cirrus-vga")),
        Choice("vmvga", device("vmware-svga")),
        Choice("qxl", device("qxl")),
        # the PCI device and the one that other buses wrap: either carries the model
        Choice("virtio", device("virtio-gpu-pci", "virtio-gpu-device")),
        # a machine without a display adapter
        Choice("none", ALWAYS),
        Choice("bochs", device("bochs-display")),
        Choice("ramfb", device("ramfb")),
    ),
)

ELEMENT = Element("video", order=30, content=(MODEL_TYPE,))


class Video(Part):
    """A display adapter of a domain."""

    path = "devices/video"

    model = field("model/@type", choice=MODEL_TYPE)
    heads = field("model/@heads", POSITIVE)
    primary = field("model/@primary", YES_NO)


@rule(
    "video-none-not-alone",
    Video,
    bad="<video><model type='none'/></video><video><model type='vga'/></video>",
    good="<video><model type='none'/></video>",
)
def none_stands_alone(video: Video) -> Problems:
    """A video of type ``none`` says that there is no display: no other may stand beside it."""
    if video.model == "none" and len(video.domain.all(Video)) > 1:
        yield problem("'none' can't stand beside another video device", video, "model/@type")


@rule(
    "video-several-primaries",
    Video,
    bad="<video><model type='vga' primary='yes'/></video>"
    "<video><model type='virtio' primary='yes'/></video>",
    good="<video><model type='vga' primary='yes'/></video><video><model type='virtio'/></video>",
)
def one_primary(video: Video) -> Problems:
    """Only one display adapter can be the primary one, which firmware and console use."""
    primaries = [v for v in video.domain.all(Video) if v.primary == "yes"]
    if video.primary == "yes" and video.node is not primaries[0].node:
        yield problem("another video device is the primary one already", video, "model/@primary")
