"""Arguments of public functions that are easily given in a wrong form."""

from __future__ import annotations

from domcaps.errors import WrongTypeError


def several(name: str, value: object) -> None:
    """Refuse one text where several are wanted: it would be taken for a list of its letters.

    Raises `WrongTypeError`, which is a `TypeError` as well.
    """
    if isinstance(value, str | bytes):
        raise WrongTypeError(
            f"{name} must be a list, not the {type(value).__name__} {value!r}",
            remedy=f"write {name}=[{value!r}]",
        )


def hosts(name: str, value: object) -> None:
    """Refuse one host, or names of hosts, where hosts are wanted; raises `WrongTypeError`."""
    several(name, value)
    if not hasattr(value, "__iter__"):
        raise WrongTypeError(f"{name} must be a list of hosts", remedy="write [host]")
