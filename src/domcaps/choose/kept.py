"""Warnings about what a repair leaves as it is, and why it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.validate.messages import cause_of

if TYPE_CHECKING:
    from domcaps.language.finding import Finding

_WHY = {
    "os-type-machine-deprecated": (
        "it works with this QEMU, and another board may change names of network interfaces and "
        "what licences are bound to"
    ),
    "vcpu-count-doubtful": "the machine type supports it, and only you know the number",
}
"""By code; libvirt and QEMU accept all that is only warned about."""
_ACCEPTED = "it is accepted"


def said_of_kept(finding: Finding) -> str:
    """Say what a warning is about, and why no edit was made."""
    place = f"line {finding.line}: " if finding.line else ""
    why = _WHY.get(finding.code, _ACCEPTED)
    return f"{place}{cause_of(finding.message)} [{finding.code}], because {why}"
