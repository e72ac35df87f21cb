"""Findings that a misspelt value leads to, and that go once it is corrected.

libvirt refuses ``<disk device='cdroom'>``. Rules take it for a hard disk meanwhile, and would have
its ``<readonly>`` removed: who follows that advice spoils the drive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.language.finding import Severity, Stage
from domcaps.language.spelling import nearest
from domcaps.validate.check import validate
from domcaps.validate.document.parse import read

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation
    from domcaps.validate.target import OpenWorld

_OF_VALUES = ("-invalid", "-unknown")
"""How codes end of values that libvirt does not know."""

_TARGET = ("/domain/@type", "/domain/os/type/@", "/domain/devices/emulator")
"""Places of what names the target: the rest is judged as if the nearest one were meant."""

_LONGEST = 200_000
"""So many bytes of a document are checked a second time."""


def without_consequences_of_typos(
    done: Validation, open_world: OpenWorld, ignore: frozenset[str], *, new: bool
) -> Validation:
    """Leave out errors that are gone once misspelt values are corrected.

    What libvirt would do with the domain stays the same: it refuses the misspelt values.
    """
    wrong = [one for one in done.errors if _may_be_misspelt(one)]
    if not wrong or len(done.errors) == len(wrong) or len(done.source) > _LONGEST:
        return done
    root = read(done.source).root
    misspelt = {one.path for one in wrong if _is_corrected(root, one)}
    if not misspelt:
        return done
    right = validate(etree.tostring(root), open_world, ignore, new=new)
    there = {(one.code, one.path) for one in right.errors}
    findings = tuple(
        one
        for one in done.findings
        if one.severity is not Severity.ERROR
        or one.path in misspelt
        or (one.code, one.path) in there
        or not _depends(one)
    )
    return msgspec.structs.replace(done, findings=findings)


def _may_be_misspelt(finding: Finding) -> bool:
    return (
        finding.code.endswith(_OF_VALUES)
        and finding.stage is Stage.DEFINE
        and bool(finding.accepted)
        and not finding.path.startswith(_TARGET)
    )


def _depends(finding: Finding) -> bool:
    """Tell whether a finding may follow from a value elsewhere: those of the target do not."""
    return not finding.path.startswith(_TARGET)


def _is_corrected(root: Node, finding: Finding) -> bool:
    """Correct a value that looks like one that is accepted; tells whether it does."""
    steps, _, attribute = finding.path.partition("/@")
    if not attribute or ":" in steps or "{" in steps:
        return False
    below = steps.removeprefix("/domain").lstrip("/")
    node = root.find(below) if below else root
    old = "" if node is None else node.get(attribute) or ""
    meant = nearest(old, finding.accepted, 1) if old else []
    if node is None or not meant:
        return False
    node.set(attribute, meant[0])
    return True
