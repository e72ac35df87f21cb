"""Names of all procedures of the protocol, and of the functions of libvirt's API that call them.

Clients and their users know a call as ``virDomainCreate``; the protocol knows it as procedure 9,
``domain_create``. The names come from ``procedure_names.txt``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_CAPITALS = {
    "CPU", "DHCP", "FD", "FS", "ID", "MAC", "NMI", "OS", "PM", "SCSI", "SEV", "SSH", "URI", "UUID",
    "WWN", "XML",
}  # fmt: skip
_PREFIXES = ("fs", "io", "nw", "pm")
"""Letters before a word that the API writes as capitals, and the word after them as another one."""

_EVENT = re.compile("(connect|domain|network|node_device|secret|storage_pool)_event_")


class ProcedureName(NamedTuple):
    """The protocol's name, and whether the first argument is a domain."""

    name: str
    of_domain: bool

    @property
    def function(self) -> str:
        """Give the name of the function in libvirt's API: ``virDomainGetXMLDesc``."""
        return "vir" + "".join(map(_word, self.name.split("_")))


@cache
def procedure_names() -> dict[int, ProcedureName]:
    """Give the names of all procedures by number, events among them."""
    text = (files("domcaps.serve") / "procedure_names.txt").read_text(encoding="ascii")
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {int(row[0]): ProcedureName(row[1], "domain" in row[2:]) for row in rows}


@cache
def sent_by_servers() -> frozenset[int]:
    """Give the numbers of events, which a client can't call."""
    return frozenset(
        number for number, (name, _) in procedure_names().items() if _EVENT.match(name)
    )


def function_name(number: int) -> str:
    """Give the name of the function in libvirt's API that calls a procedure."""
    return procedure_names()[number].function


def _word(word: str) -> str:
    if word.upper() in _CAPITALS:
        return word.upper()
    if word.startswith(_PREFIXES) and len(word) > len("fs"):
        return word[:2].upper() + word[2:].capitalize()
    return word.capitalize()
