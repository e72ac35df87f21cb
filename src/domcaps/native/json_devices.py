"""Devices that are written in JSON.

QEMU makes these after all devices that are written with commas. A device on the bus of one of them
is therefore written in JSON as well; otherwise its bus would not exist yet.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.language.command_line import SWITCHES, as_json, doubled, is_json, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    TypeOf = Callable[[str, str], str]
    """Gives QEMU's type of a property of a device, "" where it is not known."""

_TEXTS = frozenset(
    {"id", "bus", "drive", "serial", "device_id", "vendor", "product", "ver", "name"}
)
"""Properties that are texts, whatever they look like."""
_TEXT_TYPES = frozenset({"str", "string"})


def with_followers(words: Sequence[str], type_of: TypeOf) -> Iterator[str]:
    """Give a command line in which devices on buses of JSON devices are JSON."""
    names: set[str] = set()
    before = ""
    for word in words:
        told = word
        if before == "-device":
            if names and not is_json(word):
                settings = settings_of(word)
                if _bus_owner(settings.get("bus", "")) in names:
                    told = _in_json(settings, type_of)
            if is_json(told):
                names.add(str(json.loads(told).get("id", "")))
        before = word
        yield told


def _bus_owner(bus: str) -> str:
    """Give the name of the device that a bus belongs to: ``scsi0`` of ``scsi0.0``."""
    return bus.rpartition(".")[0] or bus


def _in_json(settings: Mapping[str, str], type_of: TypeOf) -> str:
    driver = settings[""]
    told: dict[str, object] = {"driver": driver}
    for name, text in settings.items():
        if name:
            told[name] = _typed(name, text, type_of(driver, name))
    return as_json(told)


def _typed(name: str, text: str, kind: str) -> object:
    """Give a value as JSON has it: as QEMU says, otherwise as it looks."""
    if kind in _TEXT_TYPES or name in _TEXTS:
        return text
    if kind == "bool" and text in SWITCHES:
        return SWITCHES[text]
    try:
        return int(text, 0)
    except ValueError:
        return text


def overridden(told: str, changes: Mapping[str, Mapping[str, str | None]]) -> str:
    """Change properties of a device by its name; None takes one away."""
    if is_json(told):
        return _overridden_json(told, changes)
    settings = settings_of(told)
    changed = changes.get(settings.get("id", ""))
    if changed is None:
        return told
    kept = {name: value for name, value in (settings | dict(changed)).items() if value is not None}
    return ",".join((doubled(kept.pop("")), *(f"{n}={doubled(v)}" for n, v in kept.items())))


def _overridden_json(told: str, changes: Mapping[str, Mapping[str, str | None]]) -> str:
    settings = json.loads(told)
    changed = changes.get(str(settings.get("id", "")))
    if changed is None:
        return told
    for name, text in changed.items():
        settings.pop(name, None)
        if text is not None:
            settings[name] = SWITCHES.get(text, _typed(name, text, ""))
    return as_json(settings)
