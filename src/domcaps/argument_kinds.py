"""The kinds of arguments that public functions take, as their annotations write them.

``str | None``, ``Iterable[str]``, ``Mapping[str, str]``, ``str | Path`` and names of classes. An
iterable is looked at only if that does not use it up. A class is known by its name, so that nothing
is imported for a check. Plain classes: dataclasses would take longer to make than a first verdict
may.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Collection, Mapping

from domcaps.arguments import READ
from domcaps.patterns import late_pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

MOST_SHOWN = 60
"""A message repeats that many characters of an argument."""


class Misfit:
    """An argument that does not fit: its name (``disks[0]``), and the form that is required."""

    def __init__(self, name: str, value: object, wanted: str) -> None:
        self.name = name
        self.value = value
        self.wanted = wanted

    @property
    def shown(self) -> str:
        """Give the type of the value, and the value."""
        if self.value is None:
            return "None"
        text = repr(self.value)
        text = text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
        return f"the {type(self.value).__name__} {text}"


class ArgumentKind:
    """What an argument must be: `words` say it behind "must be".

    An object of one of the `exact` types fits without another look at it.
    """

    exact: frozenset[type] = frozenset()

    def __init__(self, words: str) -> None:
        self.words = words

    def surely_fits(self, value: object) -> bool:
        """Tell whether a look at types shows that a value fits: quick for 100,000 of them."""
        return type(value) in self.exact

    def misfit(self, name: str, value: object) -> Misfit | None:
        """Give what does not fit, None where all does."""
        return None if self.fits(value) else Misfit(name, value, self.words)

    def fits(self, value: object) -> bool:  # noqa: ARG002
        """Tell whether a value fits, for kinds that are one object."""
        return False


class PlainKind(ArgumentKind):
    """An object of some types; a bool is no number."""

    def __init__(self, words: str, *types: type) -> None:
        super().__init__(words)
        self.types = types
        self.exact = frozenset(types)

    def fits(self, value: object) -> bool:
        """Compare the type."""
        return isinstance(value, self.types) and (type(value) is not bool or bool in self.types)


class ClassKind(ArgumentKind):
    """An object of a class or a subclass, or one that has the attributes that stand for it."""

    def __init__(self, name: str, attributes: tuple[str, ...] = ()) -> None:
        super().__init__(f"{'an' if name[0] in 'AEIOU' else 'a'} {name}")
        self.name = name
        self.attributes = attributes

    def fits(self, value: object) -> bool:
        """Compare the names of the classes, unless attributes stand for it."""
        if self.attributes:
            return all(hasattr(value, one) for one in self.attributes)
        return any(base.__name__ == self.name for base in type(value).__mro__)


class LiteralKind(ArgumentKind):
    """One of some values."""

    def __init__(self, values: tuple[object, ...]) -> None:
        super().__init__(" or ".join(map(repr, values)))
        self.values = values

    def fits(self, value: object) -> bool:
        """Compare the value and its type."""
        return any(type(value) is type(one) and value == one for one in self.values)


class FunctionKind(ArgumentKind):
    """A function."""

    def fits(self, value: object) -> bool:
        """Tell whether it can be called."""
        return callable(value)


class ListKind(ArgumentKind):
    """Several objects: one text is none of these, as it would be taken for its letters."""

    def __init__(self, item: ArgumentKind) -> None:
        super().__init__("a list")
        self.item = item

    def misfit(self, name: str, value: object) -> Misfit | None:
        """Look at each item, unless that would use them up."""
        if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
            return Misfit(name, value, self.words)
        if not isinstance(value, Collection) or all(map(self.item.surely_fits, value)):
            return None
        return _first(self.item.misfit(f"{name}[{n}]", one) for n, one in enumerate(value))


class TupleKind(ArgumentKind):
    """A tuple with one object of each kind."""

    def __init__(self, items: tuple[ArgumentKind, ...]) -> None:
        super().__init__(f"a tuple of {' and '.join(item.words for item in items)}")
        self.items = items
        self._types = set(itertools.product(*(item.exact for item in items)))

    def surely_fits(self, value: object) -> bool:
        """Compare the types of the items."""
        return type(value) is tuple and tuple(map(type, value)) in self._types

    def misfit(self, name: str, value: object) -> Misfit | None:
        """Look at each item."""
        if not isinstance(value, tuple | list) or len(value) != len(self.items):
            return Misfit(name, value, self.words)
        pairs = enumerate(zip(self.items, value, strict=True))
        return _first(kind.misfit(f"{name}[{n}]", one) for n, (kind, one) in pairs)


class MappingKind(ArgumentKind):
    """A mapping; its values are of one kind."""

    def __init__(self, value: ArgumentKind) -> None:
        super().__init__("a dict")
        self.value = value

    def misfit(self, name: str, value: object) -> Misfit | None:
        """Look at each key and value."""
        if not isinstance(value, Mapping):
            return Misfit(name, value, self.words)
        wrong = next((key for key in value if not isinstance(key, str)), "")
        if not isinstance(wrong, str):
            return Misfit(f"a key of {name}", wrong, "a str")
        return _first(self.value.misfit(f"{name}[{key!r}]", one) for key, one in value.items())


class UnionKind(ArgumentKind):
    """One of some kinds."""

    def __init__(self, kinds: tuple[ArgumentKind, ...]) -> None:
        words = [kind.words for kind in kinds]
        super().__init__(" or ".join([", ".join(words[:-1]), words[-1]]))
        self.kinds = kinds
        self.exact = frozenset().union(*(kind.exact for kind in kinds))

    def misfit(self, name: str, value: object) -> Misfit | None:
        """Give the misfit that lies deepest: of ``disks[0]`` rather than of ``disks``."""
        found = [kind.misfit(name, value) for kind in self.kinds]
        if None in found:
            return None
        deeper = _first(one for one in found if one is not None and one.name != name)
        return deeper or Misfit(name, value, self.words)


def _first(found: Iterable[Misfit | None]) -> Misfit | None:
    return next((one for one in found if one is not None), None)


_PLAIN = {
    "str": PlainKind("a str", str),
    "bytes": PlainKind("bytes", bytes),
    "bool": PlainKind("True or False", bool),
    "int": PlainKind("an int", int),
    "float": PlainKind("a number", int, float),
    # closed lists for type checkers; what a wrong word means is said where it is read
    "GuestUse": PlainKind("a str", str),
    "GraphicsType": PlainKind("a str", str),
    "None": PlainKind("None", type(None)),
    "Path": PlainKind("a Path", os.PathLike),
}
_STAND_INS = {"Host": ("world_of",), "Executor": ("submit", "shutdown")}
"""Attributes by which an object is taken for one of a class: other libraries have such, too."""
_LISTS = frozenset({"Iterable", "Collection", "Sequence", "list"})
_ITEMS = late_pattern(rf"({'|'.join(sorted(_LISTS))})\[([\w |]+)\]")


@functools.cache
def kind_of(annotation: str) -> ArgumentKind:
    """Read an annotation."""
    if "[" not in annotation:
        return _either([_named(name) for name in annotation.split(" | ")])
    items = _ITEMS.fullmatch(annotation)
    if items is not None:
        return ListKind(kind_of(items[2]))
    # takes longer to load than most checks
    import ast

    return _kind(ast.parse(annotation, mode="eval").body)


def _kind(node: ast.expr) -> ArgumentKind:
    import ast

    if isinstance(node, ast.BinOp):
        return _either([_kind(node.left), _kind(node.right)])
    if isinstance(node, ast.Subscript):
        return _kind_with_items(ast.unparse(node.value), node.slice)
    return _named(ast.unparse(node))


def _either(kinds: list[ArgumentKind]) -> ArgumentKind:
    """Give the kind of what is of one of several, those in a union taken by themselves."""
    if len(kinds) == 1:
        return kinds[0]
    parts = [one.kinds if isinstance(one, UnionKind) else (one,) for one in kinds]
    return UnionKind(tuple(kind for part in parts for kind in part))


def _named(name: str) -> ArgumentKind:
    return _PLAIN.get(name) or ClassKind(name, _STAND_INS.get(name, ()))


def _kind_with_items(name: str, inner: ast.expr) -> ArgumentKind:
    import ast

    items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name in _LISTS:
        return ListKind(_kind(items[0]))
    if name == "tuple":
        return TupleKind(tuple(map(_kind, items)))
    if name == "Mapping":
        return MappingKind(_kind(items[1]))
    if name == "Literal":
        return LiteralKind(tuple(ast.literal_eval(item) for item in items))
    if name == "Callable":
        return FunctionKind("a function")
    raise NotImplementedError(f"an argument of the kind {name}[…] is not checked")


def remedy(misfit: Misfit, *, is_optional: bool) -> str:
    """Say what to write instead; "" where nothing is likely."""
    if misfit.value is None:
        return "leave it out" if is_optional else ""
    return _for_several(misfit) or _for_one(misfit)


def _for_several(misfit: Misfit) -> str:
    name, value, wanted = misfit.name, misfit.value, misfit.wanted
    if "a list" not in wanted:
        return ""
    if hasattr(value, "world_of"):
        return "write [host]"
    if isinstance(value, os.PathLike):
        value = str(value)
    return f"write {name}=[{value!r}]" if isinstance(value, str | bytes) else ""


def _for_one(misfit: Misfit) -> str:
    value, wanted = misfit.value, misfit.wanted
    is_name = isinstance(value, str | os.PathLike)
    if is_name and "a Host" in wanted:
        return "Host.open('…') opens what --host of the command line names"
    if is_name and "a Recording" in wanted:
        return "Host.open('…') reads the file of a recording; its .recording is one"
    if is_name and wanted == "bytes":
        return READ
    if "an int" in wanted:
        return f"write {value}" if isinstance(value, str) and value.isdecimal() else ""
    return _as_text(value) if "a str" in wanted else ""


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return "decode it: ….decode()"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"write {str(value)!r}" if is_number or isinstance(value, os.PathLike) else ""
