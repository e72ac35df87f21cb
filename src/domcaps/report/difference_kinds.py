"""What a row of a comparison is about, told from its path and values."""

from __future__ import annotations

from typing import Literal, get_args

DifferenceKind = Literal[
    "machine type", "machine alias", "CPU model", "host CPU", "value", "element", "figure", "target"
]
"""What a difference is about; ``docs/api-reference.md`` has an example of each."""

KINDS: tuple[str, ...] = get_args(DifferenceKind)

TARGET = ("emulator", "arch", "machine", "virttype")
"""Parts of a target, by which the rows of a domain are called that are about its target."""

_BY_PREFIX: tuple[tuple[str, DifferenceKind], ...] = (
    ("cpu.custom model ", "CPU model"),
    ("cpu.host-model ", "host CPU"),
)
_MACHINE = "machine "
_NO_ALIAS = frozenset({"yes", "deprecated", ""})


def kind_and_name(path: str, before: str, after: str) -> tuple[DifferenceKind, str]:
    """Give the kind of a row, and the name of what it is about."""
    if path in TARGET:
        return "target", path
    if path.startswith(_MACHINE):
        is_type = {before, after} <= _NO_ALIAS
        return "machine type" if is_type else "machine alias", path.removeprefix(_MACHINE)
    for prefix, kind in _BY_PREFIX:
        if path.startswith(prefix):
            return kind, path.removeprefix(prefix)
    for sign in (": ", "="):
        if sign in path:
            return "value", path.partition(sign)[2]
    return ("figure", path) if " " in path else ("element", path)


def choice_of(path: str) -> str:
    """Give what a row is about as `Host.explain` names it, "" for a machine type or a target.

    >>> choice_of("cpu.custom model EPYC")
    'cpu.custom=EPYC'
    >>> choice_of("os.loader: /usr/share/a.fd"), choice_of("vcpu max")
    ('os.loader', 'vcpu')
    """
    if path in TARGET or path.startswith(_MACHINE):
        return ""
    for prefix in ("cpu.custom model ", "cpu.host-model feature "):
        if path.startswith(prefix):
            return f"{prefix.partition(' ')[0]}={path.removeprefix(prefix)}"
    return path.partition(": ")[0].partition(" ")[0]


def fields_of(value: str) -> dict[str, str]:
    """Give the words ``NAME=VALUE`` of a value by name."""
    pairs = (word.partition("=") for word in value.split())
    return {name: text for name, sign, text in pairs if name and sign}
