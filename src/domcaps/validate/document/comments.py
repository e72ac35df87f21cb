"""Comments that leave findings out, ``<!-- domcaps: ignore CODE -->``, and those meant as one."""

from __future__ import annotations

from domcaps.patterns import late_pattern
from domcaps.similar import close_matches

RIGHT = "domcaps: ignore"
_LISTED = late_pattern(r"domcaps:\s*+ignore\s([A-Za-z0-9,\s*-]++)")
_VERB = late_pattern(r"domcaps:\s*+(?!ignore\s)([A-Za-z-]{3,12}+)[\s:=]\s*+([A-Za-z0-9*]\S*+)")
_NO_CODE = late_pattern(r"domcaps:\s*+ignore[\s:=]*+\Z")
_HEAD = late_pattern(
    r"\s*+([A-Za-z_-]{5,10}+)\s*+([:=;,.]?)\s*+([A-Za-z-]{4,12}+)\s*+[:=]?\s*+([a-z0-9*]++[*-]\S*)"
)
"""How a comment begins that has a code: two words before it."""
_VERBS = ("ignore", "disable", "noqa", "skip", "suppress")
_COMMENT = late_pattern(rb"(?s)<!--.*?-->")
_OURS = b"domcaps:"
_MARKS = (b"ignore", b"ignor", b"disable", b"noqa", b"skip", b"suppress", b"Ignore")


def may_suppress(data: bytes) -> bool:
    """Tell whether comments are to be read: most documents have none that is meant for domcaps."""
    return _OURS in data or (b"<!--" in data and any(mark in data for mark in _MARKS))


def without_ignoring(data: bytes) -> bytes:
    """Give a document whose comments leave nothing out; all else stays where it is."""
    if _OURS not in data:
        return data
    return _COMMENT.sub(lambda found: found[0].replace(_OURS, b"domcaps."), data)


def codes_in(comment: str) -> set[str]:
    """Give the codes, and patterns of codes, that a comment leaves out."""
    codes: set[str] = set()
    for listed in _LISTED.findall(comment):
        codes.update(listed.replace(",", " ").split())
    return codes


def slips_in(comment: str) -> set[str]:
    """Give what a comment says in the place of ``domcaps: ignore CODE``, for people."""
    found = {
        f"{verb!r}: did you mean 'ignore'?"
        for verb, after in _VERB.findall(comment)
        if _is_meant(verb, _VERBS if set(after) & set("-*") else _VERBS[:1])
    }
    if _NO_CODE.search(comment):
        found.add(f"{RIGHT!r} without a code: name the codes after it")
    if not found and (head := _HEAD.match(comment)) is not None:
        found |= _slip_of_head(*head.group(1, 2, 3))
    return found


def _slip_of_head(tool: str, colon: str, verb: str) -> set[str]:
    """Give what is wrong with the two words before a code; nothing for another tool's comment."""
    written = f"{tool}{colon} {verb}"
    if written == RIGHT or not close_matches(tool.lower(), ("domcaps",), cutoff=0.75):
        return set()
    return {f"{written!r}: did you mean {RIGHT!r}?"} if _is_meant(verb, _VERBS) else set()


def _is_meant(verb: str, verbs: tuple[str, ...]) -> bool:
    return bool(close_matches(verb.lower(), verbs, cutoff=0.7))
