"""Frozen records that cost nothing to load: what is proven of an answer is made of them.

A process that prints a kept answer spends most of its time on imports. msgspec and typing together
take three times as long as all that is checked, so records here are tuples with names.
"""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self, dataclass_transform

    _Tuple = tuple[Any, ...]
else:
    _Tuple = tuple

    def dataclass_transform(**_: object):  # noqa: D103 - as in typing
        return lambda kind: kind


@dataclass_transform(frozen_default=True)
class PlainRecord(_Tuple):
    """A tuple of the class's name and its fields, which are annotated as in a dataclass.

    So records are equal where class and fields are.
    """

    fields: ClassVar[dict[str, str]] = {}
    """The fields, with their types as they are written."""

    _defaults: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls) -> None:
        """Take the fields of a class, those of its bases first."""
        own = {name: kind for name, kind in cls.__annotations__.items() if "ClassVar" not in kind}
        given = {name: cls.__dict__[name] for name in own if name in cls.__dict__}
        cls._defaults = {**cls._defaults, **given}
        cls.fields = {**cls.fields, **own}
        for place, name in enumerate(cls.fields, 1):
            setattr(cls, name, property(itemgetter(place)))

    if not TYPE_CHECKING:

        def __new__(cls, *values: object, **named: object) -> Self:
            """Make a record of all its fields but those that have a default."""
            if named or len(values) != len(cls.fields):
                values = cls._complete(values, named)
            return tuple.__new__(cls, (cls.__name__, *values))

    @classmethod
    def _complete(cls, values: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
        given = {**cls._defaults, **dict(zip(cls.fields, values, strict=False)), **named}
        if len(values) > len(cls.fields) or given.keys() != cls.fields.keys():
            raise TypeError(f"{cls.__name__} takes the fields {', '.join(cls.fields)}")
        return tuple([given[name] for name in cls.fields])

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Give the fields, for copies and other processes."""
        return tuple(self[1:])

    def __repr__(self) -> str:
        """Write it as it is made."""
        pairs = zip(self.fields, self[1:], strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"
