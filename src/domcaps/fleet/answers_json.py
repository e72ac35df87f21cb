"""Verdicts as JSON: the same for the command line and for the HTTP service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domcaps.fleet.fleet import PairVerdict
    from domcaps.language.finding import Finding

_NAMES = ("code", "message", "path", "line", "column")


def verdict_json(found: PairVerdict) -> dict[str, Any]:
    """Give the verdict of a host on a domain with all findings."""
    return {
        "host": found.host,
        "domain": found.domain,
        "errors": [_finding(one) for one in found.errors],
        "warnings": [_finding(one) for one in found.warnings],
    }


def _finding(found: Finding) -> dict[str, Any]:
    named = {name: getattr(found, name) for name in _NAMES}
    more = {"stage": found.stage.value, "accepted": list(found.accepted), "as_if": found.as_if}
    return named | more
