"""Arguments of public functions that are easily given in a wrong form."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from domcaps.errors import WrongTypeError
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

H = TypeVar("H")


def several(name: str, value: object) -> None:
    """Refuse one text where several are wanted: it would be taken for a list of its letters.

    Raises `WrongTypeError`, which is a `TypeError` as well.
    """
    if isinstance(value, str | bytes):
        raise WrongTypeError(
            f"{name} must be a list, not the {type(value).__name__} {value!r}",
            remedy=f"write {name}=[{value!r}]",
        )


def hosts(name: str, value: Iterable[H]) -> list[H]:
    """Give hosts as a list; raises `WrongTypeError` for one host, and for names of hosts."""
    if not hasattr(value, "__iter__") or isinstance(value, str | bytes):
        raise WrongTypeError(f"{name} must be a list of hosts", remedy="write [host]")
    listed = list(value)
    for number, one in enumerate(listed):
        host(f"{name}[{number}]", one)
    return listed


def host(name: str, value: object) -> None:
    """Refuse what is not a `Host`, such as the name of one; raises `WrongTypeError`."""
    if not hasattr(value, "world_of"):
        raise WrongTypeError(
            f"{name} must be a Host, not the {type(value).__name__} {value!r}",
            remedy="Host.open('…') opens what --host of the command line names",
        )


def document(xml: object) -> bytes:
    """Give a domain's XML as bytes; raises `WrongTypeError` for a file, and for the name of one."""
    if isinstance(xml, bytes):
        return xml
    if not isinstance(xml, str):
        raise WrongTypeError(
            f"a domain must be a str or bytes, not {type(xml).__name__}", remedy=_READ
        )
    if _names_a_file(xml):
        raise WrongTypeError(f"a domain must be XML, not the name of a file: {xml!r}", remedy=_READ)
    return xml.encode(errors="surrogatepass")


_READ = "read the file: Path(…).read_bytes()"


def _names_a_file(text: str) -> bool:
    return text.endswith(".xml") and not set(text) & set("<>\n\0")


def options(function: str, given: Mapping[str, object], known: type) -> None:
    """Refuse an option that a `TypedDict` does not have, as Python does for other functions.

    Raises `WrongTypeError`, which is a `TypeError` as well.
    """
    names = sorted(getattr(known, "__optional_keys__"))  # noqa: B009 - type checkers do not know it
    for name in given:
        if name not in names:
            near = close_matches(name, names, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"its options are {', '.join(names)}"
            raise WrongTypeError(f"{function}() has no option {name!r}", remedy=remedy)
