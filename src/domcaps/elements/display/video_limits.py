"""Limits of QEMU's display adapters that libvirt does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.display.video import Video
from domcaps.language.finding import Stage
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_MOST_HEADS = 16
_LEAST_KIB, _MOST_KIB = 4 << 10, 256 << 10


@rule(
    "video-heads-fail-at-start",
    Video,
    bad="<video><model type='virtio' heads='17'/></video>",
    good="<video><model type='virtio' heads='16'/></video>",
    stage=Stage.START,
)
def virtio_has_few_heads(video: Video) -> Problems:
    """Attribute ``heads`` of a ``virtio`` video ``<model>`` must be at most 16."""
    if video.type == "virtio" and (video.heads or 0) > _MOST_HEADS:
        yield problem(
            f"a video device of type 'virtio' has at most {_MOST_HEADS} heads",
            video,
            "model/@heads",
            accepted=(str(_MOST_HEADS),),
        )


@rule(
    "video-vram-fails-at-start",
    Video,
    bad="<video><model type='bochs' vram='1024'/></video>",
    good="<video><model type='bochs' vram='16384'/></video>",
    stage=Stage.START,
)
def bochs_has_memory_in_bounds(video: Video) -> Problems:
    """Attribute ``vram`` of a ``bochs`` video ``<model>`` must be from 4096 to 262144 KiB."""
    size = video.vram or 0
    if video.type == "bochs" and size and not _LEAST_KIB <= size <= _MOST_KIB:
        nearest = _LEAST_KIB if size < _LEAST_KIB else _MOST_KIB
        yield problem(
            f"'vram' of a video device of type 'bochs' is {size}, but must be from {_LEAST_KIB} "
            f"to {_MOST_KIB} (KiB)",
            video,
            "model/@vram",
            accepted=(str(nearest),),
        )
