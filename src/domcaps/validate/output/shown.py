"""What the machine-readable forms have in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.language.finding import Severity
from domcaps.language.wording import MOST_NAMED, listed

if TYPE_CHECKING:
    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation

RANK = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.ERROR: 2}
"""The order of severities."""


def shown(validation: Validation, *, notices: bool) -> tuple[Finding, ...]:
    """Give the findings that are printed."""
    return (*validation.findings, *(validation.notices if notices else ()))


def unnamed(finding: Finding) -> bool:
    """Tell whether accepted values are left to list: the message names neither all nor many."""
    named = sum(repr(value) in finding.message for value in finding.accepted)
    return named < min(len(finding.accepted), MOST_NAMED)


def checked_with(as_if: str) -> str:
    """Say that a finding is of another target than the document names, which there is not."""
    return f"(checked with {as_if} instead)"


def sentence(finding: Finding) -> str:
    """Give the message with what was assumed, what would be accepted, and the hosts."""
    accepted = f" Accepted: {listed(finding.accepted)}." if unnamed(finding) else ""
    supposed = f" {checked_with(finding.as_if)}" if finding.as_if else ""
    hosts = f" On {', '.join(finding.hosts)}." if finding.hosts else ""
    end = "" if finding.message.endswith("?") and not supposed else "."
    return f"{finding.message}{supposed}{end}{accepted}{hosts}"


def repository_path(file: str) -> str:
    """Give a path as a CI server knows it: relative to the checkout, with slashes.

    The checkout is ``CI_PROJECT_DIR`` (GitLab) or ``GITHUB_WORKSPACE``, else the current folder.
    """
    root = os.environ.get("CI_PROJECT_DIR") or os.environ.get("GITHUB_WORKSPACE") or Path.cwd()
    # not resolved: a checkout may be reached by a link
    absolute = Path(os.path.normpath(Path(file).absolute()))
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    return Path(os.path.normpath(file)).as_posix()
