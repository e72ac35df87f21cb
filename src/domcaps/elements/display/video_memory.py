"""How much memory a ``<video>`` has.

::

    <video>
      <model type='qxl' ram='65536' vram='65536' vram64='0' vgamem='16384'/>
    </video>

All figures are KiB. libvirt rounds ``ram`` and ``vram`` up to the next power of two before it
compares them with anything.
"""

from __future__ import annotations

from domcaps.elements.display.video import Video
from domcaps.language.rule import Problems, Sample, problem, rule

_ONLY_QXL = ("ram", "vram64", "vgamem")
_MOST_ROUNDED = 1 << 31
# in bytes the figure must fit into 32 bits
_MOST_QXL = (2**32 - 1) // 1024
_LEAST = 1024
_WITH_QXL = Sample("<video><model type='qxl'/></video>")


@rule(
    "video-memory-unsupported",
    Video,
    bad="<video><model type='vga' vgamem='16384'/></video>",
    good="<video><model type='vga' vram='16384'/></video>",
)
def only_qxl_has_several(video: Video) -> Problems:
    """Attributes ``ram``, ``vram64`` and ``vgamem`` of ``<model>`` require a ``<video>`` of type
    ``qxl``.
    """
    if video.type == "qxl" or video.absent:
        return
    for name in _ONLY_QXL:
        given = getattr(video, name)
        # this one is rounded up, and nothing is left of what needs more than 32 bits then
        if given and (name != "ram" or given <= _MOST_ROUNDED):
            yield problem(
                f"attribute {name!r} requires a video device of type 'qxl'; remove it",
                video,
                f"model/@{name}",
            )


@rule(
    "video-qxl-memory-too-large",
    Video,
    bad="<video><model type='qxl' vram='2097153'/></video>",
    good=_WITH_QXL,
)
def qxl_memory_fits(video: Video) -> Problems:
    """Memory sizes of a ``qxl`` ``<model>``, rounded up to powers of two, must be below 4 GiB."""
    if video.type != "qxl":
        return
    for name in ("ram", "vram"):
        if _rounded(getattr(video, name) or 0) > _MOST_QXL:
            yield problem(
                f"attribute {name!r} of <model> must be at most {_MOST_QXL // 2 + 1} (KiB), "
                "such as '65536'",
                video,
                f"model/@{name}",
            )


@rule(
    "video-qxl-vgamem-invalid",
    Video,
    bad="<video><model type='qxl' vgamem='3000'/></video>",
    good="<video><model type='qxl' vgamem='16384'/></video>",
)
def vgamem_is_a_power_of_two(video: Video) -> Problems:
    """Attribute ``vgamem`` of a ``qxl`` ``<model>`` must be a power of two, at least 1024 (KiB)."""
    size = video.vgamem
    if video.type == "qxl" and size and (size < _LEAST or size != _rounded(size)):
        yield problem(
            "attribute 'vgamem' must be a power of two, at least 1024 (KiB), such as '16384'",
            video,
            "model/@vgamem",
        )


@rule(
    "video-vram-too-small",
    Video,
    bad="<video><model type='vga' vram='512'/></video>",
    good="<video><model type='vga' vram='1024'/></video>",
)
def vram_is_a_mebibyte(video: Video) -> Problems:
    """Attribute ``vram`` of a ``vga`` or ``vmvga`` ``<model>`` must be at least 1024 (KiB)."""
    if video.type in {"vga", "vmvga"} and video.vram and video.vram <= _LEAST // 2:
        yield problem(
            "attribute 'vram' must be at least 1024 (KiB), such as '16384'", video, "model/@vram"
        )


def _rounded(size: int) -> int:
    """Give the next power of two, 0 where 32 bits have no such: libvirt reads that as no size."""
    return 1 << (size - 1).bit_length() if 0 < size <= _MOST_ROUNDED else 0
