"""How long the name of a shared folder may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.storage.filesystem_rules import Filesystem
from domcaps.language.finding import Stage
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_LONGEST_9P, _LONGEST_VIRTIOFS = 31, 36
_SHARE = "<filesystem><source dir='/a'/><target dir='{}'/></filesystem>"


@rule(
    "filesystem-target-fails-at-start",
    Filesystem,
    bad=_SHARE.format("t" * 32),
    good=_SHARE.format("t" * 31),
    stage=Stage.START,
)
def tags_are_short(share: Filesystem) -> Problems:
    """Attribute ``dir`` of ``<target>`` in ``<filesystem>`` may have up to 31 bytes, with virtiofs
    up to 36.
    """
    most = _LONGEST_VIRTIOFS if share.is_virtiofs else _LONGEST_9P
    size = len((share.tag or "").encode())
    if size > most and share.driver != "mtp":
        message = (
            f"attribute 'dir' of <target> has {size} bytes, but may have at most {most}; shorten it"
        )
        yield problem(message, share, "target/@dir")
