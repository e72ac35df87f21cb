"""Classes whose instances never change and are equal by value, without generated code.

`dataclasses.dataclass` writes and compiles methods for each class, and loads `inspect`: that was a
tenth of the time of a first verdict. Predicates and value types have abstract methods, so that they
can't be `domcaps.language.struct.Struct` either, which is what all other records are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def immutable(cls: type[T]) -> type[T]:
    """Give a class what a frozen dataclass has; its fields are its annotations, bases first.

    A default stands in the class. A method that the class defines itself is left as it is.
    """
    names = _field_names(cls)
    defaults = {name: getattr(cls, name) for name in names if hasattr(cls, name)}
    methods: dict[str, Callable[..., Any]] = {
        "__init__": _initializer(names, defaults),
        "__eq__": _same,
        "__hash__": _hash,
        "__repr__": _shown,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }
    for name, method in methods.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    setattr(cls, "__match_args__", names)  # noqa: B010 - no attribute that the type declares
    return cls


def _field_names(cls: type) -> tuple[str, ...]:
    """Give the annotated names of a class; those of bases count where they are immutable too."""
    known = (vars(base).get("__match_args__") for base in cls.__mro__[1:])
    inherited: tuple[str, ...] = next(filter(None, known), ())
    return (*inherited, *vars(cls).get("__annotations__", ()))


def _initializer(names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    number = len(names)

    def __init__(self: Any, *given: Any, **named: Any) -> None:  # noqa: N807
        # an instance is written to through its dictionary alone
        values = self.__dict__
        values.update(defaults)
        values.update(zip(names, given))  # noqa: B905 - too many are found below
        values.update(named)
        if len(values) != number or len(given) > number:
            wrong = sorted(named.keys() - names) or [n for n in names if n not in values]
            raise TypeError(f"{type(self).__name__}: missing, unknown or too many: {wrong}")

    return __init__


def _values(owner: Any) -> tuple[Any, ...]:
    return tuple([owner.__dict__[name] for name in owner.__match_args__])


def _same(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _shown(self: Any) -> str:
    fields = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({fields})"


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise AttributeError(f"{type(self).__name__} is immutable: cannot change {name!r}")
