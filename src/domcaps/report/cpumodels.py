"""CPU models in a comparison: what one can be used for, and what it lacks, as one statement.

A report tells in one row whether a model is usable and in another what it lacks. A comparison of
two hosts lists a model once: ``CPU EPYC-Rome: usable → blocked by ibpb``.
"""

from __future__ import annotations

from domcaps.language.wording import listed
from domcaps.patterns import late_pattern

_LACKS = " blockers "
_IS = " model "
_BLOCKED = "blockers="
_MODEL = late_pattern(r"cpu\.\S+ model (?P<name>\S+)")
_FEW = 5
"""A line names up to that many features; --reasons and 'domcaps explain' list all."""
_USABLE = {"usable=yes": "usable", "usable=no": "not usable", "usable=unknown": "not known"}


def joined(statements: dict[str, str]) -> dict[str, str]:
    """Give the statements of a report with each model's blockers in that of the model."""
    found = dict(statements)
    for path, value in statements.items():
        model = path.replace(_LACKS, _IS)
        if model != path and model in found:
            del found[path]
            found[model] += f" {_BLOCKED}{','.join(value.split())}"
    return found


def difference(path: str, before: str, after: str) -> str | None:
    """Tell in words what became of a CPU model, None where the path is not that of one."""
    model = _MODEL.fullmatch(path)
    if model is None:
        return None
    old, new = before.split(), after.split()
    lost, found = _blockers(old), _blockers(new)
    if lost and found:
        told = _moved(lost, found)
        one, other = _others(old, new), _others(new, old)
        if one or other:
            told = f"{' '.join(one) or '–'} → {' '.join(other) or '–'}; {told}"
    else:
        told = f"{_state(old, new)} → {_state(new, old)}"
    return f"CPU {model['name']}: {told}"


def _blockers(words: list[str]) -> list[str]:
    return next((w.removeprefix(_BLOCKED).split(",") for w in words if w.startswith(_BLOCKED)), [])


def _moved(before: list[str], after: list[str]) -> str:
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    parts = [f"no longer blocked by {listed(gone, _FEW)}"] if gone else []
    parts += [f"now also blocked by {listed(come, _FEW)}"] if come else []
    return "; ".join(parts) or "blocked as before"


def _others(words: list[str], opposite: list[str]) -> list[str]:
    """Give the words that the other side does not have, besides blockers."""
    return [w for w in words if w not in opposite and not w.startswith(_BLOCKED)]


def _state(words: list[str], opposite: list[str]) -> str:
    blockers = _blockers(words)
    told = [_USABLE.get(word, word) for word in _others(words, opposite)]
    if blockers:
        told = [word for word in told if word != "not usable"]
        told.append(f"blocked by {listed(blockers, _FEW)}")
    return " ".join(told) or "–"
