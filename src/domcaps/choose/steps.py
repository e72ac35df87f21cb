"""Steps of a repair, and which of them a user reads of: none that a later one undoes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.change import Change, Settled, added_after, is_gone, line_in, removed_besides
from domcaps.choose.consequences import consequences
from domcaps.choose.ranking import CHECK_THIS
from domcaps.choose.text import text_of
from domcaps.validate.messages import cause_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.edits import Edit
    from domcaps.language.finding import Finding

MOST_USUAL_CPUS = 255
"""A guest with more of them is so rare that the number may be a mistake."""


@dataclass(frozen=True)
class RepairStep:
    """An edit that was made for a finding, and the text after it.

    `moved` are the changes of devices that follow a machine to another board. `also` names the
    other findings at the same place that the edit repairs, `settles` are those elsewhere, `lost`
    tells what the guest loses by it, `on_host` what on the host would make it unnecessary.
    """

    edit: Edit
    finding: Finding
    before: bytes
    after: bytes
    moved: tuple[Change, ...] = ()
    also: str = ""
    lost: tuple[str, ...] = ()
    settles: tuple[Finding, ...] = ()
    on_host: tuple[str, ...] = ()


def _takes_back(later: Edit, edit: Edit) -> bool:
    """Tell whether an edit takes back what the one before it wrote, as a number that goes then."""
    return later.path == edit.path and bool(later.removes) and not edit.removes


def _replaces(later: RepairStep, edit: Edit, what: str) -> bool:
    """Tell whether a later step writes another value in the place of one that an edit wrote.

    `what` describes the later step.
    """
    name = edit.path.rpartition("/@")[2]
    if not edit.value or not edit.old or _value_at(later.before, edit.path) != edit.value:
        return False
    written = _value_at(later.after, edit.path)
    says = f"{name}='{written}' instead of '{edit.value}'"
    return written not in {"", edit.value} and says in what


def _value_at(data: bytes, path: str) -> str:
    found = text_of(data).node(path) if "/@" in path else None
    return "" if found is None else found[0].get(found[1]) or ""


def _doubted(step: RepairStep, what: str) -> str:
    """Ask for a look at a large number of CPUs that something else is fitted to, "" elsewhere."""
    if not step.finding.code.startswith("vcpu-") or CHECK_THIS in what:
        return ""
    vcpu = text_of(step.after).root.findtext("vcpu", "").strip()
    if not vcpu.isdigit() or int(vcpu) <= MOST_USUAL_CPUS:
        return ""
    without = (
        "" if "<vcpu>" in what else f"; with at most {MOST_USUAL_CPUS} this edit is not needed"
    )
    return f" ({CHECK_THIS}: {vcpu} vCPUs{without})"


def _change(original: bytes, step: RepairStep, earlier: Sequence[RepairStep]) -> Change:
    edit, finding = step.edit, step.finding
    what, made = edit.what, edit.apply() if step.moved else step.after
    also, brief, keeps = step.also, edit.brief, edit.keeps
    for one in reversed(earlier):
        if _replaces(step, one.edit, what):
            # the user's file has the first value, and the finding that it was at
            what = what.replace(f"instead of '{one.edit.value}'", f"instead of '{one.edit.old}'")
            keeps = one.edit.keeps if one.edit.loss >= losses.FIX else keeps
            also += f", and because {cause_of(one.finding.message)} ({one.finding.code})"
    doubt = _doubted(step, what)
    what += doubt
    brief += doubt if brief else ""
    besides = () if edit.loss < losses.FIX else removed_besides(step.before, made, what)
    if besides:
        what += f", and {' and '.join(besides)} removed"
    told = edit.loss >= losses.FIX or step.lost
    more = (*step.lost, edit.says) if edit.says else step.lost
    follows = consequences(step.before, made, more) if told else ()
    line = line_in(original, step.before, finding.line)
    after = added_after(original, step.before, made)
    reason = cause_of(finding.message) + also if also else finding.message
    settled = {(one.code, line_in(original, step.before, one.line)): None for one in step.settles}
    return Change(
        what, edit.path, line, reason, finding.code, edit.removes, edit.loss, after,
        follows, step.on_host, tuple(Settled(*one) for one in settled),
        brief, keeps,
    )  # fmt: skip


def changes_of(data: bytes, made: Sequence[RepairStep]) -> list[Change]:
    """Give the edits of a row of steps as changes of the original text."""
    found: list[Change] = []
    for number, step in enumerate(made):
        if not _is_undone(step, made[number + 1 :]):
            found.append(_change(data, step, made[:number]))
        for moved in step.moved:
            line = line_in(data, step.after, moved.line)
            found.append(replace(moved, line=line))
    return found


def _is_undone(step: RepairStep, later: Sequence[RepairStep]) -> bool:
    """Tell whether nothing is left of what an edit wrote.

    The next edit may take it back, or write another value, and a later one remove the element.
    """
    if not later:
        return False
    if _takes_back(later[0].edit, step.edit):
        return True
    if any(_replaces(one, step.edit, one.edit.what) for one in later):
        return True
    return not step.edit.removes and is_gone(step.edit.path, step.after, later[-1].after)
