"""QEMU arguments for ``<throttlegroups>``: limits that several disks share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.language.command_line import Line, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_LIMITS = ("bytes", "iops")
_WAYS = {"total": "total", "read": "read", "write": "write"}


def _known() -> dict[str, str]:
    """Give QEMU's limits by what a domain calls them."""
    found = {}
    for limit in _LIMITS:
        short = "bps" if limit == "bytes" else limit
        for way in _WAYS:
            found[f"{way}_{limit}_sec"] = f"{short}-{way}"
            found[f"{way}_{limit}_sec_max"] = f"{short}-{way}-max"
            found[f"{way}_{limit}_sec_max_length"] = f"{short}-{way}-max-length"
    return found | {"size_iops_sec": "iops-size"}


LIMITS = _known()
"""What a domain calls a limit, and QEMU's name for it."""


def throttle_words(line: Line, root: Node) -> list[str]:
    """Give an object for each group."""
    reading, words = line.reading, []
    groups = reading.child(root, "throttlegroups")
    for group in [] if groups is None else reading.children(groups, "throttlegroup"):
        name, limits = "", {}
        for child in group:
            if child.tag == "group_name":
                name = reading.text(child)
            elif child.tag in LIMITS and reading.text(child).isdecimal():
                limits[LIMITS[str(child.tag)]] = int(reading.text(child))
            else:
                raise untold(child)
            reading.children(group, str(child.tag))
        told = {"qom-type": "throttle-group", "id": f"throttle-{name}", "limits": limits}
        words += ["-object", json.dumps(told, separators=(",", ":"))]
    return words
