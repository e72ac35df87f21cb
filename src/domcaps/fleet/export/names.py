"""Names of features in the alphabets of others: unique, short enough, and stable."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LABEL_LENGTH = 63
"""Characters of a label's name or value (Kubernetes)."""

TRAIT_LENGTH = 255
"""Characters of a trait's name (OpenStack Placement)."""

TRAIT_PREFIX = "CUSTOM_DOMCAPS_"
LABEL_PREFIX = "domcaps-"
_NOT_LABEL = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_NOT_TRAIT = re.compile(r"[^A-Z0-9]+", re.ASCII)
_ENDS = "._-"


def label_name(feature: str, prefix: str = LABEL_PREFIX) -> str:
    """Give the name of a label: ``video.modelType=vga`` is ``domcaps-video.modelType.vga``.

    A name that had to be changed more than by that ends with a part of its hash, so that no two
    features share one.
    """
    plain = feature.replace("=", ".")
    return _fitted(prefix + _NOT_LABEL.sub("_", plain), prefix + plain, LABEL_LENGTH, feature)


def label_value(text: str) -> str:
    """Give a text as a label's value: at most 63 characters, which begin and end plainly."""
    return _NOT_LABEL.sub("_", text)[:LABEL_LENGTH].strip(_ENDS)


def trait_name(feature: str) -> str:
    """Give the name of a trait: ``video.modelType=vga`` is ``CUSTOM_DOMCAPS_VIDEO_MODELTYPE_VGA``.

    Features that differ in case or punctuation alone get different names by `trait_names`.
    """
    text = TRAIT_PREFIX + _NOT_TRAIT.sub("_", feature.upper()).strip("_")
    return _fitted(text, text, TRAIT_LENGTH, feature)


def trait_names(features: Iterable[str]) -> dict[str, str]:
    """Name features by traits; where two would share a name, all but the first get a hash."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for feature in sorted(set(features)):
        name = trait_name(feature)
        if name in taken:
            name = f"{name[: TRAIT_LENGTH - 9]}_{_hash(feature).upper()}"
        taken.add(name)
        found[feature] = name
    return found


def _fitted(name: str, plain: str, longest: int, feature: str) -> str:
    name = name.rstrip(_ENDS)
    if name == plain and len(name) <= longest:
        return name
    kept = name[: longest - 9].rstrip(_ENDS)
    return (
        f"{kept}-{_hash(feature)}"
        if longest == LABEL_LENGTH
        else f"{kept}_{_hash(feature).upper()}"
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
