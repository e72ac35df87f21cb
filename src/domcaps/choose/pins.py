"""Values that were chosen once and are kept, so that a guest is made alike on the next release."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from domcaps.choose.catalogue import enums
from domcaps.errors import RequestError
from domcaps.similar import close_matches
from domcaps.validate.alternatives import decisions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.choose.chosen import Chosen
    from domcaps.choose.wishes import Wishes

_FORM = "domcaps-pin-1"


class _Pins(msgspec.Struct):
    """A file of pinned values."""

    form: str
    values: dict[str, str]


def dumps(chosen: Chosen) -> str:
    """Write down what was decided."""
    return json.dumps({"form": _FORM, "values": chosen.pins}, indent=2) + "\n"


def loads(text: str, where: str) -> dict[str, str]:
    """Read pinned values; raises `RequestError` for other files. `where` names the file."""
    try:
        content = msgspec.json.decode(text, type=_Pins)
    except (msgspec.DecodeError, ValueError, RecursionError):
        content = _Pins("", {})
    if content.form != _FORM:
        raise RequestError(f"{where} has no values that 'domcaps new --pin' wrote")
    return content.values


def text_of(name: str, value: str) -> str:
    """Give the words of a pinned value's wish."""
    return f"the pinned {name}={value or 'left out'}"


def add(wishes: Wishes, pinned: Mapping[str, str]) -> None:
    """Wish for the pinned values of which nothing else is wanted."""
    said = {wish.name for wish in wishes.all}
    known = {"virttype", *enums(), *(decision.name for decision in decisions())}
    for name, value in pinned.items():
        if name not in known:
            near = close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            wishes.notes.append(f"the pinned {name!r} is no decision, and is ignored{hint}")
        elif name not in said:
            wishes.narrow(name, (value,), text_of(name, value))
