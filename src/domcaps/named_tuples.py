"""`typing.NamedTuple` without looks at annotations, which cost more than all else of such a class.

Each annotation would be compiled. Modules that a verdict loads use it in the same way: they need
``from __future__ import annotations``. Elsewhere `typing.NamedTuple` will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import namedtuple

    _KEPT_APART = frozenset({"__module__", "__qualname__", "__annotations__"})

    class _NamedTupleType(type):
        """Makes a class of tuples of a class statement."""

        def __new__(cls, name: str, _: tuple[type, ...], namespace: dict[str, Any]) -> type:
            types = namespace.get("__annotations__", {})
            defaults = [namespace.pop(field) for field in types if field in namespace]
            made = namedtuple(name, types, defaults=defaults, module=namespace["__module__"])  # noqa: PYI024
            made.__qualname__ = namespace["__qualname__"]
            made.__annotations__ = types
            for attribute, value in namespace.items():
                if attribute not in _KEPT_APART:
                    setattr(made, attribute, value)
            return made

    # the base of a class statement has the type that makes the class: a plain tuple
    NamedTuple = type.__new__(_NamedTupleType, "NamedTuple", (), {})
