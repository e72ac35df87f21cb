"""Public functions refuse arguments of a wrong type, a wrong name or a wrong number alike.

::

    @checked
    def validate(self, xml: str | bytes, libvirt: str = "auto", *, new: bool = True) -> Validation:

The annotations say what is taken. They are read at the first call; `domcaps.argument_kinds` knows
which of their forms there are. Every refusal is a `WrongTypeError`. Where None is taken, an empty
text means the same, as in results; documents are an exception. An empty `libvirt` is the default.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from domcaps._version import DEFAULT_DIALECT
from domcaps.arguments import require_document
from domcaps.errors import WrongTypeError
from domcaps.one_call import CURRENT, OneCall
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType

    from domcaps.argument_kinds import ArgumentKind

P = ParamSpec("P")
R = TypeVar("R")

_DOCUMENT = "str | bytes"
"""The annotation of a document, for which the name of a file is often given."""
_OWN = frozenset({"self", "cls"})
_VAR_NAMED = 0x08
"""Flag of a code object that has ``**named``."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Have a public function raise `WrongTypeError` for arguments that it does not take.

    The arguments are checked when the function is called, also if it is a generator. Costs a few
    microseconds for each call. What the function does is one call (`domcaps.one_call`).
    """
    known: list[_Signature] = []

    @functools.wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        if not known:
            known.append(_Signature(function))
        if known[0].check(arguments, named):
            given, options = known[0].without_empty(arguments, named)
            return cast("Callable[..., R]", call)(*given, **options)
        if CURRENT.get() is not None:
            return function(*arguments, **named)
        token = CURRENT.set(OneCall())
        try:
            return function(*arguments, **named)
        finally:
            CURRENT.reset(token)

    return call


def require(name: str, value: object, kind: ArgumentKind, *, is_optional: bool = False) -> None:
    """Raise `WrongTypeError` for an argument that is not of a kind."""
    misfit = kind.misfit(name, value)
    if misfit is not None:
        from domcaps.argument_kinds import remedy

        raise WrongTypeError(
            f"{misfit.name} must be {misfit.wanted}, not {misfit.shown}",
            remedy=remedy(misfit, is_optional=is_optional),
        )


class _Signature:
    """What a function takes: `kinds` by name; parameters without an annotation take everything."""

    def __init__(self, function: Callable[..., Any]) -> None:
        # what reads annotations is not loaded for a command that calls none of these functions
        from domcaps.argument_kinds import kind_of

        code: CodeType = function.__code__
        annotations = _annotations(function, code)
        defaults = function.__defaults__ or ()
        self.name = function.__name__
        self.positional = code.co_varnames[: code.co_argcount]
        self.only_named = code.co_varnames[
            code.co_argcount : code.co_argcount + code.co_kwonlyargcount
        ]
        self.names = {*self.positional, *annotations}
        self.kinds: dict[str, ArgumentKind] = {
            name: kind_of(text) for name, text in annotations.items()
        }
        self.documents = {n for n, text in annotations.items() if text.startswith(_DOCUMENT)}
        self.empty: dict[str, object] = {
            name: None
            for name, kind in self.kinds.items()
            if type(None) in kind.exact and name not in self.documents
        }
        if "libvirt" in self.kinds:
            self.empty["libvirt"] = DEFAULT_DIALECT
        self.optional = {*self.positional[len(self.positional) - len(defaults) :]}
        self.optional |= (function.__kwdefaults__ or {}).keys()
        required = (*self.positional, *self.only_named)
        self.required = tuple(name for name in required if name not in self.optional)

    def check(self, arguments: tuple[object, ...], named: Mapping[str, object]) -> bool:
        """Raise `WrongTypeError` for what the function does not take.

        Tells whether an empty text stands for a default.
        """
        if len(arguments) > len(self.positional):
            self._too_many(len(arguments))
        is_empty = self._check_all(zip(self.positional, arguments, strict=False))
        if named:
            given = self.positional[: len(arguments)]
            for name in named:
                if name in given or name not in self.names:
                    self._wrong_name(name, given)
            is_empty |= self._check_all(named.items())
        for name in self.required[len(arguments) :]:
            if name not in named:
                raise WrongTypeError(f"{self.name}() needs {name}")
        return is_empty

    def without_empty(
        self, arguments: tuple[object, ...], named: Mapping[str, object]
    ) -> tuple[list[object], dict[str, object]]:
        """Give what an option is by default for each empty text that stands for that."""
        given = zip(self.positional, arguments, strict=False)
        return (
            [self._without_empty(name, value) for name, value in given],
            {name: self._without_empty(name, value) for name, value in named.items()},
        )

    def _without_empty(self, name: str, value: object) -> object:
        return value if value or type(value) is not str else self.empty.get(name, value)

    def _check_all(self, given: Iterable[tuple[str, object]]) -> bool:
        is_empty = False
        for name, value in given:
            kind = self.kinds.get(name)
            if kind is None:
                continue
            if not value and type(value) is str and name in self.empty:
                is_empty = True
                continue
            if name in self.documents:
                if value is not None or type(None) not in kind.exact:
                    require_document(name, value)
            elif type(value) not in kind.exact:
                require(name, value, kind, is_optional=name not in self.required)
        return is_empty

    def _too_many(self, number: int) -> None:
        own = len(_OWN & {*self.positional[:1]})
        most = len(self.positional) - own
        raise WrongTypeError(
            f"{self.name}() takes at most {most} arguments without a name, not {number - own}",
            remedy="name them" if len(self.names) > len(self.positional) else "",
        )

    def _wrong_name(self, name: str, given: tuple[str, ...]) -> None:
        if name in self.names:
            raise WrongTypeError(f"{self.name}() has two values for {name}")
        names = sorted(self.names.difference(given, _OWN))
        near = close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"its options are {', '.join(names)}"
        raise WrongTypeError(f"{self.name}() has no option {name!r}", remedy=hint if names else "")


def _annotations(function: Callable[..., Any], code: CodeType) -> dict[str, str]:
    """Give what is written behind each parameter, for ``**options`` behind each of these."""
    found = {name: text for name, text in function.__annotations__.items() if name != "return"}
    if code.co_flags & _VAR_NAMED:
        options = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        found |= _options(found.pop(options))
    return found


def _options(annotation: str) -> dict[str, str]:
    """Give the annotations of a public `TypedDict`, which only type checkers import elsewhere."""
    name = annotation.removeprefix("Unpack[").removesuffix("]")
    kind = getattr(import_module("domcaps"), name)
    return {
        option: getattr(written, "__forward_arg__", written)
        for option, written in kind.__annotations__.items()
    }
