"""Tuples with names: they are what `typing.NamedTuple` would make."""

from __future__ import annotations

import pickle
import typing

import pytest

from domcaps.named_tuples import NamedTuple


class Place(NamedTuple):
    """A place of a device."""

    bus: int
    slot: int = 3

    def __str__(self) -> str:
        """Write it."""
        return f"{self.bus}:{self.slot}"

    @property
    def is_first(self) -> bool:
        """Whether it is the first slot."""
        return self.slot == 0


class Usual(typing.NamedTuple):
    """A place of a device."""

    bus: int
    slot: int = 3


def test_it_has_what_the_usual_one_has() -> None:
    assert Place._fields == Usual._fields
    assert Place._field_defaults == Usual._field_defaults
    assert Place.__mro__[1:] == Usual.__mro__[1:] == (tuple, object)
    assert Place.__doc__ == Usual.__doc__
    assert Place.__module__ == Usual.__module__
    assert typing.get_type_hints(Place) == typing.get_type_hints(Usual)


def test_its_objects_are_tuples_with_methods() -> None:
    place = Place(1)
    assert place == (1, 3) == Place(bus=1, slot=3)
    assert (str(place), place.is_first, place._replace(slot=0).is_first) == ("1:3", False, True)
    assert repr(place) == "Place(bus=1, slot=3)"
    assert pickle.loads(pickle.dumps(place)) == place  # noqa: S301 - its own


def test_a_field_without_a_value_is_refused() -> None:
    with pytest.raises(TypeError, match="bus"):
        Place()  # type: ignore[call-arg]
