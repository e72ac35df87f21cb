"""How many codecs a sound card has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.display.sound import Sound
from domcaps.language.finding import Stage
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_MOST_CODECS = 15
_CARD = "<sound model='ich9'>{}</sound>"
_CODEC = "<codec type='duplex'/>"


@rule(
    "sound-codecs-fail-at-start",
    Sound,
    bad=_CARD.format(_CODEC * 16),
    good=_CARD.format(_CODEC * 15),
    stage=Stage.START,
)
def codecs_are_few(sound: Sound) -> Problems:
    """``<sound>`` may have at most 15 elements ``<codec>``."""
    codecs = sound.node.findall("codec")
    if len(codecs) > _MOST_CODECS and sound.model in {"ich6", "ich7", "ich9"}:
        message = f"a sound card has at most {_MOST_CODECS} codecs; remove the others"
        yield problem(message, codecs[_MOST_CODECS])
