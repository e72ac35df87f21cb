"""A check of a document that takes note of errors, without words for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.finding import Severity, Stage
from domcaps.validate.check import DocumentCheck

if TYPE_CHECKING:
    from domcaps.language.fix import Fix
    from domcaps.language.rule import Problem


class SilentCheck(DocumentCheck):
    """A check that makes no findings: `note_error` gets each error."""

    def note_error(self, code: str, found: Problem) -> None:
        """Take note of an error, at definition or at start."""
        raise NotImplementedError

    def _add(
        self,
        code: str,
        found: Problem,
        severity: Severity = Severity.ERROR,
        stage: Stage = Stage.DEFINE,  # noqa: ARG002 - both count
        fix: Fix | None = None,  # noqa: ARG002 - nothing is repaired
        *,
        worded: bool = False,  # noqa: ARG002 - nothing is said
    ) -> None:
        if severity is Severity.ERROR:
            self.note_error(code, found)
