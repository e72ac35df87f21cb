"""QEMU's options, taken apart so that parts of them can be replaced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.elements.domain.qemu_arguments import FLAGS
from domcaps.language.command_line import as_json, doubled, is_json, parts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from domcaps.native.write import NativeOrigin

_FIRST = {
    "device": "driver", "object": "qom-type", "chardev": "backend", "netdev": "type",
    "blockdev": "driver", "tpmdev": "type", "fsdev": "fsdriver", "audiodev": "driver",
    "display": "type", "vnc": "vnc", "machine": "type", "accel": "accel", "drive": "file",
    "overcommit": "mem-lock", "boot": "order", "fw_cfg": "name", "smbios": "file",
    "acpitable": "file",
}  # fmt: skip
"""What the first part of an option's value is called, where it has no name."""


class QemuOption(NamedTuple):
    """An option: its name without the hyphen, its value, and the element it is written for."""

    name: str
    value: str | None = None
    origin: NativeOrigin | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Give the words of the command line."""
        return (f"-{self.name}",) if self.value is None else (f"-{self.name}", self.value)

    def settings(self) -> Settings:
        """Take the value apart."""
        return Settings(self.value or "", _FIRST.get(self.name, ""))

    def told(self, settings: Settings) -> QemuOption:
        """Give the option with other settings."""
        return self._replace(value=str(settings))


class Settings:
    """The parts of an option's value, which is either JSON or written with commas.

    Names may be repeated in the second form; `get` gives the first value.
    """

    def __init__(self, text: str, first: str = "") -> None:
        self._first = first
        self.is_json = is_json(text)
        self.pairs: list[tuple[str, Any]]
        if self.is_json:
            self.pairs = [*json.loads(text).items()]
            return
        self.pairs = []
        for place, part in enumerate(parts_of(text)):
            name, sign, value = part.partition("=")
            if sign:
                self.pairs.append((name, value))
            else:
                # a name alone is a switch, but for the first part
                self.pairs.append((name, "on") if place or not first else (first, name))

    def __str__(self) -> str:
        """Write the value."""
        if self.is_json:
            return as_json(dict(self.pairs))
        return ",".join(self._parts())

    def _parts(self) -> Iterator[str]:
        for place, (name, value) in enumerate(self.pairs):
            text = ("off", "on")[value] if isinstance(value, bool) else str(value)
            is_bare = not place and name == self._first and "=" not in text
            yield doubled(text) if is_bare else f"{name}={doubled(text)}"

    def __contains__(self, name: str) -> bool:
        """Tell whether a name is there."""
        return any(name == one for one, _ in self.pairs)

    def get(self, name: str) -> Any:
        """Give a value, None where there is none."""
        return next((value for one, value in self.pairs if one == name), None)

    def text(self, name: str) -> str:
        """Give a value as text, "" where there is none."""
        value = self.get(name)
        return "" if value is None else str(value)

    def is_on(self, name: str) -> bool:
        """Tell whether a switch is on."""
        return self.get(name) in {True, "on", "true", "yes"}

    def names(self) -> set[str]:
        """Name all parts."""
        return {name for name, _ in self.pairs}

    def keep(self, names: Collection[str]) -> None:
        """Remove all but these."""
        self.pairs = [pair for pair in self.pairs if pair[0] in names]

    def drop(self, *names: str) -> None:
        """Remove these."""
        self.pairs = [pair for pair in self.pairs if pair[0] not in names]

    def set(self, name: str, value: object) -> None:
        """Put a value in the place of that which is there, or at the end."""
        if name in self:
            self.pairs = [(one, value if one == name else old) for one, old in self.pairs]
        else:
            self.pairs.append((name, value))


def read_options(
    words: Sequence[str], origins: Sequence[NativeOrigin | None]
) -> tuple[list[QemuOption], list[QemuOption]]:
    """Divide a command line, without the emulator, into options.

    What stands where an option should, which is a disk image for QEMU, comes in the second list.
    """
    found, stray = [], []
    place = 0
    while place < len(words):
        word, origin = words[place], origins[place]
        place += 1
        if not word.startswith("-") or word == "-":
            stray.append(QemuOption("hda", word, origin))
            continue
        name = word.removeprefix("-").removeprefix("-")
        if name in FLAGS or place == len(words):
            found.append(QemuOption(name, None, origin))
            continue
        found.append(QemuOption(name, words[place], origin))
        place += 1
    return found, stray
